// Looks which calls the server's API has, in the types that the SDK was made with, and writes it down for lib/features.ts. The client
// travels inside the server, so it is right about it.
import { mkdir, readFile, writeFile } from "node:fs/promises";

/** Features by the path that they need. */
const PATHS = {
  changes: "/api/conversations/{id}/changes",
  contacts: "/api/contacts",
};

const folder = new URL("../messages/compiled/", import.meta.url);
const api = await readFile(new URL("../sdk/src/generated/openapi.ts", import.meta.url), "utf8");
const found = Object.entries(PATHS).map(([name, path]) => [name, api.includes(`"${path}": {`)]);
await mkdir(folder, { recursive: true });
await writeFile(new URL("features.json", folder), `${JSON.stringify(Object.fromEntries(found))}\n`);
