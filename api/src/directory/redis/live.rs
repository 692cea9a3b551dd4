//! Which comets are live, as a reader knows it.
//!
//! That a comet is live is remembered for a short time; that one is not,
//! never: an entry that names an incarnation not remembered as live makes the
//! reader ask. So a comet that renewed before it registered anything is seen
//! by whoever finds the registration.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use ::redis::Value;
use parking_lot::Mutex;

use super::link::Op;
use super::{RedisDirectory, entries};
use crate::directory::{CometRef, Error};

#[derive(Debug)]
pub(super) struct LiveComets {
    cached: Duration,
    /// Epoch of each comet, and when it was asked for.
    epochs: Mutex<HashMap<String, (i64, Instant)>>,
}

/// Comets to ask for again, and since when the answers hold.
pub(super) struct Aged {
    pub(super) ids: Vec<String>,
    asked_at: Instant,
}

impl LiveComets {
    pub(super) fn new(cached: Duration) -> Self {
        Self { cached, epochs: Mutex::default() }
    }

    /// The comets whose answer is no longer good.
    pub(super) fn aged(&self) -> Aged {
        let epochs = self.epochs.lock();
        let aged = epochs.iter().filter(|(_, (_, at))| at.elapsed() >= self.cached);
        Aged { ids: aged.map(|(id, _)| id.clone()).collect(), asked_at: Instant::now() }
    }

    /// Remembers those that are live and forgets those that are not.
    pub(super) fn refreshed(&self, asked: &Aged, answers: Vec<Value>) {
        let mut epochs = self.epochs.lock();
        for (id, answer) in asked.ids.iter().zip(answers) {
            match entries::epoch(answer) {
                Some(epoch) => epochs.insert(id.clone(), (epoch, asked.asked_at)),
                None => epochs.remove(id),
            };
        }
    }

    pub(super) fn forget(&self, id: &str) {
        self.epochs.lock().remove(id);
    }

    /// Splits incarnations into those known to be live and the comets to ask for.
    fn known<'a>(&self, named: impl Iterator<Item = &'a CometRef>) -> (HashSet<CometRef>, Aged) {
        let epochs = self.epochs.lock();
        let (mut live, mut unknown) = (HashSet::new(), HashSet::new());
        for comet in named {
            if live.contains(comet) {
                continue;
            }
            match epochs.get(&comet.id) {
                Some((epoch, at)) if *epoch == comet.epoch && at.elapsed() < self.cached => {
                    live.insert(comet.clone());
                }
                _ => {
                    unknown.insert(comet.id.clone());
                }
            }
        }
        (live, Aged { ids: unknown.into_iter().collect(), asked_at: Instant::now() })
    }
}

impl RedisDirectory {
    /// Asks for the epoch of a comet without the rest of its value.
    pub(super) fn epoch_op(&self, id: &str) -> Op {
        let mut cmd = ::redis::cmd("GETRANGE");
        // The longest epoch has 20 characters, and a bar ends it.
        cmd.arg(self.keys.comet(id)).arg(0).arg(20);
        Op::plain(cmd)
    }

    /// Those of the named incarnations that are live.
    pub(super) async fn live_among(
        &self,
        named: impl Iterator<Item = &CometRef> + Clone + Send,
    ) -> Result<HashSet<CometRef>, Error> {
        let (mut live, unknown) = self.live.known(named.clone());
        if unknown.ids.is_empty() {
            return Ok(live);
        }
        let answers = self.link.run(unknown.ids.iter().map(|id| self.epoch_op(id)).collect()).await?;
        let epochs = answers.iter().map(|answer| entries::epoch(answer.clone()));
        let epochs: HashMap<&str, Option<i64>> = unknown.ids.iter().map(String::as_str).zip(epochs).collect();
        let is_live = |comet: &&CometRef| epochs.get(comet.id.as_str()) == Some(&Some(comet.epoch));
        live.extend(named.filter(is_live).cloned());
        self.live.refreshed(&unknown, answers);
        Ok(live)
    }
}
