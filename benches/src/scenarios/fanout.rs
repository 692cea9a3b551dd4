//! `fanout`: one message to all members of a room, in four ways, beside the floor in the same cycle.

use anyhow::ensure;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::lanes::{Lane, TargetOptions};
use super::outcome::{Outcome, as_f64, cpu_us_per_message, percentile_ms};
use crate::report::{OutputOptions, Progress, RunResult};
use crate::rig::{Block, Measured, Pace, Rig, To};
use crate::target::KeepAwake;

/// Publications that the floor's send loop has waiting, so that it does not stop; more would let its receivers fall behind,
/// which makes a send dearer.
const BARE_UNDER_WAY: usize = 2;
/// Clients on their way in at once.
const OPEN_UNDER_WAY: usize = 64;
/// Length of the block before the first cycle, s.
const WARM_UP_SECONDS: f64 = 0.3;
/// Messages before each measured block. A connection that was silent for longer than its retransmission timeout has its
/// next 16 segments acknowledged one by one (Linux: TCP_MAX_QUICKACKS), which would be charged to whoever waited longer.
const WAKING_MESSAGES: u64 = 20;

#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: TargetOptions,
    /// Members of the room; several, comma-separated, are measured each.
    #[arg(long, value_delimiter = ',', default_value = "1000,10000")]
    members: Vec<usize>,
    /// Ways of publishing; several, comma-separated, are measured each.
    #[arg(long = "mode", value_enum, value_delimiter = ',', default_value = "one,burst,batch,rate")]
    modes: Vec<Mode>,
    /// Size of a message's body, bytes; at least 38.
    #[arg(long, default_value_t = 100)]
    body_bytes: usize,
    /// Cycles: each measures the floor, every target and the floor again.
    #[arg(long, default_value_t = 5)]
    cycles: usize,
    /// Length of each measured block, s.
    #[arg(long, default_value_t = 1.5)]
    seconds: f64,
    /// Publications not yet answered at once, in mode burst (8 at most for goim, whose queues are short).
    #[arg(long, default_value_t = 64)]
    under_way: usize,
    /// Messages that are published together, in mode batch: 8, 20, 32, …
    #[arg(long, default_value_t = 20)]
    per_batch: usize,
    /// Batches not yet answered at once, in mode batch.
    #[arg(long, default_value_t = 8)]
    batches_under_way: usize,
    /// Messages a client may not have yet, at most, in modes burst and batch.
    #[arg(long, default_value_t = 512)]
    ahead: u64,
    /// Publications a second, in mode rate.
    #[arg(long, default_value_t = 10.0)]
    rate: f64,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// A way of publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// One at a time: all must have it before the next.
    One,
    /// Single publications back to back, so many under way.
    Burst,
    /// Batches back to back.
    Batch,
    /// So many a second, whatever becomes of them; the cores are kept awake.
    Rate,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Burst => "burst",
            Self::Batch => "batch",
            Self::Rate => "rate",
        }
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<RunResult>> {
    ensure!(options.cycles > 0 && options.seconds > 0.0 && options.rate > 0.0, "nothing would be measured");
    ensure!(options.per_batch > 0, "a batch has at least one message");
    let lanes = options.target.lanes()?;
    let floors = options.target.floors(&lanes);
    let mut progress = Progress::new(&options.output, "fanout");
    let mut results = Vec::new();
    for members in &options.members {
        progress.phase(format!("{members} members connect"));
        let mut field = Field::open(options, &lanes, &floors, *members)?;
        for mode in &options.modes {
            results.extend(field.measure(*mode, &mut progress)?);
        }
    }
    Ok(results)
}

/// All servers with their members in.
struct Field<'a> {
    options: &'a Options,
    members: usize,
    floors: Vec<(&'a Lane, Rig)>,
    lanes: Vec<(&'a Lane, Rig)>,
}

impl<'a> Field<'a> {
    fn open(
        options: &'a Options,
        lanes: &'a [Lane],
        floors: &'a [Lane],
        members: usize,
    ) -> anyhow::Result<Self> {
        let open = |lane: &'a Lane| {
            let mut rig = lane.start()?;
            rig.open(members, 0, OPEN_UNDER_WAY)?;
            Ok((lane, rig))
        };
        let floors = floors.iter().map(open).collect::<anyhow::Result<_>>()?;
        let lanes = lanes.iter().map(open).collect::<anyhow::Result<_>>()?;
        Ok(Self { options, members, floors, lanes })
    }

    fn measure(&mut self, mode: Mode, progress: &mut Progress) -> anyhow::Result<Vec<RunResult>> {
        let awake =
            if mode == Mode::Rate { KeepAwake::on(&self.options.target.server_cores())? } else { vec![] };
        let params = self.params(mode);
        let outcomes = |rigs: &[(&Lane, Rig)]| -> Vec<Outcome> {
            rigs.iter().map(|(lane, _)| Outcome::new("fanout", lane, &params)).collect()
        };
        let (mut of_floors, mut of_lanes) = (outcomes(&self.floors), outcomes(&self.lanes));
        for (lane, rig) in self.floors.iter_mut().chain(&mut self.lanes) {
            rig.measure(&Block { seconds: WARM_UP_SECONDS, ..block(self.options, mode, lane) })?;
        }
        for cycle in 0..self.options.cycles {
            progress.phase(format!("{} members, {}, cycle {}", self.members, mode.name(), cycle + 1));
            for ((floor_lane, floor), of_floor) in self.floors.iter_mut().zip(&mut of_floors) {
                wake(self.options, floor, floor_lane)?;
                let mut bare = vec![bare_us(floor.measure(&bare_block(self.options, floor_lane))?)];
                let floors = floor.measure(&block(self.options, mode, floor_lane))?;
                let mut measured = Vec::new();
                for ((lane, rig), outcome) in self.lanes.iter_mut().zip(&mut of_lanes) {
                    if lane.dialect == floor_lane.dialect {
                        wake(self.options, rig, lane)?;
                        measured.push((outcome, rig.measure(&block(self.options, mode, lane))?));
                    }
                }
                wake(self.options, floor, floor_lane)?;
                bare.push(bare_us(floor.measure(&bare_block(self.options, floor_lane))?));
                let cycle = Cycle {
                    mode,
                    bare_us: bare.iter().sum::<f64>() / as_f64(bare.len() as u64),
                    floor: &floors,
                };
                cycle.note(of_floor, &floors);
                measured.into_iter().for_each(|(outcome, measured)| cycle.note(outcome, &measured));
            }
        }
        let is_idle_class = awake.iter().all(|awake| awake.is_idle_class);
        Ok(of_floors
            .into_iter()
            .chain(of_lanes)
            .map(|outcome| finish(outcome, mode, is_idle_class))
            .collect())
    }

    fn params(&self, mode: Mode) -> Vec<(&'static str, serde_json::Value)> {
        let options = self.options;
        let mut params = vec![
            ("members", json!(self.members)),
            ("body_bytes", json!(options.body_bytes)),
            ("mode", json!(mode.name())),
        ];
        match mode {
            Mode::One => {}
            Mode::Burst => params.push(("under_way", json!(options.under_way))),
            Mode::Batch => {
                params.push(("per_batch", json!(options.per_batch)));
                params.push(("batches_under_way", json!(options.batches_under_way)));
            }
            Mode::Rate => params.push(("rate_per_s", json!(options.rate))),
        }
        params
    }
}

