// Says how large the SDK is as browsers load it, and fails above the bound.
import path from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const BYTES_MAX = 24 * 1024;

const { outputFiles } = await build({
  entryPoints: [path.join(import.meta.dirname, "../src/index.ts")],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  write: false,
});
const code = outputFiles[0].contents;
const bytes = gzipSync(code, { level: 9 }).length;
console.log(`${code.length} bytes, ${bytes} compressed, at most ${BYTES_MAX}`);
process.exitCode = bytes > BYTES_MAX ? 1 : 0;
