//! `handshake`: connect, upgrade, be let in, be in the room: what it costs the server, beside the floor server.

use anyhow::ensure;
use clap::Args;
use serde_json::json;

use super::lanes::{Lane, TargetOptions};
use super::outcome::{Outcome, as_f64};
use super::proof::prove;
use crate::report::{OutputOptions, Progress, RunResult};
use crate::rig::{Opened, Rig};

#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: TargetOptions,
    /// Clients that come in, in each cycle.
    #[arg(long, default_value_t = 10_000)]
    members: usize,
    /// Clients on their way in at once.
    #[arg(long, default_value_t = 64)]
    under_way: usize,
    /// Cycles: in each the floor server and every target are connected to, and left again.
    #[arg(long, default_value_t = 5)]
    cycles: usize,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<RunResult>> {
    ensure!(options.cycles > 0 && options.members > 0, "nothing would be measured");
    let lanes = options.target.lanes()?;
    let floors = options.target.floors(&lanes);
    let params = [("members", json!(options.members)), ("under_way", json!(options.under_way))];
    let mut progress = Progress::new(&options.output, "handshake");
    let mut rigs: Vec<(&Lane, Rig, Outcome)> = Vec::new();
    for lane in floors.iter().chain(&lanes) {
        rigs.push((lane, lane.start()?, Outcome::new("handshake", lane, &params)));
    }
    for (_, rig, _) in &mut rigs {
        // Memory that the first ones take is there for those that are measured.
        rig.open(options.members, 0, options.under_way)?;
        rig.close()?;
    }
    for cycle in 0..options.cycles {
        let mut floors: Vec<(&Lane, Opened)> = Vec::new();
        for (lane, rig, outcome) in &mut rigs {
            progress.phase(format!("{}, cycle {}", lane.name, cycle + 1));
            let opened = rig.open(options.members, 0, options.under_way)?;
            let floor =
                floors.iter().find(|(floor, _)| floor.dialect == lane.dialect).map(|(_, floor)| *floor);
            note(outcome, &opened, &floor.unwrap_or(opened));
            outcome.verdict(prove(rig, 1)?.verdict);
            rig.close()?;
            settle(rig)?;
            if lane.name == "floor" {
                floors.push((*lane, opened));
            }
        }
    }
    Ok(rigs.into_iter().map(|(_, _, outcome)| finish(outcome)).collect())
}

fn note(outcome: &mut Outcome, opened: &Opened, floor: &Opened) {
    outcome.compared("cpu_us_per_handshake", cpu_us(opened), Some(cpu_us(floor)));
    outcome.figure("handshakes_per_s", per_s(opened));
    outcome.figure("refused", as_f64(opened.refused));
}

fn cpu_us(opened: &Opened) -> f64 {
    as_f64(opened.cpu_ns) / 1e3 / as_f64(opened.clients.max(1) as u64)
}

fn per_s(opened: &Opened) -> f64 {
    as_f64(opened.clients as u64) / opened.seconds
}

/// Waits until a server whose clients have left does nothing any more, or long enough.
fn settle(rig: &mut Rig) -> anyhow::Result<()> {
    let mut before_ns = rig.usage()?.1;
    for _ in 0..50 {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let (_, now_ns) = rig.usage()?;
        // A tenth of a second in which less than a thousandth of it was used.
        if now_ns - before_ns < 100_000 {
            break;
        }
        before_ns = now_ns;
    }
    Ok(())
}

fn finish(mut outcome: Outcome) -> RunResult {
    outcome.note("ratios are to the floor server of the same cycle; clients of one core bound the rate");
    outcome.note("the verdict is on one message to all after they came in");
    outcome.finish()
}
