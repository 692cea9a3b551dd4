//! Choices of the simulation itself, from the seed: apart from `entropy`, so that a library that draws once more changes
//! nothing of them.

use std::cell::Cell;
use std::time::Duration;

use crate::entropy;

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(0) };
}

pub(crate) fn sow(seed: u64) {
    STATE.set(seed ^ 0x5851_f42d_4c95_7f2d);
}

/// One of `0..count`.
pub(crate) fn below(count: usize) -> usize {
    let drawn = STATE.with(entropy::next);
    usize::try_from(drawn % u64::try_from(count.max(1)).unwrap_or(1)).unwrap_or(0)
}

/// True so many times in a thousand.
pub(crate) fn chance(per_mille: usize) -> bool {
    below(1000) < per_mille
}

/// A time of `from_ms` to `to_ms`.
pub(crate) fn ms(from_ms: usize, to_ms: usize) -> Duration {
    let drawn = from_ms + below(to_ms.saturating_sub(from_ms) + 1);
    Duration::from_millis(u64::try_from(drawn).unwrap_or(u64::MAX))
}

/// How long one way through the network takes: mostly little, now and then much.
pub(crate) fn latency() -> Duration {
    match below(20) {
        0 => ms(20, 150),
        1..5 => ms(3, 12),
        _ => ms(0, 2),
    }
}
