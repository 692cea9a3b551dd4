//! A directory that lets something happen once a session is recorded.

use std::fmt;
use std::time::Duration;

use oort_api::directory::memory::MemoryDirectory;
use oort_api::directory::{
    CometInfo, CometRef, Directory, Error, Lookup, NodeEntry, Renewal, RoomEntry, SessionEntry, UserSession,
};
use oort_api::ids::{RoomKey, SessionKey, UserId};
use parking_lot::Mutex;
use tonic::async_trait;

type Then = Box<dyn FnOnce() -> futures_util::future::BoxFuture<'static, ()> + Send>;

/// In memory.
#[derive(Default)]
pub(crate) struct TestDirectory {
    inner: MemoryDirectory,
    /// Runs after the next session is recorded, before whoever records it goes on.
    pub(crate) then: Mutex<Option<Then>>,
}

impl fmt::Debug for TestDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestDirectory").finish_non_exhaustive()
    }
}

#[async_trait]
impl Directory for TestDirectory {
    async fn renew(&self, info: &CometInfo, lease: Duration) -> Result<Renewal, Error> {
        self.inner.renew(info, lease).await
    }
    async fn retire(&self, comet: &CometRef) -> Result<(), Error> {
        self.inner.retire(comet).await
    }
    async fn comets(&self) -> Result<Vec<CometInfo>, Error> {
        self.inner.comets().await
    }
    async fn add_sessions(&self, comet: &CometRef, sessions: &[SessionEntry]) -> Result<(), Error> {
        self.inner.add_sessions(comet, sessions).await?;
        let then = self.then.lock().take();
        if let Some(then) = then {
            then().await;
        }
        Ok(())
    }
    async fn remove_sessions(&self, comet: &CometRef, sessions: &[SessionEntry]) -> Result<(), Error> {
        self.inner.remove_sessions(comet, sessions).await
    }
    async fn enter_rooms(&self, comet: &CometRef, rooms: &[RoomEntry]) -> Result<(), Error> {
        self.inner.enter_rooms(comet, rooms).await
    }
    async fn leave_rooms(&self, comet: &CometRef, rooms: &[RoomEntry]) -> Result<(), Error> {
        self.inner.leave_rooms(comet, rooms).await
    }
    async fn look_up(
        &self,
        users: &[UserId],
        keys: &[SessionKey],
        rooms: &[RoomKey],
    ) -> Result<Lookup, Error> {
        self.inner.look_up(users, keys, rooms).await
    }
    async fn sessions(&self, user: UserId) -> Result<Vec<UserSession>, Error> {
        self.inner.sessions(user).await
    }
    async fn sweep(&self, keys_max: usize) -> Result<usize, Error> {
        self.inner.sweep(keys_max).await
    }
    async fn announce_node(&self, node: &NodeEntry, lease: Duration) -> Result<(), Error> {
        self.inner.announce_node(node, lease).await
    }
    async fn nodes(&self) -> Result<Vec<NodeEntry>, Error> {
        self.inner.nodes().await
    }
    async fn check(&self) -> Result<(), Error> {
        self.inner.check().await
    }
}
