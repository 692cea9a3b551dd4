// Written by `npm run generate` from docs/oort.v1.schema.json.

/**
 * Every frame of the WebSocket sub-protocol oort.v1; docs/protocol.md says what they mean.
 */
export type Frame = ServerFrame | ClientFrame;
export type ServerFrame =
  | Hello
  | ServerMessages
  | ServerRoomHistory
  | ServerCreateRoom
  | SendAck
  | ErrorFrame
  | ConversationFrame
  | GroupChangedFrame
  | Behind
  | Reconnect
  | Push
  | Pong
  | CursorEvent
  | Presence
  | TypingEvent
  | UserEventFrame
  | ChangeFrame;
/**
 * A room's or user's id.
 */
export type Id = string;
/**
 * Place in a room: 1, 2, 3, … without holes; 0 = before the first.
 */
export type Seq = number;
/**
 * `<roomId>-<seq>`.
 */
export type MessageId = string;
/**
 * The sender's id for a message.
 */
export type ClientMsgId = string;
/**
 * ms since 1970.
 */
export type TimeMs = number;
/**
 * Users it speaks to.
 */
export type Mentions = Id[];
/**
 * Opaque; say it as `?since=` when connecting anew.
 */
export type SyncCursor = string;
/**
 * seq of the user's newest event; 0 = none yet.
 */
export type EventSeq = number;
/**
 * Echoed in the answer.
 */
export type RequestId = string;
/**
 * A stable error code.
 */
export type Code =
  | "invalid_request"
  | "invalid_field"
  | "mentioned_not_member"
  | "unauthenticated"
  | "login_failed"
  | "refresh_reused"
  | "forbidden"
  | "not_member"
  | "muted"
  | "dissolved"
  | "not_found"
  | "method_not_allowed"
  | "username_taken"
  | "email_taken"
  | "room_name_taken"
  | "group_full"
  | "limit_reached"
  | "idempotency_conflict"
  | "too_large"
  | "rate_limited"
  | "internal"
  | "overloaded"
  | "unavailable"
  | "draining";
/**
 * Counts the changes of a room's messages: 1, 2, 3, …; 0 = none yet.
 */
export type ChangeSeq = number;
export type ClientFrame =
  ClientMessages | RequestRoomHistory | ClientCreateRoom | Ping | MoveCursor | Watch | Typing | Away;

export interface Hello {
  type: "hello";
  payload: FullHello | PartialHello;
}
export interface FullHello {
  me: WireUser;
  session: {
    key: string;
    heartbeatMs: number;
    limits: Limits;
  };
  rooms: Room[];
  cursor?: SyncCursor;
  eventSeq?: EventSeq;
}
export interface WireUser {
  id: string;
  username: string;
}
export interface Limits {
  frameBytesMax: number;
  messagesPerFrameMax: number;
  contentBytesMax: number;
  clientMsgIdBytesMax: number;
  requestIdBytesMax: number;
  roomNameCharsMax: number;
  historyCountMax: number;
}
export interface Room {
  id: Id;
  name: string;
  kind: "room" | "group" | "direct";
  creatorId?: Id;
  /**
   * A room's or user's id.
   */
  peerId?: string;
  /**
   * seq of the newest message; 0 = none yet.
   */
  head: number;
  /**
   * Up to which the reader has read.
   */
  readSeq?: number;
  /**
   * Up to which the reader has received.
   */
  deliveredSeq?: number;
  /**
   * Messages of others in (readSeq, head].
   */
  unread?: number;
  /**
   * Time of the newest message; 0 = none yet.
   */
  lastAtMs?: number;
  /**
   * Newest change of a message; absent: none yet.
   */
  changeSeq?: number;
  peerReadSeq?: Seq;
  peerDeliveredSeq?: Seq;
  /**
   * The reader has it shown before others.
   */
  pinned?: true;
  /**
   * It notifies the reader of nothing until then.
   */
  mutedUntil?: number;
  /**
   * `group` only: the reader's own.
   */
  role?: "member" | "admin" | "owner";
  /**
   * The reader may not send until then.
   */
  silencedUntil?: number;
  /**
   * `group` only: how many are in it.
   */
  members?: number;
  /**
   * Address or file id of its picture.
   */
  avatar?: string;
  /**
   * Only admins and the owner may send.
   */
  muteAll?: true;
  /**
   * It can be read, and that is all.
   */
  dissolvedAtMs?: number;
  /**
   * How long messages sent from now on stay.
   */
  expiresInMs?: number;
  /**
   * There are messages older than `messages`.
   */
  hasMoreMessages: boolean;
  /**
   * The newest, newest first.
   */
  messages: WireMessage[];
}
export interface WireMessage {
  id: MessageId;
  seq: Seq;
  kind: "text" | "system" | "image" | "voice" | "video" | "file" | "location" | "custom";
  clientMsgId?: ClientMsgId;
  content: string;
  timestamp: TimeMs;
  user: WireUser;
  attachment?: Attachment;
  mentions?: Mentions;
  /**
   * It speaks to everybody.
   */
  mentionsAll?: boolean;
  forwardedFrom?: WireUser1;
  /**
   * The reader had it removed for themselves.
   */
  hidden?: boolean;
  reply?: WireQuote;
  /**
   * The message's newest change; absent: none yet.
   */
  changeSeq?: number;
  /**
   * ms since 1970.
   */
  editedAt?: number;
  /**
   * Nothing of what was sent is left.
   */
  gone?: "recalled" | "erased" | "expired";
  /**
   * ms since 1970.
   */
  expiresAtMs?: number;
  reactions?: WireReaction[];
}
/**
 * Its fields are those of the kind: docs/messages.md lists them.
 */
