//! Users by id, cached: every upstream message of a socket names its sender
//! by id only. A user name changes only when its account is deleted, and then
//! nobody sends any more: an entry never ages.

use std::sync::Arc;

use oort_api::Code;
use oort_api::error::Refusal;
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use parking_lot::Mutex;

use crate::store::Store;
use oort_api::generations::Generations;

/// Users by id.
#[derive(Debug)]
pub struct Users {
    store: Arc<dyn Store>,
    cached: Mutex<Generations<UserId, User>>,
}

impl Users {
    /// Remembers at most `cached_max` users.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, cached_max: usize) -> Self {
        Self { store, cached: Mutex::new(Generations::new(cached_max)) }
    }

    /// The user.
    ///
    /// # Errors
    /// `not_found`, or `unavailable` when the store is.
    pub async fn get(&self, id: UserId) -> Result<User, Refusal> {
        if let Some(user) = self.cached.lock().get_mut(&id) {
            return Ok(user.clone());
        }
        let user = self
            .store
            .user(id)
            .await?
            .ok_or_else(|| Refusal::new(Code::NotFound, format!("there is no user {id}")))?;
        self.cached.lock().insert(id, user.clone());
        Ok(user)
    }
}
