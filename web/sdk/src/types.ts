/** What the SDK shows to its users. */

/** Something to watch: `get` returns the same reference until it has changed. */
export interface Store<T> {
  get(): T;
  /** Calls `fn` after each change; returns what ends that. */
  subscribe(fn: () => void): () => void;
}

export interface User {
  readonly id: string;
  readonly username: string;
}

export interface Me extends User {
  readonly operator: boolean;
}

/** What happened to the members of a group, told by the server. */
export interface SystemEvent {
  /** `members_added`, `member_left`, `member_removed`; more may come. */
  readonly event: string;
  readonly users: readonly User[];
}

/** A stored message. */
export interface Message {
  readonly kind: "message";
  readonly id: string;
  readonly seq: number;
  readonly sender: User;
  readonly content: string;
  readonly atMs: number;
  readonly clientMsgId?: string;
  /** Set when the server wrote it. */
  readonly system?: SystemEvent;
  /** When its text was last edited. */
  readonly editedAtMs?: number;
  /** Nothing of what was sent is left: its sender or a manager took it back, or the server removed it. */
  readonly gone?: "recalled" | "erased";
  /** In the order in which they were first used. */
  readonly reactions?: readonly Reaction[];
  /** Its newest change: all up to it are in what is here. */
  readonly changeSeq?: number;
}

export interface Reaction {
  readonly emoji: string;
  /** How many people reacted so. */
  readonly count: number;
  /** One is oneself. */
  readonly mine: boolean;
}

/** A change of a message. */
export interface Change {
  /** Counts the changes in a conversation: 1, 2, 3, … */
  readonly seq: number;
  readonly messageSeq: number;
  /** `edited`, `recalled`, `reacted`, `unreacted`, `erased`; more may come. */
  readonly kind: string;
  readonly atMs: number;
  /** Absent: the server. */
  readonly by?: User;
  /** `edited`: its text; absent when it is gone by now. */
  readonly content?: string;
  /** `reacted`, `unreacted`, with how many react so now. */
  readonly emoji?: string;
  readonly count?: number;
}

export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** A message of one's own that is not known to be stored yet. */
export interface Pending {
  readonly kind: "pending";
  readonly localId: string;
  readonly content: string;
  readonly atMs: number;
  readonly state: "queued" | "sending" | "failed";
  /** Why it failed. */
  readonly error?: Failure;
}

export type LogItem = Message | Pending;

/** What a conversation shows: messages without holes in order of `seq`, then what is pending. */
export interface LogView {
  readonly items: readonly LogItem[];
  /** `loadOlder` may bring more. */
  readonly hasOlder: boolean;
  /** Messages that exist after the last one shown and are being fetched. */
  readonly gap: { readonly fromSeq: number; readonly toSeq: number } | null;
  /** `seq` of the newest message known to exist. */
  readonly head: number;
  /** A page is being fetched. */
  readonly loading: boolean;
}

export type ConversationKind = "room" | "group" | "direct";

export interface ConversationEntry {
  readonly id: string;
  readonly kind: ConversationKind;
  readonly name: string;
  /** Absent: made by the server. */
  readonly creatorId?: string;
  /** `direct`: the other user. */
  readonly peerId?: string;
  readonly head: number;
  readonly lastMessage?: Message;
  /** 0 = no message yet. */
  readonly lastAtMs: number;
  readonly unread: number;
  readonly readSeq: number;
  readonly deliveredSeq: number;
  readonly peerReadSeq?: number;
  readonly peerDeliveredSeq?: number;
  /** One has it shown before others. */
  readonly pinned?: boolean;
  /** It is to notify of nothing until then. */
  readonly mutedUntil?: number;
  /** `group`: what one may do in it. */
  readonly role?: "member" | "admin" | "owner";
  /** One may not send until then. */
  readonly silencedUntil?: number;
  /** `group`: how many are in it. */
  readonly members?: number;
  /** Address or file id of its picture. */
  readonly avatar?: string;
  /** Only admins and the owner may send. */
  readonly muteAll?: boolean;
  /** Since then it can be read, and that is all. */
  readonly dissolvedAtMs?: number;
}

/** What one holds of another user. */
export interface Contact {
  readonly user: User;
  /** `asked`: by oneself; `asking`: by the other, who waits for an answer. */
  readonly state: "none" | "asked" | "asking" | "contact";
  /** One takes nothing from the other. */
  readonly blocked: boolean;
  /** One's note about a contact. */
  readonly remark: string;
  /** What came with an open request. */
  readonly message?: string;
  /** Since when it is so; 0 = for ever. */
  readonly sinceMs: number;
  /** When an open request ends. */
  readonly expiresAtMs?: number;
}

