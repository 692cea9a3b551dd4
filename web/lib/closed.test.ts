import { expect, test } from "vitest";
import { type Closed, closedBy, isForEver, isMuted } from "./closed";
import type { Contact, ConversationEntry } from "./oort";

const group = (more: Partial<ConversationEntry> = {}) =>
  ({ kind: "group", role: "member", ...more }) as ConversationEntry;
const direct = { kind: "direct", peerId: "3" } as ConversationEntry;
const tie = (blocked: boolean) => ({ state: "none", blocked }) as Contact;

test.each<[string, ConversationEntry, Contact | null, Closed | null]>([
  ["a group", group(), null, null],
  ["one that was dissolved", group({ dissolvedAtMs: 1, silencedUntil: 900 }), null, { why: "dissolved" }],
  ["one in which one is muted", group({ silencedUntil: 900 }), null, { why: "muted", untilMs: 900 }],
  ["one in which one was muted", group({ silencedUntil: 500 }), null, null],
  ["one in which all are", group({ muteAll: true }), null, { why: "allMuted" }],
  ["the same for an admin", group({ muteAll: true, role: "admin" }), null, null],
  ["a person", direct, tie(false), null],
  ["a person one has blocked", direct, tie(true), { why: "blocked" }],
  ["a person of whom nothing is known yet", direct, null, null],
])("writing in %s", (_, entry, held, expected) => {
  expect(closedBy(entry, held, 500)).toEqual(expected);
});

test("muted for a time, or for ever", () => {
  expect(isMuted(group({ mutedUntil: 900 }), 500)).toBe(true);
  expect(isMuted(group({ mutedUntil: 500 }), 500)).toBe(false);
  expect(isMuted(group(), 500)).toBe(false);
  expect(isForEver(4_000_000_000_000)).toBe(true);
  expect(isForEver(1_800_000_000_000)).toBe(false);
});
