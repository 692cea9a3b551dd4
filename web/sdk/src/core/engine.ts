import { OortError } from "../error.js";
import type {
  ChangedRoom,
  ClientFrame,
  Hello,
  Room,
  ServerFrame,
  Limits as WireLimits,
} from "../generated/oort_v1.js";
import { DEFAULT_FRAME_LIMITS, type FrameLimits, TIMES } from "../limits.js";
import { batch, Cell, Derived } from "../stores.js";
import type {
  Change,
  ConversationEntry,
  ConversationSettings,
  Cursors,
  Limits,
  LogView,
  Me,
  Message,
  User,
  UserEvent,
} from "../types.js";
import { Attendance } from "./attendance.js";
import { changed } from "./change.js";
import { Conversation } from "./conversation.js";
import { Emitter } from "./emitter.js";
import { Feed, type Page } from "./feed.js";
import { type Host, isRetryable } from "./host.js";
import type { OutboxEntry } from "./outbox.js";
import { Pages } from "./pages.js";
import { Requests } from "./requests.js";
import { Sends } from "./sends.js";
import type { Storage } from "./storage.js";
import { Timers } from "./timers.js";
import { changeOf, fromWire, userEvent } from "./wire.js";

/** The way to a server: a socket, or the tab that holds one. */
export interface Uplink {
  /** `false`: there is no way now. */
  send(frame: ClientFrame): boolean;
  /** Connects anew. */
  restart(): void;
}

/** The stores of one conversation. */
export interface Views {
  readonly log: Derived<LogView>;
  readonly cursors: Derived<ReadonlyMap<string, Cursors>>;
  readonly typing: Cell<readonly User[]>;
}

/** Newest messages of each conversation that a tab tells another. */
const MESSAGES_TOLD = 30;

/** Everything a client knows: fed with frames, it keeps conversations and tells who watches. Its parts send and fetch. */
export class Engine implements Host {
  readonly events = new Emitter();
  readonly timers = new Timers();
  readonly requests: Requests;
  readonly me = new Cell<Me | null>(null);
  readonly list: Derived<readonly ConversationEntry[]>;
  readonly conversations = new Map<string, Conversation>();
  frameLimits: FrameLimits = DEFAULT_FRAME_LIMITS;
  isReady = false;
  /** This tab writes the cache and says what was delivered. */
  isLeader = false;
  /** What to say to the next connection: it then tells only what changed. */
  since: string | null = null;
  readonly sends: Sends;
  readonly attendance: Attendance;
  /** What changed for the user beside messages. */
  readonly feed: Feed<UserEvent>;
  /** Where the feed was when the connection was opened whose hello is next: events by the one before it may be newer. */
  seqAtOpen: number | null = null;
  /** Reads the user's events after this one. */
  onEventsMissed: (after: number) => Promise<Page<UserEvent>> = unasked;
  /** Reads changes of messages in a conversation after this one. */
  onChangesMissed: (id: string, after: number) => Promise<Page<Change>> = unasked;
  /** After each hello. */
  onGreeted: () => void = () => {};
  /** Frames were left out: what they said of the list has to be asked for. */
  onBehind: () => void = () => {};

  readonly #pages: Pages;
  #uplink: Uplink | null = null;
  #hasGreeted = false;
  readonly #entries = new Map<string, ConversationEntry>();
  readonly #views = new Map<string, Views>();
  /** Where a hole began that is being filled. */
  readonly #holes = new Map<string, { fromSeq: number; toSeq: number }>();
  /** Whose cursors are to be told. */
  readonly #moved = new Set<string>();
  readonly #dirty = new Set<string>();
  readonly #removed = new Set<string>();

