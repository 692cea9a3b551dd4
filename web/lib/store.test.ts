import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { calm } from "./store";

function source(first: number) {
  let value = first;
  const listeners = new Set<() => void>();
  return {
    listeners,
    set(next: number) {
      value = next;
      for (const listener of listeners) listener();
    },
    get: () => value,
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("the first change at once, a burst as one, the last value always", () => {
  const store = source(0);
  const calmed = calm(store, 50);
  const seen: number[] = [];
  const stop = calmed.subscribe(() => seen.push(calmed.get()));
  store.set(1);
  for (let value = 2; value <= 40; value++) store.set(value);
  expect(seen).toEqual([1]);
  // Between two drawings the value does not move under React's feet.
  expect(calmed.get()).toBe(1);
  vi.advanceTimersByTime(50);
  expect(seen).toEqual([1, 40]);
  vi.advanceTimersByTime(500);
  store.set(41);
  expect(seen).toEqual([1, 40, 41]);
  stop();
});

test("without listeners it is the store itself, and leaves it", () => {
  const store = source(0);
  const calmed = calm(store, 50);
  const stop = calmed.subscribe(() => {});
  store.set(1);
  store.set(2);
  stop();
  expect(store.listeners.size).toBe(0);
  expect(calmed.get()).toBe(2);
  store.set(3);
  expect(calmed.get()).toBe(3);
});
