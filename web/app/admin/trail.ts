/** The way of a message as rows that can be drawn, and what became of it. Words are the catalogue's: `admin.messages`. */

import type { Hop, MessageTrace } from "./api";

export interface Bar {
  hop: Hop;
  /** What the text of its step, `steps.<step>`, is filled in with. */
  values: Values;
  /** After the first hop, ms. */
  afterMs: number;
  /** Where its bar begins and how long it is, of 100: from what it waited for to itself. */
  start: number;
  length: number;
}

type Values = Record<string, string | number>;

/** What each step waited for. */
const AFTER: Record<Hop["step"], Hop["step"][]> = {
  accepted: [],
  committed: ["accepted"],
  published: ["committed"],
  taken: ["committed"],
  routed: ["taken"],
  pushed: ["routed"],
  written: ["pushed"],
  acked: ["pushed"],
};

/** Rows in the order of their times, each with its bar. */
export function bars(hops: readonly Hop[]): Bar[] {
  const sorted = hops.toSorted((a, b) => a.atUs - b.atUs);
  const first = sorted[0]?.atUs ?? 0;
  const whole = Math.max((sorted.at(-1)?.atUs ?? 0) - first, 1);
  return sorted.map((hop, index) => {
    const since = before(sorted, index)?.atUs ?? hop.atUs;
    return {
      hop,
      values: valuesOf(hop),
      afterMs: (hop.atUs - first) / 1000,
      start: ((since - first) / whole) * 100,
      length: ((hop.atUs - since) / whole) * 100,
    };
  });
}

/** The latest hop before this one that it waited for; of the same comet where both have one. */
function before(sorted: readonly Hop[], index: number): Hop | undefined {
  const hop = sorted[index];
  if (!hop) return undefined;
  const wanted = AFTER[hop.step];
  return sorted
    .slice(0, index)
    .findLast(({ step, comet }) => wanted.includes(step) && (!comet || !hop.comet || comet === hop.comet));
}

function valuesOf(hop: Hop): Values {
  switch (hop.step) {
    case "accepted":
    case "published":
      return {};
    case "committed":
      return { others: Math.max((hop.batch ?? 1) - 1, 0) };
    case "taken":
      return { partition: hop.partition ?? 0, offset: hop.offset ?? 0 };
    case "routed":
      return { comets: hop.comets ?? 0, missing: hop.missing ?? 0 };
    case "pushed":
      return { comet: hop.comet ?? "" };
    case "acked":
      return { comet: hop.comet ?? "", missing: hop.missing ?? 0 };
    case "written":
      return { sessions: hop.sessions ?? 0, behind: hop.behind ?? 0 };
  }
}

/** What became of it: a sentence of `summary`, by how far it came. */
export type Fate =
  | { key: "forgotten" | "unseen" | "committed" | "taken" | "nobody" | "pushed" }
  | { key: "written"; sessions: number; behind: number; tookMs: number };

export function fate({ hops, answered, createdAtMs }: MessageTrace): Fate {
  const has = (step: Hop["step"]) => hops.some((hop) => hop.step === step);
  if (hops.length === 0) {
    const sinceMs = Math.max(...answered.map(({ sinceUs }) => sinceUs / 1000), 0);
    return { key: createdAtMs < sinceMs ? "forgotten" : "unseen" };
  }
  if (has("written")) {
    const sum = (field: "sessions" | "behind") =>
      hops.reduce((all, hop) => all + (hop.step === "written" ? (hop[field] ?? 0) : 0), 0);
    const times = hops.map(({ atUs }) => atUs);
    const tookMs = (Math.max(...times) - Math.min(...times)) / 1000;
    return { key: "written", sessions: sum("sessions"), behind: sum("behind"), tookMs };
  }
  if (has("pushed")) return { key: "pushed" };
  if (has("routed")) return { key: "nobody" };
  return { key: has("taken") ? "taken" : "committed" };
}
