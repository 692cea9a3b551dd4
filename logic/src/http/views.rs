//! What clients see of users, messages and conversations. Ids are texts;
//! seqs and times are numbers.

use oort_api::codec::message_id::MessageId;
use oort_api::ids::{ConversationId, Seq};
use oort_api::pb::oort::v1::message_extra::Gone;
use oort_api::pb::oort::v1::{
    Conversation, ConversationKind, MemberRole, Message, MessageKind, Quote, Reaction, User,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::policy::Role;
use crate::store::{ConversationInfo, GroupDetails, Member};

/// A user as others see them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(super) struct UserView {
    /// A decimal number as text.
    #[schema(example = "7")]
    id: String,
    username: String,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self { id: user.id.to_string(), username: user.username }
    }
}

/// A committed message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Message)]
pub(crate) struct MessageView {
    /// `<conversationId>-<seq>`.
    #[schema(example = "3-42")]
    id: String,
    /// Place in the conversation: 1, 2, 3, … without holes.
    seq: i64,
    conversation_id: String,
    sender: UserView,
    content: String,
    /// The sender's id for it.
    client_msg_id: String,
    /// ms since the epoch; rises with seq.
    created_at_ms: i64,
    kind: MessageKindView,
    /// Its fields are those of the kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    attachment: Option<Box<RawValue>>,
    /// The message that it answers, as it was then.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<QuoteView>,
    /// Users it speaks to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    mentions: Vec<String>,
    /// It speaks to everybody.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    mentions_all: bool,
    /// It was sent on: who wrote it first.
    #[serde(skip_serializing_if = "Option::is_none")]
    forwarded_from: Option<UserView>,
    /// When its text was last edited, ms since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at_ms: Option<i64>,
    /// The caller had it removed for themselves: nothing else is shown of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    hidden: bool,
    /// Nothing of what was sent is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    gone: Option<GoneView>,
    /// From then on nobody is shown its content, ms since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<i64>,
    /// The newest change of the message: those up to it are in what is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    change_seq: Option<i64>,
    /// Reactions, in the order in which they were first used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    reactions: Vec<ReactionView>,
}

/// Why there is nothing left of a message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Gone)]
enum GoneView {
    /// It was taken back.
    Recalled,
    /// The server removed it.
    Erased,
    /// Its time was over.
    Expired,
}

/// A reaction to a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reaction)]
struct ReactionView {
    emoji: String,
    /// Users who react so.
    count: i64,
    /// The caller is one of them.
    mine: bool,
}

impl From<Reaction> for ReactionView {
    fn from(Reaction { emoji, count, mine }: Reaction) -> Self {
        Self { emoji, count, mine }
    }
}

/// Who wrote a message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = MessageKind)]
enum MessageKindView {
    /// A user.
    Text,
    /// The server: membership changed; `content` is JSON.
    System,
    /// A user, with an attachment.
    Image,
    Voice,
    Video,
    File,
    Location,
    /// A user, with something that only some clients know.
    Custom,
}

impl From<MessageKind> for MessageKindView {
    fn from(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Text => Self::Text,
            MessageKind::System => Self::System,
            MessageKind::Image => Self::Image,
            MessageKind::Voice => Self::Voice,
            MessageKind::Video => Self::Video,
            MessageKind::File => Self::File,
            MessageKind::Location => Self::Location,
            MessageKind::Custom => Self::Custom,
        }
    }
}

/// A message that another one answers, as it was then.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Quote)]
struct QuoteView {
    /// `<conversationId>-<seq>`.
    id: String,
    seq: i64,
    sender: UserView,
    /// Its first characters; empty when it was gone.
    content: String,
    kind: MessageKindView,
    /// From then on nobody is shown `content`, ms since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<i64>,
}

impl QuoteView {
    fn new(conversation: i64, mut quote: Quote) -> Self {
        Self {
            id: message_id(conversation, quote.seq),
            seq: quote.seq,
            sender: quote.sender.take().unwrap_or_default().into(),
            kind: quote.kind().into(),
            expires_at_ms: some_time(quote.expires_at_ms),
            content: quote.content,
        }
    }
}

