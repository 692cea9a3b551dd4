import type { ConversationEntry } from "./oort";

/** The two parts of the list. */
export interface Parted {
  mine: ConversationEntry[];
  rooms: ConversationEntry[];
}

/**
 * Everyone is in every open room, so most rooms are noise: mine are those with something unread, and those that I made, opened or
 * wrote in. Pinned ones are mine and come first.
 */
export function parted(entries: readonly ConversationEntry[], me: string, touched: ReadonlySet<string>): Parted {
  const mine: ConversationEntry[] = [];
  const rooms: ConversationEntry[] = [];
  for (const entry of entries) (isMine(entry, me, touched) ? mine : rooms).push(entry);
  mine.sort((a, b) => Number(b.pinned ?? false) - Number(a.pinned ?? false));
  rooms.sort((a, b) => a.name.localeCompare(b.name));
  return { mine, rooms };
}

function isMine(entry: ConversationEntry, me: string, touched: ReadonlySet<string>): boolean {
  return (
    entry.kind !== "room" ||
    entry.pinned === true ||
    entry.unread > 0 ||
    entry.creatorId === me ||
    entry.lastMessage?.sender.id === me ||
    touched.has(entry.id)
  );
}

/** Whether somebody looks after a conversation: its owner and admins in a group, who made it in an open room. */
export function looksAfter({ kind, role, creatorId }: ConversationEntry, me: string): boolean {
  return kind === "group" ? role === "owner" || role === "admin" : kind === "room" && creatorId === me;
}

/** Whether a conversation is found by what was typed: each word begins somewhere in the name. */
export function matches(name: string, query: string): boolean {
  const wanted = fold(query).split(/\s+/u).filter(Boolean);
  const given = fold(name);
  return wanted.every((word) => given.includes(word));
}

function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase();
}
