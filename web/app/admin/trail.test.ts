import { createTranslator } from "use-intl/core";
import { expect, test } from "vitest";
import en from "@/messages/admin/en.json";
import zh from "@/messages/admin/zh.json";
import type { Hop, MessageTrace } from "./api";
import { bars, fate } from "./trail";

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
  expect(rows.map(({ hop, afterMs, start, length }) => [hop.step, afterMs, start, length])).toEqual([
    ["accepted", 0, 0, 0],
    ["routed", 0.5, 12.5, 0],
    ["pushed", 1, 12.5, 12.5],
    ["pushed", 2, 12.5, 37.5],
    ["acked", 4, 25, 75],
  ]);
  expect(bars([])).toEqual([]);
});

const onError = (error: Error) => {
  throw error;
};

test("every step is told with what its hop knows", () => {
  const rows = bars([
    hop(1, "accepted"),
    hop(2, "committed", { batch: 1 }),
    hop(3, "committed", { batch: 2 }),
    hop(4, "committed", { batch: 3 }),
    hop(5, "published"),
    hop(6, "taken", { partition: 3, offset: 12_345 }),
    hop(7, "routed", { comets: 1, missing: 0 }),
    hop(8, "routed", { comets: 2, missing: 1 }),
    hop(9, "pushed", { comet: "a" }),
    hop(10, "acked", { comet: "a", missing: 0 }),
    hop(11, "acked", { comet: "a", missing: 4 }),
    hop(12, "written", { sessions: 0, behind: 1 }),
  ]);
  const english = createTranslator({ locale: "en", messages: en, namespace: "admin.messages.steps", onError });
  expect(rows.map(({ hop, values }) => english(hop.step, values))).toEqual([
    "Accepted",
    "Committed",
    "Committed with 1 other",
    "Committed with 2 others",
    "The bus has it",
    "A job took it: partition 3, offset 12345",
    "Goes to 1 comet",
    "Goes to 2 comets, 1 offline",
    "Pushed to a",
    "Acknowledged by a",
    "Acknowledged by a, 4 not there",
    "Written to no session, 1 behind",
  ]);
  const chinese = createTranslator({ locale: "zh", messages: zh, namespace: "admin.messages.steps", onError });
  expect(rows.slice(7, 9).map(({ hop, values }) => chinese(hop.step, values))).toEqual([
    "发往 2 个 comet，1 个离线",
    "已推送到 a",
  ]);
});

test("what became of it is told by how far it came", () => {
  expect(
    fate(
      trace([
        hop(1000, "accepted"),
        hop(4000, "written", { sessions: 1, behind: 2 }),
        hop(3000, "written", { sessions: 4, behind: 0 }),
      ]),
    ),
  ).toEqual({ key: "written", sessions: 5, behind: 2, tookMs: 3 });
  const way: Hop[] = [];
  const keys = (["accepted", "committed", "published", "taken", "routed", "pushed", "acked"] as const).map((step) => {
    way.push(hop(way.length, step));
    return fate(trace(way)).key;
  });
  expect(keys).toEqual(["committed", "committed", "committed", "taken", "nobody", "pushed", "pushed"]);
  expect(fate(trace([]))).toEqual({ key: "unseen" });
  expect(fate(trace([], { createdAtMs: 400 }))).toEqual({ key: "forgotten" });
  expect(fate(trace([], { answered: [] }))).toEqual({ key: "unseen" });
});
