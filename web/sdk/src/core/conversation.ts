import type { ChangedRoom, Room } from "../generated/oort_v1.js";
import type {
  Change,
  ConversationEntry,
  ConversationKind,
  ConversationSettings,
  Cursors,
  Limits,
  Message,
  SystemEvent,
} from "../types.js";
import type { Feed } from "./feed.js";
import { Log } from "./log.js";
import { messagesOf, toWire } from "./wire.js";

/** What is kept of a conversation between sessions. */
export interface StoredConversation {
  readonly id: string;
  readonly entry: ConversationEntry;
  readonly hasServerCursors: boolean;
  readonly base: { readonly unread: number; readonly head: number };
  readonly sortAtMs: number;
  /** Its messages are as they were after this change; absent in what older clients kept. */
  readonly changeSeq?: number | null;
  readonly run: {
    readonly low: number;
    readonly high: number;
    readonly messages: readonly Message[];
  } | null;
}

/** What is so of the reader alone, and of everybody in it. */
type Own = Pick<ConversationEntry, "pinned" | "mutedUntil" | "role" | "silencedUntil">;
type Shared = Pick<ConversationEntry, "members" | "avatar" | "muteAll" | "dissolvedAtMs" | "expiresInMs">;

/** One conversation of the reader: its place in the list, its cursors, its log. */
export class Conversation {
  kind: ConversationKind = "room";
  name = "";
  creatorId: string | undefined;
  peerId: string | undefined;
  own: Own = {};
  shared: Shared = {};
  readSeq = 0;
  deliveredSeq = 0;
  /** What the server is known to have of these two. */
  toldReadSeq = 0;
  toldDeliveredSeq = 0;
  lastAtMs = 0;
  /** The server keeps cursors. Older ones do not: then they are this client's own. */
  hasServerCursors = false;
  /** In the reader's list; others were only looked at. */
  isListed = false;
  readonly log: Log;
  readonly cursors = new Map<string, Cursors>();
  /** Up to this seq messages were told as new. */
  toldSeq: number | null = null;
  /** As the server counted: unread ones up to `head`, after `#baseSeq`. */
  #base = { unread: 0, head: 0 };
  #baseSeq = 0;
  #sortAtMs = 0;
  /** Changes of messages that had not come: the first of them, and the newest of these messages. */
  #early: { changeSeq: number; upTo: number } | null = null;

  constructor(
    readonly id: string,
    readonly limits: Limits,
    /** Changes of its messages. */
    readonly changes: Feed<Change>,
  ) {
    this.log = new Log(limits.gapMax, limits.aheadMax);
  }

  static restored(stored: StoredConversation, limits: Limits, changes: Feed<Change>): Conversation {
    const conversation = new Conversation(stored.id, limits, changes);
    changes.reset(stored.changeSeq ?? 0);
    const { entry, run } = stored;
    conversation.kind = entry.kind;
    conversation.name = entry.name;
    conversation.creatorId = entry.creatorId;
    conversation.peerId = entry.peerId;
    conversation.own = ownOf(entry);
    conversation.shared = sharedOf(entry);
    conversation.readSeq = entry.readSeq;
    conversation.deliveredSeq = entry.deliveredSeq;
    conversation.lastAtMs = entry.lastAtMs;
    conversation.hasServerCursors = stored.hasServerCursors;
    conversation.isListed = true;
    conversation.#base = { ...stored.base };
    conversation.#sortAtMs = stored.sortAtMs;
    if (entry.peerId && entry.peerReadSeq !== undefined) {
      conversation.moveCursor(entry.peerId, entry.peerDeliveredSeq ?? 0, entry.peerReadSeq);
    }
    if (run) conversation.log.addRun(run.low, run.high, run.messages);
    conversation.log.setHead(entry.head);
    conversation.toldSeq = run ? run.high : null;
    return conversation;
  }

