//! Removal of what dead incarnations left behind, by SCAN.

use std::collections::{BTreeMap, HashMap, HashSet};

use ::redis::Value;

use super::entries::{self, Place, Presence};
use super::link::Op;
use super::{FORGET_AFTER, RedisDirectory, scripts};
use crate::directory::{CometRef, Error};

/// Where the next sweep begins.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    /// Of a cluster: the first slot of the primary that is scanned.
    slot: u16,
    scan: u64,
}

/// An entry of a dead incarnation.
struct Dead {
    comet: CometRef,
    /// Removes it, if it is still what was read.
    remove: Op,
    /// Records it again, as its comet would.
    restore: Op,
}

impl RedisDirectory {
    pub(super) async fn sweep_some(&self, keys_max: usize) -> Result<usize, Error> {
        let mut cursor = self.sweep.lock().await;
        let keys = self.scan(&mut cursor, keys_max.max(1)).await?;
        let dead = self.dead_among(&keys).await?;
        if dead.is_empty() {
            return Ok(0);
        }
        let (mut comets, mut removals, mut restores) = (Vec::new(), Vec::new(), Vec::new());
        for entry in dead {
            comets.push(entry.comet);
            removals.push(entry.remove);
            restores.push(entry.restore);
        }
        // First: whoever does not find an entry any more shall know why.
        self.link.run(vec![self.note_change("sweep")]).await?;
        let mut removed = vec![false; comets.len()];
        for (place, answer) in self.link.run(removals).await?.iter().enumerate() {
            removed[place] = *answer == Value::Int(1);
        }
        // A comet that came back since it was found dead may have announced
        // the very entry before it was removed.
        let back = self.epochs_of(comets.iter()).await?;
        let came_back = |comet: &CometRef| back.get(&comet.id) == Some(&comet.epoch);
        let lost = restores.into_iter().zip(&comets).zip(&removed);
        let lost = lost.filter(|((_, comet), removed)| **removed && came_back(comet));
        self.link.run(lost.map(|((restore, _), _)| restore).collect()).await?;
        Ok(comets.iter().zip(&removed).filter(|(comet, removed)| **removed && !came_back(comet)).count())
    }

    /// The next keys, roughly `keys_max` of them.
    async fn scan(&self, cursor: &mut Cursor, keys_max: usize) -> Result<Vec<String>, Error> {
        let mut scan = ::redis::cmd("SCAN");
        scan.arg(cursor.scan).arg("MATCH").arg(format!("{}*", self.keys.prefix)).arg("COUNT").arg(keys_max);
        let (next, keys): (u64, Vec<String>) = entries::read(self.link.run_at(cursor.slot, scan).await?)?;
        cursor.scan = next;
        if next == 0 {
            let args = vec![FORGET_AFTER.as_secs().to_string()];
            self.link.run(vec![Op::script(&scripts::FORGET_COMETS, self.keys.comets(), args)]).await?;
            if self.link.is_cluster() {
                cursor.slot = self.next_primary(cursor.slot).await?;
            }
        }
        Ok(keys)
    }

    /// First slot of the next primary, in the order of each one's first slot.
    async fn next_primary(&self, slot: u16) -> Result<u16, Error> {
        let mut slots = ::redis::cmd("CLUSTER");
        slots.arg("SLOTS");
        let ranges: Vec<Vec<Value>> = entries::read(self.link.run_at(slot, slots).await?)?;
        let mut first_of: BTreeMap<(String, u16), u16> = BTreeMap::new();
        for range in ranges {
            let mut range = range.into_iter();
            let (Some(from), Some(_), Some(primary)) = (range.next(), range.next(), range.next()) else {
                continue;
            };
            let from: u16 = entries::read(from)?;
            let Value::Array(mut primary) = primary else { continue };
            primary.truncate(2);
            let address: (String, u16) = entries::read(Value::Array(primary))?;
            let first = first_of.entry(address).or_insert(from);
            *first = from.min(*first);
        }
        let later = first_of.values().copied().filter(|&first| first > slot).min();
        Ok(later.or_else(|| first_of.values().copied().min()).unwrap_or(0))
    }

