import type { WireChange, WireEvent } from "../../src/core/wire.js";
import type {
  ClientFrame,
  Room,
  ServerFrame,
  WireMessage,
  WireQuote,
  WireUser,
} from "../../src/generated/oort_v1.js";

const HELLO_MESSAGES = 5;
const HISTORY_MAX = 10;
const EVENTS_MAX = 3;

interface FakeRoom {
  readonly id: string;
  readonly kind: Room["kind"];
  readonly messages: WireMessage[];
  readonly readSeq: Map<string, number>;
  readonly changes: WireChange[];
  /** Who reacts, by message and emoji. */
  readonly reactions: Map<string, Set<string>>;
}

/** One connection: what the server says waits in `queue` until it is delivered. */
export class Link {
  readonly queue: ServerFrame[] = [];
  isOpen = true;

  constructor(
    readonly server: FakeServer,
    readonly user: WireUser,
  ) {}

  send(frame: ClientFrame): boolean {
    if (this.isOpen) this.server.handle(this, frame);
    return this.isOpen;
  }

  close(): void {
    this.isOpen = false;
    this.queue.length = 0;
    this.server.links.delete(this);
  }
}

/** Speaks oort.v1 in memory, with the guarantees of docs/protocol.md. */
export class FakeServer {
  readonly rooms = new Map<string, FakeRoom>();
  readonly links = new Set<Link>();
  readonly received: ClientFrame[] = [];
  readonly #events = new Map<string, WireEvent[]>();
  /** Events up to this seq are no longer kept. */
  eventsForgotten = 0;
  eventPages = 0;
  changePages = 0;
  /** Older servers: no cursors, no watch. */
  isOld = false;
  /** Refuses pages of history for good. */
  isClosed = false;
  /** Refuses this many sends for now. */
  overloads = 0;
  #now = 1_700_000_000_000;
  /** When a room last changed, for `since`. */
  #changes = 0;
  readonly #changedAt = new Map<string, number>();

  addRoom(id: string, kind: Room["kind"] = "room"): void {
    this.rooms.set(id, {
      id,
      kind,
      messages: [],
      readSeq: new Map(),
      changes: [],
      reactions: new Map(),
    });
    this.#changed(id);
  }

  connect(user: WireUser, since: string | null): Link {
    const link = new Link(this, user);
    this.links.add(link);
    link.queue.push(this.#hello(user, since));
    return link;
  }

  post(
    roomId: string,
    user: WireUser,
    content: string,
    clientMsgId?: string,
    more: Partial<WireMessage> = {},
  ): WireMessage {
    const { messages } = this.#room(roomId);
    const seq = messages.length + 1;
    const message: WireMessage = {
      id: `${roomId}-${seq}`,
      seq,
      kind: "text",
      content,
      timestamp: ++this.#now,
      user,
      ...(clientMsgId !== undefined && { clientMsgId }),
      ...more,
    };
    messages.push(message);
    this.#changed(roomId);
    for (const link of this.links) {
      link.queue.push({ type: "serverMessages", payload: { roomId, messages: [message] } });
    }
    return message;
  }

  #quote(roomId: string, seq: number): WireQuote {
    const quoted = this.#room(roomId).messages[seq - 1];
    if (!quoted) throw new Error(`there is no message ${seq}`);
    const { id, kind, content, user } = quoted;
    return { id, seq, kind, content, user };
  }

