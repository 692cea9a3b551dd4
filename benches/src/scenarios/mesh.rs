//! `mesh`: many jobs and many comets. The jobs, Redis and Kafka are real; the comets are stand-ins that hold no clients. What do
//! the streams between them and their leases cost, and what happens when a third of the comets die at once?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use oort_api::bus::kafka::{KafkaProducer, Settings};
use oort_api::bus::{Producer, Record};
use oort_api::op;
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::goim::logic::push_msg::Type;
use prost::Message as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::block_in_place;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::cost;
use crate::clock;
use crate::histogram::Recorder;
use crate::limits;
use crate::load::run::ratio;
use crate::procfs;
use crate::report::{Latency, OutputOptions, Progress, RunResult};
use crate::stand_ins::{Layout, Setup, StandIns, body};
use crate::system::{Shape, System, SystemOptions, backends, block_on};

/// Time between two publications.
const TICK: Duration = Duration::from_millis(10);
/// Time between two looks at what came.
const LOOK: Duration = Duration::from_millis(50);
/// Longest wait for Kafka to take a publication.
const PUBLISH: Duration = Duration::from_secs(30);
/// Longest wait for all streams, and for all that was published.
const PATIENCE: Duration = Duration::from_secs(300);
/// A stretch of messages before anything is measured.
const WARM_UP: Duration = Duration::from_secs(3);
/// How late the 99th of a hundred messages may be for the system to be at rest.
const AT_REST: Duration = Duration::from_millis(500);

/// Options of `oort-bench mesh`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Stand-ins for comets; there are as many conversations. The jobs are those of --jobs.
    #[arg(long, default_value_t = 100)]
    stand_ins: usize,
    /// Processes of stand-ins, a multiple of three: a third of them is killed. Each has a file for each of its streams.
    #[arg(long, default_value_t = 3)]
    processes: usize,
    /// Comets on which a conversation has members.
    #[arg(long, default_value_t = 12)]
    fan_out: usize,
    /// Messages a second.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// Seconds of each stretch: nothing, messages, a third dead.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Messages to all comets, one after the other.
    #[arg(long, default_value_t = 10)]
    broadcasts: usize,
    #[command(flatten)]
    system: SystemOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// Runs the scenario.
pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<RunResult>> {
    ensure!(options.system.shape == Shape::Cluster, "a mesh is a cluster's: --shape cluster");
    ensure!(
        options.processes >= 3 && options.processes.is_multiple_of(3),
        "--processes is a multiple of three"
    );
    ensure!(options.stand_ins >= options.processes, "there is a stand-in for each process");
    ensure!((1..=options.stand_ins).contains(&options.fan_out), "--fan-out is 1 to --stand-ins");
    limits::raise_open_files();
    let mut options = options.clone();
    options.system.settings.insert(0, format!("bus.partitions={}", options.system.jobs));
    Ok(vec![block_on(measure(&options))?])
}

