//! Who may do what in a conversation: one table of roles and operations, asked by everything that decides.
//!
//! In open rooms everybody is a member, in direct conversations the two users are. What concerns groups only is asked
//! under the lock of the group's row (`store/groups/judge.rs`), so that what was decided is true when it is committed.

use oort_api::Code;
use oort_api::error::Refusal;

pub mod keys;
pub mod operators;

#[cfg(test)]
mod tests;

/// What somebody is to a conversation. The order is that of power among its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Not in it.
    Stranger,
    /// In it.
    Member,
    /// Looks after it.
    Admin,
    /// Whose it is: each group has exactly one.
    Owner,
    /// Looks after the server; in no conversation by that.
    Operator,
}

impl Role {
    /// Of a member, by the number the store has; `None` = there is no such member.
    #[must_use]
    pub const fn of(stored: Option<i64>) -> Self {
        match stored {
            None => Self::Stranger,
            Some(2) => Self::Owner,
            Some(1) => Self::Admin,
            Some(_) => Self::Member,
        }
    }

    /// The number the store has for a member of this role.
    #[must_use]
    pub const fn stored(self) -> i64 {
        match self {
            Self::Owner => 2,
            Self::Admin => 1,
            Self::Stranger | Self::Member | Self::Operator => 0,
        }
    }

    /// As clients see it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
            Self::Operator => "operator",
        }
    }
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// See messages, members and how far others have read.
    Read,
    /// Send messages.
    Send,
    /// Send messages while all are muted.
    SendWhileAllMuted,
    /// Come in by a link.
    Join,
    /// Go.
    Leave,
    /// Bring in others.
    AddMembers,
    /// Remove somebody else.
    RemoveMember,
    /// Keep a member from sending for a time.
    MuteMember,
    /// Make a member an admin, or an admin a member.
    SetRole,
    /// Make another member the owner.
    HandOver,
    /// Change name and avatar.
    Edit,
    /// Change the announcement.
    Announce,
    /// Keep members from sending, or no more.
    MuteAll,
    /// Say how long messages stay.
    SetExpiry,
    /// Make, see and revoke links by which others come in.
    ManageLinks,
    /// End the group.
    Dissolve,
}

/// A cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Never.
    No,
    /// Always.
    Yes,
    /// Against lower roles only.
    Lower,
    /// Only when nobody else is in the group.
    Alone,
}

use Rule::{Alone, Lower, No, Yes};

/// By operation: stranger, member, admin, owner, operator.
const TABLE: &[(Operation, [Rule; 5])] = &[
    (Operation::Read, [No, Yes, Yes, Yes, No]),
    (Operation::Send, [No, Yes, Yes, Yes, No]),
    (Operation::SendWhileAllMuted, [No, No, Yes, Yes, No]),
    (Operation::Join, [Yes, Yes, Yes, Yes, No]),
    (Operation::Leave, [No, Yes, Yes, Alone, No]),
    (Operation::AddMembers, [No, No, Yes, Yes, No]),
    (Operation::RemoveMember, [No, No, Lower, Lower, Lower]),
    (Operation::MuteMember, [No, No, Lower, Lower, Lower]),
    (Operation::SetRole, [No, No, No, Lower, No]),
    (Operation::HandOver, [No, No, No, Lower, No]),
    (Operation::Edit, [No, No, Yes, Yes, Yes]),
    (Operation::Announce, [No, No, Yes, Yes, Yes]),
    (Operation::MuteAll, [No, No, Yes, Yes, Yes]),
    (Operation::SetExpiry, [No, No, Yes, Yes, Yes]),
    (Operation::ManageLinks, [No, No, Yes, Yes, Yes]),
    (Operation::Dissolve, [No, No, No, Yes, Yes]),
];

/// What the table says.
#[must_use]
pub fn rule(operation: Operation, role: Role) -> Rule {
    let row = TABLE.iter().find(|(listed, _)| *listed == operation);
    row.map_or(No, |(_, rules)| rules[role as usize])
}

/// Whether it is allowed. `against`: the role of whom it is done to.
#[must_use]
pub fn allows(operation: Operation, role: Role, against: Option<Role>, is_alone: bool) -> bool {
    match rule(operation, role) {
        No => false,
        Yes => true,
        Lower => against.is_none_or(|against| against < role),
        Alone => is_alone,
    }
}

/// The same as a refusal.
///
/// # Errors
/// `not_member` for strangers, `forbidden` for all others.
pub fn check(operation: Operation, role: Role, against: Option<Role>, is_alone: bool) -> Result<(), Refusal> {
    if allows(operation, role, against, is_alone) {
        return Ok(());
    }
    if role == Role::Stranger {
        return Err(Refusal::new(Code::NotMember, "you are not a member of this conversation"));
    }
    let text = match (operation, rule(operation, role)) {
        (Operation::Leave, _) => "hand the group over before you leave it, or dissolve it",
        (_, Lower) => "only against members of a lower role",
        _ => "your role in the group does not allow that",
    };
    Err(Refusal::new(Code::Forbidden, text))
}
