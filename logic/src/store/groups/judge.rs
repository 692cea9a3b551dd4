//! What a change of a group comes to, decided without a database.

use std::collections::HashMap;

use oort_api::Code;
use oort_api::error::Refusal;
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;

use super::{GroupChange, GroupEdit, GroupOrder, GroupState};
use crate::conversations::muted;
use crate::policy::{self, Operation, Role};
use crate::store::sanctions::refuse_silenced;
use crate::store::{Error, events};

#[cfg(test)]
mod tests;

/// What the store holds about a change, read under the lock of the group's row.
#[derive(Debug, Clone)]
pub(in crate::store) struct Known {
    pub(in crate::store) group: GroupState,
    /// Role and mute of those who are members, among the actor and whom the change names.
    pub(in crate::store) members: HashMap<i64, (Role, i64)>,
    /// Those whom the change names, as far as they have an account.
    pub(in crate::store) users: HashMap<i64, User>,
    /// How many admins the group has.
    pub(in crate::store) admins: u32,
    /// Until when those who come back were muted when they left, as far as it is not over.
    pub(in crate::store) kept_mutes: HashMap<i64, i64>,
    /// Until when an operator muted the actor, whether or not it is over.
    pub(in crate::store) silenced: Option<i64>,
}

/// A row of a member to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Write {
    /// They begin at the head. Mutes that were kept of them are no longer.
    Insert(Vec<UserId>),
    /// Until when they may not send if they come back.
    KeepMute(UserId, i64),
    Delete(UserId),
    /// Role, and until when they may not send.
    Update(UserId, Role, i64),
}

/// What to write, and what to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Verdict {
    /// As it is afterwards, but for its head.
    pub(in crate::store) group: GroupState,
    pub(in crate::store) writes: Vec<Write>,
    /// Content of the SYSTEM message; `None` in a group that ended.
    pub(in crate::store) content: Option<String>,
    /// What the group shows is another.
    pub(in crate::store) is_changed: bool,
}

impl GroupOrder {
    /// Whom the change names.
    pub(in crate::store) fn named(&self) -> Vec<UserId> {
        match &self.change {
            GroupChange::Add(members) => members.clone(),
            GroupChange::Remove(member)
            | GroupChange::SetRole(member, _)
            | GroupChange::HandOver(member)
            | GroupChange::Mute(member, _) => vec![*member],
            GroupChange::Join => UserId::new(self.actor.id).into_iter().collect(),
            GroupChange::Edit(_) | GroupChange::Dissolve => Vec::new(),
        }
    }

    /// Whether the actor has words of their own shown to the group.
    fn speaks(&self) -> bool {
        let GroupChange::Edit(edit) = &self.change else { return false };
        edit.name.is_some() || edit.avatar.is_some() || edit.announcement.is_some()
    }

    /// What the actor is to the group.
    fn role(&self, known: &Known) -> Role {
        if self.is_by_operator { Role::Operator } else { known.role(self.actor.id) }
    }

    fn operations(&self) -> Vec<Operation> {
        match &self.change {
            GroupChange::Add(_) => vec![Operation::AddMembers],
            GroupChange::Join => vec![Operation::Join],
            GroupChange::Remove(member) if member.get() == self.actor.id && !self.is_by_operator => {
                vec![Operation::Leave]
            }
            GroupChange::Remove(_) => vec![Operation::RemoveMember],
            GroupChange::SetRole(..) => vec![Operation::SetRole],
            GroupChange::HandOver(_) => vec![Operation::HandOver],
            GroupChange::Mute(..) => vec![Operation::MuteMember],
            GroupChange::Dissolve => vec![Operation::Dissolve],
            GroupChange::Edit(edit) => {
                let shows = edit.name.is_some() || edit.avatar.is_some();
                let parts = [
                    shows.then_some(Operation::Edit),
                    edit.announcement.is_some().then_some(Operation::Announce),
                    edit.is_muted_all.is_some().then_some(Operation::MuteAll),
                    edit.expires_in_ms.is_some().then_some(Operation::SetExpiry),
                ];
                parts.into_iter().flatten().collect()
            }
        }
    }
}

impl Known {
    fn role(&self, user: i64) -> Role {
        self.members.get(&user).map_or(Role::Stranger, |&(role, _)| role)
    }

    fn user(&self, id: UserId) -> User {
        let nameless = || User { id: id.get(), username: String::new() };
        self.users.get(&id.get()).cloned().unwrap_or_else(nameless)
    }

    /// A member whom the change is about.
    fn member(&self, id: UserId) -> Result<(Role, i64), Error> {
        let missing = || refused(Code::NotFound, "there is no such member");
        self.members.get(&id.get()).copied().ok_or_else(missing)
    }
}

fn refused(code: Code, text: impl Into<String>) -> Error {
    Error::Refused(Refusal::new(code, text))
}