async fn measure(options: &Options) -> anyhow::Result<RunResult> {
    let (jobs, comets) = (options.system.jobs, options.stand_ins);
    let mut progress = Progress::new(&options.output, format!("mesh, {jobs} jobs, {comets} comets"));
    let params = vec![
        ("jobs", json!(jobs)),
        ("stand_ins", json!(comets)),
        ("fan_out", json!(options.fan_out)),
        ("rate", json!(options.rate)),
    ];
    let mut result = cost::result("mesh", params, Vec::new());
    let mut figure = |name: &str, value: f64| cost::put(&mut result, [(name.to_owned(), value)]);

    progress.phase("starting the jobs");
    let mut mesh = Mesh::start(options).await?;
    let before = mesh.usage().await?;
    progress.phase("opening the streams");
    let begun = Instant::now();
    mesh.open(1, 0..options.processes)?;
    mesh.wait_for_streams(comets * jobs).await?;
    figure("open_s", begun.elapsed().as_secs_f64());
    figure("streams", ratio((comets * jobs) as u64, 1));
    progress.phase("warming up");
    mesh.settle(options.processes).await?;
    let open = mesh.usage().await?;
    for (name, bytes) in open.memory_since(&before) {
        figure(&format!("{name}_bytes_per_stream"), ratio(bytes, (comets * jobs) as u64));
    }

    progress.phase("doing nothing");
    let idle = mesh.stretch(async |_| {
        sleep(Duration::from_secs(options.seconds)).await;
        Ok(())
    });
    for (name, value) in idle.await?.figures("idle") {
        figure(&name, value);
    }
    progress.phase("sending messages");
    mesh.latency()?;
    let published = mesh.traffic.published();
    let used = mesh.stretch(async |mesh| {
        mesh.publish_for(Duration::from_secs(options.seconds)).await?;
        mesh.wait_for_all(0..options.processes).await
    });
    let used = used.await?;
    for (name, value) in used.figures("messages") {
        figure(&name, value);
    }
    let delivered = mesh.latency()?;
    progress.phase("to all comets");
    let mut everywhere = Recorder::new();
    for _ in 0..options.broadcasts {
        mesh.latency()?;
        mesh.traffic.broadcast().await?;
        mesh.wait_for_all(0..options.processes).await?;
        let one = mesh.latency()?;
        figure("broadcast_reached_all_ms", Duration::from_nanos(one.histogram().max()).as_secs_f64() * 1e3);
        everywhere.add(&one);
    }

    progress.phase("a third dies");
    let living = options.processes - options.processes / 3;
    mesh.latency()?;
    let died = Instant::now();
    let while_dead = mesh.stretch(async |mesh| {
        mesh.kill(living..options.processes)?;
        mesh.publish_for(Duration::from_secs(options.seconds)).await?;
        mesh.wait_for_all(0..living).await
    });
    for (name, value) in while_dead.await?.figures("third_dead") {
        figure(&name, value);
    }
    let delivered_then = mesh.latency()?;
    mesh.wait_for_nothing_owed().await?;
    figure("nothing_owed_to_the_dead_after_s", died.elapsed().as_secs_f64());
    progress.phase("they come back");
    let back = Instant::now();
    mesh.open(2, living..options.processes)?;
    mesh.wait_for_streams(comets * jobs).await?;
    figure("back_s", back.elapsed().as_secs_f64());
    mesh.publish_for(Duration::from_secs(1)).await?;
    mesh.wait_for_all(0..living).await?;

    let (lost, twice, taken, resyncs) = mesh.judge(0..living)?;
    figure("resyncs_at_those_that_lived", ratio(resyncs, 1));
    let messages = mesh.traffic.published() - published;
    figure("messages", ratio(messages, 1));
    result.cpu_us_per_message = used.cpu_us_each(u64::from(options.rate) * options.seconds);
    result.latencies.insert("delivered".to_owned(), Latency::of_ns(delivered.histogram()));
    result.latencies.insert("to_all_comets".to_owned(), Latency::of_ns(everywhere.histogram()));
    result
        .latencies
        .insert("delivered_while_a_third_died".to_owned(), Latency::of_ns(delivered_then.histogram()));
    result.verdict.delivered = taken;
    result.verdict.lost = lost;
    result.verdict.duplicated = twice;
    drop(progress);
    mesh.end();
    Ok(result)
}

/// Everything that runs.
struct Mesh {
    system: System,
    processes: Vec<StandIns>,
    layout: Layout,
    traffic: Traffic,
    rate: u32,
    count: usize,
    /// Latencies since they were last taken.
    kept: Recorder,
    redis: String,
    key_prefix: String,
    /// Processes beside jobs and stand-ins.
    backends: Vec<(String, u32)>,
}

/// What is published, and what of it each comet has to get.
struct Traffic {
    producer: Arc<dyn Producer>,
    layout: Layout,
    next: AtomicU64,
    of_conversation: Vec<AtomicU64>,
    broadcasts: AtomicU64,
}

