//! Bans and mutes: nobody is kept from anything here.

use oort_api::ids::UserId;
use tonic::async_trait;

use super::MemoryStore;
use super::calls::refused;
use crate::store::{Error, NewSanction, OutboxRow, Sanction, SanctionKind, Sanctioned, Sanctions};

#[async_trait]
impl Sanctions for MemoryStore {
    async fn sanction(&self, _owner: &str, _new: &NewSanction) -> Result<Sanctioned, Error> {
        refused()
    }

    async fn lift(
        &self,
        _owner: &str,
        _kind: SanctionKind,
        _user: UserId,
        _now_ms: i64,
    ) -> Result<(bool, Option<OutboxRow>), Error> {
        refused()
    }

    async fn sanctions_of(&self, _users: &[UserId], _now_ms: i64) -> Result<Vec<Sanction>, Error> {
        Ok(Vec::new())
    }

    async fn sanctions(
        &self,
        _kind: SanctionKind,
        _after: i64,
        _limit: u32,
        _now_ms: i64,
    ) -> Result<Vec<Sanction>, Error> {
        Ok(Vec::new())
    }
}
