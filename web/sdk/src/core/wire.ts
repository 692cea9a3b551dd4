import type { Room, UserEventFrame, WireMessage } from "../generated/oort_v1.js";
import type { Message, SystemEvent, User, UserEvent } from "../types.js";

/** An event of the user as servers say it, in frames and pages. */
export type WireEvent = UserEventFrame["payload"];

/** A message as the SDK shows it. */
export function fromWire(wire: WireMessage): Message {
  const { id, seq, content, timestamp, user, clientMsgId } = wire;
  const system = wire.kind === "system" ? systemEvent(content) : undefined;
  return {
    kind: "message",
    id,
    seq,
    sender: user,
    content,
    atMs: timestamp,
    clientMsgId,
    system,
  };
}

/** A message as a server says it. */
export function toWire(message: Message): WireMessage {
  const { id, seq, content, atMs, sender, clientMsgId, system } = message;
  return {
    id,
    seq,
    kind: system ? "system" : "text",
    content,
    timestamp: atMs,
    user: sender,
    clientMsgId,
  };
}

/** Messages by the SDK's shape, in the order given. */
export function messagesOf(room: Pick<Room, "messages">): Message[] {
  return room.messages.map(fromWire);
}

/** An event of the user as the SDK shows it. */
export function userEvent({ seq, at: atMs, kind, data }: WireEvent): UserEvent {
  return { seq, atMs, kind, data };
}

function systemEvent(content: string): SystemEvent {
  try {
    const { event, users } = JSON.parse(content);
    if (typeof event === "string") return { event, users: Array.isArray(users) ? (users as User[]) : [] };
  } catch {
    // What cannot be read is still a system message.
  }
  return { event: "unknown", users: [] };
}
