//! The wall clock, for what people and other nodes see. Waits are measured by `Instant`.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the epoch; 0 on a clock that stands before it.
#[must_use]
pub fn now_ms() -> i64 {
    #[cfg(feature = "simulation")]
    if let Some(now_ms) = simulated::now_ms() {
        return now_ms;
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The wall clock of a simulation: it goes with the runtime's own time, which stands still while somebody works.
#[cfg(feature = "simulation")]
pub mod simulated {
    use std::cell::Cell;

    use tokio::time::Instant;

    thread_local! {
        /// When the simulation on this thread began, and what the clock showed then, ms.
        static BEGUN: Cell<Option<(Instant, i64)>> = const { Cell::new(None) };
    }

    /// From now on this thread's wall clock is that of a simulation, which begins at `start_ms`. To be called inside
    /// its runtime, whose time is paused.
    pub fn begin(start_ms: i64) {
        BEGUN.set(Some((Instant::now(), start_ms)));
    }

    /// Whether this thread runs a simulation.
    #[must_use]
    pub fn is_on() -> bool {
        BEGUN.get().is_some()
    }

    pub(super) fn now_ms() -> Option<i64> {
        let (begun, start_ms) = BEGUN.get()?;
        let passed_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        Some(start_ms.saturating_add(passed_ms))
    }
}
