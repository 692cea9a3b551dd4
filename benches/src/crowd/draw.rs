//! What happens next, and when: drawn from a seed before it happens, so that a slow server changes nothing of it.

use super::options::CrowdOptions;

/// Something that a device does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    SendByHttp,
    SendBySocket,
    /// Goodbye, for so long, ns.
    Leave(u64),
    /// The connection breaks.
    Cut,
    /// Reads a page of history.
    Page,
    /// Says that everything that came is read.
    Read,
}

/// The events of a run, each with the time after the one before: exponential, as of many people who do not know of
/// each other.
#[derive(Debug)]
pub(crate) struct Draw {
    bits: Bits,
    /// Events per second, by the kind of event.
    rates: [f64; 5],
    http_share: f64,
    away_s: f64,
}

impl Draw {
    /// From the options' seed.
    pub(crate) fn new(options: &CrowdOptions) -> Self {
        Self {
            bits: Bits::new(options.seed),
            rates: [options.sends, options.departures, options.cuts, options.pages, options.reads],
            http_share: options.http_share,
            away_s: options.away,
        }
    }

    /// The next event and the ns between the last one and it; `None` when nothing ever happens.
    pub(crate) fn next(&mut self) -> Option<(u64, Event)> {
        let whole: f64 = self.rates.iter().sum();
        if whole <= 0.0 {
            return None;
        }
        let after = self.exponential_ns(1.0 / whole);
        let mut at = self.bits.unit() * whole;
        let kind = self.rates.iter().position(|rate| {
            at -= rate;
            at < 0.0
        });
        let event = match kind {
            Some(1) => Event::Leave(self.exponential_ns(self.away_s)),
            Some(2) => Event::Cut,
            Some(3) => Event::Page,
            Some(4) => Event::Read,
            _ if self.bits.unit() < self.http_share => Event::SendByHttp,
            _ => Event::SendBySocket,
        };
        Some((after, event))
    }

    /// One of `count`.
    pub(crate) fn index(&mut self, count: usize) -> usize {
        self.bits.index(count)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time that is not negative and far below the bound"
    )]
    fn exponential_ns(&mut self, mean_s: f64) -> u64 {
        (-(1.0 - self.bits.unit()).ln() * mean_s * 1e9) as u64
    }
}

/// Numbers that follow from a seed: splitmix64 (Steele, Lea, Flood 2014).
#[derive(Debug)]
pub(crate) struct Bits {
    state: u64,
}

impl Bits {
    /// From a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// One of `count`.
    pub(crate) fn index(&mut self, count: usize) -> usize {
        let count = u64::try_from(count.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % count).unwrap_or_default()
    }

    /// An order of its own: Fisher and Yates.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.index(at + 1));
        }
    }

    /// 0 to 1, 1 excluded.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(seed: u64) -> Draw {
        Draw { bits: Bits::new(seed), rates: [60.0, 20.0, 10.0, 5.0, 5.0], http_share: 0.5, away_s: 2.0 }
    }

    #[test]
    fn rates_come_out_and_the_seed_decides() {
        let events = |seed| {
            let mut draw = draw(seed);
            (0..20_000).filter_map(|_| draw.next()).collect::<Vec<_>>()
        };
        let drawn = events(7);
        assert_eq!(drawn, events(7));
        assert_ne!(drawn, events(8));
        let seconds = drawn.iter().map(|(after, _)| *after).sum::<u64>() / 1_000_000_000;
        assert!((190..=210).contains(&seconds), "{seconds} s for 20,000 events of 100 per second");
        let count = |wanted: fn(&Event) -> bool| drawn.iter().filter(|(_, event)| wanted(event)).count();
        assert!((5700..6300).contains(&count(|event| *event == Event::SendByHttp)));
        assert!((5700..6300).contains(&count(|event| *event == Event::SendBySocket)));
        assert!((3800..4200).contains(&count(|event| matches!(event, Event::Leave(_)))));
        assert!((900..1100).contains(&count(|event| *event == Event::Page)));
        assert!((900..1100).contains(&count(|event| *event == Event::Read)));
    }

    #[test]
    fn nothing_to_do_is_told() {
        assert_eq!(Draw { rates: [0.0; 5], ..draw(1) }.next(), None);
    }
}
