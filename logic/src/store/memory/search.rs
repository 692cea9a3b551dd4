//! The index of words: no simulation searches.

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::Message;
use tonic::async_trait;

use super::MemoryStore;
use crate::store::{Compared, Error, Indexed, Look, Posting, Search, Searched};

#[async_trait]
impl Search for MemoryStore {
    async fn index(&self, _ids: &[ConversationId], _limit: u32) -> Result<Indexed, Error> {
        Ok(Indexed::default())
    }

    async fn compare(&self, _after: i64, _limit: u32) -> Result<Compared, Error> {
        Ok(Compared::default())
    }

    async fn lease_sweep(
        &self,
        _owner: &str,
        _now_ms: i64,
        _lease_ms: i64,
        _at: Option<i64>,
    ) -> Result<Option<i64>, Error> {
        Ok(None)
    }

    async fn searched(&self, _user: UserId, _rooms_max: u32) -> Result<Vec<Searched>, Error> {
        Ok(Vec::new())
    }

    async fn postings(
        &self,
        _words: &[String],
        looks: &[Look],
        _limit: u32,
    ) -> Result<Vec<Vec<Posting>>, Error> {
        Ok(vec![Vec::new(); looks.len()])
    }

    async fn messages_at(&self, _places: &[(i64, i64)]) -> Result<Vec<Message>, Error> {
        Ok(Vec::new())
    }
}
