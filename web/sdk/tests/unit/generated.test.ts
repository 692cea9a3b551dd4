import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
// @ts-expect-error a script without types
import { generate } from "../../scripts/generate.mjs";

describe("generated types", () => {
  it("are what the schemas say; mended by `npm run generate`", async () => {
    for (const [name, text] of Object.entries(await generate())) {
      expect(await readFile(path.join(import.meta.dirname, "../../src/generated", name), "utf8"), name).toBe(
        text,
      );
    }
  });
});
