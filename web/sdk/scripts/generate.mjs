// Writes the types of frames and of the HTTP API from their schemas in docs/. `node scripts/generate.mjs [folder]`.
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { compile } from "json-schema-to-typescript";
import openapi, { astToString } from "openapi-typescript";

const docs = path.join(import.meta.dirname, "../../../docs");

export async function generate() {
  const schema = JSON.parse(await readFile(path.join(docs, "oort.v1.schema.json"), "utf8"));
  const frames = await compile(schema, "Frame", {
    additionalProperties: false,
    bannerComment: "// Written by `npm run generate` from docs/oort.v1.schema.json.",
    ignoreMinAndMaxItems: true,
    style: { printWidth: 110 },
  });
  const api = astToString(await openapi(JSON.parse(await readFile(path.join(docs, "openapi.json"), "utf8"))));
  return {
    "oort_v1.ts": frames,
    "openapi.ts": `// Written by \`npm run generate\` from docs/openapi.json.\n${api}`,
  };
}

if (process.argv[1] === import.meta.filename) {
  const folder = process.argv[2] ?? path.join(import.meta.dirname, "../src/generated");
  for (const [name, text] of Object.entries(await generate())) await writeFile(path.join(folder, name), text);
}
