//! Clocks of the operating system, in nanoseconds.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Time that only rises, common to all processes of the machine.
pub(crate) fn now_ns() -> u64 {
    ns(clock_gettime(ClockId::Monotonic))
}

/// CPU time that this thread has used.
pub(crate) fn thread_cpu_ns() -> u64 {
    ns(clock_gettime(ClockId::ThreadCPUTime))
}

/// Milliseconds since 1970.
pub(crate) fn wall_ms() -> u64 {
    ns(clock_gettime(ClockId::Realtime)) / 1_000_000
}

fn ns(time: Timespec) -> u64 {
    let (seconds, rest) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    seconds.unwrap_or_default() * 1_000_000_000 + rest.unwrap_or_default()
}
