//! What servers may by their keys: each key has scopes, each call that is open to keys asks for one.

/// What a key allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyScope {
    /// Sending, editing and taking back messages.
    MessagesSend,
    /// Finding users, and seeing who they are and who is online.
    UsersRead,
    /// Making groups, and all that their members' roles allow.
    GroupsWrite,
    /// Pushing to users, rooms and everyone: the calls under `/push` and `/goim`.
    Push,
}

impl KeyScope {
    /// Every scope with its name.
    pub const NAMES: [(Self, &'static str); 4] = [
        (Self::MessagesSend, "messages:send"),
        (Self::UsersRead, "users:read"),
        (Self::GroupsWrite, "groups:write"),
        (Self::Push, "push"),
    ];

    /// By its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(scope, _)| *scope)
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessagesSend => "messages:send",
            Self::UsersRead => "users:read",
            Self::GroupsWrite => "groups:write",
            Self::Push => "push",
        }
    }

    /// Whether what it allows is done as an account.
    #[must_use]
    pub const fn needs_account(self) -> bool {
        !matches!(self, Self::Push)
    }

    /// As a column has them: names with blanks between them.
    pub(crate) fn join(scopes: &[Self]) -> String {
        scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// And back; those of a newer schema allow nothing.
    pub(crate) fn split(text: &str) -> Vec<Self> {
        text.split(' ').filter_map(Self::parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_have_names() {
        for (scope, name) in KeyScope::NAMES {
            assert_eq!((KeyScope::parse(name), scope.as_str()), (Some(scope), name));
        }
        let all: Vec<KeyScope> = KeyScope::NAMES.iter().map(|(scope, _)| *scope).collect();
        assert_eq!(KeyScope::split(&KeyScope::join(&all)), all);
        assert_eq!(KeyScope::split("push everything"), [KeyScope::Push]);
        assert!(KeyScope::split("").is_empty());
    }

    #[test]
    fn all_but_pushes_are_done_as_an_account() {
        let without: Vec<KeyScope> =
            KeyScope::NAMES.iter().map(|(scope, _)| *scope).filter(|scope| !scope.needs_account()).collect();
        assert_eq!(without, [KeyScope::Push]);
    }
}
