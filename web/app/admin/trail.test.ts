import { expect, test } from "vitest";
import type { Hop, MessageTrace } from "./api";
import { bars, summary } from "./trail";

const hop = (atUs: number, step: Hop["step"], more: Partial<Hop> = {}): Hop => ({
  atUs,
  step,
  node: "n",
  role: "job",
  ...more,
});

const trace = (hops: Hop[], more: Partial<MessageTrace> = {}): MessageTrace => ({
  conversationId: "7",
  seq: 9,
  createdAtMs: 1000,
  senderId: "1",
  hops,
  members: { known: 0, delivered: 0, read: 0 },
  answered: [{ node: "n", role: "job", sinceUs: 500_000 }],
  silent: [],
  ...more,
});

test("a bar reaches from what its hop waited for", () => {
  const rows = bars([
    hop(3000, "pushed", { comet: "b" }),
    hop(1000, "accepted"),
    hop(2000, "pushed", { comet: "a" }),
    hop(5000, "acked", { comet: "a", missing: 0 }),
    hop(1500, "routed", { comets: 2, missing: 1 }),
  ]);
  expect(rows.map(({ afterMs, start, length }) => [afterMs, start, length])).toEqual([
    [0, 0, 0],
    [0.5, 12.5, 0],
    [1, 12.5, 12.5],
    [2, 12.5, 37.5],
    [4, 25, 75],
  ]);
  expect(rows.map(({ text }) => text)).toEqual([
    "Accepted",
    "Goes to 2 comets, 1 offline",
    "Pushed to a",
    "Pushed to b",
    "Acknowledged by a",
  ]);
  expect(bars([])).toEqual([]);
});

test("what became of it is said in a sentence", () => {
  const written = hop(4000, "written", { sessions: 1, behind: 2 });
  const members = { known: 3, delivered: 2, read: 1 };
  expect(summary(trace([hop(1000, "accepted"), written], { members }))).toBe(
    "Written to 1 session, 2 behind, 3 ms in all. Of 3 other members 2 have it, 1 read it.",
  );
  expect(summary(trace([hop(1, "routed", { comets: 0 })]))).toBe("Nobody it is for was online.");
  expect(summary(trace([hop(1, "committed")]))).toBe("Committed; no job has taken it from the bus yet.");
  expect(summary(trace([]))).toBe("Stored. No process that answered has seen it pass.");
  expect(summary(trace([], { createdAtMs: 400 }))).toBe("Stored. It is older than what the processes remember.");
});
