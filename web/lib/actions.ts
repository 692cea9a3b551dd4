import type { LogItem } from "./oort";

/** What can be done to a message. */
export type MessageAction = "react" | "reply" | "copy" | "forward" | "readers" | "edit" | "recall" | "hide";

interface Standing {
  me: string;
  /** Looks after the conversation: who created the group or room. */
  manages: boolean;
  /** May write in it. */
  writes: boolean;
  /** The browser lets this page write to its clipboard. */
  copies: boolean;
  /** It can be asked who has read a message. */
  receipts: boolean;
}

/** What the reader may try, in the order in which it is offered. What has become too late the server says. */
export function actionsOf(
  item: LogItem,
  { me, manages, writes, copies, receipts }: Standing,
): readonly MessageAction[] {
  if (item.kind !== "message" || item.system) return [];
  if (item.gone) return ["hide"];
  const mine = item.sender.id === me;
  const all: readonly [MessageAction, boolean][] = [
    ["react", writes],
    ["reply", writes],
    ["copy", copies && item.content !== ""],
    ["forward", true],
    ["readers", mine && receipts],
    ["edit", mine && writes],
    ["recall", mine || manages],
    ["hide", true],
  ];
  return all.flatMap(([action, isOffered]) => (isOffered ? [action] : []));
}

/** The newest message that the reader may edit: what ↑ in an empty field takes up. */
export function lastOwn(items: readonly LogItem[], me: string): (LogItem & { kind: "message" }) | undefined {
  for (let at = items.length - 1; at >= 0; at--) {
    const item = items[at];
    if (item?.kind === "message" && item.sender.id === me && !item.system && !item.gone) return item;
  }
  return undefined;
}
