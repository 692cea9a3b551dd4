//! One run of the load against a system, and what was seen meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;

use crate::clock::now_ns;
use crate::procfs;
use crate::report::Progress;
use crate::stages::Stages;
use crate::system::System;

use super::driver::{self, Line, Work};
use super::schedule::Schedule;
use super::tally::{Shared, Tally};

/// What a run of the load is told.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// Ids of the conversations.
    pub(crate) rooms: Vec<String>,
    /// Users that are pushed to.
    pub(crate) users: usize,
    /// How many sockets see each send.
    pub(crate) deliveries_per_send: usize,
    /// Sends per second; 0 = closed loop.
    pub(crate) rate: u64,
    /// Seconds.
    pub(crate) warmup: u64,
    /// Seconds that are measured.
    pub(crate) seconds: u64,
    /// Longest wait at the end.
    pub(crate) wait: Duration,
    /// Threads of the load.
    pub(crate) threads: usize,
}

/// What a run of the load showed.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    /// Sends acknowledged in the measured time.
    pub(crate) acked: u64,
    /// How long that was, seconds.
    pub(crate) seconds: f64,
    /// CPU of each process in that time, ns; this one as `load`.
    pub(crate) cpu_ns: BTreeMap<String, u64>,
    /// Memory of each process at the end of it, bytes.
    pub(crate) rss_bytes: BTreeMap<String, u64>,
    /// What the servers timed from then on, until everything had arrived.
    pub(crate) stages: Stages,
}

/// A moment of the measured time.
#[derive(Debug)]
struct Moment {
    at_ns: u64,
    acked: u64,
    cpu_ns: BTreeMap<String, u64>,
}

const NS_PER_S: u64 = 1_000_000_000;
/// What the threads need to begin, ns: nothing is due before.
const LEAD_NS: u64 = 50_000_000;

/// Runs the load and waits until everything arrived.
pub(crate) async fn run(
    system: &System,
    lines: Vec<Line>,
    terms: &Terms,
    progress: &mut Progress,
) -> anyhow::Result<Outcome> {
    let shared = Shared::new(terms.rooms.clone(), terms.threads).with_users(terms.users);
    let shared = Arc::new(shared);
    let start = now_ns() + LEAD_NS;
    let measured = start + terms.warmup * NS_PER_S..start + (terms.warmup + terms.seconds) * NS_PER_S;
    let mut threads = Vec::new();
    for (thread, lines) in deal(lines, terms.threads).into_iter().enumerate() {
        let thread = u64::try_from(thread)?;
        let share = u64::try_from(terms.threads)?;
        let work = Work {
            schedule: Schedule::share(terms.rate, &(start..measured.end), thread, share),
            lines,
            measured: measured.clone(),
            wait_ns: u64::try_from(terms.wait.as_nanos())?,
            deliveries_per_send: terms.deliveries_per_send,
            first_number: thread << 48,
        };
        let shared = Arc::clone(&shared);
        threads.push(tokio::task::spawn_blocking(move || driver::drive(work, &shared)));
    }

    progress.phase("warming up");
    sleep_until(measured.start).await;
    let stages_before = Stages::scrape(&system.admins).await?;
    let before = moment(system, &shared)?;
    progress.phase("measuring");
    watch(&shared, &before, measured.end, progress).await;
    let after = moment(system, &shared)?;
    let rss_bytes = rss(system)?;
    progress.phase("waiting for what is under way");
    let mut tally = Tally::new(measured, terms.rooms.len());
    for thread in threads {
        tally.merge(thread.await?.context("the load failed")?);
    }
    let stages = Stages::scrape(&system.admins).await?.since(&stages_before);
    let used = |(name, cpu): (String, u64)| {
        let before = before.cpu_ns.get(&name).copied().unwrap_or_default();
        (name, cpu.saturating_sub(before))
    };
    Ok(Outcome {
        tally,
        acked: after.acked - before.acked,
        seconds: Duration::from_nanos(after.at_ns - before.at_ns).as_secs_f64(),
        cpu_ns: after.cpu_ns.into_iter().map(used).collect(),
        rss_bytes,
        stages,
    })
}

/// Deals connections to threads in turn.
fn deal(lines: Vec<Line>, threads: usize) -> Vec<Vec<Line>> {
    let mut dealt: Vec<Vec<Line>> = (0..threads).map(|_| Vec::new()).collect();
    for (number, line) in lines.into_iter().enumerate() {
        dealt[number % threads].push(line);
    }
    dealt
}

async fn sleep_until(at_ns: u64) {
    tokio::time::sleep(Duration::from_nanos(at_ns.saturating_sub(now_ns()))).await;
}

/// Shows what is going on until `end_ns`.
async fn watch(shared: &Shared, begun: &Moment, end_ns: u64, progress: &mut Progress) {
    let (mut last_ns, mut last) = (begun.at_ns, begun.acked);
    while now_ns() < end_ns {
        sleep_until(end_ns.min(now_ns() + NS_PER_S)).await;
        let (now, acked) = (now_ns(), shared.acked.load(Ordering::Relaxed));
        let seconds = Duration::from_nanos(now - last_ns).as_secs_f64();
        progress.tick(ratio(now - begun.at_ns, end_ns - begun.at_ns), ratio(acked - last, 1) / seconds);
        (last_ns, last) = (now, acked);
    }
}

fn moment(system: &System, shared: &Shared) -> anyhow::Result<Moment> {
    Ok(Moment { at_ns: now_ns(), acked: shared.acked.load(Ordering::Relaxed), cpu_ns: cpu_ns(system)? })
}

/// CPU that each process of the system has used so far, and this one as `load`, ns.
pub(crate) fn cpu_ns(system: &System) -> anyhow::Result<BTreeMap<String, u64>> {
    let own = ("load".to_owned(), std::process::id());
    let processes = system.processes.iter().chain(std::iter::once(&own));
    processes.map(|(name, pid)| Ok((name.clone(), procfs::cpu_ns(*pid)?))).collect()
}

/// Resident memory of each process of the system, bytes.
pub(crate) fn rss(system: &System) -> anyhow::Result<BTreeMap<String, u64>> {
    let read = |(name, pid): &(String, u32)| Ok((name.clone(), procfs::memory(*pid)?.rss_bytes));
    system.processes.iter().map(read).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run")]
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
