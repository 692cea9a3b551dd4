//! Links by which people come into a group, as far as no database is needed.

use oort_api::Code;
use oort_api::error::Refusal;
use oort_api::ids::ConversationId;
use oort_api::pb::oort::v1::User;

use super::{GroupChange, GroupLink, GroupOrder, GroupState, NewLink};
use crate::policy::{self, Operation, Role};
use crate::store::Error;

/// A link that somebody shows.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Opening {
    pub(in crate::store) expires_at_ms: i64,
    pub(in crate::store) uses_max: i64,
    pub(in crate::store) uses: i64,
    /// They are in the group already: a repeat, or nothing to do.
    pub(in crate::store) is_member: bool,
}

impl Opening {
    /// The change that lets them in, when the link still does.
    pub(in crate::store) fn order(
        self,
        group: ConversationId,
        user: &User,
        members_max: u32,
        now_ms: i64,
    ) -> Result<GroupOrder, Error> {
        let is_over = self.expires_at_ms > 0 && self.expires_at_ms <= now_ms;
        let is_used_up = self.uses_max > 0 && self.uses >= self.uses_max;
        if !self.is_member && (is_over || is_used_up) {
            return Err(no_link());
        }
        let (actor, change) = (user.clone(), GroupChange::Join);
        Ok(GroupOrder { group, actor, is_by_operator: false, change, members_max, admins_max: 0, now_ms })
    }
}

impl NewLink {
    /// The link as it is when it was just made.
    pub(in crate::store) fn link(&self, id: i64) -> GroupLink {
        GroupLink {
            id,
            creator: self.creator.clone(),
            created_at_ms: self.now_ms,
            expires_at_ms: self.expires_at_ms,
            uses_max: self.uses_max,
            uses: 0,
        }
    }
}

/// Whether the link may be made. `links`: how many the group has.
pub(in crate::store) fn judge_link(
    new: &NewLink,
    role: Role,
    group: &GroupState,
    links: u32,
) -> Result<(), Error> {
    policy::check(Operation::ManageLinks, role, None, false).map_err(Error::Refused)?;
    let refused = |code, text: String| Err(Error::Refused(Refusal::new(code, text)));
    if group.dissolved_at_ms > 0 {
        return refused(Code::Dissolved, "the group was dissolved".to_owned());
    }
    if links >= new.links_max {
        return refused(Code::LimitReached, format!("a group has at most {} links", new.links_max));
    }
    Ok(())
}

/// There is no such link, or it lets nobody in any more.
pub(in crate::store) fn no_link() -> Error {
    Error::Refused(Refusal::new(Code::NotFound, "the link does not exist, or not any more"))
}

/// What a client's key remembers of a link: its id, and the salt of its token.
pub(in crate::store) fn link_subject(subject: &[u8]) -> Result<(i64, [u8; 32]), Error> {
    let parts = subject.split_first_chunk::<8>().and_then(|(id, salt)| Some((id, salt.try_into().ok()?)));
    let (id, salt) = parts.ok_or_else(|| Error::Internal("a client's key remembers no link".to_owned()))?;
    Ok((i64::from_be_bytes(*id), salt))
}
