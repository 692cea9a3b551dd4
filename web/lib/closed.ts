import type { Contact, ConversationEntry } from "./oort";

/** Why nothing can be written here. */
export type Closed = { why: "dissolved" | "blocked" | "allMuted" } | { why: "muted"; untilMs: number };

/** Why the reader cannot write in a conversation at this moment; null: they can, for all that is known here. */
export function closedBy(entry: ConversationEntry, tie: Contact | null | undefined, nowMs: number): Closed | null {
  if (entry.dissolvedAtMs !== undefined) return { why: "dissolved" };
  if (entry.kind === "direct" && tie?.blocked) return { why: "blocked" };
  if (entry.kind !== "group") return null;
  if (entry.silencedUntil !== undefined && entry.silencedUntil > nowMs)
    return { why: "muted", untilMs: entry.silencedUntil };
  return entry.muteAll && entry.role !== "owner" && entry.role !== "admin" ? { why: "allMuted" } : null;
}

/** Later than this is for ever: nobody counts the years. */
const everMs = 3_000_000_000_000;
/** What is said for ever is said with this time. */
export const forEverMs = 4_000_000_000_000;

export function isForEver(atMs: number): boolean {
  return atMs >= everMs;
}

/** Whether a conversation is to notify of nothing now. */
export function isMuted({ mutedUntil }: ConversationEntry, nowMs: number): boolean {
  return mutedUntil !== undefined && mutedUntil > nowMs;
}
