import { expect, test } from "vitest";
import { actionsOf, lastOwn } from "./actions";
import type { LogItem, Message } from "./oort";

const message = (seq: number, sender: string, more: Partial<Message> = {}): Message => ({
  kind: "message",
  id: `7-${seq}`,
  seq,
  sender: { id: sender, username: sender },
  content: `${seq}`,
  atMs: seq,
  ...more,
});
const system = message(3, "bob", { system: { event: "member_left", users: [] } });
const gone = message(4, "me", { gone: "recalled", content: "" });
const pending: LogItem = { kind: "pending", localId: "x", content: "", atMs: 9, state: "queued" };

test.each<[string, LogItem, boolean, readonly string[]]>([
  ["one's own", message(1, "me"), false, ["react", "reply", "copy", "forward", "edit", "recall", "hide"]],
  ["another's", message(1, "bob"), false, ["react", "reply", "copy", "forward", "hide"]],
  [
    "another's, as who looks after the group",
    message(1, "bob"),
    true,
    ["react", "reply", "copy", "forward", "recall", "hide"],
  ],
  ["a picture without a word", message(1, "bob", { content: "" }), false, ["react", "reply", "forward", "hide"]],
  ["the server's", system, true, []],
  ["one that was taken back", gone, true, ["hide"]],
  ["one that is not stored yet", pending, false, []],
])("what can be done to %s", (_, item, manages, expected) => {
  expect(actionsOf(item, { me: "me", manages, writes: true, copies: true, receipts: false })).toEqual(expected);
});

test("what the browser cannot do is not offered", () => {
  const standing = { me: "me", manages: true, writes: true, copies: false, receipts: false };
  expect(actionsOf(message(1, "bob"), standing)).toEqual(["react", "reply", "forward", "recall", "hide"]);
});

test("of one's own it can be asked who has read it, where that is told", () => {
  const standing = { me: "me", manages: true, writes: true, copies: true, receipts: true };
  expect(actionsOf(message(1, "me"), standing)).toContain("readers");
  expect(actionsOf(message(1, "bob"), standing)).not.toContain("readers");
  expect(actionsOf(gone, standing)).not.toContain("readers");
});

test("who may not write may still read, send on and take back", () => {
  const standing = { me: "me", manages: false, writes: false, copies: true, receipts: false };
  expect(actionsOf(message(1, "me"), standing)).toEqual(["copy", "forward", "recall", "hide"]);
});

test("the newest of one's own that is left", () => {
  const items = [message(1, "me"), message(2, "bob"), system, gone, pending];
  expect(lastOwn(items, "me")).toBe(items[0]);
  expect(lastOwn(items.slice(1), "me")).toBeUndefined();
});
