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

/** What happened to a group, told by the server. */
export interface SystemEvent {
  /** `docs/protocol.md` lists them; more may come. */
  readonly event: string;
  readonly users: readonly User[];
  /** `role_changed`: what they are now. */
  readonly role?: Role;
  /** `member_muted`: they may not send until then. */
  readonly until?: number;
  /** `expiry_changed`: how long messages sent from now on stay; 0 = for ever. */
  readonly expiresInMs?: number;
  /** `group_changed`: those of these that changed. */
  readonly name?: string;
  readonly avatar?: string;
  readonly announcement?: string;
  readonly muteAll?: boolean;
}

export type Role = "member" | "admin" | "owner";

/** What a message is made of. */
export type ContentKind = "text" | "image" | "voice" | "video" | "file" | "location" | "custom";

/** What a message carries beside its text; `docs/messages.md` lists the fields of each kind. */
export type Attachment = Readonly<Record<string, unknown>>;

/** A message that another one answers, as it was then. */
export interface Quote {
  readonly seq: number;
  /** Absent where it is not known. */
  readonly sender?: User;
  readonly contentKind: ContentKind | "system";
  /** Its first characters; empty when it was gone, or its time is over. */
  readonly content: string;
  /** From then on `content` is no longer shown. */
  readonly expiresAtMs?: number;
}

/** What is to be sent. */
export interface Draft {
  /** May be empty beside an attachment only. */
  readonly content: string;
  /** `text` when absent. */
  readonly contentKind?: ContentKind;
  readonly attachment?: Attachment;
  /** `seq` of the message that it answers. */
  readonly replyTo?: number;
  /** Ids of users it speaks to. */
  readonly mentions?: readonly string[];
  /** It speaks to everybody. */
  readonly mentionsAll?: boolean;
  /** How long it stays; absent, or longer than the conversation says: as long as that. */
  readonly expiresInMs?: number;
}

/** What a message has beside its text. */
export interface Extras {
  /** Absent: a text. */
  readonly contentKind?: ContentKind;
  readonly attachment?: Attachment;
  readonly reply?: Quote;
  /** Ids of users it speaks to. */
  readonly mentions?: readonly string[];
  /** It speaks to everybody. */
  readonly mentionsAll?: boolean;
}

/** A stored message. */
export interface Message extends Extras {
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
  /**
   * Nothing of what was sent is left: its sender or a manager took it back, the server removed it, or its time is over.
   */
  readonly gone?: "recalled" | "erased" | "expired";
  /** From then on it is gone: the SDK shows no more of it than its place, by this machine's clock. */
  readonly expiresAtMs?: number;
  /** In the order in which they were first used. */
  readonly reactions?: readonly Reaction[];
  /** Its newest change: all up to it are in what is here. */
  readonly changeSeq?: number;
  /** It was sent on: who wrote it first. */
  readonly forwardedFrom?: User;
  /** One had it removed for oneself: nothing else is known of it, and it is not shown. */
  readonly hidden?: true;
}

/** Where and how much is looked for. */
export interface SearchOptions {
  /** Only in this conversation. */
  readonly conversationId?: string;
  /** `next` of the page before. */
  readonly before?: string;
  /** Most messages to answer with. */
  readonly limit?: number;
}

/** A page of what was found, newest first. */
export interface FoundMessages {
  readonly results: readonly FoundMessage[];
  /** Where to go on; absent: that was all. A page with few results, or none, may have it. */
  readonly next?: string;
}

