//! The latest hops in memory of a fixed size. Writers never wait and never allocate; a reader copies what it looks for and passes
//! over what is being written.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use parking_lot::Mutex;

use super::{Hop, Mark, Step, Trail};

/// Names a ring can hold. One that comes later is told as `?`.
const NAMES_MAX: usize = 4096;

/// The stamp of a place that is being written.
const WRITING: u64 = u64::MAX;

/// A name that was given to [`Ring::name`]: the same number for the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NameId(u32);

/// A hop: 48 bytes. The stamp is one more than its place in the order of all hops; 0 = never written.
#[derive(Default)]
struct Place {
    stamp: AtomicU64,
    conversation: AtomicU64,
    seq: AtomicU64,
    /// µs since the epoch, and in the highest byte what it is.
    at: AtomicU64,
    details: [AtomicU64; 2],
}

/// A copy of a place.
#[derive(Debug, Clone, Copy)]
struct Copied {
    stamp: u64,
    conversation: u64,
    seq: u64,
    at: u64,
    details: [u64; 2],
}

/// The latest hops that a tier noted. Share it behind an `Arc`.
#[derive(Default)]
pub struct Ring {
    /// Their number is 0 or a power of two.
    places: Box<[Place]>,
    next: AtomicU64,
    names: Mutex<Vec<Arc<str>>>,
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").field("entries", &self.places.len()).finish_non_exhaustive()
    }
}

/// Bits of the time.
const AT_BITS: u32 = 56;

