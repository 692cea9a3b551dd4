import { fileUrl } from "./attachments";
import type { LogItem, Message } from "./oort";

export function messageAt(items: readonly LogItem[], seq: number | undefined): Message | null {
  return items.find((item): item is Message => item.kind === "message" && item.seq === seq) ?? null;
}

/** A message that is shown beside the log, as it is now; null: nothing of it may be shown any more. What the log does not reach is as it was. */
export function nowOf(message: Message, items: readonly LogItem[]): Message | null {
  const now = items.findLast((item) => item.kind === "message" && item.seq <= message.seq);
  if (now?.kind !== "message") return message;
  return now.seq === message.seq && !now.gone ? now : null;
}

/** A message that is not gone still has the file at this address. */
export function hasFile(items: readonly LogItem[], href: string | undefined): boolean {
  return items.some(({ attachment }) => attachment && fileUrl(String(attachment.fileId), "content") === href);
}
