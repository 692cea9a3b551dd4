import { roomOf } from "./attachments";
import type { Attachment, LogItem } from "./oort";
import { dayOf } from "./time";

/** What stands around a message because of the one before it. */
export interface RowFrame {
  /** A new day begins with it. */
  day: boolean;
  /** The first that was unread when the conversation was opened. */
  unread: boolean;
  /** First of a run of messages of one sender: it shows who. */
  first: boolean;
  /** Last of such a run. */
  last: boolean;
}

/** Messages of one sender within this time are drawn together. */
export const runMs = 5 * 60_000;

/** The frame of `items[index]`. Looks at its neighbours only, so a window of a long list costs what it shows. `unreadSeq`: where the
 * line of what is new stands. */
export function frameOf(items: readonly LogItem[], index: number, me: string, unreadSeq: number | null): RowFrame {
  const item = items[index];
  if (!item) return { day: false, unread: false, first: true, last: true };
  const before = items[index - 1];
  const after = items[index + 1];
  return {
    day: !before || dayOf(before.atMs) !== dayOf(item.atMs),
    unread: isUnread(item, unreadSeq),
    first: !before || !sameRun(before, item, me) || isUnread(item, unreadSeq),
    last: !after || !sameRun(item, after, me) || isUnread(after, unreadSeq),
  };
}

function isUnread(item: LogItem | undefined, unreadSeq: number | null): boolean {
  return unreadSeq !== null && item?.kind === "message" && item.seq === unreadSeq;
}

function sameRun(before: LogItem, item: LogItem, me: string): boolean {
  if (isSystem(before) || isSystem(item)) return false;
  return (
    senderOf(before, me) === senderOf(item, me) &&
    Math.abs(item.atMs - before.atMs) < runMs &&
    dayOf(before.atMs) === dayOf(item.atMs)
  );
}

/** Whether the server wrote it. */
export function isSystem(item: LogItem): boolean {
  return item.kind === "message" && item.system !== undefined;
}

/** About how much higher a row is for what it has beside its text, px. */
export function extraHeight({ reply, attachment, contentKind }: LogItem): number {
  return (reply ? 48 : 0) + (attachment ? heightOf(attachment, contentKind) : 0);
}

function heightOf(attachment: Attachment, kind: LogItem["contentKind"]): number {
  const room = roomOf(kind, attachment);
  return room ? room.height + 8 : 64;
}

export function senderOf(item: LogItem, me: string): string {
  return item.kind === "message" ? item.sender.id : me;
}

/** Stays the same from the moment of sending to the stored message, so that its place on the screen is kept. */
export function keyOf(item: LogItem, me: string): string {
  if (item.kind === "pending") return `mine ${item.localId}`;
  return item.sender.id === me && item.clientMsgId && !item.system ? `mine ${item.clientMsgId}` : `seq ${item.seq}`;
}
