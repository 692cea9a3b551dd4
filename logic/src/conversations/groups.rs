//! Groups: what is asked for is checked here, whether it is allowed is judged in the transaction.

use oort_api::Code;
use oort_api::clock::now_ms;
use oort_api::error::Refusal;
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{ConversationKind, User};

use super::{Conversations, not_found, validate};
use crate::accounts::secret;
use crate::messages::details::expires_fault;
use crate::policy::{self, Operation, Role};
use crate::store::{
    About, ClientKey, ConversationInfo, ConversationSettings, DirectExpiry, GroupChange, GroupDetails,
    GroupEdit, GroupLink, GroupOrder, NewGroup, NewLink, SettingsChange,
};

/// A link to make, as its maker asks for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkTerms {
    /// How long it lets people in, ms; `None` = until it is revoked.
    pub expires_in_ms: Option<i64>,
    /// How many may come in by it; `None` = any number.
    pub uses_max: Option<i64>,
}

/// Longest life of a link, ms: what is longer has no end.
const EXPIRES_MS_MAX: i64 = 1 << 40;

impl Conversations {
    /// Creates a group of its creator and `members`. With a `key` it is created once.
    ///
    /// # Errors
    /// `invalid_field`, `not_found` (a user), `group_full`, `idempotency_conflict`, `rate_limited`, `unavailable`.
    pub async fn create_group(
        &self,
        creator: &User,
        name: &str,
        members: Vec<UserId>,
        key: Option<&str>,
    ) -> Result<ConversationInfo, Refusal> {
        let name = self.name(name)?;
        let members = validate::members(members, &self.limits)?;
        let others = members.iter().filter(|member| member.get() != creator.id).count();
        if others >= self.limits.group_members_max as usize {
            let text = format!("a group has at most {} members", self.limits.group_members_max);
            return Err(Refusal::new(Code::GroupFull, text));
        }
        self.parts.rates.send(creator.id, 1)?;
        let named = members.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        // Also a request without a key is done once, should the store's answer be lost and it be asked again.
        let made = uuid::Uuid::new_v4().to_string();
        let key = self.client_key(creator, key.or(Some(&made)), &["create_group", &name, &named])?;
        let new = NewGroup { name, creator: creator.clone(), members, key, now_ms: now_ms() };
        let about = new.clone();
        self.parts
            .transactions
            .run(
                About::Group(&about),
                move |store, owner| async move { store.found_group(&owner, &new).await },
            )
            .await
    }

    /// A group as one of its members sees it.
    ///
    /// # Errors
    /// `not_found`, `not_member`, `unavailable`.
    pub async fn group(&self, user: UserId, id: ConversationId) -> Result<GroupDetails, Refusal> {
        let group = self.parts.store.group(id, user).await?.ok_or_else(not_found)?;
        policy::check(Operation::Read, group.role, None, false)?;
        Ok(group)
    }

    /// Adds members to a group. Those who are in it already are passed over.
    ///
    /// # Errors
    /// `invalid_field`, `not_found`, `not_member`, `forbidden`, `dissolved`, `group_full`, `rate_limited`,
    /// `unavailable`.
    pub async fn add_members(
        &self,
        actor: &User,
        group: ConversationId,
        members: Vec<UserId>,
    ) -> Result<(), Refusal> {
        let members = validate::members(members, &self.limits)?;
        if members.is_empty() {
            return Err(Refusal::new(Code::InvalidField, "members: name at least one"));
        }
        self.change(actor, group, GroupChange::Add(members)).await
    }

    /// Removes a member from a group; everyone but its owner may remove themselves. Nothing happens when there is no
    /// such member.
    ///
    /// # Errors
    /// `not_found`, `not_member`, `forbidden`, `rate_limited`, `unavailable`.
    pub async fn remove_member(
        &self,
        actor: &User,
        group: ConversationId,
        member: UserId,
    ) -> Result<(), Refusal> {
        self.change(actor, group, GroupChange::Remove(member)).await
    }

