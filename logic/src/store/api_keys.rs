//! Keys by which servers use the API.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use tonic::async_trait;

use super::Error;
use crate::policy::keys::KeyScope;

/// A key as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Which.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// Its beginning, by which people know it again.
    pub prefix: String,
    /// What it allows.
    pub scopes: Vec<KeyScope>,
    /// The account it acts as, if any.
    pub user: Option<User>,
    /// The operator who made it.
    pub creator_id: i64,
    /// ms since the epoch.
    pub created_at_ms: i64,
    /// ms since the epoch; 0 = it does not end by itself.
    pub expires_at_ms: i64,
    /// When it was last used, to the minute, ms since the epoch; 0 = never.
    pub used_at_ms: i64,
}

/// A key to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// What it is called.
    pub name: String,
    /// Its beginning.
    pub prefix: String,
    /// SHA-256 of it.
    pub hash: [u8; 32],
    /// What it allows.
    pub scopes: Vec<KeyScope>,
    /// The account it acts as, if any.
    pub user: Option<UserId>,
    /// The operator who makes it.
    pub creator_id: i64,
    /// ms since the epoch.
    pub now_ms: i64,
    /// ms since the epoch; 0 = it does not end by itself.
    pub expires_at_ms: i64,
    /// Most keys there may be.
    pub keys_max: u32,
}

/// Keys of servers.
#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// Creates a key; `None` when there are as many as there may be.
    async fn create_api_key(&self, new: &NewApiKey) -> Result<Option<ApiKey>, Error>;
    /// The key of this hash, if it has not ended; none whose account is deactivated, deleted or banned.
    async fn api_key(&self, hash: &[u8; 32], now_ms: i64) -> Result<Option<ApiKey>, Error>;
    /// Records when a key was used; an earlier time changes nothing.
    async fn note_api_key(&self, id: i64, now_ms: i64) -> Result<(), Error>;
    /// All keys, by id, at most `limit`.
    async fn api_keys(&self, limit: u32) -> Result<Vec<ApiKey>, Error>;
    /// Ends a key; `false` when there was none.
    async fn revoke_api_key(&self, id: i64) -> Result<bool, Error>;
}
