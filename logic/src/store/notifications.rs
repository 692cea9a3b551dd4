//! Notifications for devices that are away: where they go, what is to be looked
//! at, and what is to be sent.
//!
//! [`append`](super::Store::append) writes what was sent into the *feed*, in
//! its transaction. Whoever takes a part of the feed makes rows of the *queue*
//! of it, one for each device and conversation, and those stay until they are
//! settled. What is taken is put off, so that another may take it when whoever
//! took it died: nothing is lost, and some is done twice.

use std::collections::BTreeMap;

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{ConversationKind, MessageExtra, MessageKind};
use sha2::{Digest, Sha256};
use tonic::async_trait;

use super::Error;
use super::plan::Row;

/// By what a device is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// A signed POST to a server of the client's.
    Webhook,
    /// A browser's push service (RFC 8030).
    WebPush,
    /// Firebase Cloud Messaging.
    Fcm,
    /// Apple Push Notification service.
    Apns,
}

impl TargetKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Webhook, Self::WebPush, Self::Fcm, Self::Apns];

    /// As clients name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::WebPush => "webpush",
            Self::Fcm => "fcm",
            Self::Apns => "apns",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Webhook => 1,
            Self::WebPush => 2,
            Self::Fcm => 3,
            Self::Apns => 4,
        }
    }

    pub(super) fn of_number(number: i64) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|kind| kind.number() == number);
        found.ok_or_else(|| Error::Internal(format!("{number} is no kind of a notification's target")))
    }
}

/// Where the client of one log-in is told.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// UUID; another one whenever the address becomes another.
    pub id: String,
    /// The log-in it ends with.
    pub login_id: String,
    /// Whose.
    pub user: UserId,
    /// By what.
    pub kind: TargetKind,
    /// A URL, or a device token.
    pub address: String,
    /// What a webhook is signed with; of a browser its public key (65 bytes) and its secret (16).
    pub secret: Vec<u8>,
    /// ms since the epoch.
    pub created_at_ms: i64,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address of a browser is a secret as well.
        let Self { id, user, kind, .. } = self;
        f.debug_struct("Target")
            .field("id", id)
            .field("user", user)
            .field("kind", kind)
            .finish_non_exhaustive()
    }
}

impl Target {
    /// What only one log-in may have: a browser or phone that logs in again is the same one. One webhook may be of many.
    pub(super) fn address_hash(&self) -> [u8; 32] {
        let owner = if self.kind == TargetKind::Webhook { &*self.login_id } else { "" };
        let mut hash = Sha256::new();
        for part in [self.kind.as_str(), owner, &*self.address] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.finalize().into()
    }

    /// Nothing but the id and the time differ.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        let is_same = (self.user, self.kind) == (other.user, other.kind) && self.address == other.address;
        // A webhook's secret is ours: it stays what it was.
        is_same && (self.kind == TargetKind::Webhook || self.secret == other.secret)
    }
}

/// A message of the feed: the newest of one sender in one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sent {
    /// Where.
    pub conversation: ConversationId,
    /// Its place.
    pub seq: i64,
    /// Who sent it.
    pub sender: i64,
}

/// A row of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRow {
    /// Its id.
    pub id: i64,
    /// What was sent in one transaction; `None` when that cannot be read: another version of this server wrote it.
    pub sent: Option<Vec<Sent>>,
}

/// A member of a conversation and their devices that have a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Who.
    pub user: UserId,
    /// A log-in with a target; `None` when there is none.
    pub login_id: Option<String>,
}

/// A row for the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotification {
    /// The device.
    pub login_id: String,
    /// Whose.
    pub user: UserId,
    /// Where something was said.
    pub conversation: ConversationId,
    /// The newest message of others.
    pub seq: i64,
    /// Not before, ms since the epoch; one that waits already keeps its time.
    pub due_at_ms: i64,
}

/// A row of the queue that was taken, with all that decides about it as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// Where it goes.
    pub target: Target,
    /// When the log-in ends, ms since the epoch.
    pub login_expires_at_ms: i64,
    /// Where something was said.
    pub conversation: ConversationId,
    /// Direct or group.
    pub kind: ConversationKind,
    /// Of a group; else empty.
    pub name: String,
    /// The user is a member.
    pub is_member: bool,
    /// The newest message of others.
    pub seq: i64,
    /// Up to where the user has read.
    pub read_seq: i64,
    /// The user wants to hear nothing of it until then, ms since the epoch.
    pub muted_until_ms: i64,
    /// The user blocks the sender.
    pub is_sender_blocked: bool,
    /// The user had the message removed for themselves.
    pub is_hidden: bool,
    /// Messages of others the user has not read.
    pub unread: i64,
    /// Who sent it; 0 when the message is not there any more.
    pub sender: i64,
    /// The sender's name.
    pub sender_name: String,
    /// Of the message.
    pub message_kind: MessageKind,
    /// Its text.
    pub content: String,
    /// Its text is not to be told: it was taken back or erased, or stays for a time only, and who carries
    /// notifications may show them later.
    pub is_untold: bool,
    /// When it was written, ms since the epoch.
    pub sent_at_ms: i64,
    /// Attempts before this one.
    pub attempts: u32,
    /// Since when it waits, ms since the epoch.
    pub created_at_ms: i64,
}

