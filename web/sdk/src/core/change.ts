import type { Change, Message, Reaction } from "../types.js";
import { remains } from "./expiry.js";

/** A message after a change that it does not have yet. */
export function changed(message: Message, change: Change, myId: string | null): Message {
  const now = { ...message, changeSeq: change.seq };
  if (message.hidden) return now;
  switch (change.kind) {
    case "edited":
      return message.gone || change.content === undefined
        ? now
        : { ...now, content: change.content, editedAtMs: change.atMs };
    case "recalled":
    case "erased":
    case "expired":
      return remains(now, change.kind);
    case "reacted":
    case "unreacted":
      return { ...now, reactions: reacted(message.reactions ?? [], change, myId) };
    default:
      return now;
  }
}

function reacted(
  before: readonly Reaction[],
  { kind, emoji = "", count = 0, by }: Change,
  myId: string | null,
): Reaction[] {
  const old = before.find((reaction) => reaction.emoji === emoji);
  const mine = by?.id === myId ? kind === "reacted" : (old?.mine ?? false);
  const now: Reaction = { emoji, count, mine };
  const all = old ? before.map((reaction) => (reaction === old ? now : reaction)) : [...before, now];
  return all.filter((reaction) => reaction.count > 0);
}
