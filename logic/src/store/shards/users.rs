//! What is at home alone.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use tonic::async_trait;

use super::super::mysql::part::Copied;
use super::super::{
    ApiKey, ApiKeys, CodeGuess, Codes, Contact, ContactList, ContactStep, ContactsStore, Credentials, Error,
    EventPage, MailedCode, NewApiKey, NewUser, NewUserEvent, OutboxRow, PasswordReset, Person, Privacy,
    ProfileChange, Profiles, Sought, Stepped, UserEvents,
};
use super::ShardedStore;
use super::outbox::marked;

#[async_trait]
impl ApiKeys for ShardedStore {
    async fn create_api_key(&self, new: &NewApiKey) -> Result<Option<ApiKey>, Error> {
        self.home().create_api_key(new).await
    }

    async fn api_key(&self, hash: &[u8; 32], now_ms: i64) -> Result<Option<ApiKey>, Error> {
        self.home().api_key(hash, now_ms).await
    }

    async fn note_api_key(&self, id: i64, now_ms: i64) -> Result<(), Error> {
        self.home().note_api_key(id, now_ms).await
    }

    async fn api_keys(&self, limit: u32) -> Result<Vec<ApiKey>, Error> {
        self.home().api_keys(limit).await
    }

    async fn revoke_api_key(&self, id: i64) -> Result<bool, Error> {
        self.home().revoke_api_key(id).await
    }
}

#[async_trait]
impl Codes for ShardedStore {
    async fn put_code(&self, code: &MailedCode) -> Result<(), Error> {
        self.home().put_code(code).await
    }

    async fn create_user_by_code(&self, user: &NewUser, guess: &CodeGuess) -> Result<Option<User>, Error> {
        self.home().create_user_by_code(user, guess).await
    }

    async fn reset_password(
        &self,
        guess: &CodeGuess,
        password_hash: &str,
    ) -> Result<Option<PasswordReset>, Error> {
        self.home().reset_password(guess, password_hash).await
    }

    async fn credentials_by_id(&self, id: UserId) -> Result<Option<Credentials>, Error> {
        self.home().credentials_by_id(id).await
    }

    async fn set_password(
        &self,
        user: UserId,
        old_hash: &str,
        password_hash: &str,
        keep_login: &str,
    ) -> Result<Option<Vec<String>>, Error> {
        self.home().set_password(user, old_hash, password_hash, keep_login).await
    }
}

#[async_trait]
impl ContactsStore for ShardedStore {
    async fn step_contact(
        &self,
        owner: &str,
        step: &ContactStep,
        now_ms: i64,
    ) -> Result<(Stepped, Option<OutboxRow>), Error> {
        let change = self.home().step_contact(owner, step, now_ms);
        // Even when nothing is changed by it: who repeats a block without an answer is told that all have it.
        let (stepped, row) = match (UserId::new(step.actor.id), step.act.is_about_blocks()) {
            (Some(actor), true) => self.changed(Copied::Pair(actor, step.peer), now_ms, change).await?,
            _ => change.await?,
        };
        Ok((stepped, row.map(|row| marked(0, row))))
    }

    async fn contacts(
        &self,
        user: UserId,
        list: ContactList,
        after: i64,
        limit: u32,
        now_ms: i64,
    ) -> Result<Vec<Contact>, Error> {
        self.home().contacts(user, list, after, limit, now_ms).await
    }

    async fn privacy(&self, user: UserId) -> Result<Privacy, Error> {
        self.home().privacy(user).await
    }

    async fn set_privacy(
        &self,
        owner: &str,
        user: UserId,
        privacy: Privacy,
        now_ms: i64,
    ) -> Result<Option<OutboxRow>, Error> {
        let change = self.home().set_privacy(owner, user, privacy, now_ms);
        let row = self.changed(Copied::Person(user), now_ms, change).await?;
        Ok(row.map(|row| marked(0, row)))
    }

    async fn find_people(&self, reader: UserId, sought: &Sought, limit: u32) -> Result<Vec<User>, Error> {
        self.home().find_people(reader, sought, limit).await
    }
}

#[async_trait]
impl Profiles for ShardedStore {
    async fn person(&self, user: UserId) -> Result<Option<Person>, Error> {
        self.home().person(user).await
    }

    async fn change_profile(
        &self,
        owner: &str,
        user: UserId,
        change: &ProfileChange,
        now_ms: i64,
    ) -> Result<(Person, Option<OutboxRow>), Error> {
        let (person, row) = self.home().change_profile(owner, user, change, now_ms).await?;
        Ok((person, row.map(|row| marked(0, row))))
    }
}

#[async_trait]
impl UserEvents for ShardedStore {
    async fn add_user_events(
        &self,
        owner: &str,
        events: &[NewUserEvent],
        now_ms: i64,
    ) -> Result<Option<OutboxRow>, Error> {
        Ok(self.home().add_user_events(owner, events, now_ms).await?.map(|row| marked(0, row)))
    }

    async fn event_heads(&self, users: &[UserId]) -> Result<Vec<i64>, Error> {
        self.home().event_heads(users).await
    }

    async fn user_events(&self, user: UserId, after: i64, limit: u32) -> Result<EventPage, Error> {
        self.home().user_events(user, after, limit).await
    }

    async fn forget_user_events(&self, before_ms: i64, limit: u32) -> Result<u64, Error> {
        self.home().forget_user_events(before_ms, limit).await
    }
}
