//! Who of those that look after the server may do what: one table, asked for each call under `/api/admin`.

use oort_api::Code;
use oort_api::error::Refusal;

/// What an operator is. The order is that of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperatorRole {
    /// Looks on.
    Viewer,
    /// Looks after what people do to each other.
    Moderator,
    /// Looks after the server.
    Administrator,
}

impl OperatorRole {
    /// Every role with its name.
    pub const NAMES: [(Self, &'static str); 3] =
        [(Self::Viewer, "viewer"), (Self::Moderator, "moderator"), (Self::Administrator, "administrator")];

    /// By its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(role, _)| *role)
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Moderator => "moderator",
            Self::Administrator => "administrator",
        }
    }

    /// The number the store has for it.
    #[must_use]
    pub const fn stored(self) -> i64 {
        match self {
            Self::Viewer => 1,
            Self::Moderator => 2,
            Self::Administrator => 3,
        }
    }

    /// And back; an unknown number has the least power: a row of a newer schema.
    #[must_use]
    pub const fn of(stored: i64) -> Self {
        match stored {
            3 => Self::Administrator,
            2 => Self::Moderator,
            _ => Self::Viewer,
        }
    }
}

/// What an operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Duty {
    /// Sees processes, users, connections, what waits, where messages have been, and the audit.
    See,
    /// Closes connections.
    Kick,
    /// Keeps a user out.
    Ban,
    /// Keeps a user from sending, everywhere.
    Mute,
    /// Removes a message.
    EraseMessage,
    /// Acts on a group as its admins do.
    ManageGroup,
    /// Pushes to everyone.
    Broadcast,
    /// Has messages delivered once more.
    Replay,
    /// Makes, sees and revokes the keys of servers.
    ManageKeys,
}

/// By duty: viewer, moderator, administrator.
const TABLE: &[(Duty, [bool; 3])] = &[
    (Duty::See, [true, true, true]),
    (Duty::Kick, [false, true, true]),
    (Duty::Ban, [false, true, true]),
    (Duty::Mute, [false, true, true]),
    (Duty::EraseMessage, [false, true, true]),
    (Duty::ManageGroup, [false, true, true]),
    (Duty::Broadcast, [false, false, true]),
    (Duty::Replay, [false, false, true]),
    (Duty::ManageKeys, [false, false, true]),
];

/// What the table says.
#[must_use]
pub fn may(role: OperatorRole, duty: Duty) -> bool {
    let row = TABLE.iter().find(|(listed, _)| *listed == duty);
    row.is_some_and(|(_, rules)| rules[role as usize])
}

/// The same as a refusal; `None` is nobody that looks after the server.
///
/// # Errors
/// `forbidden`.
pub fn check(role: Option<OperatorRole>, duty: Duty) -> Result<OperatorRole, Refusal> {
    let Some(role) = role else {
        let text = "this needs the operator role: `oort admin create` gives it";
        return Err(Refusal::new(Code::Forbidden, text));
    };
    if may(role, duty) {
        return Ok(role);
    }
    Err(Refusal::new(Code::Forbidden, format!("a {} may not do this", role.as_str())))
}

/// Whether an operator may act against a user: operators of the same or a higher role are out of reach.
///
/// # Errors
/// `forbidden`.
pub fn check_against(role: OperatorRole, user: Option<OperatorRole>) -> Result<(), Refusal> {
    if user.is_none_or(|user| user < role) {
        return Ok(());
    }
    Err(Refusal::new(Code::Forbidden, "the user is an operator of the same or a higher role"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each role may, written out, in the order viewer, moderator, administrator.
    const EXPECTED: &[(Duty, &str)] = &[
        (Duty::See, "+++"),
        (Duty::Kick, "-++"),
        (Duty::Ban, "-++"),
        (Duty::Mute, "-++"),
        (Duty::EraseMessage, "-++"),
        (Duty::ManageGroup, "-++"),
        (Duty::Broadcast, "--+"),
        (Duty::Replay, "--+"),
        (Duty::ManageKeys, "--+"),
    ];

    #[test]
    fn each_cell_is_as_written_here() {
        assert_eq!(TABLE.len(), EXPECTED.len(), "each duty has a row");
        for &(duty, cells) in EXPECTED {
            for ((role, _), cell) in OperatorRole::NAMES.into_iter().zip(cells.chars()) {
                assert_eq!(may(role, duty), cell == '+', "{duty:?} of {role:?}");
                assert_eq!(check(Some(role), duty).is_ok(), cell == '+', "{duty:?} of {role:?}");
            }
            assert_eq!(check(None, duty).expect_err("nobody may").code, Code::Forbidden, "{duty:?}");
        }
    }

    #[test]
    fn only_who_is_below_is_within_reach() {
        use OperatorRole::{Administrator, Moderator, Viewer};
        for (role, reached) in [
            (Viewer, [true, false, false, false]),
            (Moderator, [true, true, false, false]),
            (Administrator, [true, true, true, false]),
        ] {
            for (user, reached) in
                [None, Some(Viewer), Some(Moderator), Some(Administrator)].into_iter().zip(reached)
            {
                assert_eq!(check_against(role, user).is_ok(), reached, "{role:?} against {user:?}");
            }
        }
    }

    #[test]
    fn roles_have_names_and_numbers() {
        for (role, name) in OperatorRole::NAMES {
            assert_eq!((OperatorRole::parse(name), role.as_str()), (Some(role), name));
            assert_eq!(OperatorRole::of(role.stored()), role);
        }
        assert_eq!((OperatorRole::parse("king"), OperatorRole::of(99)), (None, OperatorRole::Viewer));
    }
}
