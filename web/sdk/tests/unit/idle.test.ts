import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { watchIdle } from "../../src/io/idle.js";

describe("idle", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is away after a while without a touch, and back with the next", () => {
    const page = new EventTarget();
    const told: boolean[] = [];
    const end = watchIdle(1000, (away) => told.push(away), page);
    vi.advanceTimersByTime(900);
    page.dispatchEvent(new Event("keydown"));
    vi.advanceTimersByTime(999);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(told).toEqual([true]);
    vi.advanceTimersByTime(9000);
    page.dispatchEvent(new Event("pointermove"));
    page.dispatchEvent(new Event("pointermove"));
    expect(told).toEqual([true, false]);
    vi.advanceTimersByTime(1000);
    expect(told).toEqual([true, false, true]);
    page.dispatchEvent(new Event("keydown"));
    end();
    vi.advanceTimersByTime(5000);
    expect(told).toEqual([true, false, true, false]);
  });
});
