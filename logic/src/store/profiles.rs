//! What users tell of themselves.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use serde_json::{Value, json};
use tonic::async_trait;

use super::{Error, NewUserEvent, OutboxRow};

/// A user's sex, as they say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sex {
    /// Not said.
    #[default]
    Unsaid,
    /// Female.
    Female,
    /// Male.
    Male,
    /// Neither.
    Other,
}

impl Sex {
    /// All of them, at their number in the store.
    const ALL: [(Self, &'static str); 4] =
        [(Self::Unsaid, ""), (Self::Female, "female"), (Self::Male, "male"), (Self::Other, "other")];

    /// As clients see it; empty = not said.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(sex, _)| *sex == self).map_or("", |(_, text)| *text)
    }

    /// What clients call so.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == text).map(|(sex, _)| *sex)
    }

    pub(super) fn number(self) -> i64 {
        Self::ALL.iter().zip(0..).find(|((sex, _), _)| *sex == self).map_or(0, |(_, number)| number)
    }

    /// An unknown number is of a newer schema.
    pub(super) fn of_number(number: i64) -> Self {
        let index = usize::try_from(number).unwrap_or_default();
        Self::ALL.get(index).map(|(sex, _)| *sex).unwrap_or_default()
    }
}

/// What a user tells of themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// Shown instead of the user name; empty = none.
    pub nick: String,
    /// An http(s) URL or the id of a file; empty = none.
    pub avatar: String,
    /// As they say.
    pub sex: Sex,
    /// A few sentences.
    pub description: String,
}

/// What is to change; `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// See [`Profile::nick`].
    pub nick: Option<String>,
    /// See [`Profile::avatar`].
    pub avatar: Option<String>,
    /// See [`Profile::sex`].
    pub sex: Option<Sex>,
    /// See [`Profile::description`].
    pub description: Option<String>,
}

impl ProfileChange {
    /// The profile with the change.
    pub(super) fn applied_to(&self, profile: &Profile) -> Profile {
        let or = |new: &Option<String>, old: &String| new.as_ref().unwrap_or(old).clone();
        Profile {
            nick: or(&self.nick, &profile.nick),
            avatar: or(&self.avatar, &profile.avatar),
            sex: self.sex.unwrap_or(profile.sex),
            description: or(&self.description, &profile.description),
        }
    }
}

/// A user with what they tell of themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// Who.
    pub user: User,
    /// Folded e-mail address; for themselves only.
    pub email: Option<String>,
    /// ms since the epoch.
    pub created_at_ms: i64,
    /// The rest.
    pub profile: Profile,
}

/// Profiles.
#[async_trait]
pub trait Profiles: Send + Sync {
    /// A user with their profile; none of an account that is deactivated or deleted.
    async fn person(&self, user: UserId) -> Result<Option<Person>, Error>;
    /// Changes a profile, and tells the user's devices (`profile_changed`). No row when that changed nothing.
    async fn change_profile(
        &self,
        owner: &str,
        user: UserId,
        change: &ProfileChange,
        now_ms: i64,
    ) -> Result<(Person, Option<OutboxRow>), Error>;
}

/// What the user's devices are told.
pub(super) fn changed(user: UserId, profile: &Profile) -> NewUserEvent {
    NewUserEvent { user, kind: "profile_changed", data: data(profile) }
}

fn data(profile: &Profile) -> Value {
    json!({
        "nick": profile.nick,
        "avatar": profile.avatar,
        "sex": profile.sex.as_str(),
        "description": profile.description,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sex_is_known_by_its_number_and_its_name() {
        for (sex, text) in Sex::ALL {
            assert_eq!((Sex::of_number(sex.number()), Sex::of(text)), (sex, Some(sex)));
        }
        assert_eq!((Sex::of_number(99), Sex::of("x")), (Sex::Unsaid, None));
    }

    #[test]
    fn what_is_not_named_stays() {
        let profile = Profile { nick: "Ann".into(), sex: Sex::Other, ..Profile::default() };
        assert_eq!(ProfileChange::default().applied_to(&profile), profile);
        let change = ProfileChange { nick: Some(String::new()), ..ProfileChange::default() };
        assert_eq!(change.applied_to(&profile), Profile { nick: String::new(), ..profile });
    }
}
