//! `idle`: connections that are in, and do nothing: what memory they take, of the server and of the kernel. Several servers
//! with an address each hold more than one process may have files: a million of them, for instance.

use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use serde_json::json;

use super::lanes::{Lane, TargetOptions};
use super::outcome::{Outcome, as_f64};
use super::proof::prove;
use crate::procfs::{self, Memory};
use crate::report::{OutputOptions, Progress, RunResult};
use crate::rig::Rig;

/// Clients of one server, at most: the usual limit of open files, and some for the server itself.
const CLIENTS_PER_SERVER_MAX: usize = 19_000;

#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: TargetOptions,
    /// Connections in all; several, comma-separated, are measured each, with new servers.
    #[arg(long, value_delimiter = ',', default_value = "5000,15000")]
    connections: Vec<usize>,
    /// Servers of each target that share them, each with a loopback address and a client process of its own.
    #[arg(long, default_value_t = 1)]
    comets: usize,
    /// Time for everything to come to rest before memory is read, s.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Messages to all, one after the other.
    #[arg(long, default_value_t = 1)]
    messages: u64,
    /// Clients on their way in at once, of each server.
    #[arg(long, default_value_t = 64)]
    under_way: usize,
    /// Servers whose clients come in at the same time.
    #[arg(long, default_value_t = 2)]
    opening: usize,
    /// Without the floor server.
    #[arg(long)]
    no_floor: bool,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<RunResult>> {
    ensure!((1..=250).contains(&options.comets), "1 to 250 comets");
    let lanes = options.target.lanes()?;
    let floors = if options.no_floor { Vec::new() } else { options.target.floors(&lanes) };
    let mut progress = Progress::new(&options.output, "idle");
    let mut results = Vec::new();
    for connections in &options.connections {
        let share = connections.div_ceil(options.comets);
        ensure!(
            share <= CLIENTS_PER_SERVER_MAX,
            "{connections} connections need {} comets: a process may have about 20,000 files (--comets)",
            connections.div_ceil(CLIENTS_PER_SERVER_MAX)
        );
        let mut held: Vec<(&Lane, Held)> = Vec::new();
        for lane in floors.iter().chain(&lanes) {
            let measured = hold(options, lane, *connections, &mut progress)?;
            let floor = held.iter().find(|(floor, _)| floor.dialect == lane.dialect).map(|(_, held)| held);
            results.push(result(options, lane, *connections, &measured, floor));
            if lane.name == "floor" {
                held.push((lane, measured));
            }
        }
    }
    Ok(results)
}

/// What holding them took.
#[derive(Debug, Clone)]
struct Held {
    rss_bytes: f64,
    pss_bytes: f64,
    kernel_bytes: f64,
    available_bytes: f64,
    open_seconds: f64,
    refused: u64,
    lost: u64,
    broadcast_seconds: f64,
    cpu_ns: u64,
    complaint: Option<String>,
    verdict: crate::report::Verdict,
}

