//! `pushes`: transient pushes over HTTP as servers make them, to users who are online and see all of them.

use std::collections::BTreeMap;

use anyhow::ensure;
use clap::Args;
use serde_json::{Value, json};

use crate::clock;
use crate::histogram::Recorder;
use crate::load::pushes::Audience;
use crate::load::run::{self, Outcome, Terms, ratio};
use crate::pin;
use crate::report::{Latency, Machine, OutputOptions, Progress, RunResult, Verdict};
use crate::stages::Stages;
use crate::system::{Shape, System, SystemOptions, block_on};

use super::send::{command, timeline};

/// Options of `oort-bench pushes`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Most pushes in one request: 1 = single pushes (`/push/user`), more = batches (`/push/batch`).
    #[arg(long, default_value_t = 1)]
    batch: usize,
    /// Pushes per second, due at times fixed before the run; 0 = as many as the senders manage (closed loop).
    #[arg(long, default_value_t = 0)]
    rate: u64,
    /// Connections that push, one request under way on each.
    #[arg(long, default_value_t = 64)]
    senders: usize,
    /// Users that are pushed to in turn, each with one WebSocket. Making one costs the server a password hash.
    #[arg(long, default_value_t = 16)]
    receivers: usize,
    /// Bytes of each body; at least 33.
    #[arg(long, default_value_t = 100)]
    body_bytes: usize,
    /// How often the run is repeated, over new connections; every figure gets a sample of each.
    #[arg(long, default_value_t = 1)]
    cycles: usize,
    /// Seconds that are measured, in each cycle.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Seconds of the same load before, not measured (but checked).
    #[arg(long, default_value_t = 1)]
    warmup: u64,
    /// Longest wait for answers and deliveries when nothing more is sent, seconds; what is missing then is lost.
    #[arg(long, default_value_t = 20)]
    wait: u64,
    /// With --api: a server token (`oort token`) of the running system.
    #[arg(long, requires = "api")]
    token: Option<String>,
    /// Core of the server, all of it in one process, `logic` in a cluster; without it the first one.
    #[arg(long)]
    server_core: Option<usize>,
    /// Core of the load, and of a cluster's comets and jobs; without it the last one.
    #[arg(long)]
    generator_core: Option<usize>,
    #[command(flatten)]
    system: SystemOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// Runs the scenario.
pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<RunResult>> {
    let Options { batch, senders, receivers, cycles, .. } = options;
    ensure!(
        [batch, senders, receivers, cycles].iter().all(|value| **value > 0) && options.seconds > 0,
        "batch, senders, receivers, cycles and seconds are at least 1"
    );
    let cores = pin::allowed();
    let server = options.server_core.or(cores.first().copied()).unwrap_or_default();
    let load = options.generator_core.or(cores.last().copied()).unwrap_or_default();
    // Its threads and processes begin there.
    pin::pin(&[load])?;
    let mut system = options.system.clone();
    let pinned = if system.shape == Shape::Standalone { "oort" } else { "logic" };
    system.pinned.insert(pinned.to_owned(), vec![server]);
    let result = block_on(measure(options, &system));
    pin::pin(&cores)?;
    Ok(vec![result?])
}

async fn measure(options: &Options, system_options: &SystemOptions) -> anyhow::Result<RunResult> {
    let mut sum = Sum::new(options);
    let shape = system_options.shape.name();
    let mut progress = Progress::new(&options.output, format!("pushes, {shape}, batch {}", options.batch));
    progress.phase("starting the system");
    let system = System::start(system_options).await?;
    progress.phase("making users");
    let token = options.token.clone().map_or_else(|| system.server_token(), Ok)?;
    let audience =
        Audience::make(&system, options.receivers, token, options.batch, options.body_bytes).await?;
    let terms = Terms {
        rooms: Vec::new(),
        users: options.receivers,
        deliveries_per_send: 1,
        rate: options.rate,
        warmup: options.warmup,
        seconds: options.seconds,
        wait: std::time::Duration::from_secs(options.wait),
        threads: 1,
    };
    for cycle in 1..=options.cycles {
        progress.phase(format!("cycle {cycle} of {}: connecting", options.cycles));
        let lines = audience.connect(&system, options.senders)?;
        sum.add(&run::run(&system, lines, &terms, &mut progress).await?, options);
    }
    drop(progress);
    system.stop();
    Ok(sum.finish())
}

