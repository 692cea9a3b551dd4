import { expect, test } from "vitest";
import { localeOf } from "./preferences";

test.each([
  ["system", ["zh-CN", "en"], "zh"],
  ["system", ["fr", "zh-Hant-TW"], "zh"],
  ["system", ["fr", "en-GB", "zh"], "en"],
  ["system", ["fr"], "en"],
  ["zh", ["en"], "zh"],
] as const)("%s with %j: %s", (language, wanted, expected) => {
  expect(localeOf(language, wanted)).toBe(expected);
});
