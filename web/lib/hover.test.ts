import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Hover } from "./hover";

let isHeld = false;
let hover: Hover;

beforeEach(() => {
  vi.useFakeTimers();
  isHeld = false;
  hover = new Hover((now) => {
    isHeld = now;
  });
});

afterEach(() => {
  vi.useRealTimers();
});

test("it is held as long as it is heard of, whatever it passes", () => {
  for (let n = 0; n < 10; n++) {
    hover.over();
    hover.left();
    hover.over();
    vi.advanceTimersByTime(350);
    expect(isHeld).toBe(true);
  }
});

test("it is gone soon after it has left", () => {
  hover.over();
  hover.left();
  vi.advanceTimersByTime(100);
  expect(isHeld).toBe(false);
});

test("it is gone when nothing tells that it has left", () => {
  hover.over();
  vi.advanceTimersByTime(1500);
  expect(isHeld).toBe(false);
});

test("it is gone when it is let go", () => {
  hover.over();
  hover.end();
  expect(isHeld).toBe(false);
});
