import { readFileSync } from "node:fs";
import { createTranslator } from "use-intl/core";
import { describe, expect, test } from "vitest";
import adminEn from "./admin/en.json";
import adminZh from "./admin/zh.json";
import en from "./en.json";
import zh from "./zh.json";

type Words = { [key: string]: string | Words };

function flat(words: Words, path = ""): [string, string][] {
  return Object.entries(words).flatMap(([key, value]) =>
    typeof value === "string" ? [[`${path}${key}`, value] as [string, string]] : flat(value, `${path}${key}.`),
  );
}

const places = (text: string) =>
  [...text.matchAll(/(?<!(?:=\d+|one|other) )\{(\w+)[,}]/g)].map((match) => match[1]).sort();

test("every code of the server has a text", () => {
  const table = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
  const codes = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(20);
  expect(codes.filter((code) => !((code ?? "") in en.refusal))).toEqual([]);
});

describe.each<{ of: string; en: Words; zh: Words }>([
  { of: "client", en, zh },
  { of: "operator's page", en: adminEn, zh: adminZh },
])("the texts of the $of", ({ en, zh }) => {
  test("both languages say the same things, in the same order", () => {
    expect(flat(zh).map(([key]) => key)).toEqual(flat(en).map(([key]) => key));
  });

  test("what is filled in is the same", () => {
    const chinese = new Map(flat(zh));
    for (const [key, text] of flat(en))
      expect([key, new Set(places(chinese.get(key) ?? ""))]).toEqual([key, new Set(places(text))]);
  });

  test("every text can be read, and none is empty", () => {
    for (const [locale, messages] of [
      ["en", en],
      ["zh", zh],
    ] as const) {
      const translate = createTranslator<Words>({
        locale,
        messages,
        onError: (error) => {
          throw error;
        },
      });
      for (const [key, text] of flat(messages)) {
        const values = Object.fromEntries(places(text).map((name) => [name, 2]));
        expect((translate as (key: string, values: object) => string)(key, values).trim()).not.toBe("");
      }
    }
  });
});