  constructor(
    readonly tab: string,
    readonly limits: Limits,
    public storage: Storage,
  ) {
    this.requests = new Requests(tab, (frame) => this.isReady && (this.#uplink?.send(frame) ?? false));
    this.list = new Derived(() => this.#listed());
    this.sends = new Sends(this);
    this.attendance = new Attendance(this, (id, users) => this.views(id).typing.set(users));
    this.#pages = new Pages(this, (id) => this.attendance.isOnScreen(id));
    this.feed = new Feed(this, {
      name: "events",
      fetch: (after) => this.onEventsMissed(after),
      tell: (event) => {
        this.#flushSoon();
        this.#heardEvent(event);
        this.events.emit("event", event);
      },
      lost: () => this.events.emit("events-lost", {}),
    });
  }

  // ---- start and end ----------------------------------------------------------------------------

  /** Shows what was kept. What `isMine` of the outbox is sent by this client from now on. */
  async restore(isMine: (entry: OutboxEntry) => boolean): Promise<void> {
    // A database may hang; a connection does not wait for it.
    const late = new Promise<never>((_, reject) => {
      this.timers.soon("restore", TIMES.restoreMs, () => reject(new Error("the database does not answer")));
    });
    const { meta, conversations, outbox } = await Promise.race([this.storage.load(), late]);
    this.timers.cancel("restore");
    batch(() => {
      this.me.set(meta?.me ?? null);
      this.since = meta?.since ?? null;
      this.frameLimits = meta?.limits ?? DEFAULT_FRAME_LIMITS;
      this.feed.reset(meta?.eventSeq ?? null);
      for (const stored of conversations) {
        const conversation = Conversation.restored(stored, this.limits, this.#changesOf(stored.id));
        this.conversations.set(stored.id, conversation);
        this.#expire(conversation);
        this.changed(stored.id);
      }
      this.sends.adopt(outbox.filter(isMine));
      this.list.invalidate();
    });
  }

  /** Forgets everything: another user, or nobody. */
  async wipe(): Promise<void> {
    batch(() => {
      this.since = null;
      this.me.set(null);
      this.#hasGreeted = false;
      for (const map of [this.conversations, this.#entries, this.#holes]) map.clear();
      for (const set of [this.#dirty, this.#removed, this.#moved]) set.clear();
      this.#pages.reset();
      this.feed.reset(null);
      this.attendance.clear();
      this.sends.outbox.clear();
      for (const { log, cursors } of this.#views.values()) {
        log.invalidate();
        cursors.invalidate();
      }
      this.list.invalidate();
    });
    await this.storage.clear();
  }

  /** Writes what waits, and stops. */
  async stop(): Promise<void> {
    this.detached();
    this.timers.clear();
    await this.flush();
  }

  // ---- the way to the server ----------------------------------------------------------------------

  /** Frames go this way from now on. */
  attach(uplink: Uplink): void {
    this.#uplink = uplink;
  }

  /** The way is gone: what was asked gets no answer, what was sent is sent again. */
  detached(): void {
    batch(() => {
      this.isReady = false;
      this.requests.interrupted();
      this.sends.interrupted();
    });
  }

  /** To be called now and then: looks for answers that are overdue. */
  tick(): void {
    this.requests.tick();
    this.sends.tick();
  }

  receive(frame: ServerFrame): void {
    batch(() => this.#receive(frame));
  }

  #receive(frame: ServerFrame): void {
    switch (frame.type) {
      case "hello":
        return this.#hello(frame.payload);
      case "serverMessages":
        return this.#live(frame.payload.roomId, frame.payload.messages.map(fromWire));
      case "sendAck": {
        const conversation = this.#conversation(frame.payload.roomId);
        const sent = this.sends.acked(frame.payload, this.me.get());
        conversation.log.addSent(sent);
        conversation.came(sent);
        this.requests.answered(frame);
        this.advance(conversation);
        return this.sends.flush();
      }
      case "serverRoomHistory":
      case "serverCreateRoom":
      case "error":
        return this.requests.answered(frame);
      case "conversation": {
        const { change, room, actor } = frame.payload;
        if (change === "left") this.#forget(room.id);
        else if (change === "changed") this.#change(room);
        else this.upsert(room, change === "created");
        return this.events.emit("conversation", { change, conversationId: room.id, actor });
      }
      case "behind":
        return this.#behind(frame.payload.rooms);
      case "push":
        return this.events.emit("push", frame.payload);
      case "cursor": {
        const { roomId, userId, deliveredSeq, readSeq, head, unread } = frame.payload;
        this.requests.answered(frame);
        if (userId === this.me.get()?.id) {
          this.conversations.get(roomId)?.confirm(readSeq, deliveredSeq, head, unread);
        }
        return this.cursors(roomId, [{ userId, deliveredSeq, readSeq }]);
      }
      case "change": {
        const { changes } = this.#conversation(frame.payload.roomId);
        return changes.received(changeOf(frame.payload));
      }
      case "event":
        return this.feed.received(userEvent(frame.payload));
      case "presence":
        this.requests.answered(frame);
        return this.attendance.received(frame.payload);
      case "typing": {
        const { roomId, user, active } = frame.payload;
        return this.attendance.typing(roomId, user, active);
      }
    }
  }

  /** A hello that makes another client know what this one knows. */
  greeting(): ServerFrame | null {
    const me = this.me.get();
    if (!me || !this.isReady) return null;
    // As the last full hello said them.
    const limits = this.frameLimits as WireLimits;
    const listed = [...this.conversations.values()].filter(({ isListed }) => isListed);
    return {
      type: "hello",
      payload: {
        me: { id: me.id, username: me.username },
        session: { key: "", heartbeatMs: TIMES.silenceMs, limits },
        rooms: listed.map((conversation) => conversation.room(MESSAGES_TOLD, me.id)),
        cursor: this.since ?? undefined,
        eventSeq: this.feed.seq === null ? undefined : this.feed.head,
      },
    };
  }

  #hello(hello: Hello["payload"]): void {
    const isPartial = "partial" in hello;
    const known = this.me.get();
    if (!isPartial) {
      if (known && known.id !== hello.me.id) void this.keep(this.wipe());
      this.me.set({ ...hello.me, operator: known?.id === hello.me.id && known.operator });
      this.frameLimits = hello.session.limits;
    }
    const kept = isPartial ? hello.ids : hello.rooms.map(({ id }) => id);
    if (kept) {
      const ids = new Set(kept);
      for (const { id, isListed } of [...this.conversations.values()])
        if (isListed && !ids.has(id)) this.#forget(id);
    }
    const isLater = this.#hasGreeted;
    for (const room of hello.rooms) this.upsert(room, isLater && !room.hasMoreMessages);
    this.since = hello.cursor ?? null;
    this.#hasGreeted = true;
    this.isReady = true;
    this.requests.interrupted();
    this.sends.interrupted();
    this.#pages.reset();
    for (const conversation of this.conversations.values()) {
      if (conversation.log.need || conversation.isAhead) this.advance(conversation);
      conversation.changes.pump();
    }
    this.sends.flush();
    this.attendance.greeted();
    this.#greetFeed(hello.eventSeq);
    this.#flushSoon();
    this.onGreeted();
  }

  /** Older servers have no events. */
  #greetFeed(head: number | undefined): void {
    if (head === undefined) return;
    const { feed, seqAtOpen } = this;
    this.seqAtOpen = null;
    if (feed.seq !== null && head < Math.min(feed.seq, seqAtOpen ?? feed.seq)) {
      // Not the ones that were counted here: the server was set back.
      feed.reset(head);
      this.events.emit("events-lost", {});
    }
    feed.setHead(head);
  }

  #behind(rooms: readonly { roomId: string; head: number }[]): void {
    if (rooms.length === 0) return this.#uplink?.restart();
    for (const { roomId, head } of rooms) {
      const conversation = this.conversations.get(roomId);
      if (!conversation) continue;
      if (head > 0) conversation.log.setHead(head);
      else conversation.log.forgetHead();
      conversation.changes.forgetHead();
      this.advance(conversation);
    }
    this.attendance.greeted();
    this.feed.forgetHead();
    this.onBehind();
  }

  // ---- conversations ------------------------------------------------------------------------------

  /** Takes what the server says of a conversation. `isNew`: all of its messages are news. */
  upsert(room: Room, isNew = false): Conversation {
    return batch(() => {
      const conversation = this.#conversation(room.id);
      if (isNew && !conversation.isListed) {
        conversation.toldSeq ??= 0;
        conversation.touch(Date.now());
      }
      this.stored(conversation.apply(room));
      this.#views.get(room.id)?.cursors.invalidate();
      this.advance(conversation);
      return conversation;
    });
  }

  /** A group is another for all its members. */
  #change(room: ChangedRoom): void {
    const conversation = this.conversations.get(room.id);
    if (!conversation?.isListed) return;
    conversation.change(room);
    this.advance(conversation);
  }

  views(id: string): Views {
    let views = this.#views.get(id);
    if (!views) {
      views = {
        log: new Derived(() => this.#logView(id)),
        cursors: new Derived<ReadonlyMap<string, Cursors>>(
          () => new Map(this.conversations.get(id)?.cursors),
        ),
        typing: new Cell<readonly User[]>([]),
      };
      this.#views.set(id, views);
    }
    return views;
  }

  /** It is on screen until the returned function is called. */
  open(id: string): () => void {
    const close = this.attendance.open(id);
    batch(() => {
      const conversation = this.#conversation(id);
      if (conversation.log.isEmpty) conversation.log.forgetHead();
      this.advance(conversation);
      conversation.changes.pump();
    });
    return () => {
      const conversation = this.conversations.get(id);
      if (close() && conversation) batch(() => this.advance(conversation));
    };
  }

  loadOlder(id: string): Promise<boolean> {
    return this.#pages.older(this.#conversation(id));
  }

  #conversation(id: string): Conversation {
    let conversation = this.conversations.get(id);
    if (!conversation) {
      conversation = new Conversation(id, this.limits, this.#changesOf(id));
      this.conversations.set(id, conversation);
    }
    return conversation;
  }

  /** Changes of messages: applied to what is known of them. Those of a conversation that is not on screen can wait. */
  #changesOf(id: string): Feed<Change> {
    return new Feed(this, {
      name: `changes ${id}`,
      fetch: (after) => this.onChangesMissed(id, after),
      tell: (change) => {
        const conversation = this.conversations.get(id);
        const message = conversation?.log.at(change.messageSeq);
        if (!message) conversation?.missed(change);
        else if ((message.changeSeq ?? 0) < change.seq)
          this.take(id, changed(message, change, this.me.get()?.id ?? null));
        this.#keepSoon(id);
        this.events.emit("change", { conversationId: id, change });
      },
      lost: () => {},
      isWanted: () => this.attendance.isOnScreen(id),
    });
  }

  /** Takes what an event says of conversations. */
  #heardEvent({ kind, data }: UserEvent): void {
    const { conversationId, seq, pinned, mutedUntil } = data;
    if (typeof conversationId !== "string") return;
    if (kind === "message_hidden" && typeof seq === "number") this.hide(conversationId, seq);
    if (kind === "conversation_settings_changed")
      this.configure(conversationId, {
        pinned: pinned === true,
        mutedUntil: typeof mutedUntil === "number" ? mutedUntil : 0,
      });
  }

  /** The user had a message removed for themselves. */
  hide(id: string, seq: number): void {
    const log = this.conversations.get(id)?.log;
    const known = log?.at(seq);
    if (!log || !known || known.hidden) return;
    const { kind, sender, atMs, changeSeq } = known;
    batch(() => {
      const left: Message = { kind, id: known.id, seq, sender, atMs, content: "", hidden: true };
      log.replace(changeSeq === undefined ? left : { ...left, changeSeq });
      this.#keepSoon(id);
      this.changed(id);
    });
  }

  /** The user wants a conversation so for themselves. */
  configure(id: string, settings: ConversationSettings): void {
    const conversation = this.conversations.get(id);
    if (!conversation) return;
    batch(() => {
      conversation.configure(settings);
      this.#keepSoon(id);
      this.changed(id);
    });
  }

  /** A message is like this now. */
  take(id: string, message: Message): void {
    const log = this.conversations.get(id)?.log;
    const known = log?.at(message.seq);
    if (!log || !known || (message.changeSeq ?? 0) <= (known.changeSeq ?? 0)) return;
    batch(() => {
      log.replace(message);
      this.#expireSoon(log.endMs);
      this.#keepSoon(id);
      this.changed(id);
    });
  }

  /** Hides what has ended by now, and sees to what ends later. */
  #expire({ id, log }: Conversation): void {
    if (log.expire(Date.now())) {
      this.#keepSoon(id);
      this.changed(id);
    }
    this.#expireSoon(log.endMs);
  }

  #expireSoon(endMs: number): void {
    if (endMs === Number.POSITIVE_INFINITY) return;
    const inMs = Math.min(Math.max(endMs - Date.now(), 0), TIMES.sleepMaxMs);
    this.timers.soon("expiry", inMs, () =>
      batch(() => {
        for (const conversation of this.conversations.values()) this.#expire(conversation);
      }),
    );
  }

  #keepSoon(id: string): void {
    if (!this.conversations.get(id)?.isListed) return;
    this.#dirty.add(id);
    this.#flushSoon();
  }

