//! What accounts change by themselves: no simulation does that.

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{Message, User};
use tonic::async_trait;

use super::MemoryStore;
use crate::store::{
    CodeGuess, Codes, Credentials, Departure, Departures, Erased, Error, MailedCode, NewUser, OutboxRow,
    PasswordReset, Person, ProfileChange, Profiles,
};

fn refused<T>() -> Result<T, Error> {
    Err(Error::Internal("not simulated".to_owned()))
}

#[async_trait]
impl Codes for MemoryStore {
    async fn put_code(&self, _code: &MailedCode) -> Result<(), Error> {
        refused()
    }

    async fn create_user_by_code(&self, _user: &NewUser, _guess: &CodeGuess) -> Result<Option<User>, Error> {
        refused()
    }

    async fn reset_password(
        &self,
        _guess: &CodeGuess,
        _password_hash: &str,
    ) -> Result<Option<PasswordReset>, Error> {
        refused()
    }

    async fn credentials_by_id(&self, _id: UserId) -> Result<Option<Credentials>, Error> {
        refused()
    }

    async fn set_password(
        &self,
        _user: UserId,
        _old_hash: &str,
        _password_hash: &str,
        _keep_login: &str,
    ) -> Result<Option<Vec<String>>, Error> {
        refused()
    }
}

#[async_trait]
impl Profiles for MemoryStore {
    async fn person(&self, _user: UserId) -> Result<Option<Person>, Error> {
        refused()
    }

    async fn change_profile(
        &self,
        _owner: &str,
        _user: UserId,
        _change: &ProfileChange,
        _now_ms: i64,
    ) -> Result<(Person, Option<OutboxRow>), Error> {
        refused()
    }
}

#[async_trait]
impl Departures for MemoryStore {
    async fn deactivate(&self, _user: UserId, _now_ms: i64) -> Result<Vec<String>, Error> {
        refused()
    }

    async fn reactivate(&self, _user: UserId) -> Result<(), Error> {
        refused()
    }

    async fn delete_account(&self, _user: UserId, _erase: bool, _now_ms: i64) -> Result<Vec<String>, Error> {
        refused()
    }

    async fn departing(&self, _before_ms: i64, _limit: u32) -> Result<Vec<Departure>, Error> {
        Ok(Vec::new())
    }

    async fn groups_of(&self, _user: UserId, _limit: u32) -> Result<Vec<ConversationId>, Error> {
        refused()
    }

    async fn erase_messages(
        &self,
        _owner: &str,
        _server: usize,
        _user: &User,
        _limit: u32,
        _now_ms: i64,
    ) -> Result<Erased, Error> {
        refused()
    }

    async fn departed(&self, _user: UserId) -> Result<(), Error> {
        refused()
    }

    async fn messages_by(
        &self,
        _user: UserId,
        _after: (i64, i64),
        _limit: u32,
    ) -> Result<Vec<Message>, Error> {
        refused()
    }
}
