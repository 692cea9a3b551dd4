//! Hidden messages: in no simulation has anybody any.

use oort_api::ids::{ConversationId, Seq, UserId};
use tonic::async_trait;

use super::MemoryStore;
use crate::store::{Error, Hid, Hidden, OutboxRow, Stretch};

#[async_trait]
impl Hidden for MemoryStore {
    async fn hide(
        &self,
        _owner: &str,
        _user: UserId,
        _conversation: ConversationId,
        _seq: Seq,
        _now_ms: i64,
    ) -> Result<(Hid, Option<OutboxRow>), Error> {
        Err(Error::Internal("no simulation has a use for this".to_owned()))
    }

    async fn hidden_of(&self, _user: UserId, _stretches: &[Stretch]) -> Result<Vec<(i64, i64)>, Error> {
        Ok(Vec::new())
    }
}
