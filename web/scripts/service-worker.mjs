// Writes out/sw.js: scripts/sw.js with the list of what the client consists of. Runs after `next build`.
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";

const out = new URL("../out/", import.meta.url);

/** Pages of the client; the administration needs the server anyway. */
const pages = ["/", "/chat/", "/login/", "/settings/", "/signup/"];

const files = (await readdir(out, { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile())
  .map((entry) => `${entry.parentPath}/${entry.name}`.slice(out.pathname.length).replace(/^\/+/, "/"))
  .map((path) => (path.startsWith("/") ? path : `/${path}`));

/** What the pages of the client ask for; found in them, so that nothing of the administration is kept. */
const wanted = new Set();
for (const page of pages) collect(await readFile(new URL(`.${page}index.html`, out), "utf8"));
for (const path of wanted)
  if (path.endsWith(".js") || path.endsWith(".css")) collect(await readFile(new URL(`.${path}`, out), "utf8"));

function collect(text) {
  for (const path of files) {
    if (!path.startsWith("/_next/static/") || wanted.has(path)) continue;
    // Chunks name each other without the leading part.
    if (text.includes(path.slice("/_next/".length))) wanted.add(path);
  }
}

const shell = [
  ...pages,
  ...wanted,
  "/boot.js",
  "/app.webmanifest",
  ...files.filter((path) => path.startsWith("/icons/") && !path.includes("maskable")),
].sort();

const hash = createHash("sha256");
for (const path of shell)
  hash.update(path).update(await readFile(new URL(`.${path}${path.endsWith("/") ? "index.html" : ""}`, out)));
const version = hash.digest("hex").slice(0, 16);

const worker = await readFile(new URL("sw.js", import.meta.url), "utf8");
await writeFile(
  new URL("sw.js", out),
  worker.replace("__VERSION__", version).replace("__SHELL__", JSON.stringify(shell)),
);
