//! A directory that says what a test told it.

use std::collections::HashMap;
use std::time::Duration;

use oort_api::directory::{
    CometInfo, CometRef, Directory, Error, Lookup, NodeEntry, Renewal, RoomEntry, SessionEntry, UserSession,
};
use oort_api::ids::{RoomKey, SessionKey, UserId};
use parking_lot::Mutex;

#[derive(Debug, Default)]
pub(super) struct FixedDirectory {
    comets: Mutex<Vec<CometInfo>>,
    failure: Mutex<Option<Failure>>,
    pub(super) sessions: Mutex<HashMap<UserId, Vec<UserSession>>>,
    pub(super) nodes: Mutex<Vec<NodeEntry>>,
}

/// What becomes of a look at it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Failure {
    Panic,
    Unavailable,
}

impl FixedDirectory {
    pub(super) fn set(&self, comet: CometInfo) {
        self.comets.lock().push(comet);
    }

    pub(super) fn fail(&self, failure: Failure) {
        *self.failure.lock() = Some(failure);
    }
}

#[tonic::async_trait]
impl Directory for FixedDirectory {
    async fn renew(&self, _: &CometInfo, _: Duration) -> Result<Renewal, Error> {
        Ok(Renewal::Known)
    }

    async fn retire(&self, _: &CometRef) -> Result<(), Error> {
        Ok(())
    }

    async fn comets(&self) -> Result<Vec<CometInfo>, Error> {
        let failure = *self.failure.lock();
        match failure {
            None => Ok(self.comets.lock().clone()),
            Some(Failure::Unavailable) => Err(Error::Unavailable("cut".to_owned())),
            Some(Failure::Panic) => panic!("something secret"),
        }
    }

    async fn add_sessions(&self, _: &CometRef, _: &[SessionEntry]) -> Result<(), Error> {
        Ok(())
    }

    async fn remove_sessions(&self, _: &CometRef, _: &[SessionEntry]) -> Result<(), Error> {
        Ok(())
    }

    async fn enter_rooms(&self, _: &CometRef, _: &[RoomEntry]) -> Result<(), Error> {
        Ok(())
    }

    async fn leave_rooms(&self, _: &CometRef, _: &[RoomEntry]) -> Result<(), Error> {
        Ok(())
    }

    async fn look_up(&self, _: &[UserId], _: &[SessionKey], _: &[RoomKey]) -> Result<Lookup, Error> {
        Ok(Lookup::default())
    }

    async fn sessions(&self, user: UserId) -> Result<Vec<UserSession>, Error> {
        Ok(self.sessions.lock().get(&user).cloned().unwrap_or_default())
    }

    async fn sweep(&self, _: usize) -> Result<usize, Error> {
        Ok(0)
    }

    async fn announce_node(&self, node: &NodeEntry, _: Duration) -> Result<(), Error> {
        self.nodes.lock().push(node.clone());
        Ok(())
    }

    async fn nodes(&self) -> Result<Vec<NodeEntry>, Error> {
        Ok(self.nodes.lock().clone())
    }

    async fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}
