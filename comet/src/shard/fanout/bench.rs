//! What the micro-benchmark of the fan-out reaches; no part of the API.

use std::sync::Arc;

use oort_api::RoomKey;
use oort_api::op;
use oort_api::pb::goim::protocol::Proto;
use prost::Message as _;

use super::{Delivery, Part, Target, plan};
use crate::delivery::Prepared;
use crate::dialect::Dialect;
use crate::shard::rooms::{Memberships, Rooms};

/// Rooms with members, and frames that wait for them.
#[derive(Debug)]
pub struct Tick {
    rooms: Rooms,
    keys: Vec<RoomKey>,
    bodies: Vec<bytes::Bytes>,
}

impl Tick {
    /// `rooms` rooms of `members` each, and `frames` messages that wait, in turn for each room.
    #[must_use]
    pub fn new(rooms: usize, members: u32, frames: i64) -> Self {
        let keys: Vec<_> = (1..=rooms).filter_map(|room| RoomKey::new(room.to_string()).ok()).collect();
        let mut held = Rooms::default();
        for slot in 0..members {
            let mut memberships = Memberships::default();
            for key in &keys {
                held.join(key, slot, &mut memberships);
            }
        }
        let message = |seq| oort_api::pb::oort::v1::Message {
            conversation: 1,
            seq,
            content: "x".repeat(100),
            ..Default::default()
        };
        let bodies = (1..=frames).map(|seq| message(seq).encode_to_vec().into()).collect();
        Self { rooms: held, keys, bodies }
    }

    /// Everything that a tick does but the writes: plans, encodes once, walks over the members. Returns the bytes that
    /// would be written.
    #[must_use]
    pub fn run(&self) -> usize {
        let deliveries = self.bodies.iter().zip(1..).zip(self.keys.iter().cycle());
        let deliveries = deliveries.map(|((body, seq), room)| {
            let frame = Proto {
                ver: 1,
                op: op::SEND_MESSAGE,
                body: body.clone(),
                conversation: 1,
                message_seq: seq,
                ..Proto::default()
            };
            let frame = Prepared::with_operation(frame, op::SEND_MESSAGE, &Arc::default());
            Delivery { frame, target: Target::Room(room.clone()), exclude: None }
        });
        plan(deliveries.collect(), 1 << 16).iter().map(|part| self.walk(part)).sum()
    }

    fn walk(&self, part: &Part) -> usize {
        let Target::Room(room) = &part.target else { return 0 };
        let members = self.rooms.members(room);
        members.iter().map(|member| part.chunk.bytes(Dialect::V1).len() + (member.slot & 1) as usize).sum()
    }
}
