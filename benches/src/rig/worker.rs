//! The rig's own process: one thread that drives its clients, the publisher's runtime and, for a comet, its logic.

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use super::orders::{Answer, Opened, Order, Setup, Unstuck};
use crate::dialect::Room;
use crate::limits;
use crate::pin;
use crate::procfs::{self, Memory};
use crate::swarm::{EVENTS_MAX, Opening, Plan, Swarm};
use crate::target::{Identity, Target};

/// How often an idle rig looks at its clients.
const REST: Duration = Duration::from_millis(100);
/// Wait of a rig that shares its cores with servers, when there was nothing to do.
const SHARED_WAIT: Duration = Duration::from_millis(1);
/// Clients on their way in at once who will read nothing, and the time they have.
const STUCK_UNDER_WAY: usize = 64;
const STUCK_PATIENCE: Duration = Duration::from_secs(60);
/// Silence after which clients have read all that had waited for them.
const QUIET: Duration = Duration::from_secs(1);
/// Time in which each client has sent a sign of life.
const HEARTBEAT: Duration = Duration::from_secs(180);

/// Clients of the crowd that are read in one turn: few, as messages to the members, whose time is measured, wait meanwhile.
const CROWD_EVENTS_MAX: usize = 16;

/// A rig at work.
pub(super) struct Worker {
    pub(super) runtime: Runtime,
    pub(super) target: Target,
    pub(super) members: Swarm,
    pub(super) crowd: Swarm,
    /// In the room of the members, and read only when told so.
    stuck: Swarm,
    /// The last stream published.
    pub(super) stream: u16,
    /// Decides who is pushed to.
    pub(super) dice: u64,
    heartbeats: Heartbeats,
    /// It has a core to itself, and so never waits while it measures.
    spins: bool,
    /// The last turn found something to do.
    was_busy: bool,
}

/// Obeys until standard input ends.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut lines = std::io::stdin().lock().lines();
    let setup = lines.next().context("no setup")??;
    drop(lines);
    let mut worker = match Worker::start(&serde_json::from_str(&setup)?) {
        Ok(worker) => worker,
        Err(error) => return say(&Answer::Failed(format!("{error:#}"))),
    };
    say(&Answer::Ready)?;
    let mut orders = read_orders();
    while let Some(order) = worker.rest(&mut orders)? {
        let answer = worker.obey(&serde_json::from_str(&order)?);
        say(&answer.unwrap_or_else(|error| Answer::Failed(format!("{error:#}"))))?;
    }
    Ok(())
}

fn say(answer: &Answer) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(answer)?)?;
    Ok(out.flush()?)
}

fn read_orders() -> mpsc::Receiver<String> {
    let (sender, orders) = mpsc::channel(1);
    // It ends with standard input, that is with the process.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    orders
}

impl Worker {
    fn start(setup: &Setup) -> anyhow::Result<Self> {
        if !setup.cores.is_empty() {
            pin::pin(&setup.cores)?;
        }
        limits::raise_open_files();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let target = runtime.block_on(setup.target.start())?;
        let dialect = setup.target.dialect;
        let swarm = |room, first_number, events_max| {
            let tls = target.tls.as_ref().map(Identity::client);
            Swarm::new(Plan { address: target.clients, dialect, room, first_number, tls }, events_max)
        };
        let members = swarm(Room::Main, 0, EVENTS_MAX)?;
        let crowd = swarm(Room::Crowd, Room::CROWD_FROM, CROWD_EVENTS_MAX)?;
        let stuck = swarm(Room::Main, Room::CROWD_FROM / 2, EVENTS_MAX)?;
        Ok(Self {
            runtime,
            target,
            members,
            crowd,
            stuck,
            stream: 0,
            dice: 0x9e37_79b9_7f4a_7c15,
            heartbeats: Heartbeats::new(),
            spins: !setup.cores.is_empty(),
            was_busy: true,
        })
    }

