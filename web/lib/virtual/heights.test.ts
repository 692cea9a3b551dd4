import { describe, expect, test } from "vitest";
import { difference, estimateHeight, Heights, rangeInSight } from "./heights";

/** A small generator with a seed, so that a failure can be repeated. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
}

describe("Heights", () => {
  test("tops are sums of heights whatever was done before", () => {
    const next = random(42);
    const heights = new Heights();
    let model: number[] = [];
    for (let step = 0; step < 2000; step++) {
      const index = next(model.length + 1);
      switch (next(4)) {
        case 0: {
          const added = Array.from({ length: next(5) }, () => 10 + next(90));
          const removed = Math.min(next(4), model.length - index);
          heights.splice(index, removed, added);
          model = [...model.slice(0, index), ...added, ...model.slice(index + removed)];
          break;
        }
        case 1: {
          const added = [10 + next(90)];
          heights.splice(model.length, 0, added);
          model.push(...added);
          break;
        }
        case 2:
          if (index < model.length) {
            const height = 10 + next(90);
            expect(heights.set(index, height)).toBe(model[index] !== height);
            model[index] = height;
          }
          break;
        default: {
          expect(heights.count).toBe(model.length);
          const sum = model.slice(0, index).reduce((a, b) => a + b, 0);
          expect(heights.top(index)).toBe(sum);
          if (index < model.length) {
            expect(heights.at(sum)).toBe(index);
            expect(heights.at(sum + (model[index] ?? 0) - 1)).toBe(index);
          }
        }
      }
    }
    expect(heights.total).toBe(model.reduce((a, b) => a + b, 0));
  });

  test("a measure within half a pixel changes nothing", () => {
    const heights = new Heights();
    heights.splice(0, 0, [20, 20]);
    expect(heights.set(0, 20.4)).toBe(false);
    expect(heights.set(0, 21)).toBe(true);
    expect(heights.set(2, 21)).toBe(false);
    expect(heights.top(1)).toBe(21);
  });
});

describe("rangeInSight", () => {
  const heights = new Heights();
  heights.splice(
    0,
    0,
    Array.from({ length: 100 }, () => 10),
  );

  test("covers the viewport and the margin", () => {
    expect(rangeInSight(heights, 500, 100, 0)).toEqual({ start: 50, end: 61 });
    expect(rangeInSight(heights, 500, 100, 50)).toEqual({ start: 45, end: 66 });
  });

  test("stays inside the list", () => {
    expect(rangeInSight(heights, -40, 100, 50)).toEqual({ start: 0, end: 12 });
    expect(rangeInSight(heights, 5000, 100, 50)).toEqual({ start: 99, end: 100 });
    expect(rangeInSight(new Heights(), 0, 100, 50)).toEqual({ start: 0, end: 0 });
  });
});

describe("difference", () => {
  const [a, b, c, d] = [{}, {}, {}, {}];
  test.each([
    [[], [a], { index: 0, removed: 0, added: 1 }],
    [[a, b], [a, b, c], { index: 2, removed: 0, added: 1 }],
    [[c, d], [a, b, c, d], { index: 0, removed: 0, added: 2 }],
    [[a, b, d], [a, c, d], { index: 1, removed: 1, added: 1 }],
    [[a, b], [a, b], { index: 2, removed: 0, added: 0 }],
    [[a, b, c], [b], { index: 0, removed: 3, added: 1 }],
    [[a, a, a], [a, a], { index: 2, removed: 1, added: 0 }],
  ])("case %#", (before, after, expected) => {
    expect(difference(before, after)).toEqual(expected);
  });

  test("applied to the first list it gives the second", () => {
    const next = random(7);
    const pool = Array.from({ length: 12 }, (_, id) => ({ id }));
    const list = () => pool.filter(() => next(3) > 0);
    for (let step = 0; step < 500; step++) {
      const before = list();
      const after = list();
      const { index, removed, added } = difference(before, after);
      const applied = [
        ...before.slice(0, index),
        ...after.slice(index, index + added),
        ...before.slice(index + removed),
      ];
      expect(applied).toEqual(after);
    }
  });
});

test("estimates grow with the text, and wide characters count twice", () => {
  expect(estimateHeight("hi", 60, 20, 12)).toBe(32);
  expect(estimateHeight("a\nb\n\nc", 60, 20, 12)).toBe(92);
  expect(estimateHeight("好".repeat(60), 60, 20, 12)).toBe(52);
});
