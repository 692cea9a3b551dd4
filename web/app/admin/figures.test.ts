import { expect, test } from "vitest";
import { bytes, count, percent, span } from "./figures";

test("lengths of time", () => {
  for (const [ms, text] of [
    [0, "0 ms"],
    [0.42, "0.42 ms"],
    [12, "12 ms"],
    [3210, "3.21 s"],
    [61_000, "1 min"],
    [7_300_000, "2 h"],
    [90_000_000, "1 d"],
    [-5, "0 ms"],
    [undefined, "–"],
    [Number.NaN, "–"],
  ] as const) {
    expect(span(ms)).toBe(text);
  }
});

test("sizes, counts and shares", () => {
  expect(bytes(512)).toBe("512 B");
  expect(bytes(3 * 1024 * 1024)).toBe("3 MiB");
  expect(bytes(undefined)).toBe("–");
  expect(count(12_345.6)).toBe("12,346");
  expect(count(1.234)).toBe("1.23");
  expect(count(Number.NaN)).toBe("–");
  expect(percent(41.6)).toBe("42 %");
});