impl Traffic {
    fn published(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// So many messages, one conversation after the other.
    async fn publish(&self, count: u32) -> anyhow::Result<()> {
        let mut records = Vec::new();
        for _ in 0..count {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let conversation = usize::try_from(number)? % self.layout.comets;
            let seq = self.of_conversation[conversation].fetch_add(1, Ordering::Relaxed) + 1;
            let id = i64::try_from(conversation)? + 1;
            let message = PushMsg {
                r#type: Type::Room.into(),
                operation: op::SEND_MESSAGE,
                room: id.to_string(),
                conversation: id,
                seq: i64::try_from(seq)?,
                msg: body(number, clock::now_ns()).to_vec().into(),
                ..PushMsg::default()
            };
            records.push(record(id.to_string(), &message));
        }
        Ok(self.producer.publish(records, PUBLISH).await?)
    }

    /// One message to all comets.
    async fn broadcast(&self) -> anyhow::Result<()> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.broadcasts.fetch_add(1, Ordering::Relaxed);
        let message = PushMsg {
            r#type: Type::Broadcast.into(),
            operation: op::SEND_MESSAGE,
            msg: body(number, clock::now_ns()).to_vec().into(),
            ..PushMsg::default()
        };
        Ok(self.producer.publish(vec![record(number.to_string(), &message)], PUBLISH).await?)
    }

    /// What a comet that lived all the time has to have.
    fn owed_to(&self, comet: usize) -> u64 {
        let conversations = self.layout.conversations_of(comet);
        let messages: u64 = conversations.map(|one| self.of_conversation[one].load(Ordering::Relaxed)).sum();
        messages + self.broadcasts.load(Ordering::Relaxed)
    }
}

fn record(key: String, message: &PushMsg) -> Record {
    Record { key, value: message.encode_to_vec().into(), traceparent: None }
}

impl Mesh {
    async fn start(options: &Options) -> anyhow::Result<Self> {
        let system = System::jobs(&options.system).await?;
        let layout = Layout { comets: options.stand_ins, fan_out: options.fan_out };
        let setting = |name: &str| system.setting(name).map(str::to_owned);
        let bus = Settings {
            brokers: setting("OORT_BUS__BROKERS")?,
            topic: setting("OORT_BUS__TOPIC")?,
            ..Settings::default()
        };
        let traffic = Traffic {
            producer: KafkaProducer::connect(&bus)?,
            layout,
            next: AtomicU64::new(0),
            of_conversation: (0..layout.comets).map(|_| AtomicU64::new(0)).collect(),
            broadcasts: AtomicU64::new(0),
        };
        Ok(Self {
            redis: setting("OORT_DIRECTORY__URLS")?,
            key_prefix: setting("OORT_DIRECTORY__KEY_PREFIX")?,
            backends: options.system.services.as_deref().map(backends).unwrap_or_default(),
            system,
            processes: Vec::new(),
            layout,
            traffic,
            rate: options.rate,
            count: options.processes,
            kept: Recorder::new(),
        })
    }

    /// Starts processes of stand-ins, in place of those that died.
    fn open(&mut self, epoch: i64, which: std::ops::Range<usize>) -> anyhow::Result<()> {
        self.processes.truncate(which.start);
        for number in which {
            let first = self.layout.comets * number / self.count;
            let end = self.layout.comets * (number + 1) / self.count;
            self.processes.push(StandIns::start(Setup {
                redis: self.redis.clone(),
                key_prefix: self.key_prefix.clone(),
                layout: self.layout,
                first,
                count: end - first,
                epoch,
            })?);
        }
        Ok(())
    }

    fn kill(&mut self, which: std::ops::Range<usize>) -> anyhow::Result<()> {
        self.processes[which].iter_mut().try_for_each(StandIns::kill)?;
        self.processes.retain_mut(|process| !process.is_dead());
        Ok(())
    }