  /** Somebody changes a message. */
  change(
    roomId: string,
    by: WireUser,
    seq: number,
    kind: WireChange["kind"],
    { content, emoji = "" }: { content?: string; emoji?: string } = {},
  ): WireChange {
    const { messages, changes, reactions } = this.#room(roomId);
    const message = messages[seq - 1]!;
    const at = ++this.#now;
    const who = reactions.get(`${seq} ${emoji}`) ?? new Set();
    if (kind === "reacted") who.add(by.id);
    else if (kind === "unreacted") who.delete(by.id);
    reactions.set(`${seq} ${emoji}`, who);
    const isReaction = kind === "reacted" || kind === "unreacted";
    const change: WireChange = {
      changeSeq: changes.length + 1,
      messageId: message.id,
      seq,
      kind,
      at,
      by,
      ...(kind === "edited" && { content }),
      ...(isReaction && { emoji, count: who.size }),
    };
    changes.push(change);
    const before = message.reactions ?? [];
    const others = isReaction ? before.filter((one) => one.emoji !== emoji) : before;
    const reacted = isReaction && who.size > 0 ? [...others, { emoji, count: who.size }] : others;
    if (kind === "recalled" || kind === "erased" || kind === "expired") {
      const { id, kind: kindOfMessage, timestamp, user, clientMsgId } = message;
      messages[seq - 1] = {
        id,
        seq,
        kind: kindOfMessage,
        content: "",
        timestamp,
        user,
        gone: kind,
        changeSeq: change.changeSeq,
        ...(clientMsgId !== undefined && { clientMsgId }),
      };
    } else {
      const { reactions: _, ...rest } = message;
      messages[seq - 1] = {
        ...rest,
        changeSeq: change.changeSeq,
        ...(kind === "edited" && { content: content ?? "", editedAt: at }),
        ...(reacted.length > 0 && { reactions: reacted }),
      };
    }
    this.#changed(roomId);
    for (const link of this.links) link.queue.push({ type: "change", payload: { roomId, ...change } });
    return change;
  }

  /** As `GET /api/conversations/{id}/changes` answers. */
  changesAfter(roomId: string, after: number) {
    this.changePages++;
    const all = this.#room(roomId).changes;
    const changes = all.slice(after, after + EVENTS_MAX);
    return { changes, head: all.length, hasMore: after + EVENTS_MAX < all.length };
  }

  /** Something changes for a user. */
  happen(user: WireUser, kind: string, data: Record<string, unknown> = {}): WireEvent {
    const events = this.#events.get(user.id) ?? [];
    this.#events.set(user.id, events);
    const event: WireEvent = { seq: events.length + 1, at: ++this.#now, kind, data };
    events.push(event);
    for (const link of this.links) {
      if (link.user.id === user.id) link.queue.push({ type: "event", payload: event });
    }
    return event;
  }

  /** As `GET /api/events` answers. */
  eventsAfter(user: WireUser, after: number) {
    this.eventPages++;
    const all = this.#events.get(user.id) ?? [];
    const from = Math.max(after, this.eventsForgotten);
    const events = all.slice(from, from + EVENTS_MAX);
    const head = all.length;
    const newest = events.at(-1)?.seq ?? head;
    return { events, head, hasMore: newest < head, truncated: after < head && from > after };
  }

  handle(link: Link, frame: ClientFrame): void {
    this.received.push(frame);
    switch (frame.type) {
      case "clientMessages": {
        const { roomId, messages, requestId } = frame.payload;
        const results = messages.map(({ content, clientMsgId, replyTo, ...more }) => {
          const old = this.#room(roomId).messages.find((message) => message.clientMsgId === clientMsgId);
          if (!old && this.overloads > 0) {
            this.overloads--;
            const error = { code: "overloaded" as const, message: "too much", retryAfterMs: 50 };
            return { clientMsgId, error };
          }
          const { seq, id, timestamp } =
            old ??
            this.post(roomId, link.user, content, clientMsgId, {
              ...more,
              ...(replyTo !== undefined && { reply: this.#quote(roomId, replyTo) }),
            });
          return { clientMsgId, seq, id, timestamp, ...(old && { duplicate: true as const }) };
        });
        link.queue.push({ type: "sendAck", payload: { roomId, results, ...echo(requestId) } });
        return;
      }
      case "requestRoomHistory": {
        const { roomId, firstMessageId, afterSeq, count, requestId } = frame.payload;
        if (this.isClosed) return this.#refuse(link, requestId);
        const { messages: all, changes } = this.#room(roomId);
        const max = Math.min(count, HISTORY_MAX);
        const before = firstMessageId ? Number(firstMessageId.split("-")[1]) : all.length + 1;
        const low = Math.max(1, before - max);
        const isForward = afterSeq !== undefined;
        const messages = isForward
          ? all.slice(afterSeq, afterSeq + max)
          : all.slice(low - 1, before - 1).reverse();
        const hasMoreMessages = isForward ? afterSeq + max < all.length : low > 1;
        const changeSeq = changes.length;
        const page = { messages, hasMoreMessages, head: all.length, ...(changeSeq > 0 && { changeSeq }) };
        const payload = { roomId, ...page, ...echo(requestId) };
        link.queue.push({ type: "serverRoomHistory", payload });
        return;
      }
      case "cursor": {
        if (this.isOld) return this.#refuse(link, frame.payload.requestId);
        const { roomId, readSeq = 0, requestId } = frame.payload;
        const room = this.#room(roomId);
        const read = Math.max(readSeq, room.readSeq.get(link.user.id) ?? 0);
        room.readSeq.set(link.user.id, read);
        this.#changed(roomId);
        const head = room.messages.length;
        const payload = { roomId, userId: link.user.id, deliveredSeq: read, readSeq: read, head };
        const unread = this.unread(roomId, link.user.id);
        link.queue.push({ type: "cursor", payload: { ...payload, unread, ...echo(requestId) } });
        return;
      }
      case "watch": {
        if (this.isOld) return this.#refuse(link, frame.payload.requestId);
        const users = frame.payload.userIds.map((id) => ({ id, online: true, lastSeenMs: 0 }));
        link.queue.push({ type: "presence", payload: { users, ...echo(frame.payload.requestId) } });
        return;
      }
      case "ping":
        link.queue.push({ type: "pong", payload: {} });
        return;
    }
  }

  unread(roomId: string, userId: string): number {
    const { messages, readSeq } = this.#room(roomId);
    const read = readSeq.get(userId) ?? 0;
    return messages.filter(({ seq, user }) => seq > read && user.id !== userId).length;
  }

  #refuse(link: Link, requestId: string | undefined): void {
    const payload = { code: "invalid_request" as const, message: "there is no such type of frame" };
    link.queue.push({ type: "error", payload: { ...payload, ...echo(requestId) } });
  }

  #room(id: string): FakeRoom {
    const room = this.rooms.get(id);
    if (!room) throw new Error(`no room ${id}`);
    return room;
  }

  #changed(id: string): void {
    this.#changedAt.set(id, ++this.#changes);
  }