  stored(): StoredConversation {
    const { id, hasServerCursors } = this;
    const run = this.log.tail(this.limits.cachedMessagesMax);
    return {
      id,
      entry: this.entry(null),
      hasServerCursors,
      base: { ...this.#base },
      sortAtMs: this.#sortAtMs,
      changeSeq: this.changes.seq,
      run,
    };
  }

  /** Newest first in the list. */
  get sortAtMs(): number {
    return Math.max(this.lastAtMs, this.#sortAtMs);
  }

  /** It is new to the reader now: first in the list although nothing was said. */
  touch(atMs: number): void {
    this.#sortAtMs = Math.max(this.#sortAtMs, atMs);
  }

  /** Takes what the server says of it. Returns the messages that came with it. */
  apply(room: Room): readonly Message[] {
    const isNew = !this.isListed;
    this.isListed = true;
    this.kind = room.kind;
    this.name = room.name;
    this.creatorId = room.creatorId;
    this.peerId = room.peerId;
    this.own = ownOf(room);
    this.shared = sharedOf(room);
    this.#follow(room.changeSeq ?? 0);
    const messages = messagesOf(room);
    this.log.addNewest(messages, room.hasMoreMessages, room.head);
    this.lastAtMs = Math.max(this.lastAtMs, room.lastAtMs ?? 0, room.messages[0]?.timestamp ?? 0);
    if (room.readSeq !== undefined) {
      this.hasServerCursors = true;
      this.confirm(room.readSeq, room.deliveredSeq ?? room.readSeq, room.head, room.unread);
    } else if (isNew) {
      // The server keeps none: what was there before counts as read.
      this.readSeq = room.head;
      this.#base = { unread: 0, head: room.head };
    }
    if (room.peerId && room.peerReadSeq !== undefined) {
      this.moveCursor(room.peerId, room.peerDeliveredSeq ?? room.peerReadSeq, room.peerReadSeq);
    }
    return messages;
  }

  /** Takes what has changed of it for everybody. */
  change(room: ChangedRoom): void {
    this.name = room.name;
    this.shared = sharedOf(room);
    this.log.setHead(room.head);
  }

  /** The reader wants it so for themselves. */
  configure({ pinned, mutedUntil }: ConversationSettings): void {
    const { pinned: _, mutedUntil: __, ...rest } = this.own;
    this.own = { ...rest, ...(pinned && { pinned }), ...(mutedUntil && { mutedUntil }) };
  }

  /** What the server told: the reader's role, whether they may send, how long messages stay. */
  heard({ event, users, role, until, expiresInMs }: SystemEvent, actorId: string, myId: string | null): void {
    const isOfMe = users.some(({ id }) => id === myId);
    const { silencedUntil: _, ...rest } = this.own;
    if (event === "role_changed" && isOfMe && role) this.own = { ...this.own, role };
    else if (event === "owner_changed" && isOfMe) this.own = { ...this.own, role: "owner" };
    else if (event === "owner_changed" && actorId === myId) this.own = { ...this.own, role: "admin" };
    else if (event === "member_muted" && isOfMe && until) this.own = { ...rest, silencedUntil: until };
    else if (event === "member_unmuted" && isOfMe) this.own = rest;
    else if (event === "expiry_changed")
      this.shared = sharedOf({ ...this.shared, expiresInMs: expiresInMs ?? 0 });
  }

  /** Its messages have changed up to `head`, those that come with it included. */
  #follow(head: number): void {
    const { changes, log, limits } = this;
    // So much has changed that it is less to read the messages anew.
    if (changes.seq !== null && head - changes.seq > limits.gapMax) {
      log.restart();
      changes.reset(null);
    }
    changes.setHead(head);
  }

  /** There was nothing here that it changes. */
  missed({ seq, messageSeq }: Change): void {
    if (messageSeq <= this.log.high) return;
    const { changeSeq, upTo } = this.#early ?? { changeSeq: seq, upTo: 0 };
    this.#early = { changeSeq: Math.min(changeSeq, seq), upTo: Math.max(upTo, messageSeq) };
  }

  /** These came as they were sent: what changed them before is told again. */
  came(messages: readonly Message[]): void {
    const early = this.#early;
    if (!early || !messages.some(({ seq }) => seq <= early.upTo)) return;
    this.#early = null;
    this.changes.rewind(early.changeSeq - 1);
  }

  /** The server has these cursors of the reader, and counted the unread ones up to `head`. */
  confirm(readSeq: number, deliveredSeq: number, head: number | undefined, unread: number | undefined): void {
    this.toldReadSeq = Math.max(this.toldReadSeq, readSeq);
    this.toldDeliveredSeq = Math.max(this.toldDeliveredSeq, deliveredSeq);
    this.readSeq = Math.max(this.readSeq, readSeq);
    this.deliveredSeq = Math.max(this.deliveredSeq, deliveredSeq, readSeq);
    if (head === undefined || unread === undefined) return;
    this.log.setHead(head);
    // An answer that was under way while more was read says too much; they may overtake each other.
    const isNewer = readSeq > this.#baseSeq || head >= this.#base.head;
    if (readSeq < this.readSeq || !isNewer) return;
    this.#base = { unread, head };
    this.#baseSeq = readSeq;
  }

  /** The server does not know yet how far the reader has come. */
  get isAhead(): boolean {
    const { readSeq, toldReadSeq, deliveredSeq, toldDeliveredSeq } = this;
    return this.hasServerCursors && (readSeq > toldReadSeq || deliveredSeq > toldDeliveredSeq);
  }

  /** The reader has read up to `seq`. */
  read(seq: number): boolean {
    const upTo = Math.min(seq, this.head);
    if (upTo <= this.readSeq) return false;
    this.readSeq = upTo;
    this.deliveredSeq = Math.max(this.deliveredSeq, upTo);
    return true;
  }

  moveCursor(userId: string, deliveredSeq: number, readSeq: number): void {
    const old = this.cursors.get(userId);
    this.cursors.set(userId, {
      deliveredSeq: Math.max(old?.deliveredSeq ?? 0, deliveredSeq, readSeq),
      readSeq: Math.max(old?.readSeq ?? 0, readSeq),
    });
  }

  get head(): number {
    return this.log.head;
  }

  /** Messages after `readSeq` that others wrote: counted where they are known, else as the server said. */
  unread(myId: string | null): number {
    const { head, log, readSeq } = this;
    if (readSeq >= head) return 0;
    const others = (low: number, high: number) => {
      let count = 0;
      for (let seq = high; seq >= low; seq--) {
        // What is not known here counts as another's: one's own are told by acks.
        if (log.at(seq)?.sender.id !== myId) count++;
      }
      return count;
    };
    if (log.covers(readSeq + 1, head) || !this.hasServerCursors) return others(readSeq + 1, head);
    const since = others(Math.max(this.#base.head, readSeq) + 1, head);
    return Math.min(head - readSeq, this.#base.unread + since);
  }

  entry(myId: string | null): ConversationEntry {
    const { id, kind, name, creatorId, peerId, head, lastAtMs, readSeq, deliveredSeq } = this;
    const lastMessage = this.log.newestSeen;
    const peer = peerId === undefined ? undefined : this.cursors.get(peerId);
    return {
      id,
      kind,
      name,
      head,
      lastAtMs: Math.max(lastAtMs, this.log.newest?.atMs ?? 0),
      unread: this.unread(myId),
      readSeq,
      deliveredSeq,
      ...(kind === "group" &&
        !this.own.role && { role: creatorId === myId ? ("owner" as const) : ("member" as const) }),
      ...this.own,
      ...this.shared,
      ...(creatorId !== undefined && { creatorId }),
      ...(peerId !== undefined && { peerId }),
      ...(lastMessage && { lastMessage }),
      ...(peer && {
        peerReadSeq: peer.readSeq,
        peerDeliveredSeq: peer.deliveredSeq,
      }),
    };
  }

  /** As a server would say it in `hello`. */
  room(messagesMax: number, myId: string | null): Room {
    const { id, kind, name, creatorId, peerId, head, lastAtMs } = this;
    const newest = this.log.newest;
    const messages: Message[] = [];
    for (let seq = newest?.seq ?? 0; seq >= 1 && messages.length < messagesMax; seq--) {
      if (!this.log.covers(seq, seq)) break;
      const message = this.log.at(seq);
      if (message) messages.push(message);
    }
    const last = messages.at(-1)?.seq ?? head + 1;
    const peer = peerId === undefined ? undefined : this.cursors.get(peerId);
    return {
      id,
      kind,
      name,
      head,
      lastAtMs,
      // Whether there is something before these; that it is known here does not help whoever hears this.
      hasMoreMessages: last > 1,
      messages: messages.map(toWire),
      ...(this.own as Pick<Room, keyof Own>),
      ...(this.shared as Pick<Room, keyof Shared>),
      ...(this.changes.seq && { changeSeq: this.changes.seq }),
      ...(creatorId !== undefined && { creatorId }),
      ...(peerId !== undefined && { peerId }),
      ...(this.hasServerCursors && {
        readSeq: this.readSeq,
        deliveredSeq: this.deliveredSeq,
        unread: this.unread(myId),
      }),
      ...(peer && {
        peerReadSeq: peer.readSeq,
        peerDeliveredSeq: peer.deliveredSeq,
      }),
    };
  }
}

function ownOf({ pinned, mutedUntil, role, silencedUntil }: Own): Own {
  return {
    ...(pinned && { pinned }),
    ...(mutedUntil !== undefined && { mutedUntil }),
    ...(role !== undefined && { role }),
    ...(silencedUntil !== undefined && { silencedUntil }),
  };
}

function sharedOf({ members, avatar, muteAll, dissolvedAtMs, expiresInMs }: Shared): Shared {
  return {
    ...(members !== undefined && { members }),
    ...(avatar !== undefined && { avatar }),
    ...(muteAll && { muteAll }),
    ...(dissolvedAtMs !== undefined && { dissolvedAtMs }),
    ...(expiresInMs && { expiresInMs }),
  };
}
