//! Which comets are live, as a reader knows it.
//!
//! That a comet is live is remembered for a short time; that one is not,
//! never: an entry that names an incarnation not remembered as live makes the
//! reader ask. So a comet that renewed before it registered anything is seen
//! by whoever finds the registration.
//!
//! What was named lately is asked for again along with the next look-up, which
//! spares that a round trip; up to a bound, as of many comets a look-up names
//! few.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use ::redis::Value;
use parking_lot::Mutex;

use super::link::Op;
use super::{RedisDirectory, entries};
use crate::directory::{CometRef, Error};

/// Comets asked for again along with one look-up.
const ASKED_ALONG_MAX: usize = 32;

#[derive(Debug)]
pub(super) struct LiveComets {
    cached: Duration,
    live: Mutex<HashMap<String, Live>>,
}

#[derive(Debug)]
struct Live {
    epoch: i64,
    asked_at: Instant,
    /// Something named it since.
    is_named: bool,
}

/// Comets to ask for.
pub(super) struct Asked {
    pub(super) ids: Vec<String>,
    /// Since when the answers hold.
    at: Instant,
    /// Something named them, now.
    is_named: bool,
}

impl LiveComets {
    pub(super) fn new(cached: Duration) -> Self {
        Self { cached, live: Mutex::default() }
    }

    /// Takes out the comets whose answer is no longer good. Those that were
    /// named since are to be asked for.
    pub(super) fn aged(&self) -> Asked {
        let at = Instant::now();
        let mut live = self.live.lock();
        let aged = live.extract_if(|_, live| at >= live.asked_at + self.cached);
        let mut ids: Vec<String> = aged.filter(|(_, live)| live.is_named).map(|(id, _)| id).collect();
        ids.truncate(ASKED_ALONG_MAX);
        Asked { ids, at, is_named: false }
    }

    /// Remembers those that are live and forgets those that are not.
    pub(super) fn answered(&self, asked: Asked, answers: Vec<Value>) {
        let Asked { ids, at, is_named } = asked;
        let mut live = self.live.lock();
        for (id, answer) in ids.into_iter().zip(answers) {
            match entries::epoch(answer) {
                Some(epoch) => live.insert(id, Live { epoch, asked_at: at, is_named }),
                None => live.remove(&id),
            };
        }
    }

    pub(super) fn forget(&self, id: &str) {
        self.live.lock().remove(id);
    }

    /// Splits incarnations into those known to be live and the comets to ask for.
    fn known<'a>(&self, named: impl Iterator<Item = &'a CometRef>) -> (HashSet<CometRef>, Asked) {
        let at = Instant::now();
        let mut known = self.live.lock();
        let (mut live, mut unknown) = (HashSet::new(), HashSet::new());
        for comet in named {
            if live.contains(comet) {
                continue;
            }
            match known.get_mut(&comet.id) {
                Some(known) if known.epoch == comet.epoch && at < known.asked_at + self.cached => {
                    known.is_named = true;
                    live.insert(comet.clone());
                }
                _ => {
                    unknown.insert(comet.id.clone());
                }
            }
        }
        (live, Asked { ids: unknown.into_iter().collect(), at, is_named: true })
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
        self.live.answered(unknown, answers);
        Ok(live)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(live: &LiveComets, ids: impl Iterator<Item = u32>) -> Asked {
        let comets: Vec<CometRef> = ids.map(|id| CometRef { id: id.to_string(), epoch: 1 }).collect();
        live.known(comets.iter()).1
    }

    fn all_live(live: &LiveComets, asked: Asked) {
        let answers = vec![Value::BulkString(b"1|".to_vec()); asked.ids.len()];
        live.answered(asked, answers);
    }

    #[test]
    fn what_was_named_is_asked_for_again_once_and_of_many_only_some() {
        let live = LiveComets::new(Duration::ZERO);
        all_live(&live, named(&live, 0..3));
        let again = live.aged();
        assert_eq!(again.ids.len(), 3);
        all_live(&live, again);
        assert!(live.aged().ids.is_empty(), "nothing named them since");
        all_live(&live, named(&live, 0..1000));
        assert_eq!(live.aged().ids.len(), ASKED_ALONG_MAX);
        assert!(live.live.lock().is_empty(), "the others are forgotten");
    }

    #[test]
    fn what_is_named_while_it_is_known_is_asked_for_again() {
        let live = LiveComets::new(Duration::from_secs(3600));
        all_live(&live, named(&live, 0..1));
        assert!(named(&live, 0..1).ids.is_empty(), "it is known");
        assert!(live.aged().ids.is_empty(), "it has not aged");
        let known = |is_named| live.live.lock().values().all(|live| live.is_named == is_named);
        assert!(known(true));
        let asked = Asked { ids: vec!["0".to_owned()], at: Instant::now(), is_named: false };
        all_live(&live, asked);
        assert!(known(false));
        assert!(named(&live, 0..1).ids.is_empty());
        assert!(known(true));
    }
}
