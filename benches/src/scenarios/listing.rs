//! `listing`: the list of conversations, in a store of many people who are in many groups each.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::Method;
use serde_json::{Value, json};

use crate::clock;
use crate::fill::{self, Amount, Filler};
use crate::histogram::Recorder;
use crate::load::run::ratio;
use crate::procfs;
use crate::report::{Latency, Machine, OutputOptions, Progress, RunResult, Verdict};
use crate::system::{Shape, System, SystemOptions, block_on};

use super::command;

/// Log-ins under way at once.
const AT_ONCE: usize = 8;

/// Options of `oort-bench listing`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// People in the store.
    #[arg(long, default_value_t = 1_000_000)]
    users: u64,
    /// Groups that each of them is in.
    #[arg(long, default_value_t = 50)]
    groups: u64,
    /// How many of them, spread over all, log in and read their list.
    #[arg(long, default_value_t = 1_000)]
    readers: u64,
    /// Lists read, one after the other, in each cycle.
    #[arg(long, default_value_t = 3_000)]
    reads: usize,
    /// How often the reading is repeated; every figure gets a sample of each.
    #[arg(long, default_value_t = 3)]
    cycles: usize,
    #[command(flatten)]
    system: SystemOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// Runs the scenario.
pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<RunResult>> {
    ensure!(options.readers > 0 && options.readers <= options.users, "--readers: some of the people");
    ensure!(options.reads > 0 && options.cycles > 0, "nothing would be measured");
    ensure!(
        options.system.api.is_empty(),
        "the store of a system that runs already is not filled: leave --api out"
    );
    block_on(measure(options))
}

async fn measure(options: &Options) -> anyhow::Result<Vec<RunResult>> {
    let mut result = empty(options);
    let mut progress = Progress::new(&options.output, format!("listing, {}", options.system.shape.name()));
    progress.phase("starting the system");
    let mut system_options = options.system.clone();
    for cheap in ["logic.accounts.argon2_memory_kib=8", "logic.accounts.argon2_passes=1"] {
        system_options.settings.insert(0, cheap.to_owned());
    }
    let system = System::start(&system_options).await?;
    let like = json!({ "username": "like-all", "password": "password of all" });
    system.apis[0].post("/api/accounts", "", &like).await?;
    progress.phase(format!("writing {} people in {} groups each", options.users, options.groups));
    let filler = Filler::beside(&system, &system_options)?;
    let amount = Amount { users: options.users, groups: options.groups };
    let began = Instant::now();
    tokio::task::block_in_place(|| {
        filler.fill(amount, "like-all", |written, rows| {
            progress.tick(ratio(written, rows), ratio(written, 1) / began.elapsed().as_secs_f64());
        })
    })?;
    progress.phase(format!("{} people log in", options.readers));
    let step = options.users / options.readers;
    let tokens: Vec<String> = stream::iter(0..options.readers)
        .map(|reader| log_in(&system, reader, fill::name(reader * step)))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    for cycle in 1..=options.cycles {
        progress.phase(format!("cycle {cycle} of {}: lists", options.cycles));
        let cursors = read(&system, options, &tokens, &[], &mut result, "whole list").await?;
        progress.phase(format!("cycle {cycle} of {}: what is new", options.cycles));
        read(&system, options, &tokens, &cursors, &mut result, "nothing new").await?;
    }
    drop(progress);
    system.stop();
    Ok(vec![result])
}

async fn log_in(system: &System, reader: u64, name: String) -> anyhow::Result<String> {
    let api = &system.apis[usize::try_from(reader)? % system.apis.len()];
    let session =
        api.post("/api/sessions", "", &json!({ "login": name, "password": "password of all" })).await?;
    session["accessToken"].as_str().map(str::to_owned).context("a log-in without a token")
}

/// Reads lists, one after the other, and notes what that took; returns the cursors of the answers.
async fn read(
    system: &System,
    options: &Options,
    tokens: &[String],
    cursors: &[String],
    result: &mut RunResult,
    what: &str,
) -> anyhow::Result<Vec<String>> {
    let before = cpu_ns(system)?;
    let (mut took, mut bytes, mut wrong) = (Recorder::new(), 0, 0);
    let mut read = Vec::with_capacity(tokens.len());
    for number in 0..options.reads {
        let reader = number % tokens.len();
        let since = cursors.get(reader).map_or("", String::as_str);
        let api = &system.apis[number % system.apis.len()];
        let path = format!("/api/conversations?latest=1&since={since}");
        let asked = Instant::now();
        let (status, answer) = api.call(Method::GET, &path, &tokens[reader], &Value::Null).await?;
        took.record(u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX));
        ensure!(status == 200, "{path}: {status}: {}", String::from_utf8_lossy(&answer));
        bytes += answer.len() as u64;
        let answer: Value = serde_json::from_slice(&answer)?;
        let listed = answer["conversations"].as_array().context("no list")?;
        let groups = listed.iter().filter(|conversation| conversation["kind"] == "group").count() as u64;
        wrong += u64::from(groups != if since.is_empty() { options.groups } else { 0 });
        if read.len() < tokens.len() {
            read.push(answer["cursor"].as_str().unwrap_or_default().to_owned());
        }
    }
    let reads = options.reads as u64;
    let name = what.replace(' ', "_");
    let used = cpu_ns(system)?;
    let mut note = |figure: String, value: f64| {
        result.figures.entry(figure).or_default().samples.push(value);
    };
    note(format!("{name}_p50_ms"), ratio(took.histogram().value_at_quantile(0.5), 1_000_000));
    note(format!("{name}_p99_ms"), ratio(took.histogram().value_at_quantile(0.99), 1_000_000));
    note(format!("{name}_bytes"), ratio(bytes, reads));
    for (process, ns) in used {
        let ns = ns.saturating_sub(before.get(&process).copied().unwrap_or_default());
        note(format!("{name}_cpu_us_{process}"), ratio(ns, reads) / 1e3);
    }
    result.latencies.insert(what.to_owned(), Latency::of_ns(took.histogram()));
    result.verdict += Verdict { delivered: reads - wrong, lost: wrong, ..Verdict::default() };
    Ok(read)
}

fn cpu_ns(system: &System) -> anyhow::Result<BTreeMap<String, u64>> {
    system.processes.iter().map(|(name, pid)| Ok((name.clone(), procfs::cpu_ns(*pid)?))).collect()
}

fn empty(options: &Options) -> RunResult {
    let params = [
        ("shape", json!(options.system.shape.name())),
        ("users", json!(options.users)),
        ("groups", json!(options.groups)),
        ("readers", json!(options.readers)),
    ];
    let store = if options.system.shape == Shape::Standalone { "SQLite" } else { "MySQL" };
    RunResult {
        scenario: "listing".to_owned(),
        target: "oort".to_owned(),
        params: params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        figures: BTreeMap::new(),
        ratios: BTreeMap::new(),
        latencies: BTreeMap::new(),
        timeline: Vec::new(),
        cpu_us_per_message: BTreeMap::new(),
        verdict: Verdict::default(),
        command: command(),
        started_at_ms: clock::wall_ms(),
        machine: Machine::of_this(),
        notes: vec![
            format!(
                "{store} was filled by SQL; each list was read over HTTP with the newest message of each conversation"
            ),
            "the verdict counts lists that had every group".to_owned(),
        ],
    }
}
