//! One stretch of publishing, and what arrives of it.

use std::time::Duration;

use anyhow::ensure;
use bytes::Bytes;

use super::orders::{Block, Measured, Pace, To};
use super::worker::Worker;
use crate::clock;
use crate::dialect::Room;
use crate::histogram::Counts;
use crate::mark::Mark;
use crate::target::{Loops, Whom};

/// Once publishing is over: silence after which nothing more is expected, ns.
const GRACE_NS: u64 = 3_000_000_000;
/// Clients on their way at once when some have to come back, and the time they have, s.
const COME_BACK: (usize, f64) = (64, 60.0);
/// After the last arrival: the server finishes, and the kernel counts its time, ns.
const SETTLE_NS: u64 = 10_000_000;
/// Distance of two points of the timeline, ns.
const POINT_NS: u64 = 100_000_000;

/// Where a block stands.
struct Course {
    begun_ns: u64,
    until_ns: u64,
    publications: u64,
    /// Messages that should arrive, each counted once per receiver.
    expected: u64,
    /// Messages to each member alone; empty when all get all.
    sent_to: Vec<u64>,
    /// Messages to the crowd.
    crowd_bodies: u64,
    timeline: Vec<(f64, f64)>,
    point_at_ns: u64,
    point_delivered: u64,
    turns: u64,
    turns_busy: u64,
}

impl Worker {
    /// Publishes as the block says, waits for what is under way, and judges.
    pub(super) fn measure(&mut self, block: &Block) -> anyhow::Result<Measured> {
        let members = self.members.len();
        ensure!(members > 0, "no clients are in");
        if self.members.tally().live < members || self.crowd.tally().live < self.crowd.len() {
            self.open(members, self.crowd.len(), COME_BACK.0, COME_BACK.1)?;
        }
        self.stream = self.stream.checked_add(1).unwrap_or(1);
        self.members.follow(self.stream, self.target.publisher.next_seq().filter(|_| block.to == To::All));
        self.crowd.follow(self.stream, None);
        let (before, loops_before) = (self.members.tally(), self.loops());
        let cpu_before = self.cpu_ns()?;
        let begun_ns = clock::now_ns();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a run")]
        let until_ns = begun_ns + (block.seconds * 1e9) as u64;
        let mut course = Course {
            begun_ns,
            until_ns,
            publications: 0,
            expected: 0,
            sent_to: if block.to == To::One { vec![0; members] } else { Vec::new() },
            crowd_bodies: 0,
            timeline: Vec::new(),
            point_at_ns: begun_ns + POINT_NS,
            point_delivered: 0,
            turns: 0,
            turns_busy: 0,
        };
        let ended_ns = self.publish_and_wait(block, &mut course)?;
        let cpu_after = self.cpu_ns()?;
        let tally = self.members.tally();
        let expected = |index: usize| {
            course.sent_to.get(index).copied().unwrap_or(course.publications * block.per_publication as u64)
        };
        let verdict = self.members.verdict(expected);
        ensure!(
            tally.misnumbered == 0,
            "FAIL: {} messages came with a seq that is not theirs",
            tally.misnumbered
        );
        let loops = self
            .loops()
            .zip(loops_before)
            .map(|(now, then)| Loops { sends: now.sends - then.sends, cpu_ns: now.cpu_ns - then.cpu_ns });
        let cpu_ns = cpu_after.into_iter().zip(cpu_before).map(|((name, now), (_, then))| (name, now - then));
        Ok(Measured {
            seconds: seconds(ended_ns - begun_ns),
            publications: course.publications,
            expected: course.expected,
            verdict,
            crowd_verdict: self.crowd.verdict(|_| course.crowd_bodies),
            cpu_ns: cpu_ns.collect(),
            loops,
            latency: Counts::from(self.members.latency()),
            timeline: course.timeline,
            behind: tally.behind - before.behind,
            dropped: tally.dropped - before.dropped,
            complaint: self.members.complaint().filter(|_| tally.dropped > before.dropped).map(str::to_owned),
            reads: tally.reads - before.reads,
            busy: ratio(course.turns_busy, course.turns),
        })
    }

    fn loops(&self) -> Option<Loops> {
        self.target.publisher.loops()
    }

    /// When the last message arrived that did, ns.
    fn publish_and_wait(&mut self, block: &Block, course: &mut Course) -> anyhow::Result<u64> {
        let mut last = (0, course.begun_ns);
        loop {
            let now_ns = clock::now_ns();
            let is_over = now_ns >= course.until_ns
                || (block.publications_max > 0 && course.publications >= block.publications_max);
            if !is_over {
                self.publish(block, course, now_ns)?;
                self.keep_crowd_busy(block, course, now_ns)?;
            }
            course.turns += 1;
            course.turns_busy += u64::from(self.turn()?);
            self.note(course, now_ns);
            let delivered = self.members.tally().delivered + self.crowd.tally().delivered;
            if delivered > last.0 {
                last = (delivered, now_ns);
            }
            let patience_ns = if self.has_all(course) { SETTLE_NS } else { GRACE_NS };
            if is_over && now_ns >= last.1 + patience_ns {
                return Ok(last.1);
            }
        }
    }

