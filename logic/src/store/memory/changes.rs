//! Changes of messages: no simulation makes any.

use oort_api::ids::{ConversationId, UserId};
use tonic::async_trait;

use super::MemoryStore;
use crate::store::{ChangeBounds, ChangePage, Changed, Changes, Error, NewChange, OutboxRow};

#[async_trait]
impl Changes for MemoryStore {
    async fn change(
        &self,
        _owner: &str,
        _change: &NewChange,
        _bounds: &ChangeBounds,
        _now_ms: i64,
    ) -> Result<(Changed, Option<OutboxRow>), Error> {
        Err(Error::Internal("no simulation has a use for this".to_owned()))
    }

    async fn changes(&self, _id: ConversationId, _after: i64, _limit: u32) -> Result<ChangePage, Error> {
        Ok(ChangePage::default())
    }

    async fn own_reactions(
        &self,
        _user: UserId,
        _messages: &[(i64, i64)],
    ) -> Result<Vec<(i64, i64, String)>, Error> {
        Ok(Vec::new())
    }
}
