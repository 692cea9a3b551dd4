//! Receipts: nobody asks for any here, hides, or blocks anybody.

use oort_api::ids::{ConversationId, Seq, UserId};
use tonic::async_trait;

use super::MemoryStore;
use super::calls::refused;
use crate::store::{Error, Reader, ReceiptOf, ReceiptPlace, Receipts};

#[async_trait]
impl Receipts for MemoryStore {
    async fn receipt_place(
        &self,
        _id: ConversationId,
        _seq: Seq,
        _user: UserId,
    ) -> Result<Option<ReceiptPlace>, Error> {
        refused()
    }

    async fn readers(&self, _of: ReceiptOf, _after: i64, _limit: u32) -> Result<Vec<Reader>, Error> {
        refused()
    }

    async fn count_readers(&self, _of: ReceiptOf, _max: u32) -> Result<u32, Error> {
        refused()
    }

    async fn invisible(&self, _users: &[UserId]) -> Result<Vec<(UserId, i64)>, Error> {
        Ok(Vec::new())
    }

    async fn blocked_by(&self, _users: &[UserId], _limit: u32) -> Result<Vec<(UserId, UserId)>, Error> {
        Ok(Vec::new())
    }

    async fn blockers_of(&self, _users: &[UserId], _limit: u32) -> Result<Vec<(UserId, UserId)>, Error> {
        Ok(Vec::new())
    }

    async fn blockers_among(&self, _users: &[UserId], _blocked: UserId) -> Result<Vec<UserId>, Error> {
        Ok(Vec::new())
    }
}
