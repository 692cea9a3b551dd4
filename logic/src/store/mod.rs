//! The store: everything durable, behind one narrow trait.
//!
//! [`sqlite`] serves one process, [`mysql`] a cluster. Both pass one contract
//! suite (`logic/tests/it/store.rs`). Migrations are `sql/<dialect>/NNNN_*.sql`,
//! embedded and applied by [`migrate`].
//!
//! Every `create_*` and [`Store::append`] writes what is to be published into
//! the outbox *in the same transaction* and returns that row, so that the
//! caller can hand it to the publisher without reading it back.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use oort_api::error::Refusal;
use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::oort::v1::{Conversation, ConversationKind, Details, Message, User};
use tonic::async_trait;

use crate::policy::Role;
use crate::policy::operators::OperatorRole;

mod api_keys;
#[doc(hidden)]
pub mod bench;
mod changes;
mod client_keys;
mod codes;
mod contacts;
mod cursors;
mod departures;
mod devices;
mod events;
mod expiries;
mod files;
mod groups;
mod hidden;
mod hooks;
#[cfg(feature = "simulation")]
pub mod memory;
pub mod metrics;
pub mod migrate;
pub mod mysql;
mod notifications;
mod operators;
mod outbox;
mod payload;
mod plan;
mod profiles;
mod receipts;
mod replicas;
mod sanctions;
mod search;
pub mod shards;
pub mod sqlite;
mod user_events;

pub use api_keys::{ApiKey, ApiKeys, NewApiKey};
pub use changes::{Alteration, ChangeBounds, ChangePage, Changed, Changes, NewChange};
pub use client_keys::{ClientKey, EarlyKey};
pub use codes::{CodeGuess, Codes, MailedCode, PasswordReset, Purpose};
pub use contacts::{
    Bound, Contact, ContactAct, ContactBounds, ContactList, ContactStep, ContactsStore, Finders, Privacy,
    Sought, Stepped,
};
pub(crate) use cursors::event as cursor_event;
pub use cursors::{CursorMove, Entry, MemberCursor, Moved, Standing};
pub use departures::{Departure, Departures, Erased};
pub use devices::{Admission, Begun, DeviceKind, DevicePolicy, NewDevice};
pub use expiries::{DirectExpiry, Expiries, ExpirySettled};
pub use files::{Discard, Discarded, FileState, Files, Finished, NewFile, NewPart, StoredFile};
pub use groups::{
    ConversationSettings, GroupChange, GroupDetails, GroupEdit, GroupLink, GroupOrder, GroupState,
    GroupStore, NewGroup, NewLink, SettingsChange,
};
pub use hidden::{Hid, Hidden, Stretch};
pub use hooks::{Asking, HookBacklog, HookDue, HookKinds, HookPlace, HookSettled, HookStore};
pub use metrics::Metrics;
pub use notifications::{
    Due, FeedRow, Listener, NewNotification, NotificationBacklog, NotificationStore, Sent, Settled, Target,
    TargetKind,
};
pub use operators::{Audit, NewAudit, Operator};
pub use outbox::{About, Outbox};
pub use profiles::{Person, Profile, ProfileChange, Profiles, Sex};
pub use receipts::{Reader, ReceiptOf, ReceiptPlace, Receipts};
pub use replicas::ReplicaState;
pub use sanctions::{NewSanction, Sanction, SanctionKind, Sanctioned, Sanctions};
pub use search::{Compared, Indexed, Look, Posting, Search, Searched};
pub use user_events::{EventPage, NewUserEvent, UserEvents};

/// An account to create. Names are already validated and normalised.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// As shown; unique without regard to case (`username_key` is the folded form).
    pub username: String,
    /// Folded user name, unique.
    pub username_key: String,
    /// Folded e-mail address, unique when given.
    pub email: Option<String>,
    /// PHC string of the password hash.
    pub password_hash: String,
    /// ms since the epoch.
    pub created_at_ms: i64,
    /// The client's name for its request; written with the account.
    pub key: Option<EarlyKey>,
}

/// What logging in needs to know.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Who.
    pub user: User,
    /// PHC string of the password hash.
    pub password_hash: String,
    /// Since when the account is deactivated, ms since the epoch.
    pub deactivated_at_ms: Option<i64>,
}

