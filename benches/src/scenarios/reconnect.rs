//! `reconnect`: everybody is cut off and comes back at once.

use anyhow::ensure;
use clap::Args;
use serde_json::json;

use super::lanes::{Lane, TargetOptions};
use super::outcome::{Outcome, as_f64};
use super::proof::prove;
use crate::report::{OutputOptions, Progress, RunResult};
use crate::rig::{Opened, Rig};

/// Clients on their way in at once before the first storm.
const OPEN_UNDER_WAY: usize = 64;

#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: TargetOptions,
    /// Clients.
    #[arg(long, default_value_t = 10_000)]
    members: usize,
    /// Clients on their way back at once; 0 = all.
    #[arg(long, default_value_t = 0)]
    under_way: usize,
    /// Storms.
    #[arg(long, default_value_t = 3)]
    cycles: usize,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<RunResult>> {
    ensure!(options.cycles > 0 && options.members > 0, "nothing would be measured");
    let lanes = options.target.lanes()?;
    let floors = options.target.floors(&lanes);
    let under_way = if options.under_way == 0 { options.members } else { options.under_way };
    let params = [("members", json!(options.members)), ("under_way", json!(under_way))];
    let mut progress = Progress::new(&options.output, "reconnect");
    let mut rigs: Vec<(&Lane, Rig, Outcome)> = Vec::new();
    for lane in floors.iter().chain(&lanes) {
        progress.phase(format!("{}: {} clients connect", lane.name, options.members));
        let mut rig = lane.start()?;
        rig.open(options.members, 0, OPEN_UNDER_WAY)?;
        rigs.push((lane, rig, Outcome::new("reconnect", lane, &params)));
    }
    for cycle in 0..options.cycles {
        let mut floors: Vec<(&Lane, Opened)> = Vec::new();
        for (lane, rig, outcome) in &mut rigs {
            progress.phase(format!("{}, storm {}", lane.name, cycle + 1));
            rig.close()?;
            let opened = rig.open(options.members, 0, under_way)?;
            let floor =
                floors.iter().find(|(floor, _)| floor.dialect == lane.dialect).map(|(_, floor)| *floor);
            let floor = floor.unwrap_or(opened);
            outcome.compared("all_back_after_s", opened.seconds, Some(floor.seconds));
            outcome.compared("cpu_us_per_return", cpu_us(&opened), Some(cpu_us(&floor)));
            outcome.figure("refused", as_f64(opened.refused));
            outcome.figure("lost_again", as_f64(opened.dropped));
            outcome.figure("rss_bytes", as_f64(rig.usage()?.0.rss_bytes));
            outcome.verdict(prove(rig, 1)?.verdict);
            if lane.name == "floor" {
                floors.push((*lane, opened));
            }
        }
    }
    Ok(rigs.into_iter().map(|(_, _, outcome)| finish(outcome)).collect())
}

/// Of the departures too: the server learns of them while clients come back.
fn cpu_us(opened: &Opened) -> f64 {
    as_f64(opened.cpu_ns) / 1e3 / as_f64(opened.clients.max(1) as u64)
}

fn finish(mut outcome: Outcome) -> RunResult {
    outcome.note(
        "ratios are to the floor server of the same cycle; the server's CPU includes what departures cost",
    );
    outcome.note("the verdict is on one message to all after they came back");
    outcome.finish()
}
