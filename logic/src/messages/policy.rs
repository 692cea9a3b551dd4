//! Who may change a message: one table, and when.

use oort_api::pb::oort::v1::ConversationKind;

use crate::policy::Role as MemberRole;

/// What is done to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Its text becomes another.
    Edit,
    /// It is taken back.
    Recall,
    /// A reaction is added or taken away.
    React,
    /// The server removes it.
    Erase,
}

/// What somebody is to a message. Of several roles the one that may most counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Whoever wrote it.
    Sender,
    /// Whoever looks after the conversation: owner and admins of a group, who created an open room.
    Manager,
    /// Anybody else in the conversation.
    Member,
    /// The server.
    Server,
}

/// When something may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// At no time.
    Never,
    /// As long after the message as the settings say.
    InTime,
    /// At any time.
    Always,
}

/// The table.
#[must_use]
pub const fn rule(operation: Operation, role: Role) -> Rule {
    match (operation, role) {
        (Operation::Edit, Role::Sender) => Rule::InTime,
        (Operation::Edit, Role::Manager | Role::Member | Role::Server) => Rule::Never,
        (Operation::Recall, Role::Sender) => Rule::InTime,
        (Operation::Recall, Role::Manager) => Rule::Always,
        (Operation::Recall, Role::Member | Role::Server) => Rule::Never,
        (Operation::React, Role::Sender | Role::Manager | Role::Member) => Rule::Always,
        (Operation::React, Role::Server) => Rule::Never,
        (Operation::Erase, Role::Sender | Role::Manager | Role::Member) => Rule::Never,
        (Operation::Erase, Role::Server) => Rule::Always,
    }
}

/// Where somebody stands to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Kind of the conversation.
    pub kind: ConversationKind,
    /// Who created it.
    pub creator: i64,
    /// What the actor is in it, groups only.
    pub member: MemberRole,
    /// Who wrote the message.
    pub sender: i64,
    /// Who wants to change it; 0 = the server.
    pub actor: i64,
}

impl Standing {
    /// What the actor may do. That the actor is in the conversation was checked.
    #[must_use]
    pub fn rule(&self, operation: Operation) -> Rule {
        if self.actor == 0 {
            return rule(operation, Role::Server);
        }
        let manages = match self.kind {
            ConversationKind::Group => matches!(self.member, MemberRole::Admin | MemberRole::Owner),
            ConversationKind::Room => self.creator == self.actor,
            ConversationKind::Direct | ConversationKind::Unspecified => false,
        };
        let roles =
            [(true, Role::Member), (self.sender == self.actor, Role::Sender), (manages, Role::Manager)];
        let rules = roles.into_iter().filter(|(has, _)| *has).map(|(_, role)| rule(operation, role));
        rules.max().unwrap_or(Rule::Never)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use Operation::{Edit, Erase, React, Recall};
    use Rule::{Always, InTime, Never};

    const OPERATIONS: [Operation; 4] = [Edit, Recall, React, Erase];

    #[test]
    fn every_cell() {
        let table = [
            (Role::Sender, [InTime, InTime, Always, Never]),
            (Role::Manager, [Never, Always, Always, Never]),
            (Role::Member, [Never, Never, Always, Never]),
            (Role::Server, [Never, Never, Never, Always]),
        ];
        for (role, rules) in table {
            for (operation, expected) in OPERATIONS.into_iter().zip(rules) {
                assert_eq!(rule(operation, role), expected, "{role:?} {operation:?}");
            }
        }
    }

    #[test]
    fn roles_are_taken_from_the_conversation_and_the_message() {
        const ANN: i64 = 1;
        const BOB: i64 = 2;
        let rules = |kind, creator, member, sender, actor| {
            let standing = Standing { kind, creator, member, sender, actor };
            OPERATIONS.map(|operation| standing.rule(operation))
        };
        use ConversationKind::{Direct, Group, Room};
        use MemberRole::{Admin, Member, Owner, Stranger};
        for (kind, creator, member, sender, actor, expected) in [
            (Group, BOB, Member, ANN, ANN, [InTime, InTime, Always, Never]),
            (Group, BOB, Owner, ANN, ANN, [InTime, Always, Always, Never]),
            (Group, BOB, Owner, BOB, ANN, [Never, Always, Always, Never]),
            (Group, BOB, Admin, BOB, ANN, [Never, Always, Always, Never]),
            (Group, ANN, Member, BOB, ANN, [Never, Never, Always, Never]),
            (Room, ANN, Stranger, BOB, ANN, [Never, Always, Always, Never]),
            (Room, BOB, Stranger, BOB, ANN, [Never, Never, Always, Never]),
            (Direct, ANN, Member, BOB, ANN, [Never, Never, Always, Never]),
            (Direct, ANN, Member, ANN, ANN, [InTime, InTime, Always, Never]),
            (Room, 0, Stranger, BOB, 0, [Never, Never, Never, Always]),
        ] {
            let found = rules(kind, creator, member, sender, actor);
            assert_eq!(found, expected, "{kind:?} {creator} {member:?} {sender} {actor}");
        }
    }
}