  #forget(id: string): void {
    for (const map of [this.conversations, this.#entries, this.#holes, this.#dirty]) map.delete(id);
    this.#pages.forget(id);
    this.#removed.add(id);
    this.#views.get(id)?.log.invalidate();
    this.list.invalidate();
    this.#flushSoon();
  }

  #live(id: string, messages: readonly Message[]): void {
    const conversation = this.#conversation(id);
    conversation.log.addLive(messages);
    conversation.came(messages);
    this.stored(messages);
    for (const { sender } of messages) this.attendance.typing(id, sender, false);
    this.advance(conversation);
  }

  /** These are stored: one's own among them need not be sent any more. */
  stored(messages: readonly Message[]): void {
    const myId = this.me.get()?.id;
    for (const { seq, sender, clientMsgId } of messages)
      if (sender.id === myId && clientMsgId !== undefined) this.sends.stored(clientMsgId, seq);
  }

  /** After every change of a log: asks for what lacks, tells what is new. */
  advance(conversation: Conversation): void {
    const { id, log, toldSeq } = conversation;
    this.#expire(conversation);
    const news = toldSeq === null ? [] : log.after(toldSeq);
    for (const { system, sender } of news)
      if (system) conversation.heard(system, sender.id, this.me.get()?.id ?? null);
    const skipped = toldSeq !== null && log.low > toldSeq + 1 && news.length > 0 ? log.low - 1 : 0;
    if (!log.isEmpty) {
      conversation.toldSeq = Math.max(toldSeq ?? 0, log.high);
      const isInUse = this.attendance.isOnScreen(id) || this.#pages.isLoading(id);
      if (news.length > 0 || !isInUse) log.trim(isInUse ? this.limits.logOpenMax : this.limits.logClosedMax);
    }
    this.sends.outbox.shown(id, log.high);
    this.#pages.noted(conversation);
    if (this.isLeader && conversation.kind !== "room" && log.high > conversation.deliveredSeq) {
      conversation.deliveredSeq = log.high;
    }
    if (conversation.isAhead) {
      this.#moved.add(id);
      // What was read is waited for; what was delivered to a group may be told now and then.
      const isUrgent = conversation.readSeq > conversation.toldReadSeq || conversation.kind === "direct";
      const afterMs = isUrgent ? TIMES.cursorMs : TIMES.deliveredMs;
      this.#tellCursorsSoon(afterMs);
    }
    this.#keepSoon(id);
    this.changed(id);
    // Last, so that whoever is told finds everything as it is now.
    if (skipped > 0) {
      this.#holes.delete(id);
      const hole = { conversationId: id, fromSeq: (toldSeq ?? 0) + 1, toSeq: skipped, skipped: true };
      this.events.emit("gap-filled", hole);
    }
    this.#noteHole(conversation);
    for (const message of news)
      if (!message.hidden) this.events.emit("message", { conversationId: id, message });
  }

