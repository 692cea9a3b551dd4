//! One message to all: proof that clients that came in are in.

use crate::rig::{Block, Measured, Pace, Rig, To};

/// Time for it to be published, s; it is then waited for.
const SECONDS: f64 = 10.0;
/// Size of its body.
const BODY_BYTES: usize = 100;

/// Publishes one message to all clients of a rig, and sees who got it.
pub(super) fn prove(rig: &mut Rig) -> anyhow::Result<Measured> {
    rig.measure(&Block {
        to: To::All,
        pace: Pace::Lockstep,
        seconds: SECONDS,
        publications_max: 1,
        body_bytes: BODY_BYTES,
        per_publication: 1,
        ahead_max: 1,
        crowd_under_way: 0,
    })
}
