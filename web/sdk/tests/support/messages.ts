import type { Room, WireMessage } from "../../src/generated/oort_v1.js";
import type { Message } from "../../src/types.js";

export const ANN = { id: "2", username: "ann" };
export const BOB = { id: "3", username: "bob" };

/** Message number `seq` of a room, from bob. */
export function message(seq: number, over: Partial<Message> = {}): Message {
  const clientMsgId = `c-${seq}`;
  return {
    kind: "message",
    id: `7-${seq}`,
    seq,
    sender: BOB,
    content: `text ${seq}`,
    atMs: 1000 + seq,
    clientMsgId,
    ...over,
  };
}

/** The same as a server says it. */
export function wire(seq: number, over: Partial<WireMessage> = {}): WireMessage {
  return {
    id: `7-${seq}`,
    seq,
    kind: "text",
    clientMsgId: `c-${seq}`,
    content: `text ${seq}`,
    timestamp: 1000 + seq,
    user: BOB,
    ...over,
  };
}

/** Room 7 with its newest messages. */
export function room(head: number, shown: number, over: Partial<Room> = {}): Room {
  const messages: WireMessage[] = [];
  for (let seq = head; seq > Math.max(0, head - shown); seq--) messages.push(wire(seq));
  return {
    id: "7",
    name: "tea",
    kind: "room",
    creatorId: "2",
    head,
    hasMoreMessages: head > shown,
    messages,
    ...over,
  };
}

/** Numbers from `low` to `high`, both included. */
export function span(low: number, high: number): number[] {
  return Array.from({ length: Math.max(0, high - low + 1) }, (_, index) => low + index);
}