    async fn wait_for_streams(&mut self, streams: usize) -> anyhow::Result<()> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let told = block_in_place(|| {
                self.processes.iter_mut().map(StandIns::tell).collect::<Result<Vec<_>, _>>()
            })?;
            let open: u64 = told.iter().map(|told| told.streams).sum();
            if open == streams as u64 {
                return Ok(());
            }
            ensure!(Instant::now() < give_up, "{open} of {streams} streams are open after {PATIENCE:?}");
            sleep(LOOK).await;
        }
    }

    /// Sends until messages arrive as quickly as they do at rest: the readers of the bus have shared out its partitions.
    async fn settle(&mut self, processes: usize) -> anyhow::Result<()> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            self.latency()?;
            self.publish_for(WARM_UP).await?;
            self.wait_for_all(0..processes).await?;
            let slowest = Duration::from_nanos(self.latency()?.histogram().value_at_quantile(0.99));
            if slowest < AT_REST {
                return Ok(());
            }
            ensure!(Instant::now() < give_up, "messages still take {slowest:?} after {PATIENCE:?}");
        }
    }

    /// What the comets of these processes lack, had twice and have, and how often they were told to resync.
    fn judge(&mut self, which: std::ops::Range<usize>) -> anyhow::Result<(u64, u64, u64, u64)> {
        let (mut lost, mut twice, mut taken, mut resyncs) = (0, 0, 0, 0);
        for process in &mut self.processes[which] {
            let told = block_in_place(|| process.tell())?;
            self.kept.add(&Recorder::from(&told.latency));
            twice += told.twice;
            resyncs += told.resyncs;
            for (comet, have) in (process.setup.first..).zip(told.taken) {
                taken += have;
                lost += self.traffic.owed_to(comet).saturating_sub(have);
            }
        }
        Ok((lost, twice, taken, resyncs))
    }

    /// Waits until the comets of these processes lack nothing.
    async fn wait_for_all(&mut self, which: std::ops::Range<usize>) -> anyhow::Result<()> {
        let give_up = Instant::now() + PATIENCE;
        while self.judge(which.clone())?.0 > 0 && Instant::now() < give_up {
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Publishes evenly for so long.
    async fn publish_for(&self, time: Duration) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sent = 0;
        while begun.elapsed() < time {
            ticks.tick().await;
            let due = (begun.elapsed().min(time).as_secs_f64() * f64::from(self.rate)).floor();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count of messages"
            )]
            let due = due as u32;
            self.traffic.publish(due - sent).await?;
            sent = due;
        }
        Ok(())
    }

    /// The latencies since this was last asked.
    fn latency(&mut self) -> anyhow::Result<Recorder> {
        self.judge(0..self.processes.len())?;
        Ok(std::mem::replace(&mut self.kept, Recorder::new()))
    }

    /// Waits until no job has anything left for any comet.
    async fn wait_for_nothing_owed(&self) -> anyhow::Result<()> {
        let give_up = Instant::now() + PATIENCE;
        for admin in &self.system.admins {
            loop {
                let metrics = admin.text("/metrics").await?;
                let owed = OWED.iter().map(|name| value_of(&metrics, name)).sum::<anyhow::Result<f64>>()?;
                if owed == 0.0 {
                    break;
                }
                ensure!(Instant::now() < give_up, "a job still owes {owed} to comets after {PATIENCE:?}");
                sleep(LOOK).await;
            }
        }
        Ok(())
    }

    /// What was used while something was done.
    async fn stretch(
        &mut self,
        done: impl AsyncFnOnce(&mut Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<Used> {
        let (before, begun) = (self.usage().await?, Instant::now());
        done(self).await?;
        let seconds = begun.elapsed().as_secs_f64();
        Ok(Used { seconds, before, after: self.usage().await? })
    }

    async fn usage(&self) -> anyhow::Result<Usage> {
        let jobs = self.system.processes.iter().map(|(_, pid)| ("jobs", *pid));
        let stand_ins = self.processes.iter().map(|process| ("stand_ins", process.pid()));
        let backends = self.backends.iter().map(|(name, pid)| (name.as_str(), *pid));
        let (mut cpu_ns, mut rss_bytes) = (BTreeMap::new(), BTreeMap::new());
        for (name, pid) in jobs.chain(stand_ins).chain(backends) {
            cpu_ns.insert((name.to_owned(), pid), procfs::cpu_ns(pid)?);
            *rss_bytes.entry(name.to_owned()).or_default() += procfs::memory(pid)?.rss_bytes;
        }
        let (redis_commands, redis_bytes) = redis_counts(&self.redis).await?;
        Ok(Usage { cpu_ns, rss_bytes, slab_bytes: procfs::slab_bytes(), redis_commands, redis_bytes })
    }

    fn end(self) {
        drop(self.processes);
        self.system.stop();
    }
}

/// What jobs hold for comets.
const OWED: [&str; 2] = ["oort_job_deliveries_waiting", "oort_job_batches_unacked"];

fn value_of(metrics: &str, name: &str) -> anyhow::Result<f64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.with_context(|| format!("a job tells no {name}"))?.trim().parse().context("a metric")
}

