//! `send`: durable sends over HTTP or WebSockets, with members connected that follow all of them.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};

use crate::clock;
use crate::histogram::Recorder;
use crate::load::cast::Cast;
use crate::load::options::{Kind, LoadOptions, Via};
use crate::load::run::{self, Outcome, ratio};
use crate::load::stored::{self, Found};
use crate::report::{Latency, Machine, OutputOptions, Progress, RunResult, Verdict};
use crate::stages::Stages;
use crate::system::{Shape, System, SystemOptions, block_on};

/// Options of `oort-bench send`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) load: LoadOptions,
    #[command(flatten)]
    pub(crate) system: SystemOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// Runs the scenario.
pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<RunResult>> {
    block_on(measure(options))
}

async fn measure(options: &Options) -> anyhow::Result<Vec<RunResult>> {
    let Options { load, system: system_options, output } = options;
    load.check()?;
    let started_at_ms = clock::wall_ms();
    let via = if load.via == Via::Http { "http" } else { "ws" };
    let mut progress = Progress::new(output, format!("send, {} by {via}", system_options.shape.name()));
    progress.phase("starting the system");
    let system = System::start(system_options).await?;
    progress.phase("making accounts and conversations");
    let cast = Cast::make(&system, load).await?;
    let mut sum = Sum::new(params(system_options, load, cast.rooms.len()), started_at_ms);
    for cycle in 1..=load.cycles {
        progress.phase(format!("cycle {cycle} of {}: connecting", load.cycles));
        let lines = cast.connect(&system, load)?;
        let outcome = run::run(&system, lines, &cast.terms(load), &mut progress).await?;
        progress.phase("looking up what was stored");
        let (acked, reader) = (&outcome.tally.acked, |room| cast.reader(room).clone());
        let found = stored::check(&system.apis, &cast.rooms, reader, acked, load.check_stored).await?;
        sum.add(&outcome, found, load);
    }
    drop(progress);
    system.stop();
    Ok(vec![sum.finish()])
}

/// The result as it grows, cycle by cycle.
struct Sum {
    result: RunResult,
    answered: Recorder,
    delivered: Recorder,
    stages: Stages,
    acked: u64,
    cpu_ns: BTreeMap<String, u64>,
}

impl Sum {
    fn new(params: BTreeMap<String, Value>, started_at_ms: u64) -> Self {
        let result = RunResult {
            scenario: "send".to_owned(),
            target: "oort".to_owned(),
            params,
            figures: BTreeMap::new(),
            ratios: BTreeMap::new(),
            latencies: BTreeMap::new(),
            timeline: Vec::new(),
            cpu_us_per_message: BTreeMap::new(),
            verdict: Verdict::default(),
            command: command(),
            started_at_ms,
            machine: Machine::of_this(),
            notes: Vec::new(),
        };
        let (stages, cpu_ns) = (Stages::default(), BTreeMap::new());
        Self { result, answered: Recorder::new(), delivered: Recorder::new(), stages, acked: 0, cpu_ns }
    }

