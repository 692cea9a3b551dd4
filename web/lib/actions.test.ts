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
  ["one's own", message(1, "me"), false, ["react", "copy", "edit", "recall"]],
  ["another's", message(1, "bob"), false, ["react", "copy"]],
  ["another's, as who looks after the group", message(1, "bob"), true, ["react", "copy", "recall"]],
  ["the server's", system, true, []],
  ["one that was taken back", gone, true, []],
  ["one that is not stored yet", pending, false, []],
])("what can be done to %s", (_, item, manages, expected) => {
  expect(actionsOf(item, { me: "me", manages, changes: true, copies: true })).toEqual(expected);
});

test("what neither server nor browser can do is not offered", () => {
  const standing = { me: "me", manages: true };
  expect(actionsOf(message(1, "me"), { ...standing, changes: false, copies: true })).toEqual(["copy"]);
  expect(actionsOf(message(1, "bob"), { ...standing, changes: true, copies: false })).toEqual(["react", "recall"]);
});

test("the newest of one's own that is left", () => {
  const items = [message(1, "me"), message(2, "bob"), system, gone, pending];
  expect(lastOwn(items, "me")).toBe(items[0]);
  expect(lastOwn(items.slice(1), "me")).toBeUndefined();
});
