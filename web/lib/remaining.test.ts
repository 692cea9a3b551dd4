import { describe, expect, it } from "vitest";
import { remainingOf } from "./remaining";

describe("what remains", () => {
  it.each([
    [-5, 1, "second"],
    [1, 1, "second"],
    [1_001, 2, "second"],
    [59_999, 60, "second"],
    [60_000, 1, "minute"],
    [3_600_000, 1, "hour"],
    [90_000_000, 2, "day"],
  ])("%i ms is %i %s", (ms, count, unit) => {
    expect(remainingOf(ms)).toEqual({ count, unit });
  });
});
