import type { NodeEntry } from "./api";

/** One look at the whole system. A figure that no node tells is NaN. */
export interface Sample {
  atMs: number;
  sendsPerS: number;
  pushesPerS: number;
  framesPerS: number;
  p50Ms: number;
  p99Ms: number;
  connections: number;
}

/** How far back the charts look at most. */
export const SPAN_MS = 5 * 60_000;

/** What the charts show while all samples are younger, so that a page just opened is not empty. */
const SPAN_MS_FIRST = 60_000;

/** How far back the charts look now. */
export function shownMs(samples: readonly Sample[], nowMs: number): number {
  const oldest = samples[0]?.atMs ?? nowMs;
  return nowMs - oldest <= SPAN_MS_FIRST ? SPAN_MS_FIRST : SPAN_MS;
}

/** The samples of the last five minutes with this one more. */
export function appended(samples: readonly Sample[], sample: Sample): Sample[] {
  return [...samples.filter(({ atMs }) => atMs > sample.atMs - SPAN_MS && atMs < sample.atMs), sample];
}

/** Rates add up; a latency is that of the slowest node, because that is where somebody waits. */
export function sampleOf(nodes: readonly NodeEntry[], atMs: number): Sample {
  const told = (pick: (node: NodeEntry) => number | undefined) =>
    nodes.map(pick).filter((value): value is number => value !== undefined && Number.isFinite(value));
  const sum = (values: number[]) => (values.length ? values.reduce((total, value) => total + value, 0) : Number.NaN);
  const slowest = (values: number[]) => (values.length ? Math.max(...values) : Number.NaN);
  return {
    atMs,
    sendsPerS: sum(told(({ metrics }) => metrics.sendsPerS)),
    pushesPerS: sum(told(({ metrics }) => metrics.pushesPerS)),
    framesPerS: sum(told(({ metrics }) => metrics.framesPerS)),
    p50Ms: slowest(told(({ metrics }) => metrics.p50Ms)),
    p99Ms: slowest(told(({ metrics }) => metrics.p99Ms)),
    connections: sum(told((node) => node.connections)),
  };
}

/** The smallest of 1, 2, 5, 10, 20, … that is not below: the top of an axis. */
export function niceCeiling(value: number): number {
  if (!(value > 0)) return 1;
  const magnitude = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((factor) => factor * magnitude >= value * (1 - 1e-9)) ?? 10;
  return step * magnitude;
}
