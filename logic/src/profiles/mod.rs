//! What users tell of themselves.

use std::sync::Arc;

use oort_api::clock::now_ms;
use oort_api::error::{Code, Refusal};
use oort_api::ids::UserId;
use serde::{Deserialize, Serialize};

use crate::accounts::names::is_invisible;
use crate::store::{About, Person, ProfileChange, Store};
use crate::transactions::Transactions;

/// Settings of [`Profiles`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Longest nick, characters.
    pub nick_chars_max: usize,
    /// Longest nick, bytes.
    pub nick_bytes_max: usize,
    /// Longest avatar (a URL, or the id of a file), bytes.
    pub avatar_bytes_max: usize,
    /// Longest description, characters.
    pub description_chars_max: usize,
    /// Longest description, bytes.
    pub description_bytes_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            nick_chars_max: 64,
            nick_bytes_max: 256,
            avatar_bytes_max: 1_024,
            description_chars_max: 500,
            description_bytes_max: 2_000,
        }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let bounds = [
            // The store's columns hold so many characters.
            ("nick_chars_max", self.nick_chars_max, 255),
            ("nick_bytes_max", self.nick_bytes_max, 4 * 255),
            ("avatar_bytes_max", self.avatar_bytes_max, 2_048),
            ("description_chars_max", self.description_chars_max, 4_096),
            ("description_bytes_max", self.description_bytes_max, 4 * 4_096),
        ];
        bounds
            .into_iter()
            .filter(|&(_, value, max)| !(1..=max).contains(&value))
            .map(|(name, value, max)| format!("{name} is {value}, not within 1 to {max}"))
            .collect()
    }
}

/// Reads and changes profiles.
#[derive(Debug)]
pub struct Profiles {
    config: Config,
    store: Arc<dyn Store>,
    transactions: Arc<Transactions>,
}

impl Profiles {
    /// Profiles of the store that the transactions change.
    #[must_use]
    pub fn new(config: Config, transactions: Arc<Transactions>) -> Self {
        Self { config, store: Arc::clone(&transactions.store), transactions }
    }

    /// A user and what they tell of themselves.
    ///
    /// # Errors
    /// `not_found`, also of an account that is deactivated or deleted; `unavailable`.
    pub async fn of(&self, user: UserId) -> Result<Person, Refusal> {
        let found = self.store.person(user).await?;
        found.ok_or_else(|| Refusal::new(Code::NotFound, format!("there is no user {user}")))
    }

    /// Changes the user's own profile; their devices are told.
    ///
    /// # Errors
    /// `invalid_field`, `not_found`, `overloaded`, `unavailable`.
    pub async fn change(&self, user: UserId, change: ProfileChange) -> Result<Person, Refusal> {
        self.check(&change)?;
        self.transactions
            .run(About::Users, move |store, owner| async move {
                store.change_profile(&owner, user, &change, now_ms()).await
            })
            .await
    }

    fn check(&self, change: &ProfileChange) -> Result<(), Refusal> {
        let ProfileChange { nick, avatar, description, sex: _ } = change;
        let Config { nick_chars_max, nick_bytes_max, avatar_bytes_max, .. } = self.config;
        let Config { description_chars_max, description_bytes_max, .. } = self.config;
        if let Some(nick) = nick {
            check_length("nick", nick, nick_chars_max, nick_bytes_max)?;
            if nick.trim() != nick || nick.chars().any(|c| c.is_control() || is_invisible(c)) {
                return Err(invalid("nick: no white space around it, no control or invisible characters"));
            }
        }
        if let Some(avatar) = avatar {
            check_length("avatar", avatar, avatar_bytes_max, avatar_bytes_max)?;
            check_avatar(avatar)?;
        }
        if let Some(description) = description {
            check_length("description", description, description_chars_max, description_bytes_max)?;
            if description.chars().any(|c| c.is_control() && c != '\n') {
                return Err(invalid("description: no control characters but line ends"));
            }
        }
        Ok(())
    }
}

fn check_length(field: &str, text: &str, chars_max: usize, bytes_max: usize) -> Result<(), Refusal> {
    if text.len() > bytes_max || text.chars().count() > chars_max {
        return Err(invalid(format!("{field}: at most {chars_max} characters and {bytes_max} bytes")));
    }
    Ok(())
}

/// Clients show it as an image: nothing else may hide behind it.
fn check_avatar(avatar: &str) -> Result<(), Refusal> {
    let rest = ["https://", "http://"].iter().find_map(|scheme| avatar.strip_prefix(scheme));
    let is_fine = match rest {
        Some(rest) => {
            !rest.is_empty()
                && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<>\\`".contains(&byte))
        }
        None => avatar.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)),
    };
    if is_fine { Ok(()) } else { Err(invalid("avatar: an http or https URL, or the id of a file")) }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidField, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_fault_and_every_fault_is_told() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
        let bad = Config { nick_chars_max: 256, avatar_bytes_max: 0, ..Config::default() };
        assert_eq!(bad.faults().len(), 2);
    }

    #[test]
    fn an_avatar_is_a_url_or_an_id() {
        for fine in ["", "https://a.example/x.png?y=1#z", "http://a", "0192-ab_c.png"] {
            assert_eq!(check_avatar(fine), Ok(()), "{fine}");
        }
        for bad in [
            "javascript:alert(1)",
            "data:image/png;base64,x",
            "https://",
            "https://a b",
            "https://a\"onerror=",
            "é",
        ] {
            assert!(check_avatar(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lengths_are_of_characters_and_bytes() {
        assert!(check_length("x", &"é".repeat(5), 5, 10).is_ok());
        assert!(check_length("x", &"é".repeat(6), 5, 100).is_err());
        assert!(check_length("x", &"é".repeat(5), 5, 9).is_err());
    }
}
