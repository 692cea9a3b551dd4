// Translates messages/*.json into what the client formats without a parser: messages/compiled/*.json. The parser would be 9 KB of
// the first page. Runs before everything that reads them.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import compile from "icu-minify/compile";

const folder = new URL("../messages/", import.meta.url);

const compiled = (words) =>
  typeof words === "string"
    ? compile(words)
    : Object.fromEntries(Object.entries(words).map(([key, value]) => [key, compiled(value)]));

await mkdir(new URL("compiled/", folder), { recursive: true });
for (const locale of ["en", "zh"]) {
  const words = JSON.parse(await readFile(new URL(`${locale}.json`, folder), "utf8"));
  await writeFile(new URL(`compiled/${locale}.json`, folder), `${JSON.stringify(compiled(words))}\n`);
}