export interface Attachment {
  [k: string]: unknown;
}
/**
 * Whose it was before it was sent on.
 */
export interface WireUser1 {
  id: string;
  username: string;
}
/**
 * The message that it answers, as it was then.
 */
export interface WireQuote {
  id: MessageId;
  seq: Seq;
  kind: "text" | "system" | "image" | "voice" | "video" | "file" | "location" | "custom";
  /**
   * Its first characters.
   */
  content: string;
  user?: WireUser;
  /**
   * ms since 1970.
   */
  expiresAtMs?: number;
}
export interface WireReaction {
  emoji: string;
  /**
   * Users who react so.
   */
  count: number;
  /**
   * The reader is one of them.
   */
  mine?: boolean;
}
/**
 * Answer to a known `since`: only the rooms whose entry changed since then.
 */
export interface PartialHello {
  session: {
    key: string;
    heartbeatMs: number;
  };
  partial: true;
  rooms: Room[];
  /**
   * All rooms, when their set changed; drop the others.
   */
  ids?: Id[];
  cursor: SyncCursor;
  eventSeq?: EventSeq;
}
export interface ServerMessages {
  type: "serverMessages";
  payload: {
    roomId: Id;
    /**
     * @minItems 1
     */
    messages: WireMessage[];
    /**
     * An operator had them delivered once more: drop those whose seq you have.
     */
    replay?: true;
  };
}
export interface ServerRoomHistory {
  type: "serverRoomHistory";
  payload: {
    roomId: Id;
    requestId?: RequestId;
    messages: WireMessage[];
    hasMoreMessages: boolean;
    head: Seq;
    /**
     * Changes up to it are in the page; absent: none yet.
     */
    changeSeq?: number;
  };
}
export interface ServerCreateRoom {
  type: "serverCreateRoom";
  payload: {
    /**
     * Empty: the name is taken.
     */
    roomId: string;
    roomName: string;
    creatorId?: Id;
    kind?: "room";
    requestId?: RequestId;
  };
}
export interface SendAck {
  type: "sendAck";
  payload: {
    roomId: Id;
    requestId?: RequestId;
    /**
     * @minItems 1
     */
    results: (Stored | NotStored)[];
  };
}
export interface Stored {
  clientMsgId?: ClientMsgId;
  seq: Seq;
  id: MessageId;
  timestamp: TimeMs;
  /**
   * An earlier attempt had stored it.
   */
  duplicate?: true;
}
export interface NotStored {
  clientMsgId?: ClientMsgId;
  error: {
    code: Code;
    message: string;
    retryAfterMs?: number;
  };
}
export interface ErrorFrame {
  type: "error";
  payload: {
    code: Code;
    message: string;
    requestId?: RequestId;
    retryAfterMs?: number;
  };
}
export interface ConversationFrame {
  type: "conversation";
  payload: {
    change: "created" | "joined" | "left";
    room: Room;
    actor?: WireUser;
  };
}
export interface GroupChangedFrame {
  type: "conversation";
  payload: {
    change: "changed";
    room: ChangedRoom;
    actor?: WireUser;
  };
}
/**
 * A group as all its members see it, without anything of the reader's own.
 */
