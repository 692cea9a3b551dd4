//! Users by id, cached: every upstream message of a socket names its sender
//! by id only. User names never change, so an entry never ages.

use std::collections::HashMap;
use std::sync::Arc;

use oort_api::Code;
use oort_api::error::Refusal;
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use parking_lot::Mutex;

use crate::store::Store;

/// Users by id.
#[derive(Debug)]
pub struct Users {
    store: Arc<dyn Store>,
    cached: Mutex<Generations>,
}

/// Two generations: when the younger one is full it becomes the older one,
/// and what was not used since then is forgotten.
#[derive(Debug)]
struct Generations {
    young: HashMap<UserId, User>,
    old: HashMap<UserId, User>,
    generation_max: usize,
}

impl Users {
    /// Remembers at most `cached_max` users.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, cached_max: usize) -> Self {
        let generations = Generations {
            young: HashMap::new(),
            old: HashMap::new(),
            generation_max: (cached_max / 2).max(1),
        };
        Self { store, cached: Mutex::new(generations) }
    }

    /// The user.
    ///
    /// # Errors
    /// `not_found`, or `unavailable` when the store is.
    pub async fn get(&self, id: UserId) -> Result<User, Refusal> {
        if let Some(user) = self.cached.lock().get(id) {
            return Ok(user);
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

impl Generations {
    fn get(&mut self, id: UserId) -> Option<User> {
        if let Some(user) = self.old.remove(&id) {
            self.insert(id, user);
        }
        self.young.get(&id).cloned()
    }

    fn insert(&mut self, id: UserId, user: User) {
        if self.young.len() >= self.generation_max {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id, user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_is_bounded() {
        let mut cache = Generations { young: HashMap::new(), old: HashMap::new(), generation_max: 4 };
        let id = |raw| UserId::new(raw).expect("positive");
        cache.insert(id(1), User::default());
        for raw in 2..100 {
            cache.insert(id(raw), User::default());
            assert!(cache.get(id(1)).is_some(), "after {raw}");
            assert!(cache.young.len() + cache.old.len() <= 8);
        }
        assert!(cache.get(id(2)).is_none());
    }
}