fn hold(options: &Options, lane: &Lane, connections: usize, progress: &mut Progress) -> anyhow::Result<Held> {
    progress.phase(format!("{}: {} servers start", lane.name, options.comets));
    let mut rigs = Vec::new();
    for index in 0..options.comets {
        rigs.push(at(lane, index, options.comets).start()?);
    }
    rest(options);
    let before = memory(&mut rigs)?;
    let (slab_before, available_before) = (procfs::slab_bytes(), procfs::available_bytes());
    let begun = std::time::Instant::now();
    let share = connections.div_ceil(options.comets);
    let mut refused = 0;
    for (wave, some) in rigs.chunks_mut(options.opening.max(1)).enumerate() {
        let opened = wave * options.opening.max(1) * share;
        progress.phase(format!("{}: {opened} of {connections} connections", lane.name));
        let wanted = |index: usize| share.min(connections.saturating_sub(opened + index * share));
        for (index, rig) in some.iter_mut().enumerate() {
            rig.tell_open(wanted(index), 0, options.under_way)?;
        }
        for rig in some {
            refused += rig.hear_opened()?.refused;
        }
    }
    let open_seconds = begun.elapsed().as_secs_f64();
    progress.phase(format!("{}: {connections} connections rest", lane.name));
    rest(options);
    let after = memory(&mut rigs)?;
    let (slab_after, available_after) = (procfs::slab_bytes(), procfs::available_bytes());
    progress.phase(format!("{}: messages to all", lane.name));
    let begun = std::time::Instant::now();
    let (mut verdict, mut lost, mut cpu_ns) = (crate::report::Verdict::default(), 0, 0);
    let mut complaint = None;
    for rig in &mut rigs {
        let proof = prove(rig, options.messages)?;
        verdict += proof.verdict;
        lost += proof.dropped;
        cpu_ns += proof.cpu_ns();
        complaint = proof.complaint.or(complaint);
    }
    let per_connection =
        |after: u64, before: u64| (as_f64(after) - as_f64(before)) / as_f64(connections as u64);
    Ok(Held {
        rss_bytes: per_connection(after.rss_bytes, before.rss_bytes),
        pss_bytes: per_connection(after.pss_bytes, before.pss_bytes),
        kernel_bytes: per_connection(slab_after, slab_before),
        available_bytes: per_connection(available_before, available_after),
        open_seconds,
        refused,
        lost,
        broadcast_seconds: begun.elapsed().as_secs_f64(),
        cpu_ns,
        complaint,
        verdict,
    })
}

/// The same with an address of its own; with several servers none is bound to a core.
fn at(lane: &Lane, index: usize, of: usize) -> Lane {
    let mut lane = lane.clone();
    if of > 1 {
        let last = u8::try_from(index + 1).unwrap_or(u8::MAX);
        lane.setup.target.address = std::net::Ipv4Addr::new(127, 0, 100, last);
        lane.setup.target.server_cores.clear();
        lane.setup.cores.clear();
    }
    lane
}

fn rest(options: &Options) {
    std::thread::sleep(Duration::try_from_secs_f64(options.seconds).unwrap_or_default());
}

fn memory(rigs: &mut [Rig]) -> anyhow::Result<Memory> {
    let mut all = Memory::default();
    for rig in rigs {
        all += rig.usage()?.0;
    }
    Ok(all)
}

fn result(
    options: &Options,
    lane: &Lane,
    connections: usize,
    held: &Held,
    floor: Option<&Held>,
) -> RunResult {
    let params = [
        ("connections", json!(connections)),
        ("servers", json!(options.comets)),
        ("messages", json!(options.messages)),
    ];
    let mut outcome = Outcome::new("idle", lane, &params);
    let floor = floor.or((lane.name == "floor").then_some(held));
    let of_floor = |bytes: fn(&Held) -> f64| floor.map(bytes);
    outcome.compared("rss_bytes_per_connection", held.rss_bytes, of_floor(|floor| floor.rss_bytes));
    outcome.compared("pss_bytes_per_connection", held.pss_bytes, of_floor(|floor| floor.pss_bytes));
    outcome.compared("kernel_bytes_per_pair", held.kernel_bytes, of_floor(|floor| floor.kernel_bytes));
    let cpu_us = |held: &Held| as_f64(held.cpu_ns) / 1e3 / as_f64(held.verdict.delivered.max(1));
    outcome.compared("cpu_us_per_delivery", cpu_us(held), floor.map(cpu_us));
    outcome.figure("available_bytes_per_pair", held.available_bytes);
    outcome.figure("open_seconds", held.open_seconds);
    outcome.figure("refused", as_f64(held.refused));
    outcome.figure("connections_lost", as_f64(held.lost));
    outcome.figure("broadcast_seconds", held.broadcast_seconds);
    outcome.verdict(held.verdict);
    if let Some(why) = &held.complaint {
        outcome.note(format!("the last connection lost: {why}"));
    }
    outcome.note("growth from before the first connection; rss and pss of the servers, kernel memory (slab) and what is no longer available of both ends");
    outcome.note("the verdict and cpu_us_per_delivery are of messages to all, server after server");
    outcome.finish()
}