    async fn dead_among(&self, keys: &[String]) -> Result<Vec<Dead>, Error> {
        let kind = |key: &str| Kind::of(key.strip_prefix(&self.keys.prefix).unwrap_or(""));
        let (kinds, keys): (Vec<Kind>, Vec<&String>) =
            keys.iter().filter_map(|key| Some((kind(key)?, key))).unzip();
        let ops = kinds.iter().zip(&keys).map(|(kind, key)| match kind {
            Kind::User | Kind::Room => Op::hash(key),
            Kind::Session => Op::get(key),
        });
        let mut found = Vec::new();
        for ((kind, key), value) in kinds.iter().zip(&keys).zip(self.link.run(ops.collect()).await?) {
            match kind {
                Kind::User => {
                    let fields: HashMap<String, String> = entries::read(value)?;
                    found.extend(fields.into_iter().filter_map(|(field, text)| Dead::user(key, field, text)));
                }
                Kind::Room => {
                    let fields: HashMap<String, String> = entries::read(value)?;
                    found.extend(fields.into_iter().filter_map(|(field, text)| Dead::room(key, field, text)));
                }
                Kind::Session => {
                    let text: Option<String> = entries::read(value)?;
                    found.extend(text.and_then(|text| Dead::session(key, text)));
                }
            }
        }
        let live = self.epochs_of(found.iter().map(|entry| &entry.comet)).await?;
        found.retain(|entry| live.get(&entry.comet.id) != Some(&entry.comet.epoch));
        Ok(found)
    }

    /// The live epochs of the comets named, asked for now.
    async fn epochs_of(
        &self,
        comets: impl Iterator<Item = &CometRef> + Send,
    ) -> Result<HashMap<String, i64>, Error> {
        let ids: Vec<String> =
            comets.map(|comet| comet.id.clone()).collect::<HashSet<_>>().into_iter().collect();
        let answers = self.link.run(ids.iter().map(|id| self.epoch_op(id)).collect()).await?;
        Ok(ids
            .into_iter()
            .zip(answers)
            .filter_map(|(id, answer)| Some((id, entries::epoch(answer)?)))
            .collect())
    }
}

/// Kinds of keys that hold entries.
#[derive(Debug, Clone, Copy)]
enum Kind {
    User,
    Session,
    Room,
}

impl Kind {
    fn of(key: &str) -> Option<Self> {
        match key.split_once(':')?.0 {
            "user" => Some(Self::User),
            "session" => Some(Self::Session),
            "room" => Some(Self::Room),
            _ => None,
        }
    }
}

impl Dead {
    fn user(key: &str, field: String, text: String) -> Option<Self> {
        let Place { comet, version } = text.parse().ok()?;
        let platform = text.splitn(4, '|').nth(3).unwrap_or_default().to_owned();
        let mut args = numbers(&comet, version);
        args.insert(2, field.clone());
        args.push(platform);
        let restore = Op::script(&scripts::ADD_TO_USER, key.to_owned(), args);
        let remove = Op::script(&scripts::REMOVE_FIELD_EXACT, key.to_owned(), vec![field, text]);
        Some(Self { comet, remove, restore })
    }

    fn session(key: &str, text: String) -> Option<Self> {
        let Place { comet, version } = text.parse().ok()?;
        let restore = Op::script(&scripts::ADD_SESSION, key.to_owned(), numbers(&comet, version));
        let remove = Op::script(&scripts::REMOVE_EXACT, key.to_owned(), vec![text]);
        Some(Self { comet, remove, restore })
    }

    fn room(key: &str, field: String, text: String) -> Option<Self> {
        let Presence { comet, version, left } = Presence::parse(field.clone(), &text)?;
        let mut args = numbers(&comet, version);
        let script = if left {
            args.push(crate::directory::LEFT_KEPT.as_millis().to_string());
            &scripts::LEAVE_ROOM
        } else {
            &scripts::ENTER_ROOM
        };
        let restore = Op::script(script, key.to_owned(), args);
        let remove = Op::script(&scripts::REMOVE_FIELD_EXACT, key.to_owned(), vec![field, text]);
        Some(Self { comet, remove, restore })
    }
}

fn numbers(comet: &CometRef, version: i64) -> Vec<String> {
    vec![comet.id.clone(), comet.epoch.to_string(), version.to_string()]
}
