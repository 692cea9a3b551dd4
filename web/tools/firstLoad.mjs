// What a page makes a browser load before it can be used: the scripts that its HTML names.

/** Paths of scripts, each once. `nomodule` ones are for browsers that do not run this client at all. */
export function scriptsOf(html) {
  const paths = new Set();
  for (const [tag] of html.matchAll(/<script\b[^>]*>/gi)) {
    const source = tag.match(/\bsrc\s*=\s*"([^"]+)"/i);
    if (source && !/\bnomodule\b/i.test(tag)) paths.add(withoutQuery(source[1]));
  }
  for (const [tag] of html.matchAll(/<link\b[^>]*>/gi)) {
    const isScript =
      /\brel\s*=\s*"modulepreload"/i.test(tag) ||
      (/\brel\s*=\s*"preload"/i.test(tag) && /\bas\s*=\s*"script"/i.test(tag));
    const target = tag.match(/\bhref\s*=\s*"([^"]+)"/i);
    if (isScript && target) paths.add(withoutQuery(target[1]));
  }
  return [...paths];
}

function withoutQuery(path) {
  return path.replace(/[?#].*$/, "");
}