fn finish(mut outcome: Outcome, mode: Mode, is_idle_class: bool) -> RunResult {
    if mode == Mode::Rate {
        outcome.note("ratios are to the floor server of the same cycle; the cores were kept awake");
        if !is_idle_class {
            outcome.note(
                "the server's core was kept awake by a process of the least weight, not by an idle one",
            );
        }
    } else {
        outcome.note("ratios of CPU are to one bare send(2) of the same cycle");
    }
    outcome.finish()
}

/// What one cycle measured of the floor.
struct Cycle<'a> {
    mode: Mode,
    /// CPU of one bare send, µs.
    bare_us: f64,
    floor: &'a Measured,
}

impl Cycle<'_> {
    fn note(&self, outcome: &mut Outcome, measured: &Measured) {
        let cpu_us = cpu_us_per_message(measured);
        let is_rate = self.mode == Mode::Rate;
        let base_us = if is_rate { cpu_us_per_message(self.floor) } else { self.bare_us };
        outcome.block(measured);
        outcome.compared("cpu_us_per_message", cpu_us, Some(base_us));
        outcome.figure("bare_send_cpu_us", self.bare_us);
        outcome.figure("messages_per_s", as_f64(measured.verdict.delivered) / measured.seconds);
        outcome
            .figure("messages_per_read", as_f64(measured.verdict.delivered) / as_f64(measured.reads.max(1)));
        outcome.figure("generator_busy", measured.busy);
        for (name, quantile) in [("delivered_p50_ms", 0.5), ("delivered_p99_ms", 0.99)] {
            let floor = is_rate.then(|| percentile_ms(self.floor, quantile));
            outcome.compared(name, percentile_ms(measured, quantile), floor);
        }
    }
}

/// CPU of one send of the floor's loop, µs.
fn bare_us(measured: Measured) -> f64 {
    measured.loops.map_or(0.0, |loops| as_f64(loops.cpu_ns) / 1e3 / as_f64(loops.sends.max(1)))
}

/// Ends the silence of a server's connections.
fn wake(options: &Options, rig: &mut Rig, lane: &Lane) -> anyhow::Result<()> {
    let waking =
        Block { publications_max: WAKING_MESSAGES, seconds: 10.0, ..block(options, Mode::One, lane) };
    rig.measure(&waking).map(drop)
}

fn bare_block(options: &Options, lane: &Lane) -> Block {
    Block {
        pace: Pace::UnderWay(BARE_UNDER_WAY),
        ahead_max: BARE_UNDER_WAY as u64,
        seconds: options.seconds / 2.0,
        ..block(options, Mode::One, lane)
    }
}

fn block(options: &Options, mode: Mode, lane: &Lane) -> Block {
    let under_way = if lane.has_short_queues() { options.under_way.min(8) } else { options.under_way };
    let per_publication = if mode == Mode::Batch { options.per_batch } else { 1 };
    let ahead_max = if lane.has_short_queues() { 8 * per_publication as u64 } else { options.ahead };
    Block {
        to: To::All,
        pace: match mode {
            Mode::One => Pace::Lockstep,
            Mode::Burst => Pace::UnderWay(under_way),
            Mode::Batch => Pace::UnderWay(options.batches_under_way),
            Mode::Rate => Pace::PerSecond(options.rate),
        },
        // At a low rate there is little to see in a short time.
        seconds: if mode == Mode::Rate { options.seconds.max(20.0 / options.rate) } else { options.seconds },
        publications_max: 0,
        body_bytes: options.body_bytes,
        per_publication,
        ahead_max: ahead_max.max(per_publication as u64),
        crowd_under_way: 0,
    }
}
