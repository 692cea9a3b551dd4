import type { Message } from "../types.js";

/** When something of a message is no longer to be shown: all of it, or what it quotes. `Infinity`: never. */
export function endOf({ gone, expiresAtMs, reply }: Message): number {
  if (gone) return Number.POSITIVE_INFINITY;
  const quoted = reply?.content ? reply.expiresAtMs : undefined;
  return Math.min(expiresAtMs ?? Number.POSITIVE_INFINITY, quoted ?? Number.POSITIVE_INFINITY);
}

/** What may be shown of a message at that time. */
export function shownAt(message: Message, nowMs: number): Message {
  if (endOf(message) > nowMs) return message;
  const { reply, expiresAtMs } = message;
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs) return remains(message, "expired");
  return reply ? { ...message, reply: { ...reply, content: "" } } : message;
}

/** The place of a message of which nothing else is left. */
export function remains(message: Message, gone: NonNullable<Message["gone"]>): Message {
  const { kind, id, seq, sender, atMs, clientMsgId, changeSeq } = message;
  return {
    kind,
    id,
    seq,
    sender,
    atMs,
    content: "",
    gone,
    ...(clientMsgId !== undefined && { clientMsgId }),
    ...(changeSeq !== undefined && { changeSeq }),
  };
}
