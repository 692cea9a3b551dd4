import { expect, test } from "vitest";
import { graphemes, isEmojiOnly } from "./emoji";

test.each(["😀", "👍🏽", "👨‍👩‍👧‍👦", "🇨🇳 🇬🇧", "❤️", "1️⃣", "🎉🎉🎉🎉🎉🎉"])("%s is emoji only", (content) => {
  expect(isEmojiOnly(content)).toBe(true);
});

test.each(["", "  ", "ok 😀", "1", "#", "🎉🎉🎉🎉🎉🎉🎉", "好"])("%j is not", (content) => {
  expect(isEmojiOnly(content)).toBe(false);
});

test("a family is one character", () => {
  expect(graphemes("a👨‍👩‍👧‍👦好")).toEqual(["a", "👨‍👩‍👧‍👦", "好"]);
});
