// Translates messages/*.json and messages/admin/*.json into what the pages format without a parser: messages/compiled. The parser
// would be 9 KB of the first page. Runs before everything that reads them.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import compile from "icu-minify/compile";

const folder = new URL("../messages/", import.meta.url);

const compiled = (words) =>
  typeof words === "string"
    ? compile(words)
    : Object.fromEntries(Object.entries(words).map(([key, value]) => [key, compiled(value)]));

const read = async (file) => JSON.parse(await readFile(new URL(file, folder), "utf8"));
const write = (file, words) => writeFile(new URL(`compiled/${file}`, folder), `${JSON.stringify(compiled(words))}\n`);

await mkdir(new URL("compiled/admin/", folder), { recursive: true });
for (const locale of ["en", "zh"]) {
  const client = await read(`${locale}.json`);
  await write(`${locale}.json`, client);
  // Apart from the client's, which is loaded by everybody; refusals are the same everywhere.
  const { refusal } = client;
  await write(`admin/${locale}.json`, { ...(await read(`admin/${locale}.json`)), refusal });
}