/// One log-in of one device: it owns a refresh token and, for cookie clients, a sid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// UUID; the `sid` claim of access tokens.
    pub id: String,
    /// Whose.
    pub user_id: UserId,
    /// SHA-256 of the current refresh token.
    pub refresh_hash: [u8; 32],
    /// SHA-256 of the sid cookie's value, when it was set.
    pub cookie_hash: Option<[u8; 32]>,
    /// ms since the epoch.
    pub created_at_ms: i64,
    /// ms since the epoch; after it the log-in is over.
    pub expires_at_ms: i64,
}

/// Outcome of [`Store::rotate_refresh`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The old token was the current one; the new one is now.
    Rotated(Login),
    /// The old token had been rotated before: somebody else has it. The
    /// log-in was ended in the same transaction.
    Reused {
        /// The log-in that was ended.
        login_id: String,
        /// Whose it was.
        user_id: UserId,
    },
    /// No live log-in has or had this token.
    Unknown,
}

/// A live log-in as its owner is shown it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The log-in.
    pub login_id: String,
    /// What its client is called; empty = it did not say.
    pub name: String,
    /// Its kind.
    pub kind: DeviceKind,
    /// ms since the epoch.
    pub created_at_ms: i64,
    /// When it was last seen, ms since the epoch; at the earliest when it was created.
    pub last_seen_ms: i64,
}

/// Who was seen, and when (ms since the epoch). Each log-in and user once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sightings {
    /// Log-ins by id.
    pub logins: Vec<(String, i64)>,
    /// Users.
    pub users: Vec<(UserId, i64)>,
}

/// A key that signs tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its `kid`.
    pub id: String,
    /// 32 random bytes.
    pub secret: Vec<u8>,
    /// ms since the epoch.
    pub created_at_ms: i64,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A message to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Where to.
    pub conversation: ConversationId,
    /// Who sends; must be a member (anyone in an open room).
    pub sender: User,
    /// The sender's id for it: 1-64 bytes, unique per sender for ever.
    pub client_msg_id: String,
    /// The text.
    pub content: String,
    /// What its sender wrote, where something else is stored in its place: a repeat is compared by it.
    pub written: Option<String>,
    /// What it has beside the text, validated; `None` = nothing.
    pub details: Option<Box<Details>>,
    /// W3C traceparent, empty = none.
    pub traceparent: String,
}

/// What became of one [`NewMessage`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// Committed now.
    Stored {
        /// Its place.
        seq: Seq,
        /// ms since the epoch; rises strictly with seq.
        created_at_ms: i64,
    },
    /// An earlier attempt with the same payload was committed.
    Duplicate {
        /// The earlier attempt's place.
        seq: Seq,
        /// The earlier attempt's time.
        created_at_ms: i64,
    },
    /// The sender used this client message id with another payload (content
    /// or conversation).
    Conflict,
    /// The sender is not a member.
    NotMember,
    /// The sender is muted in the group until then, ms since the epoch; 0 = all are.
    Muted(i64),
    /// An operator muted the sender everywhere until then, ms since the epoch; 0 = without end.
    Silenced(i64),
    /// The group was dissolved.
    Dissolved,
    /// There is no such conversation.
    NoConversation,
    /// The other user of the direct conversation blocks the sender.
    Blocked,
    /// It answers a message that is not there.
    NoQuoted,
    /// It speaks to this user, who is not in the conversation.
    MentionedNotMember(i64),
    /// It carries a file that is not there, not ready, or that the sender may not read.
    NoFile,
    /// A copy of nothing, which only an earlier attempt that was stored could have answered.
    NoOriginal,
    /// It carries a file, and the server that knows whether its sender may read it does not answer.
    FileUnknown,
}

/// One outbox row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Rises in commit order among the rows of one owner.
    pub id: i64,
    /// An encoded `oort.v1.OutboxBatch`.
    pub payload: Bytes,
}

/// A conversation's identity and routing, without its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationInfo {
    /// Which.
    pub id: ConversationId,
    /// Direct, group or room.
    pub kind: ConversationKind,
    /// Room or group name; empty for direct.
    pub name: String,
    /// Who created it; 0 = the server.
    pub creator_id: i64,
    /// seq of the newest message, 0 = none.
    pub head: i64,
    /// When the newest message was written, ms since the epoch; 0 = none.
    pub last_at_ms: i64,
}

/// A page of history.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// In the order asked for.
    pub messages: Vec<Message>,
    /// There is more in that direction.
    pub has_more: bool,
    /// The conversation's head when the page was read.
    pub head: i64,
    /// Changes of messages up to it are in the page.
    pub change_seq: i64,
}

