//! Which fault, on which node, for how long: all of it follows from the seed, so that a run can be made again.

use std::time::Duration;

use crate::crowd::draw::Bits;

use super::fault::Fault;

/// A fault that is going to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) fault: Fault,
    /// Which of several nodes, modulo their number.
    pub(crate) which: usize,
    pub(crate) hold: Duration,
}

/// `rounds` times every fault, each round in an order of its own, each for half to one and a half times `hold`.
pub(crate) fn rounds(faults: &[Fault], rounds: usize, hold: Duration, seed: u64) -> Vec<Planned> {
    let mut turns = Turns::new(faults.to_vec(), seed);
    let order: Vec<_> = (0..faults.len() * rounds).filter_map(|_| turns.next()).collect();
    with_details(order, hold, turns.bits)
}

/// `count` faults of a long run. In its first third each of those that end a process of Oort happens, as far as there is
/// room, among others; after that only others do: then each process lives long enough for its memory to be judged.
pub(crate) fn long(faults: &[Fault], count: usize, hold: Duration, seed: u64) -> Vec<Planned> {
    let (ending, others): (Vec<Fault>, Vec<Fault>) =
        faults.iter().copied().partition(|fault: &Fault| fault.ends_processes());
    let first_third = count.div_ceil(3);
    let mut endings = Turns::new(ending, seed);
    let taken = if others.is_empty() { count } else { endings.faults.len().min(first_third) };
    let mut order: Vec<_> = (0..taken).filter_map(|_| endings.next()).collect();
    let mut others = Turns::new(others, seed.wrapping_add(1));
    order.extend((taken..count).filter_map(|_| others.next()));
    let first_third = first_third.min(order.len());
    others.bits.shuffle(&mut order[..first_third]);
    with_details(order, hold, others.bits)
}

fn with_details(order: Vec<Fault>, hold: Duration, mut bits: Bits) -> Vec<Planned> {
    let planned = order.into_iter().map(|fault| {
        let which = bits.index(1 << 16);
        Planned { fault, which, hold: hold.mul_f64(0.5 + bits.unit()) }
    });
    planned.collect()
}

/// Every fault, then every fault again, each time in an order of its own.
#[derive(Debug)]
struct Turns {
    faults: Vec<Fault>,
    next: usize,
    bits: Bits,
}

impl Turns {
    fn new(faults: Vec<Fault>, seed: u64) -> Self {
        Self { faults, next: 0, bits: Bits::new(seed) }
    }

    fn next(&mut self) -> Option<Fault> {
        if self.next == 0 {
            self.bits.shuffle(&mut self.faults);
        }
        let fault = self.faults.get(self.next).copied()?;
        self.next = (self.next + 1) % self.faults.len();
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Shape;

    const HOLD: Duration = Duration::from_secs(3);

    #[test]
    fn the_seed_decides_everything() {
        let faults = Fault::all(Shape::Cluster);
        let first = rounds(&faults, 2, HOLD, 7);
        assert_eq!(first, rounds(&faults, 2, HOLD, 7));
        assert_ne!(first, rounds(&faults, 2, HOLD, 8));
        for fault in &faults {
            assert_eq!(first.iter().filter(|planned| planned.fault == *fault).count(), 2, "{fault}");
        }
        assert!(first.iter().all(|planned| planned.hold >= HOLD / 2 && planned.hold <= HOLD * 3 / 2));
    }

    #[test]
    fn a_long_run_ends_with_long_lives() {
        let faults = Fault::all(Shape::Cluster);
        let plan = long(&faults, 3 * faults.len(), HOLD, 7);
        assert_eq!(plan, long(&faults, 3 * faults.len(), HOLD, 7));
        assert_eq!(plan.len(), 3 * faults.len());
        for fault in &faults {
            assert!(plan.iter().any(|planned| planned.fault == *fault), "{fault}");
        }
        assert!(plan[faults.len()..].iter().all(|planned| !planned.fault.ends_processes()));
        let only_ending = long(&[Fault::Rolling], 5, HOLD, 7);
        assert_eq!(only_ending.len(), 5);
        assert_eq!(long(&faults, 1, HOLD, 7).len(), 1);
        assert!(long(&faults, 0, HOLD, 7).is_empty());
    }
}
