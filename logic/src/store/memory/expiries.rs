//! Messages whose time ends: in no simulation does any.

use oort_api::ids::{ConversationId, Seq};
use tonic::async_trait;

use super::MemoryStore;
use super::calls::refused;
use crate::store::{DirectExpiry, Error, Expiries, ExpirySettled, OutboxRow};

#[async_trait]
impl Expiries for MemoryStore {
    async fn take_expiries(
        &self,
        _now_ms: i64,
        _hold_ms: i64,
        _limit: u32,
    ) -> Result<Vec<(ConversationId, Seq)>, Error> {
        Ok(Vec::new())
    }

    async fn settle_expiries(&self, _settled: &[ExpirySettled]) -> Result<(), Error> {
        Ok(())
    }

    async fn set_direct_expiry(
        &self,
        _owner: &str,
        _asked: &DirectExpiry,
    ) -> Result<Option<OutboxRow>, Error> {
        refused()
    }
}