/// What became of a row of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// There is nothing more to do, unless a newer message came meanwhile: that one is due now.
    Done {
        /// The device.
        login_id: String,
        /// Of this conversation.
        conversation: ConversationId,
        /// Up to this message.
        seq: i64,
    },
    /// It is tried again.
    Again {
        /// The device.
        login_id: String,
        /// Of this conversation.
        conversation: ConversationId,
        /// When, ms since the epoch.
        due_at_ms: i64,
        /// It counts as an attempt.
        counts: bool,
    },
}

/// How much waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NotificationBacklog {
    /// Rows of the feed; counted up to 10,000.
    pub feed: u64,
    /// Rows of the queue; counted up to 10,000.
    pub queue: u64,
    /// Age of the oldest row of the queue, ms.
    pub oldest_ms: i64,
}

/// Targets, feed and queue.
#[async_trait]
pub trait NotificationStore: Send + Sync {
    /// Sets the target of a live log-in of this user, in place of any it had; `None` when there is no such log-in.
    /// Answers what is there now: what was there before if nothing else was asked for. A browser or phone that had
    /// another log-in is moved to this one.
    async fn put_target(&self, target: &Target) -> Result<Option<Target>, Error>;
    /// The target of a log-in of this user.
    async fn target(&self, login_id: &str, user: UserId) -> Result<Option<Target>, Error>;
    /// Removes the target of a log-in and what waits for it, if it is (still) the one of this id; whether it was.
    async fn remove_target(&self, login_id: &str, id: &str) -> Result<bool, Error>;
    /// Takes rows of the feed for a time.
    async fn take_feed(&self, now_ms: i64, lease_ms: i64, limit: u32) -> Result<Vec<FeedRow>, Error>;
    /// Deletes rows of the feed.
    async fn delete_feed(&self, ids: &[i64]) -> Result<(), Error>;
    /// Deletes the oldest rows of a feed that has more than `rows_max`, at most `limit` of them; how many.
    async fn trim_feed(&self, rows_max: u32, limit: u32) -> Result<u64, Error>;
    /// Members of a group or direct conversation, by id, after `after`: `limit` of them at most, one entry for each of
    /// their targets, and one for who has none.
    async fn listeners(&self, id: ConversationId, after: i64, limit: u32) -> Result<Vec<Listener>, Error>;
    /// Puts rows into the queue; a row that is there takes the newer seq. A device that then has more than
    /// `device_rows_max` loses the oldest: answers how many were lost. Devices that went meanwhile are passed over.
    async fn queue_notifications(
        &self,
        new: &[NewNotification],
        device_rows_max: u32,
        now_ms: i64,
    ) -> Result<u64, Error>;
    /// Takes rows of the queue that are due, for a time.
    async fn take_notifications(&self, now_ms: i64, lease_ms: i64, limit: u32) -> Result<Vec<Due>, Error>;
    /// Records what became of them.
    async fn settle_notifications(&self, settled: &[Settled], now_ms: i64) -> Result<(), Error>;
    /// How much waits.
    async fn notification_backlog(&self, now_ms: i64) -> Result<NotificationBacklog, Error>;
}