#[expect(
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "bits are kept, and read back as they were"
)]
mod bits {
    pub(super) fn of(number: i64) -> u64 {
        number as u64
    }
    pub(super) fn number(bits: u64) -> i64 {
        bits as i64
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a half of the bits is asked for")]
fn low(bits: u64) -> u32 {
    bits as u32
}

fn high(bits: u64) -> u32 {
    low(bits >> 32)
}

fn two(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

impl Mark {
    /// Kind of [`Mark::Published`], which is found by its row.
    const PUBLISHED: u64 = 3;
    /// Kind of [`Mark::Committed`], which names the row.
    const COMMITTED: u64 = 2;

    #[expect(clippy::cast_possible_truncation, reason = "the halves of a trace id")]
    fn packed(self) -> (u64, [u64; 2]) {
        match self {
            Self::Accepted { trace_id } => (1, [(trace_id >> 64) as u64, trace_id as u64]),
            Self::Committed { row, batch } => (Self::COMMITTED, [bits::of(row), batch.into()]),
            Self::Published => (Self::PUBLISHED, [0, 0]),
            Self::Taken { partition, offset } => (4, [bits::of(partition.into()), bits::of(offset)]),
            Self::Routed { comets, absent } => (5, [two(comets, absent), 0]),
            Self::Pushed { comet } => (6, [comet.0.into(), 0]),
            Self::Acked { comet, missing } => (7, [two(comet.0, missing), 0]),
            Self::Written { sessions, behind } => (8, [two(sessions, behind), 0]),
        }
    }
}

impl Copied {
    fn kind(&self) -> u64 {
        self.at >> AT_BITS
    }

    fn at_us(&self) -> i64 {
        bits::number(self.at & ((1 << AT_BITS) - 1))
    }

    fn step(&self, names: &[Arc<str>]) -> Option<Step> {
        let [a, b] = self.details;
        let name = |id: u32| names.get(id as usize).map_or("?", |name| name).to_owned();
        Some(match self.kind() {
            1 => {
                let id = u128::from(a) << 64 | u128::from(b);
                Step::Accepted { trace_id: if id == 0 { String::new() } else { format!("{id:032x}") } }
            }
            Mark::COMMITTED => Step::Committed { batch: low(b) },
            Mark::PUBLISHED => Step::Published,
            4 => Step::Taken { partition: i32::try_from(bits::number(a)).ok()?, offset: bits::number(b) },
            5 => Step::Routed { comets: high(a), absent: low(a) },
            6 => Step::Pushed { comet: name(low(a)) },
            7 => Step::Acked { comet: name(high(a)), missing: low(a) },
            8 => Step::Written { sessions: high(a), behind: low(a) },
            _ => return None,
        })
    }
}

impl Ring {
    /// Room for so many hops, rounded up to a power of two, 48 bytes each; 0 = nothing is noted.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        let entries = if entries == 0 { 0 } else { entries.next_power_of_two() };
        let places = (0..entries).map(|_| Place::default()).collect();
        Self { places, next: AtomicU64::new(0), names: Mutex::default() }
    }

    /// The number for a name; to be asked once for each name, not per hop.
    pub fn name(&self, name: &str) -> NameId {
        let mut names = self.names.lock();
        let known = names.iter().position(|known| **known == *name);
        let index = known.unwrap_or_else(|| {
            if names.len() < NAMES_MAX {
                names.push(name.into());
                names.len() - 1
            } else {
                NAMES_MAX
            }
        });
        NameId(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// Notes a hop of a message. Without a seq there is nothing to note.
    pub fn note(&self, at_us: i64, conversation: i64, seq: i64, mark: Mark) {
        if seq > 0 {
            self.write(at_us, bits::of(conversation), bits::of(seq), mark);
        }
    }

    /// Notes that the bus has an outbox row: a hop of every message whose [`Mark::Committed`] names it.
    pub fn note_row(&self, at_us: i64, row: i64) {
        self.write(at_us, 0, bits::of(row), Mark::Published);
    }

    fn write(&self, at_us: i64, conversation: u64, seq: u64, mark: Mark) {
        if self.places.is_empty() {
            return;
        }
        let order = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(place) = self.place(order) else { return };
        if place.stamp.swap(WRITING, Ordering::Acquire) == WRITING {
            // A writer that stands still since the ring went round once has it.
            return;
        }
        // A reader that sees anything of what follows sees the mark above.
        fence(Ordering::Release);
        let (kind, details) = mark.packed();
        place.conversation.store(conversation, Ordering::Relaxed);
        place.seq.store(seq, Ordering::Relaxed);
        place.at.store(kind << AT_BITS | (bits::of(at_us) & ((1 << AT_BITS) - 1)), Ordering::Relaxed);
        place.details[0].store(details[0], Ordering::Relaxed);
        place.details[1].store(details[1], Ordering::Relaxed);
        place.stamp.store(order + 1, Ordering::Release);
    }

    fn place(&self, order: u64) -> Option<&Place> {
        let mask = self.places.len().checked_sub(1)?;
        self.places.get(usize::try_from(order & mask as u64).ok()?)
    }

    /// What is known of a message, at most `hops_max` of its hops. Looks at every place: about a millisecond for a
    /// hundred thousand.
    #[must_use]
    pub fn trail(&self, conversation: i64, seq: i64, hops_max: usize) -> Trail {
        let (conversation, seq) = (bits::of(conversation), bits::of(seq));
        let mut found: Vec<Copied> = Vec::new();
        let mut since_us = i64::MAX;
        for copy in self.places.iter().filter_map(Place::copied) {
            since_us = since_us.min(copy.at_us());
            if copy.seq == seq && copy.conversation == conversation && found.len() < hops_max {
                found.push(copy);
            }
        }
        let rows: Vec<u64> =
            found.iter().filter(|copy| copy.kind() == Mark::COMMITTED).map(|copy| copy.details[0]).collect();
        if !rows.is_empty() {
            let published = self.places.iter().filter_map(Place::copied);
            let published =
                published.filter(|copy| copy.kind() == Mark::PUBLISHED && rows.contains(&copy.seq));
            found.extend(published.take(hops_max));
        }
        // As they were noted where the clock does not tell them apart.
        found.sort_unstable_by_key(|copy| (copy.at_us(), copy.stamp));
        let names = self.names.lock();
        let hops =
            found.iter().filter_map(|copy| Some(Hop { at_us: copy.at_us(), step: copy.step(&names)? }));
        Trail {
            hops: hops.take(hops_max).collect(),
            since_us: if since_us == i64::MAX { 0 } else { since_us },
        }
    }
}

impl Place {
    /// `None`: never written, or being written.
    fn copied(&self) -> Option<Copied> {
        let stamp = self.stamp.load(Ordering::Acquire);
        if stamp == 0 || stamp == WRITING {
            return None;
        }
        let copy = Copied {
            stamp,
            conversation: self.conversation.load(Ordering::Relaxed),
            seq: self.seq.load(Ordering::Relaxed),
            at: self.at.load(Ordering::Relaxed),
            details: [self.details[0].load(Ordering::Relaxed), self.details[1].load(Ordering::Relaxed)],
        };
        fence(Ordering::Acquire);
        (self.stamp.load(Ordering::Relaxed) == stamp).then_some(copy)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn steps(ring: &Ring, conversation: i64, seq: i64) -> Vec<Step> {
        ring.trail(conversation, seq, 100).hops.into_iter().map(|hop| hop.step).collect()
    }

    #[test]
    fn every_mark_is_read_back_as_it_was_noted() {
        let ring = Ring::new(64);
        let (one, other) = (ring.name("c1"), ring.name("c2"));
        assert_eq!(ring.name("c1"), one);
        let at = 1_760_000_000_123_456;
        let marks = [
            Mark::Accepted { trace_id: u128::MAX - 1 },
            Mark::Committed { row: 77, batch: 3 },
            Mark::Taken { partition: 5, offset: i64::MAX },
            Mark::Routed { comets: 2, absent: 1 },
            Mark::Pushed { comet: other },
            Mark::Acked { comet: one, missing: 4 },
            Mark::Written { sessions: u32::MAX, behind: 9 },
        ];
        for (mark, after) in marks.into_iter().zip(0..) {
            ring.note(at + after, 8, 9, mark);
        }
        ring.note_row(at + 100, 77);
        ring.note_row(at + 101, 78);
        ring.note(at, 8, 10, Mark::Published);
        let trail = ring.trail(8, 9, 100);
        assert_eq!(trail.since_us, at);
        assert_eq!(trail.hops[1].at_us, at + 1);
        let told: Vec<Step> = trail.hops.into_iter().map(|hop| hop.step).collect();
        assert_eq!(
            told,
            [
                Step::Accepted { trace_id: format!("{:032x}", u128::MAX - 1) },
                Step::Committed { batch: 3 },
                Step::Taken { partition: 5, offset: i64::MAX },
                Step::Routed { comets: 2, absent: 1 },
                Step::Pushed { comet: "c2".to_owned() },
                Step::Acked { comet: "c1".to_owned(), missing: 4 },
                Step::Written { sessions: u32::MAX, behind: 9 },
                Step::Published,
            ]
        );
    }

    #[test]
    fn the_oldest_are_forgotten_and_what_has_no_seq_is_not_noted() {
        let ring = Ring::new(5);
        for seq in 0..=20 {
            ring.note(seq, 1, seq, Mark::Published);
        }
        assert_eq!(steps(&ring, 1, 12), []);
        assert_eq!(steps(&ring, 1, 13), [Step::Published]);
        assert_eq!(ring.trail(1, 20, 100).since_us, 13);
        assert_eq!(steps(&ring, 1, 0), []);
        let off = Ring::new(0);
        off.note(1, 1, 1, Mark::Published);
        assert_eq!(off.trail(1, 1, 100), Trail::default());
    }

    #[test]
    fn names_and_hops_told_are_bounded() {
        let ring = Ring::new(1024);
        for number in 0..=NAMES_MAX {
            ring.name(&number.to_string());
        }
        ring.note(1, 1, 1, Mark::Pushed { comet: ring.name("one too many") });
        assert_eq!(steps(&ring, 1, 1), [Step::Pushed { comet: "?".to_owned() }]);
        (0..50).for_each(|at| ring.note(at, 2, 2, Mark::Published));
        assert_eq!(ring.trail(2, 2, 10).hops.len(), 10);
    }

    /// Readers among writers that go round and round: whatever is read was written in one piece.
    #[test]
    fn nothing_is_read_in_halves() {
        let (ring, stop) = (Ring::new(16), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for writer in 1..=2_u32 {
                let (ring, stop) = (&ring, &stop);
                scope.spawn(move || {
                    let mut count = 0_u32;
                    while !stop.load(Ordering::Relaxed) {
                        count = count.wrapping_add(1);
                        let mark = Mark::Taken { partition: 0, offset: i64::from(count) };
                        ring.note(i64::from(count), writer.into(), i64::from(count % 4 + 1), mark);
                    }
                });
            }
            for _ in 0..20_000 {
                for seq in 1..=4 {
                    for hop in ring.trail(1, seq, 100).hops {
                        assert_eq!(hop.step, Step::Taken { partition: 0, offset: hop.at_us });
                        assert_eq!(hop.at_us % 4 + 1, seq);
                    }
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}