impl From<Message> for MessageView {
    fn from(mut message: Message) -> Self {
        let mut extra = message.extra.take().unwrap_or_default();
        let details = extra.details.take().unwrap_or_default();
        Self {
            edited_at_ms: (extra.edited_at_ms > 0).then_some(extra.edited_at_ms),
            hidden: extra.hidden,
            gone: match extra.gone() {
                Gone::NotGone => None,
                Gone::Recalled => Some(GoneView::Recalled),
                Gone::Erased => Some(GoneView::Erased),
                Gone::Expired => Some(GoneView::Expired),
            },
            expires_at_ms: some_time(extra.expires_at_ms),
            change_seq: (extra.change_seq > 0).then_some(extra.change_seq),
            reactions: extra.reactions.into_iter().map(ReactionView::from).collect(),
            id: message_id(message.conversation, message.seq),
            seq: message.seq,
            conversation_id: message.conversation.to_string(),
            kind: message.kind().into(),
            // What was validated is JSON.
            attachment: RawValue::from_string(details.attachment).ok(),
            reply: extra.quote.map(|quote| QuoteView::new(message.conversation, quote)),
            mentions: details.mentions.iter().map(ToString::to_string).collect(),
            mentions_all: details.mentions_all,
            forwarded_from: details.forwarded.and_then(|origin| origin.sender).map(UserView::from),
            sender: message.sender.unwrap_or_default().into(),
            content: message.content,
            client_msg_id: message.client_msg_id,
            created_at_ms: message.created_at_ms,
        }
    }
}

/// How a message is named to clients.
pub(super) fn message_id(conversation: i64, seq: i64) -> String {
    match (ConversationId::new(conversation), Seq::new(seq)) {
        (Some(conversation), Some(seq)) => MessageId { conversation, seq }.to_string(),
        _ => String::new(),
    }
}

/// A conversation as its reader sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Conversation)]
pub(super) struct ConversationView {
    #[schema(example = "3")]
    id: String,
    kind: ConversationKindView,
    /// Name of the room or group; for `direct` the other user's name.
    name: String,
    /// Who created it; `0` = the server.
    creator_id: String,
    /// The other user, `direct` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    peer_id: Option<String>,
    /// seq of the newest message; 0 = none yet.
    head: i64,
    /// When the newest message was written, ms since the epoch; 0 = none yet.
    last_at_ms: i64,
    /// The reader has read messages up to here. Absent, as `deliveredSeq` and
    /// `unread` are, where a conversation was there before it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_seq: Option<i64>,
    /// The reader has been given messages up to here.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_seq: Option<i64>,
    /// Messages above `readSeq`, up to `head`, that the reader did not send.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<i64>,
    /// The other user has read messages up to here, `direct` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    peer_read_seq: Option<i64>,
    /// The other user has been given messages up to here, `direct` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    peer_delivered_seq: Option<i64>,
    /// The newest change of a message, see `GET /api/conversations/{id}/changes`; 0 = none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    change_seq: Option<i64>,
    /// There are messages older than `latest`.
    has_more: bool,
    /// The newest messages, newest first, as many as were asked for.
    latest: Vec<MessageView>,
    /// The reader has it shown before others.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pinned: bool,
    /// It notifies the reader of nothing until then, ms since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_until: Option<i64>,
    /// The reader's own role, `group` only; absent where it was just created.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<RoleView>,
    /// The reader may not send until then, ms since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    silenced_until: Option<i64>,
    /// How many are in it, `group` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<i64>,
    /// Address or file id of its picture.
    #[serde(skip_serializing_if = "String::is_empty")]
    avatar: String,
    /// Only admins and the owner may send.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    mute_all: bool,
    /// It was dissolved, ms since the epoch: it can be read, and that is all.
    #[serde(skip_serializing_if = "Option::is_none")]
    dissolved_at_ms: Option<i64>,
    /// How long messages sent from now on stay, ms; absent = for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_ms: Option<i64>,
}

/// What somebody is in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Role)]
pub(super) enum RoleView {
    /// In it.
    Member,
    /// Looks after it.
    Admin,
    /// Whose it is.
    Owner,
}

impl From<RoleView> for Role {
    fn from(role: RoleView) -> Self {
        match role {
            RoleView::Member => Self::Member,
            RoleView::Admin => Self::Admin,
            RoleView::Owner => Self::Owner,
        }
    }
}

impl From<Role> for RoleView {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Admin => Self::Admin,
            Role::Member | Role::Stranger | Role::Operator => Self::Member,
        }
    }
}

fn role_view(role: MemberRole) -> Option<RoleView> {
    match role {
        MemberRole::Unspecified => None,
        MemberRole::Member => Some(RoleView::Member),
        MemberRole::Admin => Some(RoleView::Admin),
        MemberRole::Owner => Some(RoleView::Owner),
    }
}

/// A time, when there is one.
fn some_time(ms: i64) -> Option<i64> {
    Some(ms).filter(|&ms| ms > 0)
}

/// Kind of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ConversationKind)]
enum ConversationKindView {
    /// Two users.
    Direct,
    /// Members only.
    Group,
    /// Open to everyone.
    Room,
}

impl From<ConversationKind> for ConversationKindView {
    fn from(kind: ConversationKind) -> Self {
        match kind {
            ConversationKind::Direct => Self::Direct,
            ConversationKind::Group => Self::Group,
            ConversationKind::Room | ConversationKind::Unspecified => Self::Room,
        }
    }
}

