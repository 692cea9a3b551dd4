/** The way of a message as rows that can be drawn. */

import type { Hop, MessageTrace } from "./api";
import { span } from "./figures";

export interface Bar {
  hop: Hop;
  text: string;
  /** After the first hop, ms. */
  afterMs: number;
  /** Where its bar begins and how long it is, of 100: from what it waited for to itself. */
  start: number;
  length: number;
}

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
      text: described(hop),
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

export function described(hop: Hop): string {
  switch (hop.step) {
    case "accepted":
      return "Accepted";
    case "committed":
      return (hop.batch ?? 1) > 1 ? `Committed with ${(hop.batch ?? 1) - 1} others` : "Committed";
    case "published":
      return "The bus has it";
    case "taken":
      return `A job took it: partition ${hop.partition}, offset ${hop.offset}`;
    case "routed":
      return `Goes to ${counted(hop.comets, "comet")}${hop.missing ? `, ${hop.missing} offline` : ""}`;
    case "pushed":
      return `Pushed to ${hop.comet}`;
    case "acked":
      return `Acknowledged by ${hop.comet}${hop.missing ? `, ${hop.missing} not there` : ""}`;
    case "written":
      return `Written to ${counted(hop.sessions, "session")}${hop.behind ? `, ${hop.behind} behind` : ""}`;
  }
}

function counted(value: number | undefined, what: string): string {
  return `${value ?? 0} ${what}${value === 1 ? "" : "s"}`;
}

/** What became of it, in a sentence. */
export function summary({ hops, members, answered, createdAtMs }: MessageTrace): string {
  const sum = (step: Hop["step"], field: "sessions" | "behind") =>
    hops.reduce((all, hop) => all + (hop.step === step ? (hop[field] ?? 0) : 0), 0);
  const has = (step: Hop["step"]) => hops.some((hop) => hop.step === step);
  const read = members.known
    ? ` Of ${members.known} other members ${members.delivered} have it, ${members.read} read it.`
    : "";
  if (hops.length === 0) {
    const since = Math.max(...answered.map(({ sinceUs }) => sinceUs / 1000), 0);
    const isOld = createdAtMs < since;
    return `Stored. ${isOld ? "It is older than what the processes remember." : "No process that answered has seen it pass."}${read}`;
  }
  if (has("written")) {
    const behind = sum("written", "behind");
    const took = span((Math.max(...hops.map((hop) => hop.atUs)) - Math.min(...hops.map((hop) => hop.atUs))) / 1000);
    return `Written to ${counted(sum("written", "sessions"), "session")}${behind ? `, ${behind} behind` : ""}, ${took} in all.${read}`;
  }
  if (has("pushed")) return `Pushed, and not yet written to any socket.${read}`;
  if (has("routed")) return `Nobody it is for was online.${read}`;
  if (has("taken")) return `A job has it, and has not routed it yet.${read}`;
  return `Committed; no job has taken it from the bus yet.${read}`;
}