/// What a batch puts into the feed; `None` when it is nothing: nobody is notified of what is said in open rooms.
pub(super) fn feed(rows: &[Row<'_>], is_room: impl Fn(i64) -> bool) -> Option<Vec<u8>> {
    let mut newest: BTreeMap<(i64, i64), i64> = BTreeMap::new();
    for row in rows {
        let conversation = row.message.conversation.get();
        if !is_room(conversation) {
            newest.insert((conversation, row.message.sender.id), row.seq);
        }
    }
    let sent: Vec<(i64, i64, i64)> =
        newest.into_iter().map(|((conversation, sender), seq)| (conversation, seq, sender)).collect();
    if sent.is_empty() {
        return None;
    }
    // Numbers can be written as JSON.
    serde_json::to_vec(&sent).ok()
}

/// Reads what [`feed`] wrote.
pub(super) fn feed_row(id: i64, payload: &[u8]) -> FeedRow {
    let sent: Option<Vec<(i64, i64, i64)>> = serde_json::from_slice(payload).ok();
    let known = |(conversation, seq, sender)| {
        Some(Sent { conversation: ConversationId::new(conversation)?, seq, sender })
    };
    FeedRow { id, sent: sent.and_then(|sent| sent.into_iter().map(known).collect()) }
}

/// Whether what a message has beside its text says that the text is no more, or will be no more.
pub(super) fn is_untold(extra: Option<&MessageExtra>) -> bool {
    extra.is_some_and(|extra| extra.gone != 0 || extra.expires_at_ms != 0)
}

/// Columns of a [`Due`], of a row `n` of the queue: the same in both dialects, but for what MySQL is told of indexes,
/// which stands between the two.
pub(super) const DUE: [&str; 2] = [
    "SELECT n.login_id, n.conversation_id, n.user_id, n.seq, n.attempts, n.created_at_ms,
       t.id, t.kind, t.address, t.secret, t.created_at_ms, l.expires_at_ms,
       c.kind, c.name, c.last_seq, COALESCE(k.read_seq, 0), COALESCE(s.muted_until_ms, 0),
       COALESCE(m.user_id, 0), COALESCE(b.blocked, 0), COALESCE(h.seq, 0),
       COALESCE(x.sender_id, 0), COALESCE(x.sender_name, ''), COALESCE(x.kind, 0), COALESCE(x.content, ''),
       COALESCE(x.created_at_ms, 0), x.extra,
       (SELECT COUNT(*) FROM messages o",
    " WHERE o.sender_id = n.user_id AND o.conversation_id = n.conversation_id
        AND o.seq > COALESCE(k.read_seq, 0))
     FROM notifications n
     JOIN notification_targets t ON t.login_id = n.login_id
     JOIN logins l ON l.id = n.login_id
     JOIN conversations c ON c.id = n.conversation_id
     LEFT JOIN members m ON m.conversation_id = n.conversation_id AND m.user_id = n.user_id
     LEFT JOIN cursors k ON k.user_id = n.user_id AND k.conversation_id = n.conversation_id
     LEFT JOIN conversation_settings s ON s.user_id = n.user_id AND s.conversation_id = n.conversation_id
     LEFT JOIN messages x ON x.conversation_id = n.conversation_id AND x.seq = n.seq
     LEFT JOIN contacts b ON b.user_id = n.user_id AND b.peer_id = x.sender_id
     LEFT JOIN hidden h ON h.user_id = n.user_id AND h.conversation_id = n.conversation_id AND h.seq = n.seq
     WHERE n.login_id = ",
];

#[cfg(test)]
mod tests {
    use oort_api::pb::oort::v1::User;

    use super::*;
    use crate::store::NewMessage;

    fn message(conversation: i64, sender: i64) -> NewMessage {
        NewMessage {
            conversation: ConversationId::new(conversation).expect("positive"),
            sender: User { id: sender, username: String::new() },
            client_msg_id: String::new(),
            content: String::new(),
            written: None,
            details: None,
            traceparent: String::new(),
        }
    }

    #[test]
    fn the_feed_has_the_newest_of_each_sender_and_no_rooms() {
        let messages = [message(7, 1), message(7, 2), message(7, 1), message(9, 1)];
        let row = |message, seq| Row { message, seq, created_at_ms: 0, extra: None };
        let rows: Vec<Row<'_>> = messages.iter().zip(1..).map(|(message, seq)| row(message, seq)).collect();
        let payload = feed(&rows, |id| id == 9).expect("something");
        let sent = feed_row(1, &payload).sent.expect("reads");
        let told: Vec<_> = sent.iter().map(|sent| (sent.conversation.get(), sent.seq, sent.sender)).collect();
        assert_eq!(told, [(7, 3, 1), (7, 2, 2)]);
        assert_eq!(feed(&rows, |_| true), None);
        for unreadable in [&b"?"[..], b"[[0,1,1]]", b"[[1,2]]"] {
            assert_eq!(feed_row(1, unreadable).sent, None);
        }
    }

    #[test]
    fn a_browser_has_one_target_and_a_webhook_many() {
        let of = |kind, login: &str| Target {
            id: String::new(),
            login_id: login.to_owned(),
            user: UserId::new(1).expect("positive"),
            kind,
            address: "https://push.example/1".to_owned(),
            secret: Vec::new(),
            created_at_ms: 0,
        };
        let hash = |kind, login| of(kind, login).address_hash();
        assert_eq!(hash(TargetKind::WebPush, "a"), hash(TargetKind::WebPush, "b"));
        assert_ne!(hash(TargetKind::WebPush, "a"), hash(TargetKind::Fcm, "a"));
        assert_ne!(hash(TargetKind::Webhook, "a"), hash(TargetKind::Webhook, "b"));
        for kind in TargetKind::ALL {
            assert_eq!(TargetKind::of(kind.as_str()), Some(kind));
            assert_eq!(TargetKind::of_number(kind.number()).expect("known"), kind);
        }
        assert!(TargetKind::of_number(9).is_err());
    }
}