/// Which messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// The newest ones, newest first.
    Newest,
    /// Strictly older than this seq, newest first.
    Before(Seq),
    /// Strictly newer than this seq (0 = from the start), oldest first.
    After(i64),
}

/// A list that is to be filled.
#[derive(Debug, Clone, PartialEq)]
pub struct Filling {
    /// Who reads it.
    pub user: UserId,
    /// Conversations of [`Store::entries_of`].
    pub list: Vec<Conversation>,
    /// Newest messages of each.
    pub latest: u32,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user: User,
    /// ms since the epoch.
    pub joined_at_ms: i64,
    /// What they are in it; in direct conversations a member.
    pub role: Role,
    /// May not send until then, ms since the epoch; 0 = may.
    pub muted_until_ms: i64,
}

/// Why the store refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be reached, is read-only or full, or did not answer in time.
    /// Nothing was accepted, as far as the store could tell; a retry with the
    /// same client message ids is always safe.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// The user name is taken.
    #[error("the user name is taken")]
    UsernameTaken,
    /// The e-mail address is taken.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// The room name is taken.
    #[error("the room name is taken")]
    RoomNameTaken,
    /// There is no such user.
    #[error("there is no user {0}")]
    NoUser(i64),
    /// The client's key was used for another request.
    #[error("the idempotency key was used for another request; take a new one")]
    KeyConflict,
    /// What was asked for is not allowed, for a reason that is told as it is.
    #[error("{0}")]
    Refused(Refusal),
    /// There is no such conversation, or it is of another kind.
    #[error("there is no such conversation")]
    NoConversation,
    /// The other user blocks the one who asks.
    #[error("this conversation cannot be opened")]
    Blocked,
    /// The outbox holds as much as it may (`logic.publisher.backlog`), as the bus is away. Nothing was tried.
    #[error("too much waits for the bus")]
    OutboxFull,
    /// The schema is not what this binary needs.
    #[error("schema: {0}")]
    Schema(String),
    /// A fault of ours: a statement failed that cannot fail.
    #[error("the store failed: {0}")]
    Internal(String),
}

