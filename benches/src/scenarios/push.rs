//! `push`: single messages, each to one client, at a low rate; and the same while a fan-out to others keeps the server busy.

use anyhow::ensure;
use clap::Args;
use serde_json::json;

use super::lanes::{Lane, TargetOptions};
use super::outcome::{Outcome, as_f64, cpu_us_per_message, percentile_ms};
use crate::report::{OutputOptions, Progress, RunResult};
use crate::rig::{Block, Measured, Pace, Rig, To};
use crate::target::KeepAwake;

/// Clients on their way in at once.
const OPEN_UNDER_WAY: usize = 64;
/// Length of a block that is not measured, s.
const WARM_UP_SECONDS: f64 = 0.3;

#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: TargetOptions,
    /// Clients, of which one is chosen at random for each push.
    #[arg(long, default_value_t = 1000)]
    members: usize,
    /// Pushes a second.
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
    /// Size of a message's body, bytes; at least 38.
    #[arg(long, default_value_t = 100)]
    body_bytes: usize,
    /// Cycles: each measures the floor server and every target.
    #[arg(long, default_value_t = 5)]
    cycles: usize,
    /// Length of each measured block, s.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Also measures while messages to a room of so many other clients keep the server busy; 0 = only without. The
    /// clients' process is busy too, so that part of the latency is its own.
    #[arg(long, default_value_t = 0, value_name = "MEMBERS")]
    saturate: usize,
    /// Messages to that room that have not reached all its members.
    #[arg(long, default_value_t = 8)]
    saturate_under_way: usize,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<RunResult>> {
    ensure!(options.cycles > 0 && options.seconds > 0.0 && options.rate > 0.0, "nothing would be measured");
    let lanes = options.target.lanes()?;
    let floors = options.target.floors(&lanes);
    let mut progress = Progress::new(&options.output, "push");
    progress.phase(format!("{} clients connect", options.members));
    let open = |lane: &Lane, crowd: usize| -> anyhow::Result<Rig> {
        let mut rig = lane.start()?;
        rig.open(options.members, crowd, OPEN_UNDER_WAY)?;
        Ok(rig)
    };
    let mut rigs = Vec::new();
    for lane in &floors {
        rigs.push((lane, open(lane, 0)?));
    }
    for lane in &lanes {
        rigs.push((lane, open(lane, options.saturate)?));
    }
    let mut outcomes = outcomes(options, &rigs);
    let awake = KeepAwake::on(&options.target.server_cores())?;
    for (_, rig) in &mut rigs {
        rig.measure(&Block { seconds: WARM_UP_SECONDS, ..block(options, false) })?;
    }
    for cycle in 0..options.cycles {
        let mut floors: Vec<(&Lane, Measured)> = Vec::new();
        for ((lane, rig), pair) in rigs.iter_mut().zip(&mut outcomes) {
            progress.phase(format!("{}, cycle {}", lane.name, cycle + 1));
            let measured = rig.measure(&block(options, false))?;
            let floor =
                floors.iter().find(|(floor, _)| floor.dialect == lane.dialect).map(|(_, floor)| floor);
            note(&mut pair.calm, &measured, floor.unwrap_or(&measured), true);
            if let Some(busy) = &mut pair.busy {
                let saturated = rig.measure(&block(options, true))?;
                busy.figure(
                    "crowd_messages_per_s",
                    as_f64(saturated.crowd_verdict.delivered) / saturated.seconds,
                );
                note(busy, &saturated, &measured, false);
            }
            if lane.name == "floor" {
                floors.push((*lane, measured));
            }
        }
    }
    let is_idle_class = awake.iter().all(|awake| awake.is_idle_class);
    Ok(outcomes.into_iter().flat_map(|pair| pair.finish(is_idle_class)).collect())
}

/// With the server at rest, and kept busy.
struct Pair {
    calm: Outcome,
    busy: Option<Outcome>,
}

impl Pair {
    fn finish(mut self, is_idle_class: bool) -> Vec<RunResult> {
        self.calm.note("ratios are to the floor server of the same cycle; the cores were kept awake");
        if !is_idle_class {
            self.calm.note(
                "the server's core was kept awake by a process of the least weight, not by an idle one",
            );
        }
        if let Some(busy) = &mut self.busy {
            busy.note("ratios are to the same server without the other room, in the same cycle");
        }
        [Some(self.calm), self.busy].into_iter().flatten().map(Outcome::finish).collect()
    }
}

fn outcomes(options: &Options, rigs: &[(&Lane, Rig)]) -> Vec<Pair> {
    let params = vec![
        ("members", json!(options.members)),
        ("rate_per_s", json!(options.rate)),
        ("body_bytes", json!(options.body_bytes)),
    ];
    let mut busy = params.clone();
    busy.push(("saturated_members", json!(options.saturate)));
    busy.push(("saturated_under_way", json!(options.saturate_under_way)));
    let pair = |lane: &Lane| {
        let is_busy = options.saturate > 0 && lane.name != "floor";
        let busy = is_busy.then(|| Outcome::new("push", lane, &busy));
        Pair { calm: Outcome::new("push", lane, &params), busy }
    };
    rigs.iter().map(|(lane, _)| pair(lane)).collect()
}

/// `is_alone`: all CPU was used for these messages.
fn note(outcome: &mut Outcome, measured: &Measured, other: &Measured, is_alone: bool) {
    outcome.block(measured);
    let other_cpu_us = is_alone.then(|| cpu_us_per_message(other));
    outcome.compared("cpu_us_per_message", cpu_us_per_message(measured), other_cpu_us);
    outcome.figure("messages_per_s", as_f64(measured.verdict.delivered) / measured.seconds);
    for (name, quantile) in [("delivered_p50_ms", 0.5), ("delivered_p99_ms", 0.99)] {
        outcome.compared(name, percentile_ms(measured, quantile), Some(percentile_ms(other, quantile)));
    }
}

fn block(options: &Options, is_saturated: bool) -> Block {
    Block {
        to: To::One,
        pace: Pace::PerSecond(options.rate),
        seconds: options.seconds,
        publications_max: 0,
        body_bytes: options.body_bytes,
        per_publication: 1,
        ahead_max: 1,
        crowd_under_way: if is_saturated { options.saturate_under_way } else { 0 },
    }
}