    /// Whether all that was published has arrived, and is answered.
    fn has_all(&self, course: &Course) -> bool {
        self.members.tally().delivered >= course.expected
            && self.crowd.tally().delivered >= course.crowd_bodies * self.crowd.len() as u64
            && self.target.publisher.under_way() == 0
    }

    fn publish(&mut self, block: &Block, course: &mut Course, now_ns: u64) -> anyhow::Result<()> {
        match block.pace {
            Pace::Lockstep => {
                let has_all = self.members.tally().delivered >= course.expected;
                if has_all && self.target.publisher.under_way() == 0 {
                    self.publish_one(block, course, now_ns)?;
                }
            }
            Pace::UnderWay(under_way_max) => {
                let receivers = if block.to == To::All { self.members.len() as u64 } else { 1 };
                let ahead = (course.expected.saturating_sub(self.members.tally().delivered)) / receivers;
                let mut room = block.ahead_max.saturating_sub(ahead) / block.per_publication as u64;
                while room > 0 && self.target.publisher.under_way() < under_way_max {
                    self.publish_one(block, course, clock::now_ns())?;
                    room -= 1;
                }
            }
            Pace::PerSecond(rate) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    clippy::cast_precision_loss,
                    reason = "a schedule in ns"
                )]
                let due_ns = |count: u64| course.begun_ns + (count as f64 * 1e9 / rate) as u64;
                let due: Vec<u64> =
                    (course.publications..).map(due_ns).take_while(|due_ns| *due_ns <= now_ns).collect();
                for due_ns in due {
                    self.publish_one(block, course, due_ns)?;
                }
            }
        }
        Ok(())
    }

    fn publish_one(&mut self, block: &Block, course: &mut Course, due_ns: u64) -> anyhow::Result<()> {
        let count = block.per_publication as u64;
        let (whom, first) = match block.to {
            To::All => {
                course.expected += count * self.members.len() as u64;
                (Whom::Room(Room::Main), course.publications * count)
            }
            To::One => {
                let index = self.roll(self.members.len());
                let first = course.sent_to[index];
                course.sent_to[index] += count;
                course.expected += count;
                (Whom::Client(self.members.who(index).number), first)
            }
        };
        course.publications += 1;
        let bodies = self.bodies(block, first, due_ns);
        self.target.publisher.publish(whom, &bodies)
    }

    fn bodies(&self, block: &Block, first: u64, due_ns: u64) -> Vec<Bytes> {
        let body = |seq| Mark { stream: self.stream, seq, due_ns }.body(block.body_bytes);
        (first..first + block.per_publication as u64).map(body).collect()
    }

    /// Publishes to the crowd so that a fan-out is always going on.
    fn keep_crowd_busy(&mut self, block: &Block, course: &mut Course, now_ns: u64) -> anyhow::Result<()> {
        if block.crowd_under_way == 0 || self.crowd.len() == 0 {
            return Ok(());
        }
        let arrived = self.crowd.tally().delivered / self.crowd.len() as u64;
        while course.crowd_bodies < arrived + block.crowd_under_way as u64 {
            let body =
                Mark { stream: self.stream, seq: course.crowd_bodies, due_ns: now_ns }.body(block.body_bytes);
            self.target.publisher.publish(Whom::Room(Room::Crowd), &[body])?;
            course.crowd_bodies += 1;
        }
        Ok(())
    }

    /// Notes a point of the timeline when one is due.
    fn note(&self, course: &mut Course, now_ns: u64) {
        if now_ns < course.point_at_ns {
            return;
        }
        let delivered = self.members.tally().delivered;
        let since_ns = now_ns + POINT_NS - course.point_at_ns;
        let rate = ratio(delivered - course.point_delivered, since_ns) * 1e9;
        course.timeline.push((seconds(now_ns - course.begun_ns), rate));
        (course.point_at_ns, course.point_delivered) = (now_ns + POINT_NS, delivered);
    }

    /// A number below `below`, by xorshift: the same in every run.
    fn roll(&mut self, below: usize) -> usize {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        usize::try_from(self.dice % below.max(1) as u64).unwrap_or_default()
    }
}

fn seconds(ns: u64) -> f64 {
    Duration::from_nanos(ns).as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
