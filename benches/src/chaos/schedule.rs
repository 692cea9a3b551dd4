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
pub(crate) fn plan(faults: &[Fault], rounds: usize, hold: Duration, seed: u64) -> Vec<Planned> {
    let mut bits = Bits::new(seed);
    let mut plan = Vec::with_capacity(faults.len() * rounds);
    for _ in 0..rounds {
        let mut round = faults.to_vec();
        // Fisher and Yates.
        for at in (1..round.len()).rev() {
            round.swap(at, bits.index(at + 1));
        }
        plan.extend(round.into_iter().map(|fault| Planned {
            fault,
            which: bits.index(1 << 16),
            hold: hold.mul_f64(0.5 + bits.unit()),
        }));
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Shape;

    #[test]
    fn the_seed_decides_everything() {
        let faults = Fault::all(Shape::Cluster);
        let hold = Duration::from_secs(3);
        let first = plan(&faults, 2, hold, 7);
        assert_eq!(first, plan(&faults, 2, hold, 7));
        assert_ne!(first, plan(&faults, 2, hold, 8));
        for fault in &faults {
            assert_eq!(first.iter().filter(|planned| planned.fault == *fault).count(), 2, "{fault}");
        }
        assert!(first.iter().all(|planned| planned.hold >= hold / 2 && planned.hold <= hold * 3 / 2));
    }
}
