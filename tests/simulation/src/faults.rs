//! What breaks, when, and for how long.

use std::time::Duration;

use crate::dice;

/// Something that breaks. Times are kept below those from which on a tier gives something up for good
/// (docs/guarantees.md, "Windows that remain"): a run must lose nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    LogicDies(usize),
    LogicDrains(usize),
    JobDies(usize),
    JobDrains(usize),
    CometDies(usize),
    StoreIsDown,
    StoreIsFlaky,
    BusIsDown,
    DirectoryIsDown,
    DirectoryIsWiped,
    /// Between a comet and a logic node.
    CometLogicCut(usize, usize),
    /// Between a job and a comet.
    JobCometCut(usize, usize),
}

impl Fault {
    /// A message may come so late because of it that later ones do not wait for it any more: its node stalls between
    /// commit and publish, or the job has just begun to read its conversation (window "A `seq` does not come in time").
    pub(crate) fn may_delay(self) -> bool {
        !matches!(
            self,
            Self::CometDies(_)
                | Self::DirectoryIsDown
                | Self::DirectoryIsWiped
                | Self::CometLogicCut(..)
                | Self::JobCometCut(..)
        )
    }
}

/// A fault, its beginning and its length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planned {
    pub(crate) fault: Fault,
    pub(crate) after: Duration,
    pub(crate) length: Duration,
}

/// The plan of a run whose devices are busy until `until_ms`, for two of each tier.
pub(crate) fn plan(until_ms: usize) -> Vec<Planned> {
    // With a wiped directory it is the jobs' streams that find the comets: those must last (window "Redis is wiped and
    // no job has a stream to a comet").
    let is_wiped = dice::chance(200);
    let count = 1 + dice::below(5);
    let mut plan: Vec<Planned> = (0..count)
        .map(|_| {
            let two = || dice::below(2);
            let fault = match dice::below(if is_wiped { 9 } else { 15 }) {
                0 | 1 => Fault::LogicDies(two()),
                2 => Fault::LogicDrains(two()),
                3 => Fault::StoreIsDown,
                4 => Fault::StoreIsFlaky,
                5 => Fault::BusIsDown,
                6 if is_wiped => Fault::DirectoryIsWiped,
                6 => Fault::DirectoryIsDown,
                7 | 8 => Fault::CometLogicCut(two(), two()),
                9 | 10 => Fault::JobDies(two()),
                11 => Fault::JobDrains(two()),
                12 | 13 => Fault::CometDies(two()),
                _ => Fault::JobCometCut(two(), two()),
            };
            // Half of them at the end: what is lost then is repaired by nothing that follows.
            let from_ms = if dice::chance(500) { until_ms - 500 } else { 300 };
            // A comet is often back while there is still something to be missed.
            let is_short = matches!(fault, Fault::CometDies(_)) && dice::chance(500);
            let longest_ms = if is_short { 300 } else { 1_800 };
            Planned { fault, after: dice::ms(from_ms, until_ms + 200), length: dice::ms(50, longest_ms) }
        })
        .collect();
    plan.sort_by_key(|planned| planned.after);
    plan
}
