//! The directory inside one process.

mod comets;
mod rooms;
mod sessions;
mod sweep;

use std::time::Duration;

use parking_lot::Mutex;
use tonic::async_trait;

use super::{CometInfo, CometRef, Directory, Error, Renewal, RoomEntry, Routes, SessionEntry};
use crate::ids::{RoomKey, SessionKey, UserId};

/// The directory inside one process. Share it behind an `Arc`.
#[derive(Debug, Default)]
pub struct MemoryDirectory {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    comets: comets::Comets,
    sessions: sessions::Sessions,
    rooms: rooms::Rooms,
    sweep_from: sweep::Cursor,
}

impl MemoryDirectory {
    /// Forgets everything, as a wiped Redis does.
    pub fn wipe(&self) {
        *self.state.lock() = State::default();
    }
}

#[async_trait]
impl Directory for MemoryDirectory {
    async fn renew(&self, info: &CometInfo, lease: Duration) -> Result<Renewal, Error> {
        info.comet.check()?;
        self.state.lock().comets.renew(info, lease)
    }

    async fn retire(&self, comet: &CometRef) -> Result<(), Error> {
        self.state.lock().comets.retire(comet);
        Ok(())
    }

    async fn comets(&self) -> Result<Vec<CometInfo>, Error> {
        Ok(self.state.lock().comets.live().cloned().collect())
    }

    async fn add_sessions(&self, comet: &CometRef, sessions: &[SessionEntry]) -> Result<(), Error> {
        comet.check()?;
        let mut state = self.state.lock();
        let comet = state.comets.shared(comet);
        sessions.iter().for_each(|entry| state.sessions.add(&comet, entry));
        Ok(())
    }

    async fn remove_sessions(&self, comet: &CometRef, sessions: &[SessionEntry]) -> Result<(), Error> {
        let mut state = self.state.lock();
        sessions.iter().for_each(|entry| state.sessions.remove(comet, entry));
        Ok(())
    }

    async fn enter_rooms(&self, comet: &CometRef, rooms: &[RoomEntry]) -> Result<(), Error> {
        comet.check()?;
        let mut state = self.state.lock();
        let comet = state.comets.shared(comet);
        rooms.iter().for_each(|entry| state.rooms.enter(&comet, entry));
        Ok(())
    }

    async fn leave_rooms(&self, comet: &CometRef, rooms: &[RoomEntry]) -> Result<(), Error> {
        comet.check()?;
        let mut state = self.state.lock();
        let comet = state.comets.shared(comet);
        rooms.iter().for_each(|entry| state.rooms.leave(&comet, entry));
        Ok(())
    }

    async fn route(&self, users: &[UserId], keys: &[SessionKey], rooms: &[RoomKey]) -> Result<Routes, Error> {
        let state = self.state.lock();
        let live = |comet: &CometRef| state.comets.is_live(comet);
        let users = users.iter().filter_map(|user| Some((*user, state.sessions.comets_of(*user, live)?)));
        let keys = keys.iter().filter_map(|key| Some((key.clone(), state.sessions.comet_of(key, live)?)));
        let rooms = rooms.iter().filter_map(|room| Some((room.clone(), state.rooms.comets_of(room, live)?)));
        Ok(Routes { users: users.collect(), keys: keys.collect(), rooms: rooms.collect() })
    }

    async fn sweep(&self, keys_max: usize) -> Result<usize, Error> {
        Ok(self.state.lock().sweep(keys_max))
    }

    async fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}
