import { expect, test } from "vitest";
import { isKeeper, memberActions } from "./groups";
import type { ConversationEntry, Role } from "./oort";

test.each<[Role, Role, boolean, readonly string[]]>([
  ["owner", "member", false, ["promote", "handOver", "mute", "remove"]],
  ["owner", "member", true, ["promote", "handOver", "unmute", "remove"]],
  ["owner", "admin", false, ["demote", "handOver", "mute", "remove"]],
  ["admin", "member", false, ["mute", "remove"]],
  ["admin", "member", true, ["unmute", "remove"]],
  ["admin", "admin", false, []],
  ["admin", "owner", false, []],
  ["member", "member", false, []],
  ["member", "admin", false, []],
  ["member", "owner", false, []],
])("what %s may do to %s (muted: %s)", (mine, role, muted, expected) => {
  expect(memberActions(mine, { role, muted })).toEqual(expected);
});

test("who is in no group may do nothing", () => {
  expect(memberActions(undefined, { role: "member", muted: false })).toEqual([]);
});

test("owner and admins look after a group until it ends", () => {
  const entry = (more: Partial<ConversationEntry>) => ({ kind: "group", ...more }) as ConversationEntry;
  expect(isKeeper(entry({ role: "owner" }))).toBe(true);
  expect(isKeeper(entry({ role: "admin" }))).toBe(true);
  expect(isKeeper(entry({ role: "member" }))).toBe(false);
  expect(isKeeper(entry({ role: "owner", dissolvedAtMs: 1 }))).toBe(false);
  expect(isKeeper(entry({ kind: "room", role: "owner" }))).toBe(false);
});
