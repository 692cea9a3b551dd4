//! The directory inside one process.

mod comets;
mod nodes;
mod questions;
mod rooms;
mod sessions;
mod sweep;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tonic::async_trait;

use super::attempts::Attempts;
use super::{
    Answer, Attempt, AttemptKey, AttemptRules, Census, CometInfo, CometRef, Directory, Error, Lookup,
    NodeEntry, Question, Renewal, RoomEntry, Routes, SessionEntry, Settled, UserSession,
};
use crate::ids::{RoomKey, SessionKey, UserId};

/// The directory inside one process. Share it behind an `Arc`.
#[derive(Debug, Default)]
pub struct MemoryDirectory {
    state: Mutex<State>,
    /// Changes of the comets since the start, wipes included.
    changes: AtomicU64,
    /// A question was put.
    asked: Notify,
}

#[derive(Debug, Default)]
struct State {
    comets: comets::Comets,
    sessions: sessions::Sessions,
    rooms: rooms::Rooms,
    census: Option<Census>,
    sweep_from: sweep::Cursor,
    nodes: nodes::Nodes,
    /// Made with the first one.
    attempts: Option<Attempts>,
    questions: questions::Questions,
}

impl MemoryDirectory {
    /// Forgets everything, as a wiped Redis does.
    pub fn wipe(&self) {
        *self.state.lock() = State::default();
    }

    fn new_census(&self) -> Option<Census> {
        Some(Census(self.changes.fetch_add(1, Ordering::Relaxed).to_string()))
    }
}

#[async_trait]
impl Directory for MemoryDirectory {
    async fn renew(&self, info: &CometInfo, lease: Duration) -> Result<Renewal, Error> {
        info.comet.check()?;
        let mut state = self.state.lock();
        let (renewal, is_changed) = state.comets.renew(info, lease)?;
        if is_changed {
            state.census = self.new_census();
        }
        Ok(renewal)
    }

    async fn retire(&self, comet: &CometRef) -> Result<(), Error> {
        let mut state = self.state.lock();
        state.comets.retire(comet);
        state.census = self.new_census();
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

    async fn look_up(
        &self,
        users: &[UserId],
        keys: &[SessionKey],
        rooms: &[RoomKey],
    ) -> Result<Lookup, Error> {
        let state = self.state.lock();
        let lapsed = RefCell::new(BTreeSet::new());
        let live = |comet: &CometRef| {
            let is_live = state.comets.is_live(comet);
            if !is_live {
                lapsed.borrow_mut().insert(comet.clone());
            }
            is_live
        };
        let users = users.iter().filter_map(|user| Some((*user, state.sessions.comets_of(*user, live)?)));
        let keys = keys.iter().filter_map(|key| Some((key.clone(), state.sessions.comet_of(key, live)?)));
        let rooms = rooms.iter().filter_map(|room| Some((room.clone(), state.rooms.comets_of(room, live)?)));
        let routes = Routes { users: users.collect(), keys: keys.collect(), rooms: rooms.collect() };
        let lapsed = lapsed.take().into_iter().collect();
        Ok(Lookup { routes, lapsed, census: state.census.clone() })
    }

    async fn sessions(&self, user: UserId) -> Result<Vec<UserSession>, Error> {
        let state = self.state.lock();
        Ok(state.sessions.of_user(user, |comet| state.comets.is_live(comet)))
    }

    async fn restate_sessions(&self, comet: &CometRef, sessions: &[SessionEntry]) -> Result<(), Error> {
        let mut state = self.state.lock();
        sessions.iter().for_each(|entry| state.sessions.restate(comet, entry));
        Ok(())
    }

    async fn present(&self, users: &[UserId]) -> Result<HashMap<UserId, Vec<String>>, Error> {
        let state = self.state.lock();
        let of = |user: &UserId| {
            let sessions = state.sessions.of_user(*user, |comet| state.comets.is_live(comet));
            let platforms: Vec<String> = sessions.into_iter().map(|session| session.platform).collect();
            (!platforms.is_empty()).then_some((*user, platforms))
        };
        Ok(users.iter().filter_map(of).collect())
    }

    async fn sweep(&self, keys_max: usize) -> Result<usize, Error> {
        let mut state = self.state.lock();
        let removed = state.sweep(keys_max);
        if removed > 0 {
            state.census = self.new_census();
        }
        Ok(removed)
    }

    async fn announce_node(&self, node: &NodeEntry, lease: Duration) -> Result<(), Error> {
        node.to_json()?;
        self.state.lock().nodes.announce(node, lease);
        Ok(())
    }

    async fn nodes(&self) -> Result<Vec<NodeEntry>, Error> {
        Ok(self.state.lock().nodes.live())
    }

    async fn attempt(&self, key: &AttemptKey, rules: &AttemptRules) -> Result<Attempt, Error> {
        let mut state = self.state.lock();
        let attempts = state.attempts.get_or_insert_with(|| Attempts::new(rules.remembered_max));
        Ok(attempts.attempt(*key, rules, Instant::now()))
    }

    async fn settle(&self, key: &AttemptKey, settled: Settled) -> Result<(), Error> {
        if let Some(attempts) = &mut self.state.lock().attempts {
            attempts.settle(*key, settled, Instant::now());
        }
        Ok(())
    }

    async fn ask(&self, question: &Question) -> Result<(), Error> {
        question.to_json()?;
        self.state.lock().questions.ask(question.clone());
        self.asked.notify_one();
        Ok(())
    }

    async fn questions(&self) -> Result<Vec<Question>, Error> {
        Ok(self.state.lock().questions.live())
    }

    async fn asked(&self) {
        self.asked.notified().await;
    }

    async fn answer(&self, answer: &Answer) -> Result<(), Error> {
        answer.to_json()?;
        self.state.lock().questions.answer(answer);
        Ok(())
    }

    async fn answers(&self, question: &str) -> Result<Vec<Answer>, Error> {
        Ok(self.state.lock().questions.answers(question))
    }

    async fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}
