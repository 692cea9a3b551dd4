import { expect, test } from "vitest";
import type { ConversationEntry } from "./oort";
import { matches, parted } from "./rooms";

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

test.each([
  ["Tea room", "room te", true],
  ["Café", "cafe", true],
  ["茶馆", "茶", true],
  ["Tea room", "cake", false],
  ["Tea", "", true],
])("%s found by %j: %s", (name, query, expected) => {
  expect(matches(name, query)).toBe(expected);
});
