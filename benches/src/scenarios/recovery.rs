//! `recovery`: the comet of many clients is killed (`kill -9`), and they come back: to the same comet, which is started
//! again at once, or to another one.

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;

use crate::clock;
use crate::histogram::Recorder;
use crate::limits;
use crate::load::run::ratio;
use crate::procfs;
use crate::report::{Latency, Machine, OutputOptions, Progress, RunResult, Verdict};
use crate::swarm::returning::Returning;
use crate::system::{Account, Api, Shape, System, SystemOptions, block_on};

use super::command;

/// Requests of the setting up that are under way at once.
const AT_ONCE: usize = 16;
/// Accounts in each group.
const GROUP_SIZE: usize = 20;
/// Longest wait for all clients to be in at the beginning.
const OPEN: Duration = Duration::from_secs(180);
/// What logic counts of the reads of clients that connect: asked for, and queries made for them.
const READS: [(&str, &str); 2] =
    [("store_reads_asked", "oort_logic_reads_asked_total"), ("store_queries", "oort_logic_reads_made_total")];

/// Where clients come back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Back {
    /// To the killed comet, started again at once.
    Same,
    /// To another comet; the killed one is started again when all are back.
    Other,
}

/// Options of `oort-bench recovery`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Clients, all of one comet.
    #[arg(long, default_value_t = 10_000)]
    members: usize,
    /// Accounts they belong to. Making one costs the server a password hash; by default a cheap one.
    #[arg(long, default_value_t = 1_000)]
    accounts: usize,
    /// Groups that each account is in, beside the open rooms.
    #[arg(long, default_value_t = 5)]
    groups: usize,
    /// Where they come back to.
    #[arg(long, value_enum, default_value = "same")]
    back: Back,
    /// Kills.
    #[arg(long, default_value_t = 3)]
    cycles: usize,
    /// Clients per second that come in before the first kill.
    #[arg(long, default_value_t = 1_000)]
    open_per_second: u32,
    /// Longest wait for all to be back, seconds; who is not is lost.
    #[arg(long, default_value_t = 120)]
    limit: u64,
    #[command(flatten)]
    system: SystemOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// Runs the scenario.
pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<RunResult>> {
    ensure!(options.cycles > 0 && options.members > 0 && options.accounts > 0, "nothing would be measured");
    let is_cluster = options.system.shape == Shape::Cluster;
    ensure!(options.system.api.is_empty(), "a system that runs already is not killed: leave --api out");
    ensure!(options.back == Back::Same || is_cluster, "--back other needs --shape cluster");
    limits::raise_open_files();
    block_on(measure(options))
}

async fn measure(options: &Options) -> anyhow::Result<Vec<RunResult>> {
    let started_at_ms = clock::wall_ms();
    let mut progress = Progress::new(&options.output, format!("recovery, {}", options.system.shape.name()));
    progress.phase("starting the system");
    let mut system_options = SystemOptions { fixed_ports: true, ..options.system.clone() };
    for cheap in ["logic.accounts.argon2_memory_kib=8", "logic.accounts.argon2_passes=1"] {
        system_options.settings.insert(0, cheap.to_owned());
    }
    let mut system = System::start(&system_options).await?;
    progress.phase(format!("making {} accounts", options.accounts));
    let tokens = accounts(&system.apis, options).await?;
    let comets: anyhow::Result<Vec<SocketAddr>> = system.comets.iter().map(|comet| resolve(comet)).collect();
    let goes_elsewhere = options.back == Back::Other;
    let mut clients = Returning::new(comets?, tokens, (options.members, goes_elsewhere))?;
    progress.phase(format!("{} clients connect", options.members));
    clients.open(options.open_per_second, OPEN)?;
    let mut result = empty(options, started_at_ms);
    let mut back = Recorder::new();
    for cycle in 0..options.cycles {
        progress.phase(format!("kill {} of {}", cycle + 1, options.cycles));
        let before = Standing::of(&system).await?;
        let recovery = recover(&mut system, &mut clients, options, cycle)?;
        system.wait_until_ready().await?;
        let after = Standing::of(&system).await?;
        let (met, times) = clients.met();
        back.add(times);
        let mut note = |name: &str, value: f64| {
            result.figures.entry(name.to_owned()).or_default().samples.push(value);
        };
        note("all_back_after_s", recovery.all_back.as_secs_f64());
        note("served_again_after_s", recovery.served.as_secs_f64());
        note("connects_failed", ratio(met.failed, 1));
        note("turned_away", ratio(met.turned_away, 1));
        note("bytes_per_return", ratio(met.bytes, options.members as u64));
        for (name, value) in after.since(&before) {
            note(&name, value);
        }
        let live = clients.live() as u64;
        result.verdict +=
            Verdict { delivered: live, lost: options.members as u64 - live, ..Verdict::default() };
    }
    result.latencies.insert("back".to_owned(), Latency::of_ns(back.histogram()));
    drop(progress);
    drop(clients);
    system.stop();
    Ok(vec![result])
}

async fn accounts(apis: &[Api], options: &Options) -> anyhow::Result<Vec<String>> {
    let api = |number: usize| &apis[number % apis.len()];
    let accounts: Vec<Account> = stream::iter(0..options.accounts)
        .map(|number| api(number).account())
        .buffered(AT_ONCE)
        .try_collect()
        .await
        .context("accounts cannot be made")?;
    let count = (options.accounts * options.groups).div_ceil(GROUP_SIZE);
    let accounts_ref = &accounts;
    stream::iter(0..count)
        .map(|group| async move {
            // Every account has its place in as many groups.
            let member = |place: usize| &accounts_ref[(group * GROUP_SIZE + place) % accounts_ref.len()];
            let ids: Vec<&str> =
                (1..GROUP_SIZE.min(accounts_ref.len())).map(|place| member(place).id.as_str()).collect();
            api(group).group(member(0), &ids).await
        })
        .buffered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await
        .context("groups cannot be made")?;
    Ok(accounts.into_iter().map(|account| account.token).collect())
}