/** Who finds somebody by something. */
export type Finders = "everyone" | "contacts" | "nobody";

export interface Privacy {
  readonly findByName: Finders;
  readonly findByEmail: Finders;
  readonly findById: Finders;
}

/** Something that changed for the user and is no message of a conversation. */
export interface UserEvent {
  /** 1, 2, 3, … */
  readonly seq: number;
  readonly atMs: number;
  /** `docs/events.md` lists them; pass over those you do not know. */
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Cursors {
  readonly deliveredSeq: number;
  readonly readSeq: number;
}

export interface Presence {
  readonly online: boolean;
  /** 0 = never seen, or not known. */
  readonly lastSeenMs: number;
}

export interface Connection {
  readonly state: "offline" | "connecting" | "syncing" | "online" | "waiting" | "unauthenticated";
  /** `waiting`: when the next attempt is made, ms since 1970. */
  readonly retryAtMs?: number;
  /** This tab holds the socket for all. */
  readonly leader: boolean;
}

export interface Member {
  readonly user: User;
  readonly joinedAtMs: number;
}

/** An open room, whether one is in it or not. */
export interface OpenRoom {
  readonly id: string;
  readonly name: string;
  readonly kind: ConversationKind;
  readonly creatorId?: string;
  readonly head: number;
}

export interface LogInSession {
  readonly id: string;
  readonly device: string;
  readonly createdAtMs: number;
  readonly lastSeenMs: number;
  readonly current: boolean;
}

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

export type Auth =
  /** The `sid` cookie that logging in sets; browsers only. */
  | { kind: "cookie" }
  /** Tokens, renewed in time; `onTokens` is told the new ones: keep them, the old refresh token is worth nothing then. */
  | {
      kind: "token";
      accessToken?: string;
      refreshToken?: string;
      onTokens?: (tokens: Tokens | null) => void;
    };

/** Bounds; every one has a default in `limits.ts`. */
export interface Limits {
  /** Messages kept in memory per conversation while it is on screen. */
  logOpenMax: number;
  /** The same while it is not. */
  logClosedMax: number;
  /** Messages kept in the cache per conversation. */
  cachedMessagesMax: number;
  /** A longer hole is not filled: the log begins anew with the newest page, and older ones are loaded on demand. */
  gapMax: number;
  /** Messages kept that came after a hole which is not yet filled; others are fetched again. */
  aheadMax: number;
  /** Messages asked for at a time. */
  pageSize: number;
  /** Pages under way at the same time, over all conversations. */
  pagesInFlightMax: number;
  /** Own messages that wait to be stored; beyond it `send` refuses. */
  outboxMax: number;
}

export interface ClientOptions {
  /** `http://host:port`; "" = where the page came from. */
  url: string;
  auth: Auth;
  /** Where the cache and the outbox are kept. Default: IndexedDB where there is one, else memory. */
  storage?: "indexeddb" | "memory";
  /** One socket for all tabs. Default: `auto` where the browser can (Web Locks, BroadcastChannel), else `none`. */
  sharing?: "auto" | "none";
  limits?: Partial<Limits>;
  /** A WebSocket class, where there is no global one. */
  WebSocket?: typeof WebSocket;
  /** Told every frame that a server sent or was sent, for logs and tests. */
  trace?: (direction: "in" | "out", frame: unknown) => void;
}

export interface Events {
  /** A message that came to the end of its log: each once, in order of `seq` within a conversation. */
  message: { conversationId: string; message: Message };
  /** What an application pushed. */
  push: { operation: number; body?: string; bodyBase64?: string };
  conversation: {
    change: "created" | "joined" | "left" | "changed";
    conversationId: string;
    actor?: User;
  };
  /** A message was changed; what a conversation shows has it already. */
  change: { conversationId: string; change: Change };
  /** Something changed for the user: each once and in order, also what came meanwhile. */
  event: UserEvent;
  /** Some events are no longer kept by the server: read anew what they tell of. */
  "events-lost": object;
  /** Something was refused or went wrong that no promise tells. */
  error: { code: string; message: string };
  /** A hole in a log was closed; `skipped`: it was too long, so that the log began anew after it. */
  "gap-filled": {
    conversationId: string;
    fromSeq: number;
    toSeq: number;
    skipped: boolean;
  };
}
