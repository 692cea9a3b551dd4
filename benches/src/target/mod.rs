//! Who is measured: how each is started or found, where its clients connect, and how it is told to publish.

mod centrifugo;
mod child;
mod floor;
mod goim;
mod oort;
#[cfg(test)]
mod tests;
mod tls;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::dialect::{Dialect, Room};

pub(crate) use tls::{Identity, NAME as TLS_NAME, Tls};

pub(crate) use child::{Child, KeepAwake, keep_awake};

/// Whom a publication is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whom {
    /// All members of a room.
    Room(Room),
    /// The client with this number.
    Client(u64),
}

/// Tells a server what to send. Never waits.
pub(crate) trait Publisher {
    /// Begins to publish; several bodies travel together as far as the server can do that.
    ///
    /// # Errors
    /// The server is gone, or too much is under way.
    fn publish(&mut self, whom: Whom, bodies: &[Bytes]) -> anyhow::Result<()>;

    /// Publications that the server has not answered.
    fn under_way(&self) -> usize;

    /// Goes on with what is under way; to be called all the time.
    ///
    /// # Errors
    /// The server is gone, or refused something.
    fn turn(&mut self) -> anyhow::Result<()>;

    /// The server's seq of the next message to a room, where its clients are shown one.
    fn next_seq(&self) -> Option<u64> {
        None
    }

    /// What the send loops alone have used so far, of a server that can tell.
    fn loops(&self) -> Option<Loops> {
        None
    }
}

/// Send loops, in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Loops {
    /// Calls of `send(2)`.
    pub(crate) sends: u64,
    /// CPU time, ns.
    pub(crate) cpu_ns: u64,
}

/// A process of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    /// What it is.
    pub(crate) name: String,
    /// Its id.
    pub(crate) pid: u32,
}

/// Which server, and where it runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// Which.
    pub(crate) server: Server,
    /// What its clients speak.
    pub(crate) dialect: Dialect,
    /// Cores of servers that are started; empty = all.
    pub(crate) server_cores: Vec<usize>,
    /// Address for the clients of servers that are started.
    pub(crate) address: Ipv4Addr,
    /// Whether clients of a comet that is started speak TLS.
    pub(crate) tls: Option<Tls>,
}

/// Which server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Server {
    /// The floor server.
    Floor,
    /// A comet, started here with a logic that admits everybody.
    Oort {
        /// The `oort` binary.
        binary: PathBuf,
        /// Further settings, as in its environment: `OORT_COMET__SHARDS`.
        settings: Vec<(String, String)>,
    },
    /// A comet that runs already, and calls a logic that admits everybody, which is started here.
    OortRunning {
        /// Where that logic listens: the comet's `cluster.logic_grpc`.
        logic: SocketAddr,
        /// The comet.
        running: Running,
    },
    /// goim's comet.
    Goim(Running),
    /// Centrifugo.
    Centrifugo {
        /// It.
        running: Running,
        /// Key of its HTTP API, empty = none.
        api_key: String,
        /// Connections to its HTTP API.
        publishers: usize,
    },
}

/// A server that runs already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    /// For clients.
    pub(crate) clients: SocketAddr,
    /// For publishers.
    pub(crate) publish: SocketAddr,
    /// Its process.
    pub(crate) pid: u32,
}

/// A server, ready for clients. It ends when this is dropped, if it was started here.
pub(crate) struct Target {
    /// Where clients connect.
    pub(crate) clients: SocketAddr,
    /// How they encrypt; `None` = not.
    pub(crate) tls: Option<Identity>,
    /// Tells it what to send.
    pub(crate) publisher: Box<dyn Publisher>,
    /// Its processes.
    pub(crate) processes: Vec<Process>,
    /// Those that were started here.
    _children: Vec<Child>,
}

impl Spec {
    /// Starts or finds it. Must be called in a runtime, which its publisher needs from then on.
    pub(crate) async fn start(&self) -> anyhow::Result<Target> {
        match &self.server {
            Server::Floor => floor::start(self),
            Server::Oort { binary, settings } => oort::start(self, binary, settings).await,
            Server::OortRunning { logic, running } => oort::attach(self, *logic, running).await,
            Server::Goim(running) => goim::attach(running).await,
            Server::Centrifugo { running, api_key, publishers } => {
                Ok(centrifugo::attach(running, api_key, *publishers))
            }
        }
    }
}
