import { describe, expect, test } from "vitest";
import type { LogItem } from "./oort";
import { movedLine, unreadLine } from "./unread";

const message = (seq: number, sender: string): LogItem => ({
  kind: "message",
  id: `7-${seq}`,
  seq,
  sender: { id: sender, username: sender },
  content: `${seq}`,
  atMs: seq,
});
const pending: LogItem = { kind: "pending", localId: "x", content: "", atMs: 9, state: "queued" };
const items = [message(1, "bob"), message(2, "bob"), message(3, "me"), message(4, "bob"), message(5, "bob"), pending];

test.each([
  [0, 0],
  [1, 1],
  [2, 3],
  [3, 3],
  [4, 4],
])("read up to %i: the line is before item %i", (readSeq, index) => {
  expect(unreadLine(items, "me", readSeq, false)).toEqual({ kind: "at", index, seq: index + 1 });
});

test("all is read, or no line is wanted", () => {
  expect(unreadLine(items, "me", 5, false)).toEqual({ kind: "none" });
  expect(unreadLine(items, "me", null, false)).toEqual({ kind: "none" });
  expect(unreadLine([message(3, "me")], "me", 2, false)).toEqual({ kind: "none" });
});

test("the first new one may be further up", () => {
  const newest = items.slice(2);
  expect(unreadLine(newest, "me", 1, true)).toEqual({ kind: "above" });
  expect(unreadLine(newest, "me", 2, true)).toEqual({ kind: "at", index: 1, seq: 4 });
  // Nothing is older: the ones before were forgotten by the server.
  expect(unreadLine(newest, "me", 1, false)).toEqual({ kind: "at", index: 1, seq: 4 });
});

test("nothing is known yet", () => {
  expect(unreadLine([], "me", 3, true)).toEqual({ kind: "none" });
  expect(unreadLine([pending], "me", 3, true)).toEqual({ kind: "none" });
});

describe("a line, when more was read elsewhere", () => {
  test("moves to where the reader has come", () => {
    expect(movedLine(10, 15, 3)).toBe(15);
  });

  test("goes away when nothing is left", () => {
    expect(movedLine(10, 18, 0)).toBeNull();
  });

  test("stays where nothing more was read, and is not drawn where none was", () => {
    expect(movedLine(10, 10, 8)).toBe(10);
    expect(movedLine(10, 7, 8)).toBe(10);
    expect(movedLine(null, 15, 3)).toBeNull();
  });
});