    /// Makes a member an admin, or an admin a member.
    ///
    /// # Errors
    /// `invalid_field` (another role), `not_found`, `not_member`, `forbidden`, `dissolved`, `limit_reached`,
    /// `rate_limited`, `unavailable`.
    pub async fn set_role(
        &self,
        actor: &User,
        group: ConversationId,
        member: UserId,
        role: Role,
    ) -> Result<(), Refusal> {
        if !matches!(role, Role::Member | Role::Admin) {
            return Err(Refusal::new(
                Code::InvalidField,
                "role: admin or member; the owner hands the group over",
            ));
        }
        self.change(actor, group, GroupChange::SetRole(member, role)).await
    }

    /// Keeps a member from sending until a time, ms since the epoch; what is over lets them send.
    ///
    /// # Errors
    /// `invalid_field`, `not_found`, `not_member`, `forbidden`, `dissolved`, `rate_limited`, `unavailable`.
    pub async fn mute_member(
        &self,
        actor: &User,
        group: ConversationId,
        member: UserId,
        until_ms: i64,
    ) -> Result<(), Refusal> {
        let until_ms = validate::time("until", until_ms)?;
        self.change(actor, group, GroupChange::Mute(member, until_ms)).await
    }

    /// Makes another member the owner; the owner becomes an admin.
    ///
    /// # Errors
    /// `not_found`, `not_member`, `forbidden`, `dissolved`, `rate_limited`, `unavailable`.
    pub async fn hand_over(&self, actor: &User, group: ConversationId, to: UserId) -> Result<(), Refusal> {
        self.change(actor, group, GroupChange::HandOver(to)).await
    }

    /// Changes what a group shows.
    ///
    /// # Errors
    /// `invalid_field`, `not_found`, `not_member`, `forbidden`, `dissolved`, `rate_limited`, `unavailable`.
    pub async fn edit_group(
        &self,
        actor: &User,
        group: ConversationId,
        edit: GroupEdit,
    ) -> Result<(), Refusal> {
        let edit = self.checked(edit)?;
        self.change(actor, group, GroupChange::Edit(edit)).await
    }

    fn checked(&self, edit: GroupEdit) -> Result<GroupEdit, Refusal> {
        let edit = GroupEdit { name: edit.name.map(|name| self.name(&name)).transpose()?, ..edit };
        if let Some(avatar) = &edit.avatar {
            validate::avatar(avatar, self.limits.avatar_bytes_max)?;
        }
        if let Some(announcement) = &edit.announcement {
            validate::announcement(announcement, self.limits.announcement_chars_max)?;
        }
        if edit == GroupEdit::default() {
            return Err(Refusal::new(Code::InvalidField, "name at least one thing to change"));
        }
        Ok(edit)
    }

    /// Says how long messages sent to a conversation from now on stay, ms; 0 = for ever.
    ///
    /// # Errors
    /// `invalid_field`, `not_found`, `not_member`, `forbidden` (also in open rooms), `blocked`, `dissolved`,
    /// `rate_limited`, `unavailable`.
    pub async fn set_expiry(
        &self,
        actor: &User,
        conversation: ConversationId,
        expires_in_ms: i64,
    ) -> Result<(), Refusal> {
        let bounds = self.limits.expires_in_ms_min..=self.limits.expires_in_ms_max;
        if expires_in_ms != 0 && !bounds.contains(&expires_in_ms) {
            let fault = expires_fault(&self.limits);
            return Err(Refusal::new(Code::InvalidField, format!("{fault}, or 0 = for ever")));
        }
        let reader = UserId::new(actor.id).ok_or_else(not_found)?;
        match self.readable(reader, conversation).await?.kind {
            ConversationKind::Group => {
                let edit = GroupEdit { expires_in_ms: Some(expires_in_ms), ..GroupEdit::default() };
                self.change(actor, conversation, GroupChange::Edit(edit)).await
            }
            ConversationKind::Direct => {
                self.parts.rates.send(actor.id, 1)?;
                let (actor, now_ms) = (actor.clone(), now_ms());
                let asked = DirectExpiry { conversation, actor, expires_in_ms, now_ms };
                self.parts
                    .transactions
                    .run(About::Conversation(conversation), move |store, owner| async move {
                        Ok(((), store.set_direct_expiry(&owner, &asked).await?))
                    })
                    .await
            }
            ConversationKind::Room | ConversationKind::Unspecified => Err(Refusal::new(
                Code::Forbidden,
                "in an open room each message says by itself how long it stays",
            )),
        }
    }

