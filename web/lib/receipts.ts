import type { LogItem } from "./oort";

/** How far a message has come, as its sender sees it; `received` and `system` for those of others. */
export type MessageState = "queued" | "sending" | "failed" | "sent" | "delivered" | "read" | "received" | "system";

interface Cursor {
  deliveredSeq: number;
  readSeq: number;
}

/** What all others have got and read: a tick says something of everybody. Nobody else there: nothing. */
export function slowest(cursors: Iterable<readonly [string, Cursor]>, me: string): Cursor | null {
  let slow: Cursor | null = null;
  for (const [userId, cursor] of cursors) {
    if (userId === me) continue;
    slow = slow
      ? {
          deliveredSeq: Math.min(slow.deliveredSeq, cursor.deliveredSeq),
          readSeq: Math.min(slow.readSeq, cursor.readSeq),
        }
      : cursor;
  }
  return slow;
}

export function stateOf(item: LogItem, me: string, others: Cursor | null): MessageState {
  if (item.kind === "pending") return item.state;
  if (item.system) return "system";
  if (item.sender.id !== me) return "received";
  if (!others) return "sent";
  if (others.readSeq >= item.seq) return "read";
  return others.deliveredSeq >= item.seq ? "delivered" : "sent";
}
