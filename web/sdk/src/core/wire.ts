import type { ChangeFrame, Room, UserEventFrame, WireMessage } from "../generated/oort_v1.js";
import type { Change, Message, SystemEvent, User, UserEvent } from "../types.js";

/** An event of the user as servers say it, in frames and pages. */
export type WireEvent = UserEventFrame["payload"];

/** A change of a message as servers say it, in frames and pages. */
export type WireChange = Omit<ChangeFrame["payload"], "roomId">;

/** A message as the SDK shows it. */
export function fromWire(wire: WireMessage): Message {
  const { id, seq, content, timestamp, user, clientMsgId, editedAt, gone, reactions, changeSeq } = wire;
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
    ...(changeSeq !== undefined && {
      changeSeq,
      ...(editedAt !== undefined && { editedAtMs: editedAt }),
      ...(gone !== undefined && { gone }),
      ...(reactions !== undefined && {
        reactions: reactions.map((one) => ({ ...one, mine: one.mine === true })),
      }),
    }),
  };
}

/** A message as a server says it. */
export function toWire(message: Message): WireMessage {
  const { id, seq, content, atMs, sender, clientMsgId, system, changeSeq, editedAtMs, gone, reactions } =
    message;
  return {
    id,
    seq,
    kind: system ? "system" : "text",
    content,
    timestamp: atMs,
    user: sender,
    clientMsgId,
    ...(changeSeq !== undefined && { changeSeq, editedAt: editedAtMs, gone, reactions: reactions?.slice() }),
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

/** A change of a message as the SDK shows it. */
export function changeOf(wire: WireChange): Change {
  const { changeSeq: seq, seq: messageSeq, kind, at: atMs, by, content, emoji, count } = wire;
  return {
    seq,
    messageSeq,
    kind,
    atMs,
    ...(by !== undefined && { by }),
    ...(content !== undefined && { content }),
    ...(emoji !== undefined && { emoji, count: count ?? 0 }),
  };
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