    fn add(&mut self, outcome: &Outcome, found: Found, load: &LoadOptions) {
        let tally = &outcome.tally;
        self.answered.add(&tally.answered);
        self.delivered.add(&tally.delivered);
        self.stages.add(&outcome.stages);
        self.acked += outcome.acked;
        for (name, ns) in &outcome.cpu_ns {
            *self.cpu_ns.entry(name.clone()).or_default() += ns;
        }
        for (name, value) in figures(outcome, found) {
            self.result.figures.entry(name.to_owned()).or_default().samples.push(value);
        }
        let offset = self.result.timeline.len() as u64;
        self.result.timeline.extend(timeline(offset, &tally.deliveries));
        self.result.verdict += tally.verdict();
        self.result.verdict.lost += found.missing;
        self.result.verdict.duplicated += tally.acked.conflicts();
        for note in notes(outcome, found, load) {
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
        let per_send = |(name, ns)| (name, ratio(ns, self.acked) / 1e3);
        self.result.cpu_us_per_message = self.cpu_ns.into_iter().map(per_send).collect();
        self.result
    }
}

fn params(system: &SystemOptions, load: &LoadOptions, rooms: usize) -> BTreeMap<String, Value> {
    let mut params = vec![
        ("shape", json!(system.shape.name())),
        ("via", json!(if load.via == Via::Http { "http" } else { "ws" })),
        ("rate", if load.rate == 0 { json!("as fast as they go") } else { json!(load.rate) }),
        ("senders", json!(load.senders)),
        ("rooms", json!(rooms)),
        ("kind", json!(if load.kind() == Kind::Room { "room" } else { "group" })),
        ("members", json!(load.members)),
        ("content_bytes", json!(load.content_bytes)),
    ];
    if load.offline > 0 {
        params.push(("offline", json!(load.offline)));
    }
    if system.shape == Shape::Cluster && system.comets != 2 {
        params.push(("comets", json!(system.comets)));
    }
    if load.via == Via::Ws {
        params.extend([("window", json!(load.window)), ("per_frame", json!(load.per_frame))]);
    }
    params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn figures(outcome: &Outcome, found: Found) -> Vec<(&'static str, f64)> {
    let tally = &outcome.tally;
    let whole = |value: u64| ratio(value, 1);
    let mut figures = vec![
        ("sends_per_s", whole(outcome.acked) / outcome.seconds),
        ("deliveries_per_s", whole(tally.deliveries.iter().sum()) / outcome.seconds),
        ("sends_refused", whole(tally.refused.values().sum())),
        ("sends_not_begun", whole(tally.not_begun)),
        ("sends_unanswered", whole(tally.unanswered)),
        ("sends_looked_up", whole(found.checked)),
    ];
    // Without processes to watch there is nothing to say.
    if outcome.cpu_ns.len() > 1 {
        let server = outcome.cpu_ns.iter().filter(|(name, _)| *name != "load").map(|(_, ns)| ns);
        figures.push(("cpu_us_per_send", ratio(server.sum(), outcome.acked) / 1e3));
        figures.push(("rss_bytes", whole(outcome.rss_bytes.values().sum())));
    }
    figures
}

/// Deliveries per second, by the second, the first of them numbered `from`.
pub(crate) fn timeline(from: u64, deliveries: &[u64]) -> Vec<(f64, f64)> {
    (from..).zip(deliveries).map(|(second, count)| (ratio(second, 1), ratio(*count, 1))).collect()
}

fn notes(outcome: &Outcome, found: Found, load: &LoadOptions) -> Vec<String> {
    let tally = &outcome.tally;
    let mut notes = vec![
        "latencies count from when a send was due; cpu_us_per_send is that of the server and its backends"
            .to_owned(),
    ];
    if tally.not_begun > 0 {
        notes.push(format!(
            "saturated: {} sends of the schedule found no free sender in time; their latencies count as if they \
             ended with the run",
            tally.not_begun
        ));
    }
    notes.extend(tally.refused.iter().map(|(code, count)| format!("{count} sends were refused: {code}")));
    if tally.unanswered > 0 {
        notes.push(format!("{} sends were not answered within {} s", tally.unanswered, load.wait));
    }
    if tally.behind > 0 {
        notes
            .push(format!("members were behind {} times and pulled {} messages", tally.behind, tally.pulled));
    }
    if tally.resent > 0 {
        notes.push(format!("{} sends were repeated over a new connection", tally.resent));
    }
    if found.missing > 0 {
        notes.push(format!(
            "{} of {} acknowledged messages are not stored as acknowledged",
            found.missing, found.checked
        ));
    }
    if tally.acked.conflicts() > 0 {
        notes.push(format!("{} acks name a seq that another send got", tally.acked.conflicts()));
    }
    notes
}

/// The command that repeats this run.
pub(crate) fn command() -> String {
    let quoted = |argument: String| match argument.contains(' ') {
        true => format!("'{argument}'"),
        false => argument,
    };
    let name = std::iter::once("oort-bench".to_owned());
    name.chain(std::env::args().skip(1).map(quoted)).collect::<Vec<_>>().join(" ")
}
