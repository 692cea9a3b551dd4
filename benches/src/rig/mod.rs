//! A rig: one process that holds one server's clients, publishes to it, and times what arrives. A run has one per server and
//! lets them take turns, so that all are measured in the same minutes and none shares a process, or its limit of open
//! files, with another.

mod block;
mod orders;
mod worker;

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, bail};

use crate::procfs::Memory;

use orders::{Answer, Order};
pub(crate) use orders::{Block, Measured, Opened, Pace, Setup, To, Unstuck};
pub(crate) use worker::run as work;

/// A rig, as the run sees it.
#[derive(Debug)]
pub(crate) struct Rig {
    child: std::process::Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Rig {
    /// Starts one, and its server.
    pub(crate) fn start(setup: &Setup) -> anyhow::Result<Self> {
        let mut program = Command::new(std::env::current_exe()?);
        let mut child = program.arg("rig").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("a rig has no output")?);
        let mut rig = Self { child, orders, answers };
        rig.write(setup)?;
        match rig.hear()? {
            Answer::Ready => Ok(rig),
            other => bail!("a rig begins with {other:?}"),
        }
    }

    /// Waits for an answer.
    fn hear(&mut self) -> anyhow::Result<Answer> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("a rig has ended");
        }
        match serde_json::from_str(&line)? {
            Answer::Failed(reason) => bail!("{reason}"),
            answer => Ok(answer),
        }
    }

    fn ask(&mut self, order: &Order) -> anyhow::Result<Answer> {
        self.write(order)?;
        self.hear()
    }

    /// Has it let clients in.
    pub(crate) fn open(&mut self, members: usize, crowd: usize, under_way: usize) -> anyhow::Result<Opened> {
        self.tell_open(members, crowd, under_way)?;
        self.hear_opened()
    }

    /// Begins to let clients in; [`Rig::hear_opened`] waits for them.
    pub(crate) fn tell_open(&mut self, members: usize, crowd: usize, under_way: usize) -> anyhow::Result<()> {
        self.write(&Order::Open { members, crowd, under_way, seconds_max: OPEN_SECONDS_MAX })
    }

    /// How the clients came in.
    pub(crate) fn hear_opened(&mut self) -> anyhow::Result<Opened> {
        match self.hear()? {
            Answer::Opened(opened) => Ok(opened),
            other => bail!("opening is answered with {other:?}"),
        }
    }

    /// Has further clients in who read nothing.
    pub(crate) fn stick(&mut self, clients: usize) -> anyhow::Result<()> {
        match self.ask(&Order::Stick { clients })? {
            Answer::Stuck => Ok(()),
            other => bail!("sticking is answered with {other:?}"),
        }
    }

    /// Has them read what came.
    pub(crate) fn unstick(&mut self) -> anyhow::Result<Unstuck> {
        match self.ask(&Order::Unstick)? {
            Answer::Unstuck(unstuck) => Ok(unstuck),
            other => bail!("unsticking is answered with {other:?}"),
        }
    }

    /// Ends all connections.
    pub(crate) fn close(&mut self) -> anyhow::Result<()> {
        match self.ask(&Order::Close)? {
            Answer::Closed => Ok(()),
            other => bail!("closing is answered with {other:?}"),
        }
    }

    /// Publishes, and sees what arrives.
    pub(crate) fn measure(&mut self, block: &Block) -> anyhow::Result<Measured> {
        match self.ask(&Order::Measure(block.clone()))? {
            Answer::Measured(measured) => Ok(*measured),
            other => bail!("measuring is answered with {other:?}"),
        }
    }

    /// Memory and CPU time (ns) of the server's processes.
    pub(crate) fn usage(&mut self) -> anyhow::Result<(Memory, u64)> {
        match self.ask(&Order::Usage)? {
            Answer::Used { memory, cpu_ns } => Ok((memory, cpu_ns)),
            other => bail!("usage is answered with {other:?}"),
        }
    }

    fn write(&mut self, line: &impl serde::Serialize) -> anyhow::Result<()> {
        let mut line = serde_json::to_string(line)?;
        line.push('\n');
        let orders = self.orders.as_mut().context("a rig takes no orders")?;
        orders.write_all(line.as_bytes()).context("a rig has ended")
    }
}

/// Longest time for clients to come in, s.
const OPEN_SECONDS_MAX: f64 = 300.0;

impl Drop for Rig {
    fn drop(&mut self) {
        // It ends, and its server with it, when there are no more orders.
        drop(self.orders.take());
        drop(self.child.wait());
    }
}
