import { expect, test } from "vitest";
import type { ConversationEntry } from "./oort";
import { looksAfter, matches, parted } from "./rooms";

const entry = (
  id: string,
  kind: ConversationEntry["kind"],
  more: Partial<ConversationEntry> = {},
): ConversationEntry => ({
  id,
  kind,
  name: id,
  head: 0,
  lastAtMs: 0,
  unread: 0,
  readSeq: 0,
  deliveredSeq: 0,
  ...more,
});

test("rooms nobody here cares for are apart", () => {
  const list = [
    entry("quiet", "room"),
    entry("direct", "direct"),
    entry("group", "group"),
    entry("unread", "room", { unread: 2 }),
    entry("made", "room", { creatorId: "1" }),
    entry("opened", "room"),
    entry("another", "room"),
  ];
  const { mine, rooms } = parted(list, "1", new Set(["opened"]));
  expect(mine.map(({ id }) => id)).toEqual(["direct", "group", "unread", "made", "opened"]);
  expect(rooms.map(({ id }) => id)).toEqual(["another", "quiet"]);
});

test("pinned ones come first, in their order", () => {
  const list = [
    entry("new", "direct"),
    entry("room", "room", { pinned: true }),
    entry("old", "group", { pinned: true }),
  ];
  expect(parted(list, "1", new Set()).mine.map(({ id }) => id)).toEqual(["room", "old", "new"]);
});

test.each([
  [entry("owned", "group", { role: "owner", creatorId: "2" }), true],
  [entry("helped", "group", { role: "admin", creatorId: "2" }), true],
  [entry("handed over", "group", { role: "member", creatorId: "1" }), false],
  [entry("made", "room", { creatorId: "1" }), true],
  [entry("another's", "room", { creatorId: "2" }), false],
  [entry("begun", "direct", { creatorId: "1" }), false],
])("who looks after %o", (conversation, expected) => {
  expect(looksAfter(conversation, "1")).toBe(expected);
});

test.each([
  ["Tea room", "room te", true],
  ["Café", "cafe", true],
  ["茶馆", "茶", true],
  ["Tea room", "cake", false],
  ["Tea", "", true],
])("%s found by %j: %s", (name, query, expected) => {
  expect(matches(name, query)).toBe(expected);
});