    fn obey(&mut self, order: &Order) -> anyhow::Result<Answer> {
        Ok(match order {
            Order::Open { members, crowd, under_way, seconds_max } => {
                Answer::Opened(self.open(*members, *crowd, *under_way, *seconds_max)?)
            }
            Order::Stick { clients } => {
                let mut opening = Opening::new(&self.stuck, *clients, STUCK_UNDER_WAY);
                let give_up = Instant::now() + STUCK_PATIENCE;
                while !opening.go_on(&mut self.stuck)? {
                    self.stuck.turn(SHARED_WAIT)?;
                    self.turn()?;
                    if Instant::now() > give_up {
                        bail!("only {} of {clients} clients are in", self.stuck.tally().live);
                    }
                }
                Answer::Stuck
            }
            Order::Unstick => {
                let before = self.stuck.tally();
                let mut quiet_since = Instant::now();
                while quiet_since.elapsed() < QUIET {
                    if self.stuck.turn(SHARED_WAIT)? {
                        quiet_since = Instant::now();
                    }
                    self.turn()?;
                }
                let after = self.stuck.tally();
                Answer::Unstuck(Unstuck {
                    behind: after.behind - before.behind,
                    dropped: after.dropped - before.dropped,
                    bytes: after.bytes - before.bytes,
                })
            }
            Order::Close => {
                self.members.close_all();
                self.crowd.close_all();
                self.stuck.close_all();
                Answer::Closed
            }
            Order::Measure(block) => Answer::Measured(Box::new(self.measure(block)?)),
            Order::Usage => {
                let mut memory = Memory::default();
                for process in &self.target.processes {
                    memory += procfs::memory(process.pid)?;
                }
                Answer::Used { memory, cpu_ns: self.cpu_ns()?.iter().map(|(_, ns)| ns).sum() }
            }
        })
    }

    /// CPU time of the server's processes, ns.
    pub(super) fn cpu_ns(&self) -> anyhow::Result<Vec<(String, u64)>> {
        let processes = self.target.processes.iter();
        processes.map(|process| Ok((process.name.clone(), procfs::cpu_ns(process.pid)?))).collect()
    }

    /// Does everything that can be done now. False: there was nothing for the clients.
    pub(super) fn turn(&mut self) -> anyhow::Result<bool> {
        let wait = if self.spins || self.was_busy { Duration::ZERO } else { SHARED_WAIT };
        let mut came = self.members.turn(wait)?;
        if self.crowd.len() > 0 {
            came |= self.crowd.turn(Duration::ZERO)?;
        }
        self.runtime.block_on(tokio::task::yield_now());
        self.target.publisher.turn()?;
        self.was_busy = came;
        Ok(came)
    }

    pub(super) fn open(
        &mut self,
        members: usize,
        crowd: usize,
        under_way: usize,
        seconds_max: f64,
    ) -> anyhow::Result<Opened> {
        let (begun, before) = (Instant::now(), self.members.tally());
        let live_before = before.live + self.crowd.tally().live;
        let cpu_before: u64 = self.cpu_ns()?.iter().map(|(_, ns)| ns).sum();
        let mut opening = Opening::new(&self.members, members, under_way);
        let mut opening_crowd = Opening::new(&self.crowd, crowd, under_way);
        while !(opening.go_on(&mut self.members)? && opening_crowd.go_on(&mut self.crowd)?) {
            self.turn()?;
            if begun.elapsed().as_secs_f64() > seconds_max {
                let (live, why) =
                    (self.members.tally().live, self.members.complaint().unwrap_or("no answer"));
                bail!("only {live} of {members} clients are in after {seconds_max} s: {why}");
            }
        }
        let cpu_after: u64 = self.cpu_ns()?.iter().map(|(_, ns)| ns).sum();
        Ok(Opened {
            clients: self.members.tally().live + self.crowd.tally().live - live_before,
            seconds: begun.elapsed().as_secs_f64(),
            cpu_ns: cpu_after - cpu_before,
            refused: opening.refused(&self.members) + opening_crowd.refused(&self.crowd),
            dropped: self.members.tally().dropped - before.dropped,
        })
    }

    /// Lets others have the core until there is an order; `None`: there will be none.
    fn rest(&mut self, orders: &mut mpsc::Receiver<String>) -> anyhow::Result<Option<String>> {
        loop {
            let order = async { tokio::time::timeout(REST, orders.recv()).await };
            if let Ok(order) = self.runtime.block_on(order) {
                return Ok(order);
            }
            self.heartbeats.go_on(&mut self.members);
            while self.members.turn(Duration::ZERO)? {}
            while self.crowd.turn(Duration::ZERO)? {}
            self.target.publisher.turn()?;
        }
    }
}

/// Signs of life, spread over [`HEARTBEAT`].
#[derive(Debug)]
struct Heartbeats {
    since: Instant,
    next: usize,
}

impl Heartbeats {
    fn new() -> Self {
        Self { since: Instant::now(), next: 0 }
    }

    fn go_on(&mut self, swarm: &mut Swarm) {
        let part = self.since.elapsed().as_secs_f64() / HEARTBEAT.as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a count of clients"
        )]
        let due = (part * swarm.len() as f64) as usize;
        while self.next < due.min(swarm.len()) {
            swarm.heartbeat(self.next);
            self.next += 1;
        }
        if part >= 1.0 {
            *self = Self::new();
        }
    }
}