  #hello(user: WireUser, since: string | null): ServerFrame {
    const changedSince = since === null || this.isOld ? -1 : Number(since);
    const rooms = [...this.rooms.values()].filter(({ id }) => (this.#changedAt.get(id) ?? 0) > changedSince);
    const shown = rooms.map(({ id, kind, messages, readSeq, changes }): Room => {
      const head = messages.length;
      const cursors = {
        readSeq: readSeq.get(user.id) ?? 0,
        deliveredSeq: readSeq.get(user.id) ?? 0,
        unread: this.unread(id, user.id),
        lastAtMs: messages.at(-1)?.timestamp ?? 0,
        ...(changes.length > 0 && { changeSeq: changes.length }),
      };
      return {
        id,
        name: `room ${id}`,
        kind,
        head,
        hasMoreMessages: head > HELLO_MESSAGES,
        messages: messages.slice(-HELLO_MESSAGES).reverse(),
        ...(!this.isOld && cursors),
      };
    });
    const cursor = String(this.#changes);
    const eventSeq = this.#events.get(user.id)?.length ?? 0;
    const more = this.isOld ? {} : { eventSeq };
    if (changedSince >= 0) {
      const session = { key: "k", heartbeatMs: 60_000 };
      return { type: "hello", payload: { session, partial: true, rooms: shown, cursor, ...more } };
    }
    const limits = {
      frameBytesMax: 65536,
      messagesPerFrameMax: 3,
      contentBytesMax: 8192,
      clientMsgIdBytesMax: 64,
      requestIdBytesMax: 64,
      roomNameCharsMax: 64,
      historyCountMax: HISTORY_MAX,
    };
    const session = { key: "k", heartbeatMs: 60_000, limits };
    return {
      type: "hello",
      payload: { me: user, session, rooms: shown, ...(!this.isOld && { cursor }), ...more },
    };
  }
}

function echo(requestId: string | undefined): { requestId?: string } {
  return requestId === undefined ? {} : { requestId };
}
