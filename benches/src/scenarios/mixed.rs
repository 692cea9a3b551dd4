//! `mixed`: a day of chat, compressed: people come and go, send, read history, lose their connections and resume.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use crate::clock::{self, now_ns};
use crate::crowd::options::CrowdOptions;
use crate::crowd::run::Crowd;
use crate::crowd::world::World;
use crate::load::run::{self, ratio};
use crate::load::stored::{self, Found};
use crate::report::{Figure, Latency, Machine, OutputOptions, Progress, RunResult, Verdict};
use crate::stages::Stages;
use crate::system::{System, SystemOptions, block_on};

use super::send::{command, timeline};

/// Options of `oort-bench mixed`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) crowd: CrowdOptions,
    /// Seconds that are measured.
    #[arg(long, default_value_t = 20)]
    pub(crate) seconds: u64,
    #[command(flatten)]
    pub(crate) system: SystemOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// Runs the scenario.
pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<RunResult>> {
    let time = Duration::from_secs(options.seconds.max(1));
    let title = format!("mixed, {}", options.system.shape.name());
    let progress = Progress::new(&options.output, title);
    Ok(vec![block_on(measure(&options.crowd, &options.system, time, progress))?])
}

/// What was seen of a crowd.
struct Seen {
    world: Arc<World>,
    verdict: Verdict,
    found: Found,
    /// CPU of each process, ns.
    cpu_ns: BTreeMap<String, u64>,
    seconds: f64,
    stages: BTreeMap<String, Latency>,
    /// Resident memory of all processes in the end.
    rss_bytes: u64,
}

/// Lets a crowd live for `time`.
async fn measure(
    options: &CrowdOptions,
    system_options: &SystemOptions,
    time: Duration,
    progress: Progress,
) -> anyhow::Result<RunResult> {
    options.check()?;
    let started_at_ms = clock::wall_ms();
    let seen = watch(options, system_options, time, progress).await?;
    let mut result = RunResult {
        scenario: "mixed".to_owned(),
        target: "oort".to_owned(),
        params: params(options, system_options),
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
    seen.write_to(&mut result);
    Ok(result)
}

async fn watch(
    options: &CrowdOptions,
    system_options: &SystemOptions,
    time: Duration,
    mut progress: Progress,
) -> anyhow::Result<Seen> {
    progress.phase("starting the system");
    let system = System::start(system_options).await?;
    progress.phase("gathering the crowd");
    let mut crowd = Crowd::gather(&system, options, None).await?;
    let before = (Stages::scrape(&system.admins).await?, run::cpu_ns(&system)?, now_ns());
    progress.phase("measuring");
    crowd.live(Duration::from_secs(options.warmup), time, &mut progress).await?;
    let (mut cpu_ns, seconds) =
        (run::cpu_ns(&system)?, Duration::from_nanos(now_ns() - before.2).as_secs_f64());
    for (name, ns) in &mut cpu_ns {
        *ns = ns.saturating_sub(before.1.get(name).copied().unwrap_or_default());
    }
    let rss_bytes = run::rss(&system)?.values().sum();
    progress.phase("waiting until every log is whole");
    let (world, verdict) = crowd.end().await?;
    let stages = Stages::scrape(&system.admins).await?.since(&before.0).latencies();
    progress.phase("looking up what was stored");
    let acked = world.tally().acked.clone();
    let reader = |room| world.account(room % options.accounts);
    let found = stored::check(&system.apis, &world.shared.rooms, reader, &acked, usize::MAX).await?;
    drop(progress);
    system.stop();
    Ok(Seen { world, verdict, found, cpu_ns, seconds, stages, rss_bytes })
}

impl Seen {
    fn write_to(self, result: &mut RunResult) {
        let (tally, counts) = (self.world.tally(), &self.world.counts);
        let count = |counter: &AtomicU64| ratio(counter.load(Ordering::Relaxed), 1);
        let acked = u64::try_from(tally.acked.len()).unwrap_or(u64::MAX);
        let mut figures = vec![
            ("sends_per_s", ratio(acked, 1) / self.seconds),
            ("connects", count(&counts.connects)),
            ("history_pages", count(&counts.pages)),
            ("messages_pulled", ratio(tally.pulled, 1)),
            ("sends_repeated", ratio(tally.resent, 1)),
            ("sends_refused", ratio(tally.refused.values().sum(), 1)),
            ("sends_unanswered", ratio(tally.unanswered, 1)),
            ("sends_looked_up", ratio(self.found.checked, 1)),
        ];
        if self.rss_bytes > 0 {
            figures.push(("rss_bytes", ratio(self.rss_bytes, 1)));
        }
        if self.cpu_ns.len() > 1 {
            let server = self.cpu_ns.iter().filter(|(name, _)| *name != "load").map(|(_, ns)| ns);
            figures.push(("cpu_us_per_send", ratio(server.sum(), acked) / 1e3));
        }
        result.figures =
            figures.into_iter().map(|(name, value)| (name.to_owned(), Figure::once(value))).collect();
        let per_send = |(name, ns): (&String, &u64)| (name.clone(), ratio(*ns, acked) / 1e3);
        result.cpu_us_per_message = self.cpu_ns.iter().map(per_send).collect();
        result.timeline = timeline(0, &tally.deliveries);
        result.latencies.clone_from(&self.stages);
        for (name, recorder) in [("answered", &tally.answered), ("delivered", &tally.delivered)] {
            result.latencies.insert(name.to_owned(), Latency::of_ns(recorder.histogram()));
        }
        let (bad_pages, conflicts) = (counts.bad_pages.load(Ordering::Relaxed), tally.acked.conflicts());
        result.verdict = self.verdict;
        result.verdict.lost += self.found.missing;
        result.verdict.duplicated += conflicts;
        result.verdict.reordered += bad_pages;
        result.notes = notes(self.found, bad_pages, conflicts);
        let refused = tally.refused.iter();
        result.notes.extend(refused.map(|(code, count)| format!("{count} sends were refused: {code}")));
        let ended = counts.ended.load(Ordering::Relaxed);
        if ended > 0 {
            result.notes.push(format!("the server ended {ended} connections"));
        }
    }
}

fn params(crowd: &CrowdOptions, system: &SystemOptions) -> BTreeMap<String, Value> {
    let params = [
        ("shape", json!(system.shape.name())),
        ("users", json!(crowd.users)),
        ("accounts", json!(crowd.accounts)),
        ("groups", json!(crowd.groups)),
        ("group_size", json!(crowd.group_size)),
        ("sends_per_s", json!(crowd.sends)),
        ("http_share", json!(crowd.http_share)),
        ("departures_per_s", json!(crowd.departures)),
        ("cuts_per_s", json!(crowd.cuts)),
        ("pages_per_s", json!(crowd.pages)),
        ("reads_per_s", json!(crowd.reads)),
    ];
    params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn notes(found: Found, bad_pages: u64, conflicts: u64) -> Vec<String> {
    let mut notes = vec![
        "latencies count from when a send was due, sends whose connection was cut included; pulled messages are not in \
         `delivered`"
            .to_owned(),
    ];
    if found.missing > 0 {
        notes.push(format!(
            "{} of {} acknowledged messages are not stored as acknowledged",
            found.missing, found.checked
        ));
    }
    if bad_pages > 0 {
        notes.push(format!("{bad_pages} pages of history had holes or were out of order"));
    }
    if conflicts > 0 {
        notes.push(format!("{conflicts} acks name a seq that another send got"));
    }
    notes
}
