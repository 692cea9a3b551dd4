// After `next build`: compresses the files of the export, writes what the server has to know about each into
// out/manifest.json (build.rs embeds exactly that), and fails when a page has become too heavy.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { scriptsOf } from "./firstLoad.mjs";
import { policyOf } from "./policy.mjs";
import { isCompressible, isImmutable, isServed, pathOf, typeOf } from "./served.mjs";

/** Most compressed JavaScript that a page may load at first, and the pages that are held to it. */
const FIRST_LOAD_BYTES_MAX = 180 * 1024;
const WEIGHED_PAGES = ["/", "/chat/"];

/** Packs a folder; returns the manifest. */
export function pack(out) {
  // First, so that a build that fails below leaves no manifest of another one.
  rmSync(join(out, "manifest.json"), { force: true });
  for (const file of filesOf(out).filter((file) => /\.(br|gz)$/.test(file))) rmSync(join(out, file));
  const manifest = filesOf(out)
    .filter(isServed)
    .map((file) => packFile(out, file));
  manifest.sort((a, b) => (a.path < b.path ? -1 : 1));
  return manifest;
}

function packFile(out, file) {
  const bytes = readFileSync(join(out, file));
  const type = typeOf(file);
  const entry = {
    path: pathOf(file),
    file,
    type,
    etag: createHash("sha256").update(bytes).digest("hex").slice(0, 20),
    immutable: isImmutable(file),
    encodings: [],
  };
  if (type.startsWith("text/html")) entry.csp = policyOf(bytes.toString("utf8"), entry.path);
  if (isCompressible(file)) {
    const brotli = brotliCompressSync(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    });
    for (const [encoding, packed] of [
      ["br", brotli],
      ["gz", gzipSync(bytes, { level: 9 })],
    ]) {
      // What saves less than a tenth is not worth a second copy in the server.
      if (packed.length > bytes.length * 0.9) continue;
      writeFileSync(join(out, `${file}.${encoding}`), packed);
      entry.encodings.push(encoding);
    }
  }
  return entry;
}

/** Compressed bytes of the scripts that a page loads at first: { path, brotliBytes, gzipBytes, scripts }. */
export function weigh(out, manifest, page) {
  const byPath = new Map(manifest.map((entry) => [entry.path, entry]));
  const html = byPath.get(page);
  if (!html) throw new Error(`the export has no ${page}`);
  const scripts = scriptsOf(readFileSync(join(out, html.file), "utf8"));
  const size = (script, encoding) => {
    const entry = byPath.get(script);
    if (!entry) throw new Error(`${page} loads ${script}, which the export does not have`);
    return statSync(join(out, entry.encodings.includes(encoding) ? `${entry.file}.${encoding}` : entry.file)).size;
  };
  const sum = (encoding) => scripts.reduce((bytes, script) => bytes + size(script, encoding), 0);
  return { path: page, brotliBytes: sum("br"), gzipBytes: sum("gz"), scripts };
}

function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      relative(folder, join(entry.parentPath ?? entry.path, entry.name))
        .split(sep)
        .join("/"),
    );
}

function main() {
  const out = fileURLToPath(new URL("../out", import.meta.url));
  const manifest = pack(out);
  const weights = WEIGHED_PAGES.map((page) => weigh(out, manifest, page));
  for (const { path, brotliBytes, gzipBytes, scripts } of weights) {
    const kilobytes = (bytes) => (bytes / 1024).toFixed(1);
    console.log(
      `first load of ${path}: ${kilobytes(brotliBytes)} KB brotli, ${kilobytes(gzipBytes)} KB gzip, ${scripts.length} scripts`,
    );
  }
  const heavy = weights.filter(({ brotliBytes }) => brotliBytes > FIRST_LOAD_BYTES_MAX);
  if (heavy.length > 0) {
    console.error(
      `more than ${FIRST_LOAD_BYTES_MAX} bytes of compressed JavaScript at first: ${heavy.map(({ path }) => path).join(", ")}; load what can wait with import()`,
    );
    process.exit(1);
  }
  // Last, because it is what says that the export is whole.
  writeFileSync(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 1)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