    /// Ends a group: its members read on, nobody sends any more.
    ///
    /// # Errors
    /// `not_found`, `not_member`, `forbidden`, `rate_limited`, `unavailable`.
    pub async fn dissolve(&self, actor: &User, group: ConversationId) -> Result<(), Refusal> {
        self.change(actor, group, GroupChange::Dissolve).await
    }

    async fn change(&self, actor: &User, group: ConversationId, change: GroupChange) -> Result<(), Refusal> {
        self.parts.rates.send(actor.id, 1)?;
        self.commit(actor, false, group, change).await
    }

    /// A group as those who look after the server see it.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn group_of_operator(
        &self,
        operator: UserId,
        id: ConversationId,
    ) -> Result<GroupDetails, Refusal> {
        self.parts.store.group(id, operator).await?.ok_or_else(not_found)
    }

    /// Changes a group as one of those who look after the server. What they may is in the policy's table.
    ///
    /// # Errors
    /// `invalid_field`, `not_found`, `forbidden`, `dissolved`, `unavailable`.
    pub async fn change_as_operator(
        &self,
        actor: &User,
        group: ConversationId,
        change: GroupChange,
    ) -> Result<(), Refusal> {
        let change = match change {
            GroupChange::Edit(edit) => GroupChange::Edit(self.checked(edit)?),
            GroupChange::Mute(member, until_ms) => {
                GroupChange::Mute(member, validate::time("until", until_ms)?)
            }
            change => change,
        };
        self.commit(actor, true, group, change).await
    }

    async fn commit(
        &self,
        actor: &User,
        is_by_operator: bool,
        group: ConversationId,
        change: GroupChange,
    ) -> Result<(), Refusal> {
        let order = GroupOrder {
            group,
            actor: actor.clone(),
            is_by_operator,
            change,
            members_max: self.limits.group_members_max,
            admins_max: self.limits.group_admins_max,
            now_ms: now_ms(),
        };
        self.parts
            .transactions
            .run(About::Conversation(group), move |store, owner| async move {
                Ok(((), store.change_group(&owner, &order).await?))
            })
            .await
    }

    /// Makes a link by which others come in, and answers its token, which nobody is told again. With a `key` it is made
    /// once, and a repeat has the same token.
    ///
    /// # Errors
    /// `invalid_field`, `not_found`, `not_member`, `forbidden`, `dissolved`, `limit_reached`, `idempotency_conflict`,
    /// `rate_limited`, `unavailable`.
    pub async fn create_link(
        &self,
        creator: &User,
        group: ConversationId,
        terms: LinkTerms,
        key: Option<&str>,
    ) -> Result<(GroupLink, String), Refusal> {
        let LinkTerms { expires_in_ms, uses_max } = terms;
        let is_fine = expires_in_ms.is_none_or(|ms| (1..=EXPIRES_MS_MAX).contains(&ms))
            && uses_max.is_none_or(|uses| uses >= 1);
        if !is_fine {
            return Err(Refusal::new(
                Code::InvalidField,
                "expiresInMs, usesMax: whole numbers from 1, or none",
            ));
        }
        self.parts.rates.send(creator.id, 1)?;
        let asked = format!("{group} {expires_in_ms:?} {uses_max:?}");
        // Who has the key can make the token of its salt again; the store cannot.
        let token = |salt: &[u8; 32]| secret::derived(salt, key.unwrap_or_default());
        let salt = secret::random()?;
        let now_ms = now_ms();
        let new = NewLink {
            group,
            creator: creator.clone(),
            salt,
            token_hash: token(&salt).1,
            expires_at_ms: expires_in_ms.map_or(0, |ms| now_ms.saturating_add(ms)),
            uses_max: uses_max.unwrap_or(0),
            links_max: self.limits.group_links_max,
            key: self.client_key(creator, key, &["create_link", &asked])?,
            now_ms,
        };
        let (link, salt) = self.parts.store.create_link(&new).await?;
        Ok((link, token(&salt).0))
    }

    /// Links of a group, by id.
    ///
    /// # Errors
    /// `not_found`, `not_member`, `forbidden`, `unavailable`.
    pub async fn links(&self, user: UserId, id: ConversationId) -> Result<Vec<GroupLink>, Refusal> {
        self.may_manage_links(user, id).await?;
        Ok(self.parts.store.links(id).await?)
    }

    /// Ends a link. Nothing happens when there is none.
    ///
    /// # Errors
    /// `not_found`, `not_member`, `forbidden`, `unavailable`.
    pub async fn revoke_link(&self, user: UserId, id: ConversationId, link: i64) -> Result<(), Refusal> {
        self.may_manage_links(user, id).await?;
        self.parts.store.revoke_link(id, link).await?;
        Ok(())
    }

    async fn may_manage_links(&self, user: UserId, id: ConversationId) -> Result<(), Refusal> {
        let group = self.group(user, id).await?;
        policy::check(Operation::ManageLinks, group.role, None, false)
    }

    /// The user comes into a group by a link's token, unless they are in already.
    ///
    /// # Errors
    /// `not_found` (no such link, or not any more), `dissolved`, `group_full`, `rate_limited`, `unavailable`.
    pub async fn join(&self, user: &User, token: &str) -> Result<ConversationInfo, Refusal> {
        let none = || Refusal::new(Code::NotFound, "the link does not exist, or not any more");
        let hash = secret::hash_of(token).ok_or_else(none)?;
        self.parts.rates.send(user.id, 1)?;
        let (user, members_max) = (user.clone(), self.limits.group_members_max);
        self.parts
            .transactions
            .run(About::Link(&hash), move |store, owner| async move {
                store.join_by_link(&owner, &hash, &user, members_max, now_ms()).await
            })
            .await
    }

    /// Changes what the user made of a conversation for themselves.
    ///
    /// # Errors
    /// `invalid_field`, `not_found`, `not_member`, `rate_limited`, `unavailable`.
    pub async fn set_for_user(
        &self,
        user: UserId,
        conversation: ConversationId,
        is_pinned: Option<bool>,
        muted_until_ms: Option<i64>,
    ) -> Result<ConversationSettings, Refusal> {
        let muted_until_ms = muted_until_ms.map(|ms| validate::time("mutedUntil", ms)).transpose()?;
        self.parts.rates.send(user.get(), 1)?;
        let change = SettingsChange { user, conversation, is_pinned, muted_until_ms, now_ms: now_ms() };
        self.parts
            .transactions
            .run(About::Users, move |store, owner| async move { store.set_for_user(&owner, &change).await })
            .await
    }

    /// The client's key of a request whose name and fields are `parts`.
    fn client_key(
        &self,
        user: &User,
        key: Option<&str>,
        parts: &[&str],
    ) -> Result<Option<ClientKey>, Refusal> {
        let Some(key) = key else { return Ok(None) };
        validate::client_key(key)?;
        let user = UserId::new(user.id).ok_or_else(|| Refusal::new(Code::Unauthenticated, "log in first"))?;
        let kept_ms = i64::try_from(self.limits.client_keys_kept_ms).unwrap_or(i64::MAX);
        Ok(Some(ClientKey::new(user, key, parts, kept_ms)))
    }
}