impl From<Conversation> for ConversationView {
    fn from(conversation: Conversation) -> Self {
        let is_direct = conversation.kind() == ConversationKind::Direct;
        Self {
            id: conversation.id.to_string(),
            kind: conversation.kind().into(),
            creator_id: conversation.creator_id.to_string(),
            peer_id: (conversation.peer_id > 0).then(|| conversation.peer_id.to_string()),
            head: conversation.head,
            last_at_ms: conversation.last_at_ms,
            read_seq: Some(conversation.read_seq),
            delivered_seq: Some(conversation.delivered_seq),
            unread: Some(conversation.unread),
            peer_read_seq: is_direct.then_some(conversation.peer_read_seq),
            peer_delivered_seq: is_direct.then_some(conversation.peer_delivered_seq),
            change_seq: Some(conversation.change_seq),
            has_more: conversation.has_more,
            pinned: conversation.pinned,
            muted_until: some_time(conversation.muted_until_ms),
            role: role_view(conversation.role()),
            silenced_until: some_time(conversation.silenced_until_ms),
            members: Some(conversation.members).filter(|&members| members > 0),
            avatar: conversation.avatar,
            mute_all: conversation.mute_all,
            dissolved_at_ms: some_time(conversation.dissolved_at_ms),
            expires_in_ms: some_time(conversation.expires_in_ms),
            name: conversation.name,
            latest: conversation.latest.into_iter().map(MessageView::from).collect(),
        }
    }
}

impl ConversationView {
    /// A conversation just created or found, without its messages.
    pub(super) fn of(info: ConversationInfo, peer: Option<&User>) -> Self {
        // Nobody has read what nobody has written.
        let zero = (info.head == 0).then_some(0);
        let peer_zero = zero.filter(|_| peer.is_some());
        Self {
            id: info.id.to_string(),
            kind: info.kind.into(),
            name: peer.map_or(info.name, |peer| peer.username.clone()),
            creator_id: info.creator_id.to_string(),
            peer_id: peer.map(|peer| peer.id.to_string()),
            head: info.head,
            last_at_ms: info.last_at_ms,
            read_seq: zero,
            delivered_seq: zero,
            unread: zero,
            peer_read_seq: peer_zero,
            peer_delivered_seq: peer_zero,
            change_seq: zero,
            has_more: info.head > 0,
            latest: Vec::new(),
            pinned: false,
            muted_until: None,
            role: None,
            silenced_until: None,
            members: None,
            avatar: String::new(),
            mute_all: false,
            dissolved_at_ms: None,
            expires_in_ms: None,
        }
    }
}

/// A member of a group.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Member)]
pub(super) struct MemberView {
    user: UserView,
    /// ms since the epoch.
    joined_at_ms: i64,
    role: RoleView,
    /// May not send until then, ms since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_until: Option<i64>,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self {
            user: member.user.into(),
            joined_at_ms: member.joined_at_ms,
            role: member.role.into(),
            muted_until: some_time(member.muted_until_ms),
        }
    }
}

/// A group, as one of its members sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Group)]
pub(super) struct GroupView {
    #[schema(example = "9")]
    id: String,
    name: String,
    /// Who created it.
    creator_id: String,
    /// Address or file id of its picture; empty = none.
    avatar: String,
    /// What everybody is to know; empty = nothing.
    announcement: String,
    /// Only admins and the owner may send.
    mute_all: bool,
    /// How many are in it.
    members: i64,
    /// Its owner; absent when everybody left.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_id: Option<String>,
    /// Its admins, by id.
    admin_ids: Vec<String>,
    /// The reader's own role.
    role: RoleView,
    /// The reader may not send until then, ms since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    silenced_until: Option<i64>,
    /// It was dissolved, ms since the epoch: it can be read, and that is all.
    #[serde(skip_serializing_if = "Option::is_none")]
    dissolved_at_ms: Option<i64>,
    /// How long messages sent from now on stay, ms; absent = for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_ms: Option<i64>,
}

impl From<GroupDetails> for GroupView {
    fn from(group: GroupDetails) -> Self {
        let GroupDetails { state, role, muted_until_ms, managers } = group;
        let of_role = |wanted: Role| {
            let managers = managers.iter().filter(move |(_, role)| *role == wanted);
            managers.map(|(user, _)| user.to_string())
        };
        Self {
            id: state.info.id.to_string(),
            creator_id: state.info.creator_id.to_string(),
            owner_id: of_role(Role::Owner).next(),
            admin_ids: of_role(Role::Admin).collect(),
            name: state.info.name,
            avatar: state.avatar,
            announcement: state.announcement,
            mute_all: state.is_muted_all,
            members: state.members,
            role: role.into(),
            silenced_until: some_time(muted_until_ms),
            dissolved_at_ms: some_time(state.dissolved_at_ms),
            expires_in_ms: some_time(state.expires_in_ms),
        }
    }
}
