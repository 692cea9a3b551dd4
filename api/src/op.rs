//! Operations: what a frame's body is. 0-17 are goim's
//! (`api/protocol/operation.go` at 1800484); Oort's own start at 20.
//! Any other number is an application's own push.

/// Client asks that the idle timer be re-armed. Empty body.
pub const HEARTBEAT: i32 = 2;
/// Answer to [`HEARTBEAT`]: int32 big-endian, connections online.
pub const HEARTBEAT_REPLY: i32 = 3;
/// A message. Upstream: a send. Downstream: an encoded `oort.v1.Message` when
/// the frame names a conversation, else an opaque text for JSON clients.
pub const SEND_MESSAGE: i32 = 4;
/// Downstream only: an opaque "room created" text of older systems.
pub const SEND_MESSAGE_REPLY: i32 = 5;
/// First packet of a goim client: JSON credentials.
pub const AUTH: i32 = 7;
/// Answer to [`AUTH`]. Empty body.
pub const AUTH_REPLY: i32 = 8;
/// A container: the body is packets, one after the other.
pub const RAW: i32 = 9;
/// Body: the room to be in (`type://id`), or empty to leave.
pub const CHANGE_ROOM: i32 = 12;
/// Echoes the body of [`CHANGE_ROOM`].
pub const CHANGE_ROOM_REPLY: i32 = 13;
/// Body: comma-separated operations to receive from now on.
pub const SUBSCRIBE: i32 = 14;
/// Echoes the body of [`SUBSCRIBE`].
pub const SUBSCRIBE_REPLY: i32 = 15;
/// Body: comma-separated operations to receive no longer.
pub const UNSUBSCRIBE: i32 = 16;
/// Echoes the body of [`UNSUBSCRIBE`].
pub const UNSUBSCRIBE_REPLY: i32 = 17;

/// The reader's conversations changed: an encoded `oort.v1.ConversationEvent`.
pub const CONVERSATION: i32 = 20;
/// How far a user has got in a conversation: an encoded `oort.v1.CursorEvent`.
pub const CURSOR: i32 = 21;
/// People came online or went: an encoded `oort.v1.PresenceEvent`. To those who watch them.
pub const PRESENCE: i32 = 22;
/// Somebody types: an encoded `oort.v1.TypingEvent`. To those who watch the conversation.
pub const TYPING: i32 = 23;
/// The comet closes the sessions named. Body: [`KICK_SESSION_ENDED`] or [`KICK_BY_OPERATOR`]. Never shown to clients.
pub const KICK: i32 = 24;
/// Something changed for the user: an encoded `oort.v1.UserEvent`.
pub const EVENT: i32 = 25;
/// A message was changed: an encoded `oort.v1.ChangeEvent`.
pub const CHANGE: i32 = 26;
/// Body of [`KICK`]: the log-in ended.
pub const KICK_SESSION_ENDED: &str = "session_ended";
/// Body of [`KICK`]: an operator closes them.
pub const KICK_BY_OPERATOR: &str = "kicked";
