//! Hooks: in no simulation is there one.

use oort_api::ids::{ConversationId, UserId};
use tonic::async_trait;

use super::MemoryStore;
use crate::store::{Asking, Error, HookBacklog, HookDue, HookPlace, HookSettled, HookStore};

#[async_trait]
impl HookStore for MemoryStore {
    async fn askings(
        &self,
        _sender: UserId,
        messages: &[(ConversationId, String)],
    ) -> Result<Vec<Asking>, Error> {
        Ok(vec![Asking::default(); messages.len()])
    }

    async fn take_hooks(&self, _now_ms: i64, _lease_ms: i64, _limit: u32) -> Result<Vec<HookDue>, Error> {
        Ok(Vec::new())
    }

    async fn settle_hook(
        &self,
        _place: &HookPlace,
        _settled: HookSettled,
        _now_ms: i64,
    ) -> Result<u64, Error> {
        Ok(0)
    }

    async fn hook_backlog(&self, _now_ms: i64, _count_max: u32) -> Result<HookBacklog, Error> {
        Ok(HookBacklog::default())
    }

    async fn oldest_hooks(&self, _limit: u32) -> Result<Vec<HookPlace>, Error> {
        Ok(Vec::new())
    }
}
