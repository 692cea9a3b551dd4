import { expect, test } from "vitest";
import { sorted } from "./contacts";
import type { Contact } from "./oort";

const contact = (id: string, state: Contact["state"], more: Partial<Contact> = {}): Contact => ({
  user: { id, username: id },
  state,
  blocked: false,
  remark: "",
  sinceMs: 0,
  ...more,
});

const ids = (contacts: readonly Contact[]) => contacts.map(({ user }) => user.id);

test("everybody is where the reader looks for them", () => {
  const people = sorted(
    [
      contact("ann", "contact"),
      contact("bob", "contact", { remark: "a carpenter", blocked: true }),
      contact("carol", "asking", { sinceMs: 1, expiresAtMs: 100 }),
      contact("dan", "asking", { sinceMs: 2, expiresAtMs: 100 }),
      contact("eve", "asked", { expiresAtMs: 100 }),
      contact("mallory", "none", { blocked: true }),
    ],
    50,
  );
  expect(ids(people.contacts)).toEqual(["bob", "ann"]);
  expect(ids(people.asking)).toEqual(["dan", "carol"]);
  expect(ids(people.asked)).toEqual(["eve"]);
  expect(ids(people.blocked)).toEqual(["bob", "mallory"]);
});

test("a request that has ended, or of somebody who is blocked, is not shown", () => {
  const all = [
    contact("carol", "asking", { expiresAtMs: 50 }),
    contact("dan", "asking", { blocked: true, expiresAtMs: 100 }),
  ];
  expect(sorted(all, 50).asking).toEqual([]);
});
