import { expect, test } from "vitest";
import { contentAfter, foundNow, keyOf } from "./found";
import type { Change, FoundMessage } from "./oort";

const found = (seq: number, more: Partial<FoundMessage["message"]> = {}): FoundMessage => ({
  conversationId: "7",
  message: {
    ...{ kind: "message", id: `${seq}`, seq, sender: { id: "1", username: "ann" }, content: "the tide", atMs: seq },
    ...more,
  },
  ranges: [[4, 8]],
});
const change = (kind: string, content?: string): Change => ({ seq: 1, messageSeq: 1, kind, atMs: 1, content });
const heard = (seq: number, changeSeq: number, content: string | null) =>
  new Map([[keyOf("7", seq), { changeSeq, content }]]);

test("what changes a text, and what takes it away", () => {
  expect(contentAfter(change("edited", "other"))).toBe("other");
  for (const kind of ["recalled", "erased", "expired"]) expect(contentAfter(change(kind))).toBeNull();
  expect(contentAfter(change("reacted"))).toBeUndefined();
});

test("nothing is shown of what is gone or has ended", () => {
  expect(foundNow([found(1), found(2)], heard(1, 5, null), 0)).toEqual([found(2)]);
  const short = found(3, { expiresAtMs: 1000 });
  expect(foundNow([short], new Map(), 999)).toEqual([short]);
  expect(foundNow([short], new Map(), 1000)).toEqual([]);
});

test("an edited one has its new text, without marks", () => {
  const [now] = foundNow([found(1)], heard(1, 5, "ebb"), 0);
  expect(now).toMatchObject({ message: { content: "ebb" }, ranges: [] });
});

test("what was found after a change is as it was found", () => {
  const later = found(1, { changeSeq: 6 });
  expect(foundNow([later], heard(1, 6, "ebb"), 0)).toEqual([later]);
  expect(foundNow([found(2)], heard(1, 6, "ebb"), 0)).toEqual([found(2)]);
});
