//! Contacts: nobody has any here.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use tonic::async_trait;

use super::MemoryStore;
use crate::store::{
    Contact, ContactList, ContactStep, ContactsStore, Error, OutboxRow, Privacy, Sought, Stepped,
};

fn refused<T>() -> Result<T, Error> {
    Err(Error::Internal("not simulated".to_owned()))
}

#[async_trait]
impl ContactsStore for MemoryStore {
    async fn step_contact(
        &self,
        _owner: &str,
        _step: &ContactStep,
        _now_ms: i64,
    ) -> Result<(Stepped, Option<OutboxRow>), Error> {
        refused()
    }

    async fn contacts(
        &self,
        _user: UserId,
        _list: ContactList,
        _after: i64,
        _limit: u32,
        _now_ms: i64,
    ) -> Result<Vec<Contact>, Error> {
        Ok(Vec::new())
    }

    async fn privacy(&self, _user: UserId) -> Result<Privacy, Error> {
        Ok(Privacy::default())
    }

    async fn set_privacy(
        &self,
        _owner: &str,
        _user: UserId,
        _privacy: Privacy,
        _now_ms: i64,
    ) -> Result<Option<OutboxRow>, Error> {
        refused()
    }

    async fn find_people(&self, _reader: UserId, _sought: &Sought, _limit: u32) -> Result<Vec<User>, Error> {
        refused()
    }
}
