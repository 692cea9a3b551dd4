//! What a rig is told and what it answers: one JSON object a line, over its standard input and output.

use serde::{Deserialize, Serialize};

use crate::histogram::Counts;
use crate::procfs::Memory;
use crate::report::result::Verdict;
use crate::target::{Loops, Spec};

/// The first line a rig is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Setup {
    /// The server it drives.
    pub(crate) target: Spec,
    /// Cores of the rig itself; empty = all.
    pub(crate) cores: Vec<usize>,
}

/// What a rig is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Have so many clients in: connects those that are missing.
    Open {
        /// Clients in all.
        members: usize,
        /// Clients of the crowd in all.
        crowd: usize,
        /// Clients on their way at once.
        under_way: usize,
        /// Longest time this may take, s.
        seconds_max: f64,
    },
    /// Have so many further clients in, who read nothing from then on.
    Stick {
        /// Clients.
        clients: usize,
    },
    /// Have them read all that came.
    Unstick,
    /// End all connections.
    Close,
    /// Publish, and see what arrives.
    Measure(Block),
    /// Tell what the server's processes use.
    Usage,
}

/// One stretch of publishing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Block {
    /// For whom.
    pub(crate) to: To,
    /// How fast.
    pub(crate) pace: Pace,
    /// How long, s; then what is under way is waited for.
    pub(crate) seconds: f64,
    /// Publications at most; 0 = as many as fit.
    pub(crate) publications_max: u64,
    /// Size of a body.
    pub(crate) body_bytes: usize,
    /// Bodies that travel together.
    pub(crate) per_publication: usize,
    /// Bodies that have not reached all their receivers, at most: what the server may have to hold back.
    pub(crate) ahead_max: u64,
    /// Publications to the crowd that are under way all the time; 0 = none.
    pub(crate) crowd_under_way: usize,
}

/// For whom a block publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum To {
    /// All members.
    All,
    /// One member each, chosen at random.
    One,
}

/// How fast a block publishes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Pace {
    /// The next one when all have the one before.
    Lockstep,
    /// So many not yet answered, all the time.
    UnderWay(usize),
    /// So many a second, whatever becomes of them.
    PerSecond(f64),
}

/// What a rig answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// To [`Setup`].
    Ready,
    /// To [`Order::Open`].
    Opened(Opened),
    /// To [`Order::Stick`].
    Stuck,
    /// To [`Order::Unstick`].
    Unstuck(Unstuck),
    /// To [`Order::Close`].
    Closed,
    /// To [`Order::Measure`].
    Measured(Box<Measured>),
    /// To [`Order::Usage`].
    Used {
        /// Memory of all processes.
        memory: Memory,
        /// CPU time of all processes, ns.
        cpu_ns: u64,
    },
    /// To anything: it did not work, and the rig ends.
    Failed(String),
}

/// What clients found who had read nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unstuck {
    /// Times that one was told that it is behind.
    pub(crate) behind: u64,
    /// Connections that had ended.
    pub(crate) dropped: u64,
    /// Bytes that had waited for them: in buffers of the kernel and of the server.
    pub(crate) bytes: u64,
}

/// How clients came in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Opened {
    /// Clients that came in.
    pub(crate) clients: usize,
    /// From the first connect to the last client in, s.
    pub(crate) seconds: f64,
    /// CPU time of the server meanwhile, ns.
    pub(crate) cpu_ns: u64,
    /// Clients refused, each time counted; they tried again.
    pub(crate) refused: u64,
    /// Clients that were let in and lost again.
    pub(crate) dropped: u64,
}

/// What a block was like.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// From the first publication to the last arrival, s.
    pub(crate) seconds: f64,
    /// Publications.
    pub(crate) publications: u64,
    /// Messages that should have arrived, each counted once per receiver.
    pub(crate) expected: u64,
    /// What arrived.
    pub(crate) verdict: Verdict,
    /// What arrived at the crowd.
    pub(crate) crowd_verdict: Verdict,
    /// CPU time of the server's processes, ns.
    pub(crate) cpu_ns: Vec<(String, u64)>,
    /// The send loops alone, where the server tells.
    pub(crate) loops: Option<Loops>,
    /// From when each message was due until it was read, ns.
    pub(crate) latency: Counts,
    /// Deliveries per second: (second, deliveries).
    pub(crate) timeline: Vec<(f64, f64)>,
    /// Times that the server withheld messages from a client.
    pub(crate) behind: u64,
    /// Connections lost.
    pub(crate) dropped: u64,
    /// Why the last one was.
    pub(crate) complaint: Option<String>,
    /// Reads of client sockets.
    pub(crate) reads: u64,
    /// Share of the rig's turns that found something to do.
    pub(crate) busy: f64,
}

impl Measured {
    /// CPU time of all processes, ns.
    pub(crate) fn cpu_ns(&self) -> u64 {
        self.cpu_ns.iter().map(|(_, ns)| ns).sum()
    }
}
