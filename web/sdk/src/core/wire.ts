import type {
  ChangeFrame,
  ClientMessages,
  Room,
  UserEventFrame,
  WireMessage,
  WireQuote,
} from "../generated/oort_v1.js";
import type { Change, Extras, Message, Quote, SystemEvent, User, UserEvent } from "../types.js";

/** An event of the user as servers say it, in frames and pages. */
export type WireEvent = UserEventFrame["payload"];

/** A change of a message as servers say it, in frames and pages. */
export type WireChange = Omit<ChangeFrame["payload"], "roomId">;

/** A message as the SDK shows it. */
export function fromWire(wire: WireMessage): Message {
  const { id, seq, content, timestamp, user, clientMsgId, editedAt, gone, reactions, changeSeq } = wire;
  const system = wire.kind === "system" ? systemEvent(content) : undefined;
  const { forwardedFrom, hidden, expiresAtMs } = wire;
  return {
    kind: "message",
    id,
    seq,
    sender: user,
    content,
    atMs: timestamp,
    clientMsgId,
    system,
    ...extrasOf(wire),
    ...(forwardedFrom && { forwardedFrom }),
    ...(hidden && { hidden }),
    ...(gone !== undefined && { gone }),
    ...(expiresAtMs !== undefined && !gone && { expiresAtMs }),
    ...(changeSeq !== undefined && {
      changeSeq,
      ...(editedAt !== undefined && { editedAtMs: editedAt }),
      ...(reactions !== undefined && {
        reactions: reactions.map((one) => ({ ...one, mine: one.mine === true })),
      }),
    }),
  };
}

/** A message as a server says it. */
export function toWire(message: Message): WireMessage {
  const { id, seq, content, atMs, sender, clientMsgId, system, changeSeq, editedAtMs, reactions } = message;
  return {
    id,
    seq,
    kind: system ? "system" : (message.contentKind ?? "text"),
    content,
    timestamp: atMs,
    user: sender,
    clientMsgId,
    ...toWireExtras(id, message),
    ...(message.forwardedFrom && { forwardedFrom: message.forwardedFrom }),
    ...(message.hidden && { hidden: true }),
    ...(message.gone && { gone: message.gone }),
    ...(message.expiresAtMs !== undefined && { expiresAtMs: message.expiresAtMs }),
    ...(changeSeq !== undefined && { changeSeq, editedAt: editedAtMs, reactions: reactions?.slice() }),
  };
}

function extrasOf({ kind, attachment, reply, mentions, mentionsAll }: WireMessage): Extras {
  return {
    ...(kind !== "text" && kind !== "system" && { contentKind: kind }),
    ...(attachment && { attachment }),
    ...(reply && { reply: quoteOf(reply) }),
    ...(mentions && mentions.length > 0 && { mentions }),
    ...(mentionsAll && { mentionsAll }),
  };
}

function quoteOf({ seq, kind, content, user, expiresAtMs }: WireQuote): Quote {
  return {
    seq,
    contentKind: kind,
    content,
    ...(user && { sender: user }),
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  };
}

/** How a message is quoted that is here. */
export function quoted(message: Message): Quote {
  const { seq, sender, content, contentKind = "text", system, expiresAtMs } = message;
  return {
    seq,
    sender,
    contentKind: system ? "system" : contentKind,
    content: [...content].slice(0, QUOTE_CHARS).join(""),
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  };
}

/** Characters of a quote; a server may quote fewer. */
const QUOTE_CHARS = 100;

function toWireExtras(id: string, { attachment, reply, mentions, mentionsAll }: Extras) {
  const room = id.slice(0, id.lastIndexOf("-"));
  return {
    ...(attachment && { attachment }),
    ...(reply && {
      reply: {
        id: `${room}-${reply.seq}`,
        seq: reply.seq,
        kind: reply.contentKind,
        content: reply.content,
        ...(reply.sender && { user: reply.sender }),
        ...(reply.expiresAtMs !== undefined && { expiresAtMs: reply.expiresAtMs }),
      },
    }),
    ...(mentions && { mentions: [...mentions] }),
    ...(mentionsAll && { mentionsAll }),
  };
}

/** A message of one's own as a frame says it. */
export function draftToWire(
  clientMsgId: string,
  content: string,
  { contentKind, attachment, reply, mentions, mentionsAll }: Extras = {},
  expiresInMs?: number,
): ClientMessages["payload"]["messages"][number] {
  return {
    clientMsgId,
    content,
    ...(contentKind && { kind: contentKind }),
    ...(attachment && { attachment }),
    ...(reply && { replyTo: reply.seq }),
    ...(mentions && { mentions: [...mentions] }),
    ...(mentionsAll && { mentionsAll }),
    ...(expiresInMs && { expiresInMs }),
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
    const { event, users, ...more } = JSON.parse(content);
    if (typeof event === "string")
      return { ...more, event, users: Array.isArray(users) ? (users as User[]).filter(isUser) : [] };
  } catch {
    // What cannot be read is still a system message.
  }
  return { event: "unknown", users: [] };
}

function isUser(value: unknown): value is User {
  const { id, username } = (value ?? {}) as Partial<User>;
  return typeof id === "string" && typeof username === "string";
}
