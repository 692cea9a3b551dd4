//! Transient pushes: not stored, straight to the bus, answered when the bus
//! has them; they reach whoever is online, at least once.
//!
//! A push to many users or sessions travels as one record per *lane*, and the
//! lane is a function of the user or session alone: so pushes to one of them
//! keep their order, and a push to thousands costs a bounded number of records.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use oort_api::bus::{Error, Producer, Record};
use oort_api::clock::now_ms;
use oort_api::error::Refusal;
use oort_api::ids::{RoomKey, SessionKey, UserId};
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::goim::logic::push_msg::Type;
use oort_api::{Code, op};
use prost::Message as _;
use serde::Deserialize;

use crate::metrics::Metrics;

/// Settings of [`Pushes`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Largest body, bytes.
    pub body_bytes_max: usize,
    /// Users or sessions named in one push.
    pub targets_max: usize,
    /// Pushes in one batch.
    pub batch_max: usize,
    /// Longest wait for the bus, ms; then the push is refused with
    /// `unavailable` (and may arrive all the same).
    pub patience_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { body_bytes_max: 64 * 1024, targets_max: 10_000, batch_max: 1_000, patience_ms: 2_000 }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        // Records of the bus hold 1 MB with what surrounds the body.
        if !(1..=512 * 1024).contains(&self.body_bytes_max) {
            faults.push("body_bytes_max is not within 1 to 524288".to_owned());
        }
        if self.targets_max == 0 || self.targets_max > 100_000 {
            faults.push("targets_max is not within 1 to 100000".to_owned());
        }
        if self.batch_max == 0 || self.batch_max > 10_000 {
            faults.push("batch_max is not within 1 to 10000".to_owned());
        }
        if self.patience_ms == 0 {
            faults.push("patience_ms is 0".to_owned());
        }
        faults
    }
}

/// What to push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The frame's operation (see [`oort_api::op`]): an application's own, or
    /// [`op::SEND_MESSAGE`] for an opaque text to JSON clients.
    pub operation: i32,
    /// The frame's body.
    pub body: Bytes,
    /// W3C traceparent, empty = none.
    pub traceparent: String,
}

/// Transient pushes.
#[derive(Debug)]
pub struct Pushes {
    config: Config,
    producer: Arc<dyn Producer>,
    metrics: Metrics,
}

/// Records that a push to many is split into, at most.
const LANES: u64 = 64;

impl Pushes {
    /// Pushes go to `producer`.
    #[must_use]
    pub fn new(config: Config, producer: Arc<dyn Producer>, metrics: Metrics) -> Self {
        Self { config, producer, metrics }
    }

    /// To every session of these users.
    ///
    /// # Errors
    /// `invalid_field`, `too_large`, `overloaded`, or `unavailable` when the bus is.
    pub async fn to_users(&self, users: Vec<UserId>, push: Push) -> Result<(), Refusal> {
        let records = self.check(&push, users.len()).map(|()| {
            let lanes = split(users, user_lane);
            lanes.map(|(lane, users)| to_users(lane, users, &push))
        });
        self.publish(1, records).await
    }

    /// Several pushes, each to every session of one user, in one go: all of them or, when one cannot be, none. Those to
    /// one user keep their order.
    ///
    /// # Errors
    /// As [`Self::to_users`]; with `unavailable` some of them may arrive all the same.
    pub async fn to_each(&self, pushes: Vec<(UserId, Push)>) -> Result<(), Refusal> {
        let count = pushes.len();
        let records = self
            .check_each(&pushes)
            .map(|()| pushes.into_iter().map(|(user, push)| to_users(user_lane(&user), vec![user], &push)));
        self.publish(count as u64, records).await
    }

    /// To the sessions with these keys.
    ///
    /// # Errors
    /// As [`Self::to_users`].
    pub async fn to_keys(&self, keys: Vec<SessionKey>, push: Push) -> Result<(), Refusal> {
        let records = self.check(&push, keys.len()).map(|()| {
            let lanes = split(keys, |key| fnv1a(key.as_str().as_bytes()) % LANES);
            lanes.map(|(lane, keys)| {
                let keys = keys.iter().map(|key| key.as_str().to_owned()).collect();
                record(format!("key-lane-{lane}"), &push, PushMsg { keys, ..PushMsg::default() })
            })
        });
        self.publish(1, records).await
    }

