//! Events of users: nobody has any here.

use oort_api::ids::UserId;
use tonic::async_trait;

use super::MemoryStore;
use crate::store::{Error, EventPage, NewUserEvent, OutboxRow, UserEvents};

#[async_trait]
impl UserEvents for MemoryStore {
    async fn add_user_events(
        &self,
        _owner: &str,
        _events: &[NewUserEvent],
        _now_ms: i64,
    ) -> Result<Option<OutboxRow>, Error> {
        Err(Error::Internal("not simulated".to_owned()))
    }

    async fn event_heads(&self, users: &[UserId]) -> Result<Vec<i64>, Error> {
        Ok(vec![0; users.len()])
    }

    async fn user_events(&self, _user: UserId, _after: i64, _limit: u32) -> Result<EventPage, Error> {
        Ok(EventPage::default())
    }

    async fn forget_user_events(&self, _before_ms: i64, _limit: u32) -> Result<u64, Error> {
        Ok(0)
    }
}
