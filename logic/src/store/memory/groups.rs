//! Groups, each call under one lock.

use std::collections::HashMap;

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{ConversationKind, User};
use tonic::async_trait;

use super::calls::refused;
use super::{Joined, MemoryStore, Room, Shown, State};
use crate::policy::Role;
use crate::store::groups::{Known, Verdict, Write, judge, tell};
use crate::store::plan::Sender;
use crate::store::{
    ConversationInfo, ConversationSettings, Error, GroupDetails, GroupLink, GroupOrder, GroupState,
    GroupStore, NewGroup, NewLink, OutboxRow, SettingsChange, events,
};

#[async_trait]
impl GroupStore for MemoryStore {
    async fn found_group(
        &self,
        owner: &str,
        new: &NewGroup,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
        let mut state = self.0.lock();
        let mut ids: Vec<i64> =
            new.members.iter().map(|member| member.get()).chain([new.creator.id]).collect();
        ids.sort_unstable();
        ids.dedup();
        let info = state.create(ConversationKind::Group, &new.name, &new.creator, &ids, new.now_ms)?;
        let told = ids.into_iter().filter_map(UserId::new).collect();
        let payload = events::group_created(&info, &new.creator, told, new.now_ms);
        let row = state.insert_row(owner, payload, new.now_ms);
        Ok((info, Some(row)))
    }

    async fn change_group(&self, owner: &str, order: &GroupOrder) -> Result<Option<OutboxRow>, Error> {
        let mut state = self.0.lock();
        let known = state.known_of_group(order)?;
        let Some(verdict) = judge(order, &known)? else { return Ok(None) };
        let room = state.group(order.group)?;
        room.apply(&verdict, order.now_ms);
        let message = verdict.content.as_ref();
        let message = message.map(|content| room.say(&order.actor, content.clone(), order.now_ms));
        let payload = tell(order, &verdict, message.as_ref());
        Ok(Some(state.insert_row(owner, payload, order.now_ms)))
    }

    async fn group(&self, _id: ConversationId, _user: UserId) -> Result<Option<GroupDetails>, Error> {
        refused()
    }

    async fn create_link(&self, _new: &NewLink) -> Result<(GroupLink, [u8; 32]), Error> {
        refused()
    }

    async fn links(&self, _id: ConversationId) -> Result<Vec<GroupLink>, Error> {
        refused()
    }

    async fn revoke_link(&self, _id: ConversationId, _link: i64) -> Result<bool, Error> {
        refused()
    }

    async fn join_by_link(
        &self,
        _owner: &str,
        _token_hash: &[u8; 32],
        _user: &User,
        _members_max: u32,
        _now_ms: i64,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
        refused()
    }

    async fn set_for_user(
        &self,
        _owner: &str,
        _change: &SettingsChange,
    ) -> Result<(ConversationSettings, Option<OutboxRow>), Error> {
        refused()
    }
}

impl State {
    fn known_of_group(&mut self, order: &GroupOrder) -> Result<Known, Error> {
        let named = order.named();
        let users = named.iter().filter_map(|user| Some((user.get(), self.users.get(&user.get())?.clone())));
        let users: HashMap<i64, User> = users.collect();
        let room = self.group(order.group)?;
        let standing = |user: i64| {
            let Sender { role, muted_until_ms } = room.members.get(&user)?.standing;
            Some((user, (role, muted_until_ms)))
        };
        let asked = named.iter().map(|user| user.get()).chain([order.actor.id]);
        let members = asked.filter_map(standing).collect();
        let is_admin = |joined: &&Joined| joined.standing.role == Role::Admin;
        let admins = u32::try_from(room.members.values().filter(is_admin).count()).unwrap_or(u32::MAX);
        let kept_mutes = room.kept_mutes.clone();
        Ok(Known { group: room.state(), members, users, admins, kept_mutes, silenced: None })
    }
}

impl Room {
    fn state(&self) -> GroupState {
        let Shown { avatar, announcement, is_muted_all, dissolved_at_ms, expires_in_ms } = &self.shown;
        GroupState {
            info: self.info.clone(),
            members: i64::try_from(self.members.len()).unwrap_or(i64::MAX),
            avatar: avatar.clone(),
            announcement: announcement.clone(),
            is_muted_all: *is_muted_all,
            dissolved_at_ms: *dissolved_at_ms,
            expires_in_ms: *expires_in_ms,
        }
    }

    fn apply(&mut self, verdict: &Verdict, now_ms: i64) {
        for write in &verdict.writes {
            match write {
                Write::Insert(added) => {
                    let standing = Sender { role: Role::Member, muted_until_ms: 0 };
                    let joined = Joined { at_ms: now_ms, standing };
                    self.kept_mutes.retain(|user, _| !added.iter().any(|one| one.get() == *user));
                    self.members.extend(added.iter().map(|member| (member.get(), joined)));
                }
                Write::KeepMute(member, until_ms) => {
                    self.kept_mutes.insert(member.get(), *until_ms);
                }
                Write::Delete(member) => _ = self.members.remove(&member.get()),
                Write::Update(member, role, muted_until_ms) => {
                    if let Some(joined) = self.members.get_mut(&member.get()) {
                        joined.standing = Sender { role: *role, muted_until_ms: *muted_until_ms };
                    }
                }
            }
        }
        let GroupState { info, avatar, announcement, is_muted_all, dissolved_at_ms, expires_in_ms, .. } =
            verdict.group.clone();
        self.info.name = info.name;
        self.shown = Shown { avatar, announcement, is_muted_all, dissolved_at_ms, expires_in_ms };
    }
}
