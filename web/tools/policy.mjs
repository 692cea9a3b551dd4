// The content security policy of one page: its own inline scripts by hash, and nothing else inline.
import { createHash } from "node:crypto";

const DIRECTIVES = [
  "connect-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "font-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
];

/** Types of script elements that hold data and never run. */
const DATA_TYPE = /\btype\s*=\s*["']?(application\/(ld\+)?json|text\/plain|speculationrules)/i;

/** The policy, to be sent as Content-Security-Policy. Throws on what no policy of ours would let through. */
export function policyOf(html, page = "a page") {
  const scripts = elements(html, "script").filter(
    ({ attributes }) => !/\bsrc\s*=/i.test(attributes) && !DATA_TYPE.test(attributes),
  );
  const styles = elements(html, "style");
  const markup = withoutContents(html);
  const styled = markup.match(/<[a-z][^>]*\sstyle\s*=[^>]*>/i);
  if (styled)
    throw new Error(
      `${page} has a style attribute, which its policy would refuse; use a class: ${styled[0].slice(0, 200)}`,
    );
  const handler = markup.match(/<[a-z][^>]*\son[a-z]+\s*=[^>]*>/i);
  if (handler)
    throw new Error(
      `${page} has an event handler in its markup, which its policy would refuse: ${handler[0].slice(0, 200)}`,
    );
  return [
    "default-src 'none'",
    ["script-src 'self'", ...hashes(scripts)].join(" "),
    ["style-src 'self'", ...hashes(styles)].join(" "),
    ...DIRECTIVES,
  ].join("; ");
}

/** Script and style elements of serialised React: `>` never stands inside an attribute there. */
function elements(html, name) {
  const pattern = new RegExp(`<${name}\\b([^>]*)>([\\s\\S]*?)</${name}\\s*>`, "gi");
  return [...html.matchAll(pattern)].map(([, attributes, content]) => ({ attributes, content }));
}

function withoutContents(html) {
  return html.replace(/(<(script|style)\b[^>]*>)[\s\S]*?(<\/\2\s*>)/gi, "$1$3");
}

/** Without repeats, in the order of the page. */
function hashes(found) {
  return [...new Set(found.map(({ content }) => `'sha256-${createHash("sha256").update(content).digest("base64")}'`))];
}
