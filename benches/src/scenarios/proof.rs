//! Messages to all: proof that clients that came in are in.

use crate::rig::{Block, Measured, Pace, Rig, To};

/// Time for them to be published, s; they are then waited for.
const SECONDS: f64 = 10.0;
/// Size of a body.
const BODY_BYTES: usize = 100;

/// Publishes so many messages to all clients of a rig, one after the other, and sees who got them.
pub(super) fn prove(rig: &mut Rig, messages: u64) -> anyhow::Result<Measured> {
    rig.measure(&Block {
        to: To::All,
        pace: Pace::Lockstep,
        seconds: SECONDS,
        publications_max: messages,
        body_bytes: BODY_BYTES,
        per_publication: 1,
        ahead_max: 1,
        crowd_under_way: 0,
    })
}