  #noteHole({ id, log }: Conversation): void {
    const hole = this.#holes.get(id);
    const { gap } = log;
    if (gap) {
      const toSeq = Math.max(hole?.toSeq ?? 0, gap.toSeq);
      this.#holes.set(id, { fromSeq: hole?.fromSeq ?? gap.fromSeq, toSeq });
    } else if (hole) {
      this.#holes.delete(id);
      this.events.emit("gap-filled", { conversationId: id, ...hole, skipped: false });
    }
  }

  changed(id: string): void {
    this.#views.get(id)?.log.invalidate();
    if (!this.conversations.get(id)?.isListed) return;
    this.#entries.delete(id);
    this.list.invalidate();
  }

  #listed(): readonly ConversationEntry[] {
    const myId = this.me.get()?.id ?? null;
    const listed = [...this.conversations.values()].filter(({ isListed }) => isListed);
    const order = listed.map((conversation) => {
      let entry = this.#entries.get(conversation.id);
      if (!entry) {
        entry = conversation.entry(myId);
        this.#entries.set(conversation.id, entry);
      }
      return { entry, at: Math.max(entry.lastAtMs, conversation.sortAtMs) };
    });
    order.sort((a, b) => b.at - a.at || Number(b.entry.id) - Number(a.entry.id));
    return order.map(({ entry }) => entry);
  }

  #logView(id: string): LogView {
    const log = this.conversations.get(id)?.log;
    const pending = this.sends.outbox.pending(id);
    const messages = log?.seen ?? [];
    return {
      items: pending.length > 0 ? [...messages, ...pending] : messages,
      hasOlder: log?.hasOlder ?? false,
      gap: log?.gap ?? null,
      head: log?.head ?? 0,
      loading: this.#pages.isLoading(id),
    };
  }

  // ---- cursors --------------------------------------------------------------------------------------

  markRead(id: string, seq?: number): void {
    const conversation = this.conversations.get(id);
    if (conversation?.read(seq ?? conversation.log.high)) batch(() => this.advance(conversation));
  }

  /** How far people have come in a conversation. */
  cursors(id: string, all: readonly ({ userId: string } & Cursors)[]): void {
    const conversation = this.conversations.get(id);
    if (!conversation) return;
    batch(() => {
      for (const { userId, deliveredSeq, readSeq } of all)
        conversation.moveCursor(userId, deliveredSeq, readSeq);
      this.#views.get(id)?.cursors.invalidate();
      this.advance(conversation);
    });
  }

  #tellCursorsSoon(afterMs: number): void {
    this.timers.soon("cursors", afterMs, () => this.#tellCursors());
  }

  #tellCursors(): void {
    for (const id of this.#moved) {
      const conversation = this.conversations.get(id);
      if (!conversation?.isAhead) continue;
      const { readSeq, deliveredSeq, toldReadSeq, toldDeliveredSeq } = conversation;
      const payload = {
        roomId: id,
        readSeq: readSeq > toldReadSeq ? readSeq : undefined,
        deliveredSeq: deliveredSeq > toldDeliveredSeq ? deliveredSeq : undefined,
      };
      this.requests.ask("cursor", payload).catch((error: OortError) => {
        // All else is told again after the next hello.
        if (!isRetryable(error) && error.code !== "timeout") return;
        this.#moved.add(id);
        this.#tellCursorsSoon(error.retryAfterMs ?? TIMES.answerMs);
      });
    }
    this.#moved.clear();
  }

  // ---- keeping --------------------------------------------------------------------------------------

  #flushSoon(): void {
    if (this.isLeader) this.timers.soon("flush", TIMES.flushMs, () => void this.flush());
  }

  /** Writes what has changed to the cache. */
  async flush(): Promise<void> {
    if (!this.isLeader || !this.storage.isKeeping) return;
    const put = [...this.#dirty].flatMap((id) => this.conversations.get(id)?.stored() ?? []);
    const remove = [...this.#removed].filter((id) => !this.conversations.has(id));
    this.#dirty.clear();
    this.#removed.clear();
    const { since, frameLimits: limits, feed } = this;
    const meta = { me: this.me.get(), since, limits, eventSeq: feed.seq };
    const written = this.storage.write({ meta, put, remove }).catch((error: unknown) => {
      // Else the next one would say that all is kept up to a place, without these.
      for (const { id } of put) this.#dirty.add(id);
      for (const id of remove) this.#removed.add(id);
      throw error;
    });
    await this.keep(written);
  }

  keep = (done: Promise<unknown>): Promise<unknown> => done.catch((error: unknown) => this.unkept(error));

  /** Private windows and full disks: it works all the same, as long as the page lives. */
  unkept(error: unknown): void {
    this.events.emit("error", { code: "storage", message: `nothing can be kept: ${String(error)}` });
  }
}

/** Until there is somebody to ask. */
async function unasked(): Promise<never> {
  throw new OortError("offline", "there is no connection; try again when there is");
}
