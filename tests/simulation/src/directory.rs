//! The directory as a process reaches it: late, at times not at all, and with answers that are lost on the way back.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use oort_api::directory::memory::MemoryDirectory;
use oort_api::directory::{
    CometInfo, CometRef, Directory, Error, Lookup, NodeEntry, Renewal, RoomEntry, SessionEntry, UserSession,
};
use oort_api::ids::{RoomKey, SessionKey, UserId};
use tokio::time::sleep;
use tonic::async_trait;

use crate::dice;
use crate::life::Life;

/// The directory of a run.
#[derive(Debug, Default)]
pub(crate) struct Soft {
    pub(crate) memory: MemoryDirectory,
    /// Nothing is answered.
    pub(crate) is_down: AtomicBool,
}

/// The way of one incarnation to the directory.
#[derive(Debug)]
pub(crate) struct DirectoryLink {
    pub(crate) soft: Arc<Soft>,
    pub(crate) life: Life,
}

fn down() -> Error {
    Error::Unavailable("the simulation says so".to_owned())
}

macro_rules! calls {
    ($(fn $name:ident(&self $(, $argument:ident: $type:ty)*) -> $returns:ty;)*) => {
        #[async_trait]
        impl Directory for DirectoryLink {
            $(async fn $name(&self $(, $argument: $type)*) -> Result<$returns, Error> {
                self.life.guard(async {
                    sleep(dice::latency()).await;
                    if self.soft.is_down.load(Ordering::Relaxed) {
                        sleep(dice::ms(1, 100)).await;
                        return Err(down());
                    }
                    let done = self.soft.memory.$name($($argument),*).await;
                    sleep(dice::latency()).await;
                    if dice::chance(5) { Err(down()) } else { done }
                }).await
            })*
        }
    };
}

calls! {
    fn renew(&self, info: &CometInfo, lease: Duration) -> Renewal;
    fn retire(&self, comet: &CometRef) -> ();
    fn comets(&self) -> Vec<CometInfo>;
    fn add_sessions(&self, comet: &CometRef, sessions: &[SessionEntry]) -> ();
    fn remove_sessions(&self, comet: &CometRef, sessions: &[SessionEntry]) -> ();
    fn enter_rooms(&self, comet: &CometRef, rooms: &[RoomEntry]) -> ();
    fn leave_rooms(&self, comet: &CometRef, rooms: &[RoomEntry]) -> ();
    fn look_up(&self, users: &[UserId], keys: &[SessionKey], rooms: &[RoomKey]) -> Lookup;
    fn sessions(&self, user: UserId) -> Vec<UserSession>;
    fn restate_sessions(&self, comet: &CometRef, sessions: &[SessionEntry]) -> ();
    fn present(&self, users: &[UserId]) -> HashMap<UserId, Vec<String>>;
    fn sweep(&self, keys_max: usize) -> usize;
    fn announce_node(&self, node: &NodeEntry, lease: Duration) -> ();
    fn nodes(&self) -> Vec<NodeEntry>;
    fn check(&self) -> ();
}
