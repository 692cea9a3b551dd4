//! Groups: who is in them and as what, what they show, the links by which people come in; and what each user makes of
//! a conversation for themselves.
//!
//! Every change is one transaction under the lock of the group's row: both dialects read what is [`Known`], ask
//! [`judge`](judge::judge), write what it says, append its SYSTEM message and publish what [`tell`] makes of it.

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::User;
use serde_json::json;
use tonic::async_trait;

use super::{ClientKey, ConversationInfo, Error, NewUserEvent, OutboxRow};
use crate::policy::Role;

mod judge;
mod links;
mod tell;

pub(super) use judge::{Known, Verdict, Write, judge};
pub(super) use links::{Opening, judge_link, link_subject, no_link};
pub(super) use tell::tell;

/// A group as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupState {
    /// Its identity.
    pub info: ConversationInfo,
    /// How many are in it.
    pub members: i64,
    /// Address or file of its picture; empty = none.
    pub avatar: String,
    /// What its admins want everybody to know; empty = nothing.
    pub announcement: String,
    /// Only admins and the owner may send.
    pub is_muted_all: bool,
    /// When it ended, ms since the epoch; 0 = it did not.
    pub dissolved_at_ms: i64,
    /// How long messages sent from now on stay, ms; 0 = for ever.
    pub expires_in_ms: i64,
}

/// A group as one of its members sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDetails {
    /// The group.
    pub state: GroupState,
    /// The reader's own role.
    pub role: Role,
    /// The reader may not send until then, ms since the epoch; 0 = may.
    pub muted_until_ms: i64,
    /// The owner and the admins, by id.
    pub managers: Vec<(UserId, Role)>,
}

/// What is to be changed of what a group shows; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupEdit {
    /// Its name.
    pub name: Option<String>,
    /// Address or file of its picture; empty = none.
    pub avatar: Option<String>,
    /// What everybody is to know; empty = nothing.
    pub announcement: Option<String>,
    /// Only admins and the owner may send.
    pub is_muted_all: Option<bool>,
    /// How long messages sent from now on stay, ms; 0 = for ever.
    pub expires_in_ms: Option<i64>,
}

/// A change of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupChange {
    /// Brings in users; those who are in it already are passed over.
    Add(Vec<UserId>),
    /// The actor comes in; that a link leads there was seen in the same transaction.
    Join,
    /// Removes a member; the actor themselves may go.
    Remove(UserId),
    /// Gives a member a role: member or admin.
    SetRole(UserId, Role),
    /// Makes another member the owner; the owner becomes an admin.
    HandOver(UserId),
    /// Keeps a member from sending until a time, ms since the epoch; 0 = no more.
    Mute(UserId, i64),
    /// Changes what the group shows.
    Edit(GroupEdit),
    /// Ends it: its messages stay readable, nobody sends any more.
    Dissolve,
}

/// A change as its actor asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupOrder {
    /// Which group.
    pub group: ConversationId,
    /// Who asks.
    pub actor: User,
    /// The actor asks as an operator, whatever they are in the group.
    pub is_by_operator: bool,
    /// What for.
    pub change: GroupChange,
    /// Most members of the group.
    pub members_max: u32,
    /// Most admins of the group, its owner not counted.
    pub admins_max: u32,
    /// ms since the epoch.
    pub now_ms: i64,
}

/// A group to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// Its name.
    pub name: String,
    /// Its owner.
    pub creator: User,
    /// Its members beside the creator.
    pub members: Vec<UserId>,
    /// Under which key the client asked.
    pub key: Option<ClientKey>,
    /// ms since the epoch.
    pub now_ms: i64,
}

/// A link by which people come into a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupLink {
    /// Which.
    pub id: i64,
    /// Who made it.
    pub creator: User,
    /// ms since the epoch.
    pub created_at_ms: i64,
    /// ms since the epoch; 0 = it does not end by itself.
    pub expires_at_ms: i64,
    /// How many may come in by it; 0 = any number.
    pub uses_max: i64,
    /// How many came in by it.
    pub uses: i64,
}

/// A link to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    /// Which group.
    pub group: ConversationId,
    /// Who makes it.
    pub creator: User,
    /// What the token is made of, by whoever asks.
    pub salt: [u8; 32],
    /// SHA-256 of the token.
    pub token_hash: [u8; 32],
    /// ms since the epoch; 0 = it does not end by itself.
    pub expires_at_ms: i64,
    /// How many may come in by it; 0 = any number.
    pub uses_max: i64,
    /// Most links of the group.
    pub links_max: u32,
    /// Under which key the client asked.
    pub key: Option<ClientKey>,
    /// ms since the epoch.
    pub now_ms: i64,
}

/// What a user made of a conversation for themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConversationSettings {
    /// Shown before others.
    pub is_pinned: bool,
    /// Notifies of nothing until then, ms since the epoch; 0 = notifies.
    pub muted_until_ms: i64,
}

/// What a user changes of it; `None` stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingsChange {
    /// Whose.
    pub user: UserId,
    /// Of which conversation.
    pub conversation: ConversationId,
    /// Shown before others.
    pub is_pinned: Option<bool>,
    /// Notifies of nothing until then, ms since the epoch; 0 = notifies.
    pub muted_until_ms: Option<i64>,
    /// ms since the epoch.
    pub now_ms: i64,
}

impl SettingsChange {
    /// What it comes to, and what the user's devices are told; `None`: it is so already.
    pub(super) fn apply(&self, held: ConversationSettings) -> Option<(ConversationSettings, NewUserEvent)> {
        let new = ConversationSettings {
            is_pinned: self.is_pinned.unwrap_or(held.is_pinned),
            muted_until_ms: self.muted_until_ms.unwrap_or(held.muted_until_ms),
        };
        let data = json!({
            "conversationId": self.conversation.to_string(), "pinned": new.is_pinned,
            "mutedUntil": new.muted_until_ms,
        });
        let event = NewUserEvent { user: self.user, kind: "conversation_settings_changed", data };
        (new != held).then_some((new, event))
    }
}

/// The store's calls about groups.
#[async_trait]
pub trait GroupStore: Send + Sync {
    /// Creates a group of its owner and members, and tells them. No row: this was done before, under the same key.
    async fn found_group(
        &self,
        owner: &str,
        new: &NewGroup,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error>;
    /// Changes a group, with a SYSTEM message. `None`: it was so already.
    async fn change_group(&self, owner: &str, order: &GroupOrder) -> Result<Option<OutboxRow>, Error>;
    /// A group as the user sees it; `None` when there is no such group.
    async fn group(&self, id: ConversationId, user: UserId) -> Result<Option<GroupDetails>, Error>;
    /// Creates a link. Answers it with the salt of its token, which is that of the first time under the same key.
    async fn create_link(&self, new: &NewLink) -> Result<(GroupLink, [u8; 32]), Error>;
    /// Links of a group, by id.
    async fn links(&self, id: ConversationId) -> Result<Vec<GroupLink>, Error>;
    /// Ends a link; `false` when there was none.
    async fn revoke_link(&self, id: ConversationId, link: i64) -> Result<bool, Error>;
    /// The user comes in by the link of a token, unless they are in already.
    async fn join_by_link(
        &self,
        owner: &str,
        token_hash: &[u8; 32],
        user: &User,
        members_max: u32,
        now_ms: i64,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error>;
    /// Changes what a user made of a conversation for themselves, and tells their devices. No row: it was so already.
    async fn set_for_user(
        &self,
        owner: &str,
        change: &SettingsChange,
    ) -> Result<(ConversationSettings, Option<OutboxRow>), Error>;
}
