//! Contacts: requests, contacts and blocks, as the stores hold them. What a step
//! comes to is decided in `contacts/judge.rs`.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use tonic::async_trait;

use super::{Error, OutboxRow};
use crate::contacts::policy::{Operation, Tie};

mod judge;

pub(super) use judge::{Change, Counts, Known, judge, privacy_event};

/// What one does about another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactStep {
    /// Who does it.
    pub actor: User,
    /// About whom; somebody else.
    pub peer: UserId,
    /// What.
    pub act: ContactAct,
    /// How much there may be.
    pub bounds: ContactBounds,
}

/// What is done. Texts are already validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactAct {
    /// Asks the other to be a contact, with a message for them.
    Request(String),
    /// Notes something about a contact.
    Remark(String),
    /// All that comes without a text.
    Plain(Operation),
}

impl ContactAct {
    /// Whether it changes who of the two takes nothing from the other.
    pub(super) fn is_about_blocks(&self) -> bool {
        matches!(self, Self::Plain(Operation::Block | Operation::Unblock))
    }
}

/// How much there may be, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContactBounds {
    /// Contacts of one user.
    pub contacts_max: u32,
    /// Open requests of one user, and as many to one user.
    pub requests_max: u32,
    /// Users one user blocks.
    pub blocks_max: u32,
    /// How long a request is open, ms.
    pub request_ttl_ms: i64,
}

/// What a user holds of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The other; without a name when the account is gone.
    pub peer: User,
    /// Request or contact.
    pub tie: Tie,
    /// The user takes nothing from the other.
    pub blocks: bool,
    /// The user's note about a contact.
    pub remark: String,
    /// What came with a request.
    pub message: String,
    /// Since when the tie is as it is, ms since the epoch; 0 = for ever.
    pub changed_at_ms: i64,
    /// When an open request ends, ms since the epoch; 0 = it is none.
    pub expires_at_ms: i64,
}

/// What became of a [`ContactStep`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stepped {
    /// What the actor holds of the other now.
    Stands(Contact),
    /// There is no such request or contact.
    Missing,
    /// One of them blocks the other.
    Blocked,
    /// One of the [`ContactBounds`] is reached.
    Full(Bound),
}

/// What there is enough of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Open requests of the actor.
    Requests,
    /// Open requests to the other.
    RequestsOfPeer,
    /// Contacts of the actor.
    Contacts,
    /// Contacts of the other.
    ContactsOfPeer,
    /// Users the actor blocks.
    Blocks,
}

/// Which of what a user holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactList {
    /// Contacts.
    Contacts,
    /// Open requests to the user.
    Asking,
    /// Open requests of the user.
    Asked,
    /// Whom the user blocks, contacts or not.
    Blocked,
}

/// Who finds a user by something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finders {
    /// Everyone who is logged in.
    Everyone,
    /// The user's contacts.
    Contacts,
    /// Nobody else.
    Nobody,
}

/// Who finds a user, by what, and what others are told of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Privacy {
    /// By the beginning of the user name.
    pub by_name: Finders,
    /// By the whole e-mail address.
    pub by_email: Finders,
    /// By the id.
    pub by_id: Finders,
    /// Others are told how far the user has read, and the user of others.
    pub sends_receipts: bool,
    /// The user appears offline to others.
    pub is_invisible: bool,
}

/// What the columns of `contact_settings` default to as well. An address is
/// known to more people than its owner wants to be found by.
impl Default for Privacy {
    fn default() -> Self {
        Self {
            by_name: Finders::Everyone,
            by_email: Finders::Nobody,
            by_id: Finders::Everyone,
            sends_receipts: true,
            is_invisible: false,
        }
    }
}

/// Whom to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// Folded user names that begin so.
    Name(String),
    /// The folded e-mail address.
    Email(String),
    /// The id.
    Id(UserId),
}

/// Requests, contacts, blocks, and who finds whom.
#[async_trait]
pub trait ContactsStore: Send + Sync {
    /// Does what the policy says to a step, on both sides in one transaction,
    /// with the events of whom it concerns.
    async fn step_contact(
        &self,
        owner: &str,
        step: &ContactStep,
        now_ms: i64,
    ) -> Result<(Stepped, Option<OutboxRow>), Error>;
    /// What a user holds of others, by their ids, after `after`.
    async fn contacts(
        &self,
        user: UserId,
        list: ContactList,
        after: i64,
        limit: u32,
        now_ms: i64,
    ) -> Result<Vec<Contact>, Error>;
    /// Who finds the user.
    async fn privacy(&self, user: UserId) -> Result<Privacy, Error>;
    /// Says who finds the user and what others are told; told to the user's own devices when it is new.
    async fn set_privacy(
        &self,
        owner: &str,
        user: UserId,
        privacy: Privacy,
        now_ms: i64,
    ) -> Result<Option<OutboxRow>, Error>;
    /// Users whom this one may find so, by name, at most `limit`.
    async fn find_people(&self, reader: UserId, sought: &Sought, limit: u32) -> Result<Vec<User>, Error>;
}

/// One side of a pair.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) tie: Tie,
    pub(super) blocks: bool,
    pub(super) remark: String,
    pub(super) message: String,
    pub(super) changed_at_ms: i64,
    pub(super) expires_at_ms: i64,
}

impl Side {
    /// The side as it counts at this time: an expired request is none.
    pub(super) fn at(self, now_ms: i64) -> Self {
        if self.expires_at_ms == 0 || self.expires_at_ms > now_ms {
            return self;
        }
        Self { blocks: self.blocks, ..Self::default() }
    }

    /// Says nothing: it needs no row.
    pub(super) fn is_empty(&self) -> bool {
        self.tie == Tie::None && !self.blocks
    }

    pub(super) fn contact(self, peer: User) -> Contact {
        let Self { tie, blocks, remark, message, changed_at_ms, expires_at_ms } = self;
        Contact { peer, tie, blocks, remark, message, changed_at_ms, expires_at_ms }
    }
}

impl Finders {
    /// As clients see it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::Contacts => "contacts",
            Self::Nobody => "nobody",
        }
    }

    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Everyone => 0,
            Self::Contacts => 1,
            Self::Nobody => 2,
        }
    }

    /// What an unknown number means is that nobody finds: a row of a newer schema.
    pub(super) const fn of(number: i64) -> Self {
        match number {
            0 => Self::Everyone,
            1 => Self::Contacts,
            _ => Self::Nobody,
        }
    }
}

/// A tie as a column holds it.
pub(super) const fn number(tie: Tie) -> i64 {
    match tie {
        Tie::None => 0,
        Tie::Asked => 1,
        Tie::Asking => 2,
        Tie::Shelved => 3,
        Tie::Contact => 4,
    }
}

/// And back; an unknown number is nothing: a row of a newer schema.
pub(super) const fn tie(number: i64) -> Tie {
    match number {
        1 => Tie::Asked,
        2 => Tie::Asking,
        3 => Tie::Shelved,
        4 => Tie::Contact,
        _ => Tie::None,
    }
}
