//! `stuck`: a room in which some read nothing. What do the others notice? Two comets take turns, one of them has clients who
//! do not read beside the same members.

use anyhow::ensure;
use clap::Args;
use serde_json::json;

use super::lanes::{Lane, TargetOptions};
use super::outcome::{Outcome, as_f64, cpu_us_per_message, percentile_ms};
use crate::report::{OutputOptions, Progress, RunResult};
use crate::rig::{Block, Pace, Rig, To};

/// Clients on their way in at once.
const OPEN_UNDER_WAY: usize = 64;
/// Longest time for the messages that fill those who do not read, s.
const FILL_SECONDS: f64 = 120.0;

#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: TargetOptions,
    /// Members who read.
    #[arg(long, default_value_t = 10_000)]
    members: usize,
    /// Further members who read nothing.
    #[arg(long, default_value_t = 100)]
    stuck: usize,
    /// Messages to the room that fill what the kernel and the comet keep for those who read nothing, before it is measured.
    #[arg(long, default_value_t = 1_000)]
    fill: u64,
    /// Size of a message's body, bytes; at least 38.
    #[arg(long, default_value_t = 1_000)]
    body_bytes: usize,
    /// Messages a second while it is measured.
    #[arg(long, default_value_t = 10.0)]
    rate: f64,
    /// Length of each measured block, s.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Cycles: each measures both comets.
    #[arg(long, default_value_t = 5)]
    cycles: usize,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<RunResult>> {
    ensure!(options.cycles > 0 && options.members > 0 && options.stuck > 0, "nothing would be measured");
    ensure!(options.rate > 0.0 && options.seconds > 0.0, "nothing would be measured");
    // Who reads nothing answers no ping either; buffers of the kernel that grow would hide the comet's.
    let target = options.target.clone().with_setting("OORT_COMET__SILENCE_LIMIT_MS", "86400000");
    let target = target.with_setting("OORT_COMET__SOCKET_SEND_BUFFER_BYTES", "65536");
    let lanes = target.lanes()?;
    let mut progress = Progress::new(&options.output, "stuck");
    lanes.iter().map(|lane| measure(options, lane, &mut progress)).collect()
}

fn measure(options: &Options, lane: &Lane, progress: &mut Progress) -> anyhow::Result<RunResult> {
    let params = [
        ("members", json!(options.members)),
        ("stuck", json!(options.stuck)),
        ("body_bytes", json!(options.body_bytes)),
        ("rate_per_s", json!(options.rate)),
    ];
    let mut outcome = Outcome::new("stuck", lane, &params);
    progress.phase(format!("{} members connect, twice", options.members));
    let (mut without, mut with) = (lane.start()?, lane.start()?);
    for rig in [&mut without, &mut with] {
        rig.open(options.members, 0, OPEN_UNDER_WAY)?;
    }
    with.stick(options.stuck)?;
    progress.phase("filling those who do not read");
    for rig in [&mut without, &mut with] {
        let fill = Block { seconds: FILL_SECONDS, publications_max: options.fill, ..block(options) };
        rig.measure(&Block { pace: Pace::UnderWay(32), ..fill })?;
    }
    let rss_bytes = [without.usage()?.0.rss_bytes, with.usage()?.0.rss_bytes];
    for cycle in 0..options.cycles {
        progress.phase(format!("cycle {}", cycle + 1));
        let alone = without.measure(&block(options))?;
        let beside = with.measure(&block(options))?;
        outcome.block(&beside);
        // What is lost without anybody who is stuck counts as well.
        outcome.verdict(alone.verdict);
        for (name, quantile) in [("delivered_p50_ms", 0.5), ("delivered_p99_ms", 0.99)] {
            let (alone, beside) = (percentile_ms(&alone, quantile), percentile_ms(&beside, quantile));
            outcome.compared(name, beside, Some(alone));
            outcome.figure(&format!("{name}_without"), alone);
        }
        let (alone_us, beside_us) = (cpu_us_per_message(&alone), cpu_us_per_message(&beside));
        outcome.compared("cpu_us_per_message", beside_us, Some(alone_us));
    }
    finish(options, outcome, &mut with, rss_bytes)
}

fn finish(
    options: &Options,
    mut outcome: Outcome,
    with: &mut Rig,
    [alone, beside]: [u64; 2],
) -> anyhow::Result<RunResult> {
    let stuck = as_f64(options.stuck as u64);
    let found = with.unstick()?;
    outcome.figure("rss_bytes_per_stuck_client", as_f64(beside.saturating_sub(alone)) / stuck);
    outcome.figure("bytes_that_waited_per_stuck_client", as_f64(found.bytes) / stuck);
    outcome.figure("times_told_per_stuck_client", as_f64(found.behind) / stuck);
    outcome.figure("stuck_clients_closed", as_f64(found.dropped));
    outcome.note("ratios are to the comet whose members all read, measured in the same cycle");
    outcome.note("the verdict is on the members who read");
    Ok(outcome.finish())
}

fn block(options: &Options) -> Block {
    Block {
        to: To::All,
        pace: Pace::PerSecond(options.rate),
        seconds: options.seconds,
        publications_max: 0,
        body_bytes: options.body_bytes,
        per_publication: 1,
        ahead_max: 512,
        crowd_under_way: 0,
    }
}