export interface ChangedRoom {
  id: Id;
  name: string;
  kind: "room" | "group" | "direct";
  head: Seq;
  /**
   * What everybody is to know; empty = nothing.
   */
  announcement: string;
  /**
   * How many are in it.
   */
  members?: number;
  /**
   * Address or file id of its picture.
   */
  avatar?: string;
  /**
   * Only admins and the owner may send.
   */
  muteAll?: true;
  /**
   * ms since 1970.
   */
  dissolvedAtMs?: number;
  /**
   * How long messages sent from now on stay.
   */
  expiresInMs?: number;
}
export interface Behind {
  type: "behind";
  payload: {
    rooms: {
      roomId: Id;
      head: Seq;
    }[];
  };
}
export interface Reconnect {
  type: "reconnect";
  payload: {
    afterMs: number;
    reason: string;
  };
}
export interface Push {
  type: "push";
  payload: {
    operation: number;
    body?: string;
    /**
     * Instead of `body`: bytes that are not UTF-8.
     */
    bodyBase64?: string;
  };
}
export interface Pong {
  type: "pong";
  payload: Empty;
}
export interface Empty {}
/**
 * How far somebody has received and read a room.
 */
export interface CursorEvent {
  type: "cursor";
  payload: {
    roomId: Id;
    userId: Id;
    deliveredSeq: Seq;
    readSeq: Seq;
    /**
     * Place in a room: 1, 2, 3, … without holes; 0 = before the first.
     */
    head?: number;
    /**
     * About oneself only.
     */
    unread?: number;
    requestId?: RequestId;
  };
}
export interface Presence {
  type: "presence";
  payload: {
    users: {
      id: Id;
      online: boolean;
      /**
       * ms since 1970.
       */
      lastSeenMs: number;
      /**
       * Every device is left alone.
       */
      away?: true;
      devices?: {
        kind: string;
        /**
         * Every device of the kind is left alone.
         */
        away?: true;
      }[];
    }[];
    requestId?: RequestId;
  };
}
/**
 * Somebody types; forgotten after 6 s.
 */
export interface TypingEvent {
  type: "typing";
  payload: {
    roomId: Id;
    user: WireUser;
    active: boolean;
  };
}
/**
 * Something changed for the user that is no message of a room.
 */
export interface UserEventFrame {
  type: "event";
  payload: {
    seq: number;
    at: TimeMs;
    /**
     * docs/events.md lists them.
     */
    kind: string;
    data: {
      [k: string]: unknown;
    };
  };
}
/**
 * A message was changed.
 */
export interface ChangeFrame {
  type: "change";
  payload: {
    roomId: Id;
    changeSeq: ChangeSeq;
    messageId: MessageId;
    seq: Seq;
    kind: "edited" | "recalled" | "reacted" | "unreacted" | "erased" | "expired";
    at: TimeMs;
    by?: WireUser;
    content?: string;
    emoji?: string;
    count?: number;
  };
}
export interface ClientMessages {
  type: "clientMessages";
  payload: {
    roomId: Id;
    /**
     * @minItems 1
     */
    messages: {
      /**
       * May be empty beside an attachment only.
       */
      content: string;
      clientMsgId: ClientMsgId;
      kind?: "text" | "image" | "voice" | "video" | "file" | "location" | "custom";
      attachment?: Attachment;
      /**
       * seq of the message it answers.
       */
      replyTo?: number;
      mentions?: Mentions;
      /**
       * It speaks to everybody.
       */
      mentionsAll?: boolean;
      /**
       * How long it stays.
       */
      expiresInMs?: number;
    }[];
    requestId?: RequestId;
  };
}
export interface RequestRoomHistory {
  type: "requestRoomHistory";
  payload: {
    roomId: Id;
    /**
     * Strictly older than this; absent or empty: the newest.
     */
    firstMessageId?: string;
    /**
     * Place in a room: 1, 2, 3, … without holes; 0 = before the first.
     */
    afterSeq?: number;
    count: number;
    requestId?: RequestId;
  };
}
export interface ClientCreateRoom {
  type: "clientCreateRoom";
  payload: {
    roomName: string;
    requestId?: RequestId;
  };
}
export interface Ping {
  type: "ping";
  payload: Empty;
}
/**
 * How far one has received and read; never goes back.
 */
export interface MoveCursor {
  type: "cursor";
  payload: {
    roomId: Id;
    deliveredSeq?: Seq;
    readSeq?: Seq;
    requestId?: RequestId;
  };
}
/**
 * What is on screen: the whole set, in place of the earlier one.
 */
export interface Watch {
  type: "watch";
  payload: {
    roomIds: Id[];
    userIds: Id[];
    requestId?: RequestId;
  };
}
export interface Typing {
  type: "typing";
  payload: {
    roomId: Id;
    active: boolean;
  };
}
/**
 * The device is left alone, or no longer.
 */
export interface Away {
  type: "away";
  payload: {
    away: boolean;
  };
}