    /// To the members of a room: a conversation's, or goim's `type://id`.
    ///
    /// # Errors
    /// As [`Self::to_users`].
    pub async fn to_room(&self, room: RoomKey, push: Push) -> Result<(), Refusal> {
        let records = self.check(&push, 1).map(|()| {
            let message = PushMsg { r#type: Type::Room.into(), room: room.to_string(), ..PushMsg::default() };
            std::iter::once(record(room.to_string(), &push, message))
        });
        self.publish(1, records).await
    }

    /// To everyone, at `speed` frames per second over all comets (0 = at once).
    ///
    /// # Errors
    /// As [`Self::to_users`].
    pub async fn to_all(&self, speed: i32, push: Push) -> Result<(), Refusal> {
        let checked = match speed {
            0.. => self.check(&push, 1),
            _ => Err(Refusal::new(Code::InvalidField, "speed is negative")),
        };
        let records = checked.map(|()| {
            let message = PushMsg { r#type: Type::Broadcast.into(), speed, ..PushMsg::default() };
            std::iter::once(record("all".to_owned(), &push, message))
        });
        self.publish(1, records).await
    }

    fn check_each(&self, pushes: &[(UserId, Push)]) -> Result<(), Refusal> {
        if pushes.is_empty() || pushes.len() > self.config.batch_max {
            let text = format!("a batch has 1 to {} pushes", self.config.batch_max);
            return Err(Refusal::new(Code::InvalidField, text));
        }
        for (number, (_, push)) in pushes.iter().enumerate() {
            self.check(push, 1).map_err(|refusal| {
                Refusal::new(refusal.code, format!("pushes[{number}]: {}", refusal.message))
            })?;
        }
        Ok(())
    }

    fn check(&self, push: &Push, targets: usize) -> Result<(), Refusal> {
        let invalid = |text: String| Err(Refusal::new(Code::InvalidField, text));
        // Comets read the bodies of these themselves.
        let is_reserved = matches!(push.operation, 0..=3 | 6..=17 | op::CONVERSATION..=op::CHANGE);
        if is_reserved || push.operation < 0 {
            return invalid(format!("operation {} is not an application's", push.operation));
        }
        if push.body.len() > self.config.body_bytes_max {
            let text = format!("the body is larger than {} bytes", self.config.body_bytes_max);
            return Err(Refusal::new(Code::TooLarge, text));
        }
        if targets == 0 || targets > self.config.targets_max {
            return invalid(format!("a push names 1 to {} receivers", self.config.targets_max));
        }
        Ok(())
    }

    async fn publish(
        &self,
        pushes: u64,
        records: Result<impl Iterator<Item = Record>, Refusal>,
    ) -> Result<(), Refusal> {
        let outcome = match records {
            Ok(records) => self.hand_over(pushes, records.collect()).await,
            Err(refusal) => Err(refusal),
        };
        outcome.inspect_err(|refusal| {
            self.metrics.pushes_refused.get_or_create(&refusal.code.into()).inc();
        })
    }

    async fn hand_over(&self, pushes: u64, records: Vec<Record>) -> Result<(), Refusal> {
        let count = records.len() as u64;
        let patience = Duration::from_millis(self.config.patience_ms);
        self.producer.publish(records, patience).await.map_err(refused)?;
        self.metrics.pushes.inc_by(pushes);
        self.metrics.push_records.inc_by(count);
        Ok(())
    }
}

fn refused(error: Error) -> Refusal {
    match error {
        Error::Full => Refusal::new(Code::Overloaded, "too many pushes wait for the bus; try again"),
        Error::TooLarge { .. } => Refusal::new(Code::TooLarge, "the push is larger than the bus takes"),
        Error::Unavailable(cause) | Error::Config(cause) => {
            tracing::debug!(%cause, "a push was not published");
            Refusal::new(Code::Unavailable, "the bus does not answer; try again")
        }
    }
}

fn split<T>(targets: Vec<T>, lane: impl Fn(&T) -> u64) -> impl Iterator<Item = (u64, Vec<T>)> {
    let mut lanes: BTreeMap<u64, Vec<T>> = BTreeMap::new();
    for target in targets {
        lanes.entry(lane(&target)).or_default().push(target);
    }
    lanes.into_iter()
}

/// Where a push to this user goes: the same for each of them, so that they keep their order.
fn user_lane(user: &UserId) -> u64 {
    user.get().unsigned_abs() % LANES
}

fn to_users(lane: u64, users: Vec<UserId>, push: &Push) -> Record {
    let user_ids = users.into_iter().map(UserId::get).collect();
    record(format!("user-lane-{lane}"), push, PushMsg { user_ids, ..PushMsg::default() })
}

fn record(key: String, push: &Push, whom: PushMsg) -> Record {
    let message = PushMsg {
        operation: push.operation,
        msg: push.body.clone(),
        created_at_ms: now_ms(),
        traceparent: push.traceparent.clone(),
        ..whom
    };
    let traceparent = Some(push.traceparent.clone()).filter(|traceparent| !traceparent.is_empty());
    Record { key, value: message.encode_to_vec().into(), traceparent }
}

/// FNV-1a, 64 bit: the same on every node, now and later.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
