import type { LogItem } from "./oort";

/** Where what is new begins, as far as the items at hand tell. */
export type UnreadLine =
  | { kind: "none" }
  /** Before this item. */
  | { kind: "at"; index: number; seq: number }
  /** Further up than the items reach. */
  | { kind: "above" };

const none: UnreadLine = { kind: "none" };

/** `readSeq`: how far the reader had come when the line was drawn; null = no line is wanted. One's own messages are never new. */
export function unreadLine(
  items: readonly LogItem[],
  me: string,
  readSeq: number | null,
  hasOlder: boolean,
): UnreadLine {
  const oldest = items[0];
  if (readSeq === null || oldest?.kind !== "message") return none;
  if (hasOlder && oldest.seq > readSeq + 1) return { kind: "above" };
  let line = none;
  for (let index = items.length - 1; index >= 0; index--) {
    const item = items[index];
    if (item?.kind !== "message") continue;
    if (item.seq <= readSeq) break;
    if (item.sender.id !== me) line = { kind: "at", index, seq: item.seq };
  }
  return line;
}

/** Where a line is to stand when more was read elsewhere, up to `readSeq`, with so many left. */
export function movedLine(drawnAfter: number | null, readSeq: number, unread: number): number | null {
  if (drawnAfter === null || readSeq <= drawnAfter) return drawnAfter;
  return unread > 0 ? readSeq : null;
}
