import { describe, expect, it, vi } from "vitest";
import { batch, Cell, Derived } from "../../src/stores.js";

describe("stores", () => {
  it("tell once per batch, and only of changes", () => {
    const cell = new Cell(1);
    const told = vi.fn();
    cell.subscribe(told);
    batch(() => {
      cell.set(2);
      batch(() => cell.set(3));
      expect(told).not.toHaveBeenCalled();
    });
    expect(told).toHaveBeenCalledOnce();
    cell.set(3);
    expect(told).toHaveBeenCalledOnce();
  });

  it("give the same reference until something has changed, and compute only when asked", () => {
    const compute = vi.fn(() => ({}));
    const derived = new Derived(compute);
    expect(compute).not.toHaveBeenCalled();
    const first = derived.get();
    expect(derived.get()).toBe(first);
    derived.invalidate();
    derived.invalidate();
    expect(derived.get()).not.toBe(first);
    expect(compute).toHaveBeenCalledTimes(2);
  });

  it("know whether anybody watches; the same function may watch twice", () => {
    const isWatched = vi.fn();
    const cell = new Cell(1, isWatched);
    const fn = vi.fn();
    const ends = [cell.subscribe(fn), cell.subscribe(fn)];
    cell.set(2);
    expect(fn).toHaveBeenCalledTimes(2);
    for (const end of [...ends, ...ends]) end();
    expect(isWatched.mock.calls).toEqual([[true], [false]]);
  });

  it("tell the others when one that watches fails", async () => {
    const cell = new Cell(1);
    const told = vi.fn();
    const fault = new Error("of a page");
    const heard = new Promise((resolve) => {
      const old = process.listeners("uncaughtException");
      process.removeAllListeners("uncaughtException");
      process.once("uncaughtException", (error) => {
        for (const listener of old) process.on("uncaughtException", listener);
        resolve(error);
      });
    });
    cell.subscribe(() => {
      throw fault;
    });
    cell.subscribe(told);
    cell.set(2);
    expect(told).toHaveBeenCalledOnce();
    expect(await heard).toBe(fault);
  });
});