/// Decides whether the actor may, and what it comes to. `None`: it is so already.
pub(in crate::store) fn judge(order: &GroupOrder, known: &Known) -> Result<Option<Verdict>, Error> {
    if is_done(order, known) {
        return Ok(None);
    }
    authorise(order, known)?;
    let mut group = known.group.clone();
    let mut writes = Vec::new();
    let said = match &order.change {
        GroupChange::Add(_) | GroupChange::Join => {
            let mut added = order.named();
            added.retain(|member| known.role(member.get()) == Role::Stranger);
            added.sort_unstable();
            added.dedup();
            if added.is_empty() {
                return Ok(None);
            }
            group.members += i64::try_from(added.len()).unwrap_or(i64::MAX);
            if group.members > i64::from(order.members_max) {
                let text = format!("a group has at most {} members", order.members_max);
                return Err(refused(Code::GroupFull, text));
            }
            let user = |id: &UserId| known.users.get(&id.get()).cloned().ok_or(Error::NoUser(id.get()));
            let users: Vec<User> = added.iter().map(user).collect::<Result<_, _>>()?;
            let kept =
                |id: &UserId| Some(Write::Update(*id, Role::Member, *known.kept_mutes.get(&id.get())?));
            let kept: Vec<Write> = added.iter().filter_map(kept).collect();
            writes.push(Write::Insert(added));
            writes.extend(kept);
            match order.change {
                GroupChange::Join => events::joined_content(&users),
                _ => events::added_content(&users),
            }
        }
        GroupChange::Remove(member) => {
            let Some(&(_, muted_until_ms)) = known.members.get(&member.get()) else { return Ok(None) };
            if order.is_by_operator && known.role(member.get()) == Role::Owner {
                return Err(refused(Code::Forbidden, "a group has its owner: dissolve it, or ban the owner"));
            }
            group.members -= 1;
            if group.members == 0 && group.dissolved_at_ms == 0 {
                group.dissolved_at_ms = order.now_ms;
            }
            if muted_until_ms > order.now_ms {
                writes.push(Write::KeepMute(*member, muted_until_ms));
            }
            writes.push(Write::Delete(*member));
            events::removed_content(&order.actor, &known.user(*member))
        }
        GroupChange::SetRole(member, role) => {
            let (held, muted_until_ms) = known.member(*member)?;
            if held == *role {
                return Ok(None);
            }
            if *role == Role::Admin && known.admins >= order.admins_max {
                let text = format!("a group has at most {} admins", order.admins_max);
                return Err(refused(Code::LimitReached, text));
            }
            writes.push(Write::Update(*member, *role, muted_until_ms));
            events::role_content(&known.user(*member), *role)
        }
        GroupChange::HandOver(to) => {
            known.member(*to)?;
            let from = UserId::new(order.actor.id).ok_or(Error::NoUser(order.actor.id))?;
            writes.push(Write::Update(from, Role::Admin, 0));
            writes.push(Write::Update(*to, Role::Owner, 0));
            events::owner_content(&known.user(*to))
        }
        GroupChange::Mute(member, until_ms) => {
            let (role, held_ms) = known.member(*member)?;
            let standing = |until_ms: i64| if until_ms > order.now_ms { until_ms } else { 0 };
            let until_ms = standing(*until_ms);
            if until_ms == standing(held_ms) {
                return Ok(None);
            }
            writes.push(Write::Update(*member, role, until_ms));
            events::muted_content(&known.user(*member), until_ms)
        }
        GroupChange::Edit(edit) => {
            let Some(told) = apply(edit, &mut group) else { return Ok(None) };
            events::edited_content(&told)
        }
        GroupChange::Dissolve => {
            group.dissolved_at_ms = order.now_ms;
            events::dissolved_content()
        }
    };
    let content = Some(said).filter(|_| known.group.dissolved_at_ms == 0);
    let is_changed = matches!(order.change, GroupChange::Edit(_) | GroupChange::Dissolve);
    Ok(Some(Verdict { group, writes, content, is_changed }))
}

/// What a repeat finds done, though its actor might not do it again.
fn is_done(order: &GroupOrder, known: &Known) -> bool {
    let role = order.role(known);
    let is_member = role != Role::Stranger;
    match order.change {
        GroupChange::Join => is_member,
        GroupChange::HandOver(to) => is_member && known.role(to.get()) == Role::Owner,
        GroupChange::Dissolve => {
            matches!(role, Role::Owner | Role::Operator) && known.group.dissolved_at_ms > 0
        }
        _ => false,
    }
}

fn authorise(order: &GroupOrder, known: &Known) -> Result<(), Error> {
    let role = order.role(known);
    let against = match order.change {
        GroupChange::Remove(member)
        | GroupChange::SetRole(member, _)
        | GroupChange::HandOver(member)
        | GroupChange::Mute(member, _) => Some(known.role(member.get())),
        _ => None,
    };
    let is_over = known.group.dissolved_at_ms > 0;
    let is_alone = known.group.members <= 1 || is_over;
    for operation in order.operations() {
        policy::check(operation, role, against, is_alone).map_err(Error::Refused)?;
        if is_over && operation != Operation::Leave {
            return Err(refused(Code::Dissolved, "the group was dissolved"));
        }
    }
    if order.is_by_operator || !order.speaks() {
        return Ok(());
    }
    // What an edit shows is told in a message.
    refuse_silenced(known.silenced, order.now_ms)?;
    match known.members.get(&order.actor.id) {
        Some(&(_, until_ms)) if until_ms > order.now_ms => Err(Error::Refused(muted(until_ms))),
        _ => Ok(()),
    }
}

/// Applies what differs; answers it, when anything does.
fn apply(edit: &GroupEdit, group: &mut GroupState) -> Option<GroupEdit> {
    let differing = |new: &Option<String>, held: &mut String| {
        let new = new.clone().filter(|new| new != held)?;
        held.clone_from(&new);
        Some(new)
    };
    let told = GroupEdit {
        name: differing(&edit.name, &mut group.info.name),
        avatar: differing(&edit.avatar, &mut group.avatar),
        announcement: differing(&edit.announcement, &mut group.announcement),
        is_muted_all: edit.is_muted_all.filter(|muted| *muted != group.is_muted_all),
        expires_in_ms: edit.expires_in_ms.filter(|in_ms| *in_ms != group.expires_in_ms),
    };
    group.expires_in_ms = told.expires_in_ms.unwrap_or(group.expires_in_ms);
    group.is_muted_all = told.is_muted_all.unwrap_or(group.is_muted_all);
    (told != GroupEdit::default()).then_some(told)
}
