// How a file of the export is served: under which path, as which type, for how long.
import { extname } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".txt": "text/plain; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".webp": "image/webp",
  ".avif": "image/avif",
  ".woff2": "font/woff2",
  ".mp3": "audio/mpeg",
  ".ogg": "audio/ogg",
};

/** Types that are compressed already. */
const PACKED = new Set([".png", ".webp", ".avif", ".woff2", ".mp3", ".ogg"]);

/** Copies of the page for unknown paths; only `404.html` is served. */
const UNSERVED = [/^404\//, /^_not-found(\/|\.)/];

/** Whether the file is one of the client's; `file` is its path in the export, with `/`. */
export function isServed(file) {
  return !UNSERVED.some((pattern) => pattern.test(file)) && file !== "manifest.json" && !/\.(br|gz|map)$/.test(file);
}

/** `chat/index.html` is `/chat/`; everything else is itself. */
export function pathOf(file) {
  return `/${file.replace(/(^|\/)index\.html$/, "$1")}`;
}

/** Throws on an ending that nobody has thought about yet. */
export function typeOf(file) {
  const type = TYPES[extname(file)];
  if (!type) throw new Error(`${file}: say in web/tools/served.mjs as which type this ending is served`);
  return type;
}

/** Whether the name says what is inside, so that it may be kept for ever. */
export function isImmutable(file) {
  return file.startsWith("_next/static/");
}

export function isCompressible(file) {
  return !PACKED.has(extname(file));
}