/// The result as it grows, cycle by cycle.
struct Sum {
    result: RunResult,
    answered: Recorder,
    delivered: Recorder,
    stages: Stages,
    accepted: u64,
    cpu_ns: BTreeMap<String, u64>,
}

impl Sum {
    fn new(options: &Options) -> Self {
        let result = RunResult {
            scenario: "pushes".to_owned(),
            target: "oort".to_owned(),
            params: params(options),
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
                "every push is to a user who is online; one that arrives twice is no fault, one that does not is"
                    .to_owned(),
            ],
        };
        let (stages, cpu_ns) = (Stages::default(), BTreeMap::new());
        Self { result, answered: Recorder::new(), delivered: Recorder::new(), stages, accepted: 0, cpu_ns }
    }

    fn add(&mut self, outcome: &Outcome, options: &Options) {
        let tally = &outcome.tally;
        self.answered.add(&tally.answered);
        self.delivered.add(&tally.delivered);
        self.stages.add(&outcome.stages);
        self.accepted += outcome.acked;
        for (name, ns) in &outcome.cpu_ns {
            *self.cpu_ns.entry(name.clone()).or_default() += ns;
        }
        for (name, value) in figures(outcome) {
            self.result.figures.entry(name.to_owned()).or_default().samples.push(value);
        }
        let offset = self.result.timeline.len() as u64;
        self.result.timeline.extend(timeline(offset, &tally.deliveries));
        self.result.verdict += tally.verdict();
        for note in notes(outcome, options) {
            if !self.result.notes.contains(&note) {
                self.result.notes.push(note);
            }
        }
    }

    fn finish(mut self) -> RunResult {
        self.result.latencies = self.stages.latencies();
        for (name, recorder) in [("answered", &self.answered), ("delivered", &self.delivered)] {
            self.result.latencies.insert(name.to_owned(), Latency::of_ns(recorder.histogram()));
        }
        let per_push = |(name, ns)| (name, ratio(ns, self.accepted) / 1e3);
        self.result.cpu_us_per_message = self.cpu_ns.into_iter().map(per_push).collect();
        self.result
    }
}

fn params(options: &Options) -> BTreeMap<String, Value> {
    let params = [
        ("shape", json!(options.system.shape.name())),
        ("batch", json!(options.batch)),
        ("rate", if options.rate == 0 { json!("as fast as they go") } else { json!(options.rate) }),
        ("senders", json!(options.senders)),
        ("receivers", json!(options.receivers)),
        ("body_bytes", json!(options.body_bytes)),
    ];
    params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn figures(outcome: &Outcome) -> Vec<(&'static str, f64)> {
    let tally = &outcome.tally;
    let whole = |value: u64| ratio(value, 1);
    let mut figures = vec![
        ("pushes_per_s", whole(outcome.acked) / outcome.seconds),
        ("deliveries_per_s", whole(tally.deliveries.iter().sum()) / outcome.seconds),
        ("pushes_refused", whole(tally.refused.values().sum())),
        ("pushes_not_begun", whole(tally.not_begun)),
        ("pushes_unanswered", whole(tally.unanswered)),
        ("pushes_repeated", whole(tally.receivers.iter().map(|receiver| receiver.repeated).sum())),
    ];
    // Without processes to watch there is nothing to say.
    if outcome.cpu_ns.len() > 1 {
        let server = outcome.cpu_ns.iter().filter(|(name, _)| *name != "load").map(|(_, ns)| ns);
        figures.push(("cpu_us_per_push", ratio(server.sum(), outcome.acked) / 1e3));
        figures.push(("rss_bytes", whole(outcome.rss_bytes.values().sum())));
    }
    figures
}

fn notes(outcome: &Outcome, options: &Options) -> Vec<String> {
    let tally = &outcome.tally;
    let refused = tally.refused.iter().map(|(code, count)| format!("{count} pushes were refused: {code}"));
    let mut notes: Vec<_> = refused.collect();
    if tally.not_begun > 0 {
        notes.push(format!(
            "saturated: {} pushes of the schedule found no free sender in time",
            tally.not_begun
        ));
    }
    if tally.unanswered > 0 {
        notes.push(format!("{} pushes were not answered within {} s", tally.unanswered, options.wait));
    }
    if tally.behind > 0 {
        notes.push(format!("receivers were {} times told that pushes to them were left out", tally.behind));
    }
    if tally.resent > 0 {
        notes.push(format!("{} requests were repeated over a new connection", tally.resent));
    }
    notes
}
