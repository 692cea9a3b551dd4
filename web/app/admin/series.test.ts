import { describe, expect, test } from "vitest";
import type { NodeEntry } from "./api";
import { appended, niceCeiling, SPAN_MS, sampleOf, shownMs } from "./series";

function node(metrics: NodeEntry["metrics"], connections = 0): NodeEntry {
  return {
    id: "n",
    name: "n",
    role: "comet",
    version: "0.1.0",
    startedAtMs: 0,
    address: "",
    draining: false,
    seenMs: 0,
    connections,
    metrics,
  };
}

describe("a sample of the system", () => {
  test("rates add up, latencies are those of the slowest", () => {
    const sample = sampleOf([node({ sendsPerS: 2, p99Ms: 9 }), node({ sendsPerS: 3, p99Ms: 4 }, 7)], 1000);
    expect(sample).toMatchObject({ atMs: 1000, sendsPerS: 5, p99Ms: 9, connections: 7 });
  });

  test("what nobody tells is not zero", () => {
    expect(sampleOf([node({})], 0).sendsPerS).toBeNaN();
    expect(sampleOf([], 0).p50Ms).toBeNaN();
  });

  test("what is older than the charts is forgotten", () => {
    const sample = (atMs: number) => sampleOf([], atMs);
    let samples = [sample(1)];
    for (let atMs = 2000; atMs <= 2 * SPAN_MS; atMs += 2000) samples = appended(samples, sample(atMs));
    expect(samples.length).toBe(SPAN_MS / 2000);
    expect(samples.every(({ atMs }, index) => index === 0 || atMs > (samples[index - 1]?.atMs ?? 0))).toBe(true);
  });
});

test("charts show the first minute, then five", () => {
  const since = (ms: number) => shownMs([sampleOf([], 1_000_000 - ms), sampleOf([], 1_000_000)], 1_000_000);
  expect([0, 60_000, 60_001, SPAN_MS, 2 * SPAN_MS].map(since)).toEqual([60_000, 60_000, SPAN_MS, SPAN_MS, SPAN_MS]);
  expect(shownMs([], 5)).toBe(60_000);
});

test("axes end at round numbers, never below the highest value", () => {
  for (const [value, top] of [
    [0, 1],
    [Number.NaN, 1],
    [0.3, 0.5],
    [1, 1],
    [1.01, 2],
    [49, 50],
    [51, 100],
    [1000, 1000],
  ] as const) {
    expect(niceCeiling(value)).toBeCloseTo(top);
  }
  for (let value = 0.001; value < 1e6; value *= 1.07) expect(niceCeiling(value)).toBeGreaterThanOrEqual(value * 0.999);
});
