import { expect, test } from "vitest";
import { excerpt } from "./excerpt";

const joined = (content: string, ranges: [number, number][]) =>
  excerpt(content, ranges)
    .map(({ text, found }) => (found ? `[${text}]` : text))
    .join("");

test("the words that were found stand out", () => {
  expect(
    joined("The Café opens at nine", [
      [4, 8],
      [18, 22],
    ]),
  ).toBe("The [Café] opens at [nine]");
  expect(joined("我们在家见", [[2, 4]])).toBe("我们[在家]见");
  expect(joined("nothing", [])).toBe("nothing");
});

test("of a long text what is around the first of them is shown", () => {
  const long = `${"word ".repeat(40)}here${" word".repeat(40)}`;
  const shown = joined(long, [[200, 204]]);
  expect(shown).toMatch(/^…word word .*\[here\] word .*…$/);
  expect(shown.length).toBeLessThan(175);
});

test("one line, and no half characters", () => {
  expect(joined("one\n\n two", [[6, 9]])).toBe("one [two]");
  const faces = "😀".repeat(100);
  for (const { text } of excerpt(faces, [[100, 102]])) expect(text).not.toMatch(/^[\udc00-\udfff]|[\ud800-\udbff]$/);
});

test("places that cannot be are passed over", () => {
  expect(
    joined("short", [
      [3, 2],
      [9, 12],
      [0, 99],
    ]),
  ).toBe("[short]");
});
