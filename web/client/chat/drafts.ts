import type { User } from "@/lib/oort";

/** What was written and not sent, by conversation; kept while this window lives. */
const key = (id: string) => `oort.draft.${id}`;

export function draftOf(id: string): string {
  try {
    return sessionStorage.getItem(key(id)) ?? "";
  } catch {
    return "";
  }
}

/** People whose names were put into it, by conversation. */
const called = new Map<string, User[]>();

export function calledIn(id: string): User[] {
  const users = called.get(id) ?? [];
  called.set(id, users);
  return users;
}

export function keepDraft(id: string, text: string): void {
  if (!text) called.delete(id);
  try {
    if (text) sessionStorage.setItem(key(id), text);
    else sessionStorage.removeItem(key(id));
  } catch {
    // Storage is full or forbidden: the draft lives as long as its conversation is open.
  }
}
