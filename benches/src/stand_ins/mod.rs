//! Stand-ins for comets, many in one process: real leases, real streams, and no clients.

mod comet;
mod layout;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use anyhow::{Context, bail};
use oort_api::directory::Directory;
use oort_api::directory::redis::{RedisDirectory, Settings};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::histogram::{Counts, Recorder};
use crate::limits;
use comet::{Latency, StandIn, locked};

pub(crate) use comet::body;
pub(crate) use layout::Layout;

/// What a process of stand-ins is told first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Setup {
    /// `redis://host:port`.
    pub(crate) redis: String,
    pub(crate) key_prefix: String,
    pub(crate) layout: Layout,
    /// Which of the layout's comets it is.
    pub(crate) first: usize,
    pub(crate) count: usize,
    pub(crate) epoch: i64,
}

/// What one process's stand-ins have taken; the latencies since it was last asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Told {
    /// Streams open.
    pub(crate) streams: u64,
    /// Distinct messages, by stand-in.
    pub(crate) taken: Vec<u64>,
    pub(crate) twice: u64,
    pub(crate) resyncs: u64,
    pub(crate) latency: Counts,
}

/// A process of stand-ins, as the run sees it.
#[derive(Debug)]
pub(crate) struct StandIns {
    pub(crate) setup: Setup,
    child: std::process::Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl StandIns {
    /// Starts one.
    pub(crate) fn start(setup: Setup) -> anyhow::Result<Self> {
        let mut program = Command::new(std::env::current_exe()?);
        let mut child = program.arg("stand-ins").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut orders = child.stdin.take().context("stand-ins take no orders")?;
        writeln!(orders, "{}", serde_json::to_string(&setup)?)?;
        let answers = BufReader::new(child.stdout.take().context("stand-ins have no output")?);
        Ok(Self { setup, child, orders: Some(orders), answers })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks what was taken.
    pub(crate) fn tell(&mut self) -> anyhow::Result<Told> {
        let orders = self.orders.as_mut().context("stand-ins take no orders")?;
        writeln!(orders, "tell").context("stand-ins have ended")?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("stand-ins have ended");
        }
        Ok(serde_json::from_str(&line)?)
    }

    /// Whether it was killed.
    pub(crate) fn is_dead(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends it without a word (SIGKILL).
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for StandIns {
    fn drop(&mut self) {
        // It ends when there are no more orders.
        drop(self.orders.take());
        drop(self.child.wait());
    }
}

/// The process: obeys until standard input ends.
pub(crate) fn work() -> anyhow::Result<()> {
    limits::raise_open_files();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(obey())
}

async fn obey() -> anyhow::Result<()> {
    let mut orders = orders();
    let setup: Setup = serde_json::from_str(&orders.recv().await.context("no setup")?)?;
    let settings = json!({ "urls": [setup.redis], "key_prefix": setup.key_prefix });
    let directory: Arc<dyn Directory> =
        RedisDirectory::connect(&serde_json::from_value::<Settings>(settings)?)?;
    let latency: Latency = Arc::new(Mutex::new(Recorder::new()));
    let mine = setup.first..setup.first + setup.count;
    let comets: Vec<_> = mine.map(|number| StandIn::new(number, setup.epoch, &latency)).collect();
    let mut living = JoinSet::new();
    for comet in &comets {
        living.spawn(comet.clone().live(setup.clone(), Arc::clone(&directory)));
    }
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(_) => say(&tell(&comets, &latency))?,
                None => return Ok(()),
            },
            Some(ended) = living.join_next() => return ended?.and(Err(anyhow::anyhow!("a stand-in has ended"))),
        }
    }
}

/// The lines of standard input.
fn orders() -> mpsc::Receiver<String> {
    let (orders, received) = mpsc::channel(1);
    std::thread::spawn(move || {
        for order in std::io::stdin().lock().lines().map_while(Result::ok) {
            if orders.blocking_send(order).is_err() {
                return;
            }
        }
    });
    received
}

fn say(told: &Told) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(told)?)?;
    Ok(out.flush()?)
}

fn tell(comets: &[StandIn], latency: &Latency) -> Told {
    // Not while it is locked: whoever takes a message locks the comet first.
    let recorded = std::mem::replace(&mut *locked(latency), Recorder::new());
    let mut told = Told {
        streams: 0,
        taken: Vec::with_capacity(comets.len()),
        twice: 0,
        resyncs: 0,
        latency: Counts::from(&recorded),
    };
    for comet in comets {
        comet.taken(|of_one| {
            told.streams += of_one.streams;
            told.twice += of_one.twice;
            told.resyncs += of_one.resyncs;
            told.taken.push(of_one.messages.len() as u64);
        });
    }
    told
}