/// Durable state. Cheap to clone behind an `Arc`; every call is bounded by the
/// timeouts in its settings.
#[async_trait]
pub trait Store:
    ApiKeys
    + Changes
    + Codes
    + ContactsStore
    + Departures
    + Expiries
    + Files
    + GroupStore
    + Hidden
    + HookStore
    + NotificationStore
    + Outbox
    + Profiles
    + Sanctions
    + Receipts
    + Search
    + UserEvents
    + Send
    + Sync
    + fmt::Debug
    + 'static
{
    /// Tells whether the store (its first server, where there are several) answers and takes writes.
    async fn check(&self) -> Result<(), Error>;
    /// Asks each replica that reads may go to; none where there are none. Without them everything is answered as well.
    async fn replicas(&self) -> Vec<ReplicaState> {
        Vec::new()
    }
    /// Asks each further server of a store that has several: without one, what it has is not answered.
    async fn further_servers(&self) -> Vec<ReplicaState> {
        Vec::new()
    }

    // Accounts.

    /// Creates an account.
    async fn create_user(&self, user: &NewUser) -> Result<User, Error>;
    /// Whether this user made the request of the key before.
    ///
    /// # Errors
    /// [`Error::KeyConflict`] when it was another request.
    async fn was_made(&self, key: &ClientKey, now_ms: i64) -> Result<bool, Error>;
    /// By folded user name; none of an account that was deleted.
    async fn credentials_by_name(&self, username_key: &str) -> Result<Option<Credentials>, Error>;
    /// By folded e-mail address; none of an account that was deleted.
    async fn credentials_by_email(&self, email: &str) -> Result<Option<Credentials>, Error>;
    /// By id.
    async fn user(&self, id: UserId) -> Result<Option<User>, Error>;
    /// Users whose folded name starts with `prefix`, by name, at most `limit`; none that are deactivated or deleted.
    async fn find_users(&self, prefix: &str, limit: u32) -> Result<Vec<User>, Error>;

    // Log-ins.

    /// Records a log-in and its device, if the user may have it beside the others; ends those that make way.
    async fn create_login(
        &self,
        login: &Login,
        device: &NewDevice,
        admission: &Admission,
    ) -> Result<Begun, Error>;
    /// Ends the log-ins of this user but for `keep`; tells which.
    async fn end_other_logins(&self, user: UserId, keep: &str) -> Result<Vec<String>, Error>;
    /// Whose these log-ins are; `None` for one that is not live (ended, or
    /// expired at `now_ms`). In the order of `ids`.
    async fn live_logins(&self, ids: &[Arc<str>], now_ms: i64) -> Result<Vec<Option<UserId>>, Error>;
    /// A live log-in with its user.
    async fn login(&self, id: &str, now_ms: i64) -> Result<Option<(Login, User)>, Error>;
    /// The same by the hash of the cookie's value.
    async fn login_by_cookie(
        &self,
        cookie_hash: &[u8; 32],
        now_ms: i64,
    ) -> Result<Option<(Login, User)>, Error>;
    /// Replaces the refresh token if `old` is the current one. Earlier tokens
    /// of the log-in are remembered as hashes so that reuse is seen.
    async fn rotate_refresh(
        &self,
        old: &[u8; 32],
        new: &[u8; 32],
        now_ms: i64,
        expires_at_ms: i64,
    ) -> Result<Rotation, Error>;
    /// Ends a log-in of this user; `false` when there was none.
    async fn end_login(&self, id: &str, user: UserId) -> Result<bool, Error>;
    /// The live log-ins of a user, the newest first, at most `limit`.
    async fn devices_of(&self, user: UserId, now_ms: i64, limit: u32) -> Result<Vec<Device>, Error>;
    /// Records when log-ins and users were seen; earlier times change nothing.
    /// Log-ins that ended meanwhile, and users there are not, are passed over.
    async fn note_seen(&self, seen: &Sightings) -> Result<(), Error>;
    /// When these users were last seen; those who never were are absent.
    async fn last_seen(&self, users: &[UserId]) -> Result<Vec<(UserId, i64)>, Error>;
    /// Every signing key, newest first; records `candidate` first when there is none.
    async fn signing_keys(&self, candidate: &SigningKey) -> Result<Vec<SigningKey>, Error>;

    // Conversations.

    /// Creates an open room. Publishes `CONVERSATION` created to everyone, with effect JOIN.
    async fn create_room(
        &self,
        owner: &str,
        name: &str,
        creator: &User,
        now_ms: i64,
    ) -> Result<(ConversationInfo, OutboxRow), Error>;
    /// [`GroupStore::found_group`] without a client's key.
    async fn create_group(
        &self,
        owner: &str,
        name: &str,
        creator: &User,
        members: &[UserId],
        now_ms: i64,
    ) -> Result<(ConversationInfo, OutboxRow), Error> {
        let (name, creator, members) = (name.to_owned(), creator.clone(), members.to_vec());
        let (info, row) =
            self.found_group(owner, &NewGroup { name, creator, members, key: None, now_ms }).await?;
        let row = row.ok_or_else(|| Error::Internal("a new group told nobody".to_owned()))?;
        Ok((info, row))
    }
    /// The direct conversation of two users, created when there is none (then
    /// with an outbox row that tells both). Who is blocked by the other makes none.
    async fn direct(
        &self,
        owner: &str,
        creator: &User,
        peer: UserId,
        now_ms: i64,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error>;
    /// A conversation and whether the user may read and write it (member, or open room).
    async fn conversation(
        &self,
        id: ConversationId,
        user: UserId,
    ) -> Result<Option<(ConversationInfo, bool)>, Error>;
    /// Members of a group or direct conversation, by id, after `after`.
    async fn members(&self, id: ConversationId, after: i64, limit: u32) -> Result<Vec<Member>, Error>;
    /// For each user: ids of the open rooms (at most `rooms_max`, the oldest)
    /// and of the user's groups.
    async fn rooms_of_all(&self, users: &[UserId], rooms_max: u32)
    -> Result<Vec<Vec<ConversationId>>, Error>;
    /// The same and the direct ones, by id, without messages and `unread`. The
    /// first reading of an open room that is older than the account records
    /// that the user begins at its head.
    async fn entries_of_all(&self, users: &[UserId], rooms_max: u32) -> Result<Vec<Vec<Entry>>, Error>;
    /// Lists of [`Self::entries_of_all`] with `unread` and the newest messages,
    /// newest first, as they were at their heads.
    async fn filled_all(&self, fillings: &[Filling]) -> Result<Vec<Vec<Conversation>>, Error>;
    /// [`Self::rooms_of_all`] of one user.
    async fn rooms_of(&self, user: UserId, rooms_max: u32) -> Result<Vec<ConversationId>, Error> {
        Ok(self.rooms_of_all(&[user], rooms_max).await?.pop().unwrap_or_default())
    }
    /// [`Self::entries_of_all`] of one user.
    async fn entries_of(&self, user: UserId, rooms_max: u32) -> Result<Vec<Entry>, Error> {
        Ok(self.entries_of_all(&[user], rooms_max).await?.pop().unwrap_or_default())
    }
    /// [`Self::filled_all`] of one user.
    async fn filled(
        &self,
        user: UserId,
        list: Vec<Conversation>,
        latest: u32,
    ) -> Result<Vec<Conversation>, Error> {
        Ok(self.filled_all(&[Filling { user, list, latest }]).await?.pop().unwrap_or_default())
    }
    /// All of the user's conversations, filled.
    async fn conversations_of(
        &self,
        user: UserId,
        rooms_max: u32,
        latest: u32,
    ) -> Result<Vec<Conversation>, Error> {
        let entries = self.entries_of(user, rooms_max).await?;
        let list = entries.into_iter().map(|entry| entry.conversation).collect();
        self.filled(user, list, latest).await
    }
    /// A page of messages. The caller has checked that the reader may.
    async fn history(&self, id: ConversationId, range: Range, limit: u32) -> Result<Page, Error>;

    /// Deletes the oldest messages of a conversation below a seq, at most `limit`; returns how many. Only for one that is
    /// nobody's but the server's own: what people were told of is never deleted. Where it is not made, all is kept.
    async fn prune(&self, _id: ConversationId, _below: Seq, _limit: u32) -> Result<u64, Error> {
        Ok(0)
    }

    // Messages.

    /// One transaction of BLUEPRINT §4 for the whole batch: duplicates,
    /// heads, membership, seqs, rows, one outbox row, and the deletion of
    /// `published` outbox rows. Outcomes are in the order of the batch.
    /// Repeats inside one batch are treated like repeats of earlier batches.
    async fn append(
        &self,
        owner: &str,
        batch: &[NewMessage],
        published: &[i64],
        now_ms: i64,
    ) -> Result<(Vec<Appended>, Option<OutboxRow>), Error>;

    // Cursors.

    /// Moves cursors, all in one transaction with one outbox row: the larger
    /// seq wins, none goes above the head, none falls. What moved is told to
    /// the user's sessions, and to the other members of direct conversations
    /// and of groups of at most `told_members_max`. Answers are in the order
    /// of the moves.
    async fn move_cursors(
        &self,
        owner: &str,
        moves: &[CursorMove],
        told_members_max: u32,
        now_ms: i64,
    ) -> Result<(Vec<Moved>, Option<OutboxRow>), Error>;
    /// Cursors of the members of a group or direct conversation, by user.
    async fn cursors(&self, id: ConversationId, limit: u32) -> Result<Vec<MemberCursor>, Error>;

    // Servers.

    /// The outbox of each server that there is something written at, home first: what is committed at one is published in the
    /// order of its commits, and asks nothing of the others.
    fn outboxes(self: Arc<Self>) -> Vec<Arc<dyn Outbox>>;
    /// The server of a conversation, by the place of its outbox in [`Self::outboxes`].
    fn server_of(&self, _conversation: ConversationId) -> usize {
        0
    }
    /// The server whose outbox a transaction writes, if it writes one.
    async fn server_about(&self, _about: About<'_>) -> Result<usize, Error> {
        Ok(0)
    }

    // Operators.

    /// Makes the user an operator of this role; `false` when they were.
    async fn grant_operator(&self, user: UserId, role: OperatorRole, now_ms: i64) -> Result<bool, Error>;
    /// Makes the user no operator any more; `false` when they were none.
    async fn revoke_operator(&self, user: UserId) -> Result<bool, Error>;
    /// What operator the user is; `None` = none.
    async fn operator_role(&self, user: UserId) -> Result<Option<OperatorRole>, Error>;
    /// Who is an operator, by id, at most `limit`.
    async fn operators(&self, limit: u32) -> Result<Vec<Operator>, Error>;
    /// Records what an operator is about to do; returns its id.
    async fn add_audit(&self, audit: &NewAudit) -> Result<i64, Error>;
    /// What operators did, newest first, with ids below `before`, at most `limit`.
    async fn audit(&self, before: i64, limit: u32) -> Result<Vec<Audit>, Error>;
}
