//! Keys of servers: there are none here.

use tonic::async_trait;

use super::MemoryStore;
use super::calls::refused;
use crate::store::{ApiKey, ApiKeys, Error, NewApiKey};

#[async_trait]
impl ApiKeys for MemoryStore {
    async fn create_api_key(&self, _new: &NewApiKey) -> Result<Option<ApiKey>, Error> {
        refused()
    }

    async fn api_key(&self, _hash: &[u8; 32], _now_ms: i64) -> Result<Option<ApiKey>, Error> {
        Ok(None)
    }

    async fn note_api_key(&self, _id: i64, _now_ms: i64) -> Result<(), Error> {
        refused()
    }

    async fn api_keys(&self, _limit: u32) -> Result<Vec<ApiKey>, Error> {
        Ok(Vec::new())
    }

    async fn revoke_api_key(&self, _id: i64) -> Result<bool, Error> {
        refused()
    }
}