export interface FoundMessage {
  readonly conversationId: string;
  readonly message: Message;
  /** Where the words are in `message.content`: `content.slice(start, end)`. */
  readonly ranges: readonly (readonly [start: number, end: number])[];
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
  /** `edited`, `recalled`, `reacted`, `unreacted`, `erased`, `expired`; more may come. */
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
export interface Pending extends Extras {
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
  readonly role?: Role;
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
  /** How long messages sent from now on stay; absent = for ever. */
  readonly expiresInMs?: number;
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
  /** Others are told how far one has read, and oneself of others. */
  readonly sendReceipts: boolean;
  /** One appears offline to others. */
  readonly invisible: boolean;
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

/** A file on the server. */
export interface StoredFile {
  readonly id: string;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Bytes that are stored. */
  readonly offset: number;
  /** Bytes stored together. */
  readonly partBytes: number;
  readonly state: "uploading" | "ready";
  /** What its bytes are, once it is ready and if that is known. */
  readonly mime?: string;
  /** Of an image, pixels. */
  readonly width?: number;
  readonly height?: number;
  readonly hasThumbnail: boolean;
  readonly createdAtMs: number;
}

export interface UploadOptions {
  /** What it is called; without it, what the `File` is called. */
  readonly name?: string;
  /** Told with each part, and at the start and the end. */
  readonly onProgress?: (stored: number, size: number) => void;
  /** Stops it; what is stored of it is deleted by the server after a time. */
  readonly signal?: AbortSignal;
  /** The same for another attempt, also from another page: it goes on from what the one before has stored. */
  readonly key?: string;
}

export interface Cursors {
  readonly deliveredSeq: number;
  readonly readSeq: number;
}

export interface Presence {
  readonly online: boolean;
  /** 0 = never seen, or not known. */
  readonly lastSeenMs: number;
  /** Online, but every device is left alone. */
  readonly away: boolean;
  /** The kinds of devices they are online with, each once. */
  readonly devices: readonly { readonly kind: string; readonly away: boolean }[];
}

/** Who has read a message. */
export interface Readers {
  readonly count: number;
  /** There may be more than `count`. */
  readonly more: boolean;
  /** A page of them by id; `null` in a large group. */
  readonly readers: readonly { readonly user: User; readonly readSeq: number }[] | null;
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
  readonly role: Role;
  /** May not send until then. */
  readonly mutedUntil?: number;
}

/** A group as it is. */
export interface Group {
  readonly id: string;
  readonly name: string;
  readonly creatorId: string;
  /** Absent when everybody left. */
  readonly ownerId?: string;
  readonly adminIds: readonly string[];
  readonly members: number;
  /** What everybody is to know; empty = nothing. */
  readonly announcement: string;
  /** Address or file id of its picture; empty = none. */
  readonly avatar: string;
  /** Only admins and the owner may send. */
  readonly muteAll: boolean;
  /** One's own. */
  readonly role: Role;
  /** One may not send until then. */
  readonly silencedUntil?: number;
  readonly dissolvedAtMs?: number;
  /** How long messages sent from now on stay; absent = for ever. */
  readonly expiresInMs?: number;
}

/** What of a group is to become another; what is absent stays. */
export type GroupChange = Partial<Pick<Group, "name" | "avatar" | "announcement" | "muteAll">>;

/** A way into a group for whoever has its token. */
export interface GroupLink {
  readonly id: string;
  readonly creator: User;
  readonly createdAtMs: number;
  /** How many came in by it. */
  readonly uses: number;
  /** How many may; absent = any number. */
  readonly usesMax?: number;
  /** Absent = until it is revoked. */
  readonly expiresAtMs?: number;
}

/** What people tell of themselves; empty = nothing. */
export interface Profile {
  /** Shown instead of the user name. */
  readonly nick: string;
  /** An http(s) URL, or the id of a file. */
  readonly avatar: string;
  /** `female`, `male`, `other`. */
  readonly sex: string;
  readonly description: string;
}

/** A user with what they tell of themselves. */
export interface Person {
  readonly user: User;
  readonly profile: Profile;
}

/** One's own account. */
export interface AccountInfo extends Person {
  readonly createdAtMs: number;
  /** Nobody else is shown it. */
  readonly email?: string;
}

/** How one wants a conversation for oneself; what is absent stays. */
export interface ConversationSettings {
  readonly pinned?: boolean;
  /** It notifies of nothing until then, ms since 1970; 0 = it notifies. */
  readonly mutedUntil?: number;
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
  /** `web`, `phone`, `tablet`, `desktop` or `other`. */
  readonly deviceKind: string;
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
  /** What it runs on. Default: `web`. */
  device?: "web" | "phone" | "tablet" | "desktop" | "other";
  /** In a page: tells that the device is left alone after so long without a key or a touch. Default: never. */
  awayAfterMs?: number;
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
