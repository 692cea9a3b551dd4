//! How much one client may send: two token buckets in twelve bytes. Sans-I/O.

/// Rates of all connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) frames_per_second: u32,
    pub(crate) frames_burst: u32,
    pub(crate) bytes_per_second: u32,
    pub(crate) bytes_burst: u32,
}

/// What one connection has used up. Time is in ms of the shard's clock and may wrap.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Meter {
    /// Thousandths of a frame used.
    frames: u32,
    bytes: u32,
    at_ms: u32,
}

impl Meter {
    /// Counts what came. False: it is more than may be sent.
    pub(crate) fn admit(&mut self, frames: u32, bytes: usize, now_ms: u32, rates: &Rates) -> bool {
        let passed_ms = u64::from(now_ms.wrapping_sub(self.at_ms));
        self.at_ms = now_ms;
        let drained = |amount: u64| u32::try_from(amount).unwrap_or(u32::MAX);
        self.frames = self.frames.saturating_sub(drained(passed_ms * u64::from(rates.frames_per_second)));
        self.bytes = self.bytes.saturating_sub(drained(passed_ms * u64::from(rates.bytes_per_second) / 1000));
        self.frames = self.frames.saturating_add(frames.saturating_mul(1000));
        self.bytes = self.bytes.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        u64::from(self.frames) <= u64::from(rates.frames_burst) * 1000 && self.bytes <= rates.bytes_burst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: Rates =
        Rates { frames_per_second: 10, frames_burst: 5, bytes_per_second: 1000, bytes_burst: 500 };

    #[test]
    fn a_burst_is_taken_and_then_the_rate() {
        let mut meter = Meter::default();
        assert!((0..5).all(|_| meter.admit(1, 1, 0, &RATES)));
        assert!(!meter.admit(1, 1, 0, &RATES));
        assert!(meter.admit(1, 1, 300, &RATES), "three frames' time has passed");
    }

    #[test]
    fn it_is_small() {
        assert_eq!(size_of::<Meter>(), 12);
    }

    #[test]
    fn bytes_count_too() {
        let mut meter = Meter::default();
        assert!(meter.admit(1, 500, 0, &RATES));
        assert!(!meter.admit(1, 1, 0, &RATES));
        assert!(meter.admit(1, 100, 101, &RATES));
    }
}
