import { describe, expect, test } from "vitest";
import type { LogItem } from "./oort";
import { frameOf, keyOf, runMs } from "./rows";

const noon = new Date(2026, 4, 20, 12, 0).getTime();
const message = (seq: number, sender: string, atMs = noon + seq): LogItem => ({
  kind: "message",
  id: `7-${seq}`,
  seq,
  sender: { id: sender, username: sender },
  content: `${seq}`,
  atMs,
});
const frames = (items: LogItem[], unreadSeq: number | null = null) =>
  items.map((_, at) => frameOf(items, at, "me", unreadSeq));

describe("frames", () => {
  test("a run shows its sender once", () => {
    const items = [message(1, "bob"), message(2, "bob"), message(3, "ann"), message(4, "bob", noon + runMs + 10)];
    expect(frames(items).map((frame) => frame.first)).toEqual([true, false, true, true]);
    expect(frames(items).map((frame) => frame.last)).toEqual([false, true, true, true]);
  });

  test("a long pause ends a run", () => {
    expect(frames([message(1, "bob"), message(2, "bob", noon + 1 + runMs)])[1]?.first).toBe(true);
  });

  test("days", () => {
    const items = [message(1, "bob", noon - 86_400_000), message(2, "bob"), message(3, "bob")];
    expect(frames(items).map((frame) => frame.day)).toEqual([true, true, false]);
  });

  test("a message of mine that waits belongs to my run", () => {
    const items: LogItem[] = [
      message(1, "me"),
      { kind: "pending", localId: "x", content: "", atMs: noon + 5, state: "queued" },
    ];
    expect(frames(items)[1]?.first).toBe(false);
  });
});

describe("unread", () => {
  test("the line stands before it, and begins a run", () => {
    const before = [message(1, "bob"), message(2, "bob"), message(3, "bob")];
    expect(frames(before, 2).map((frame) => frame.unread)).toEqual([false, true, false]);
    expect(frames(before, 2).map((frame) => frame.first)).toEqual([true, true, false]);
    expect(frames(before, 2).map((frame) => frame.last)).toEqual([true, false, true]);
  });

  test("none without a mark", () => {
    expect(frames([message(1, "bob"), message(2, "bob")]).some((frame) => frame.unread)).toBe(false);
  });
});

test("a message keeps its key when it is stored", () => {
  const stored: LogItem = { ...(message(9, "me") as LogItem & { kind: "message" }), clientMsgId: "abc" };
  expect(keyOf(stored, "me")).toBe(
    keyOf({ kind: "pending", localId: "abc", content: "", atMs: 0, state: "sending" }, "me"),
  );
  expect(keyOf({ ...stored }, "other")).toBe("seq 9");
});