fn resolve(comet: &str) -> anyhow::Result<SocketAddr> {
    comet.to_socket_addrs()?.next().with_context(|| format!("{comet} has no address"))
}

/// How long it took, from the kill.
struct Recovery {
    all_back: Duration,
    served: Duration,
}

/// Kills the comet of all clients, starts it again, and waits until all are back.
fn recover(
    system: &mut System,
    clients: &mut Returning,
    options: &Options,
    cycle: usize,
) -> anyhow::Result<Recovery> {
    let comets = system.comets.len();
    let is_comet = |role: &str| role.is_empty() || role == "comet";
    let killed = if options.back == Back::Other { cycle % comets } else { 0 };
    let node = system.nodes_mut().iter_mut().filter(|node| is_comet(&node.role)).nth(killed);
    let node = node.context("there is no such comet")?;
    let limit = Duration::from_secs(options.limit);
    clients.begin();
    let began = Instant::now();
    node.kill()?;
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let is_over = &is_over;
        let starting = scope.spawn(move || {
            // Another comet takes them: this one comes when they are back.
            while options.back == Back::Other && !is_over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
            node.start_again().map(|()| began.elapsed())
        });
        let all = options.members as u64;
        let returned = loop {
            if let Err(error) = clients.turn() {
                break Err(error);
            }
            // First they must notice.
            let is_back = clients.met().0.lost >= all && clients.live() == options.members;
            if is_back || began.elapsed() > limit {
                break Ok(began.elapsed());
            }
        };
        is_over.store(true, Ordering::Relaxed);
        let served = starting.join().map_err(|_| anyhow::anyhow!("the starting thread panicked"))??;
        let served = if options.back == Back::Other { Duration::ZERO } else { served };
        Ok(Recovery { all_back: returned?, served })
    })
}

/// CPU time of each process and what logic counted.
struct Standing {
    cpu_ns: BTreeMap<String, (u32, u64)>,
    reads: Vec<(String, u32, [f64; 2])>,
}

impl Standing {
    async fn of(system: &System) -> anyhow::Result<Self> {
        // A node that was started again has another process id than the list says.
        let nodes = system.nodes().iter().map(|node| (node.name.clone(), node.pid()));
        let own: BTreeMap<String, u32> = nodes.collect();
        let mut cpu_ns = BTreeMap::new();
        for (name, pid) in &system.processes {
            let pid = own.get(name).copied().unwrap_or(*pid);
            cpu_ns.insert(name.clone(), (pid, procfs::cpu_ns(pid)?));
        }
        let mut reads = Vec::new();
        for (node, admin) in system.nodes().iter().zip(&system.admins) {
            let text = admin.text("/metrics").await?;
            let count = |metric: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
                line.and_then(|value| value.parse().ok()).unwrap_or_default()
            };
            reads.push((node.name.clone(), node.pid(), READS.map(|(_, metric)| count(metric))));
        }
        Ok(Self { cpu_ns, reads })
    }

    /// What was used since `before`; a process that was started again began with nothing.
    fn since(&self, before: &Self) -> Vec<(String, f64)> {
        let mut used = Vec::new();
        for (name, (pid, ns)) in &self.cpu_ns {
            let earlier =
                before.cpu_ns.get(name).filter(|(earlier, _)| earlier == pid).map_or(0, |(_, ns)| *ns);
            used.push((format!("cpu_ms_{name}"), ratio(ns.saturating_sub(earlier), 1_000_000)));
        }
        let mut sums = [0.0; 2];
        for (name, pid, counts) in &self.reads {
            let earlier = before.reads.iter().find(|(other, other_pid, _)| other == name && other_pid == pid);
            for (sum, (place, count)) in sums.iter_mut().zip(counts.iter().enumerate()) {
                *sum += count - earlier.map_or(0.0, |(_, _, earlier)| earlier[place]);
            }
        }
        used.extend(READS.iter().zip(sums).map(|((name, _), sum)| ((*name).to_owned(), sum)));
        used
    }
}

fn empty(options: &Options, started_at_ms: u64) -> RunResult {
    let params = [
        ("shape", json!(options.system.shape.name())),
        ("back", json!(if options.back == Back::Same { "same" } else { "other" })),
        ("members", json!(options.members)),
        ("accounts", json!(options.accounts)),
        ("groups", json!(options.groups)),
    ];
    RunResult {
        scenario: "recovery".to_owned(),
        target: "oort".to_owned(),
        params: params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        figures: BTreeMap::new(),
        ratios: BTreeMap::new(),
        latencies: BTreeMap::new(),
        timeline: Vec::new(),
        cpu_us_per_message: BTreeMap::new(),
        verdict: Verdict::default(),
        command: command(),
        started_at_ms,
        machine: Machine::of_this(),
        notes: vec![
            "from kill -9 until all are greeted again; clients wait as they are told, else a random time up to 0.5 s that \
             doubles"
                .to_owned(),
            "the verdict counts clients that came back".to_owned(),
            "store_queries are those that answered the reads of clients that connect".to_owned(),
        ],
    }
}