/// Commands that Redis has processed, and bytes that it has sent.
async fn redis_counts(url: &str) -> anyhow::Result<(f64, f64)> {
    let address = url.strip_prefix("redis://").context("a redis:// URL")?;
    let address = address.split('/').next().unwrap_or_default();
    let mut stream =
        TcpStream::connect(address).await.with_context(|| format!("no connection to {address}"))?;
    stream.write_all(b"INFO stats\r\nQUIT\r\n").await?;
    let mut said = String::new();
    stream.read_to_string(&mut said).await?;
    let count = |name: &str| {
        let value = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        anyhow::Ok(value.with_context(|| format!("Redis does not tell its {name}"))?.trim().parse()?)
    };
    Ok((count("total_commands_processed")?, count("total_net_output_bytes")?))
}

/// At one moment, by kind of process.
struct Usage {
    /// By kind and process.
    cpu_ns: BTreeMap<(String, u32), u64>,
    rss_bytes: BTreeMap<String, u64>,
    slab_bytes: u64,
    redis_commands: f64,
    redis_bytes: f64,
}

impl Usage {
    /// What jobs, stand-ins and the kernel have taken since; a kind that was not there began with nothing.
    fn memory_since(&self, before: &Self) -> Vec<(String, u64)> {
        let since = |name: &str| {
            let of = |usage: &Self| usage.rss_bytes.get(name).copied().unwrap_or_default();
            (name.to_owned(), of(self).saturating_sub(of(before)))
        };
        let kernel = self.slab_bytes.saturating_sub(before.slab_bytes);
        vec![since("jobs"), since("stand_ins"), ("kernel".to_owned(), kernel)]
    }
}

/// Between two moments.
struct Used {
    seconds: f64,
    before: Usage,
    after: Usage,
}

impl Used {
    /// CPU by kind, ns, of those that are there at the end.
    fn cpu_ns(&self) -> BTreeMap<&str, u64> {
        let mut used = BTreeMap::new();
        for (process, after) in &self.after.cpu_ns {
            let before = self.before.cpu_ns.get(process).copied().unwrap_or_default();
            *used.entry(process.0.as_str()).or_default() += after.saturating_sub(before);
        }
        used
    }

    /// CPU of each kind for one of `count`, µs.
    fn cpu_us_each(&self, count: u64) -> BTreeMap<String, f64> {
        self.cpu_ns().into_iter().map(|(name, ns)| (name.to_owned(), ratio(ns, count) / 1e3)).collect()
    }

    /// Cores that were busy, by kind, and what was asked of Redis.
    fn figures(&self, stretch: &str) -> Vec<(String, f64)> {
        let cores = self
            .cpu_ns()
            .into_iter()
            .map(|(name, ns)| (format!("{stretch}_cores_{name}"), ratio(ns, 1) / 1e9 / self.seconds));
        let redis = [
            ("redis_commands_per_s", self.after.redis_commands - self.before.redis_commands),
            ("redis_bytes_sent_per_s", self.after.redis_bytes - self.before.redis_bytes),
        ];
        let redis = redis.map(|(name, count)| (format!("{stretch}_{name}"), count / self.seconds));
        cores.chain(redis).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_read_by_its_whole_name() {
        let metrics = "# HELP x y\noort_job_batches_unacked_max 9\noort_job_batches_unacked 3\n";
        assert!((value_of(metrics, "oort_job_batches_unacked").unwrap() - 3.0).abs() < f64::EPSILON);
        assert!(value_of(metrics, "oort_job_batches").is_err());
    }
}
