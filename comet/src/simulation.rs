//! A comet without listeners, upgrades and threads: one shard that runs where it is started, on whatever time the runtime
//! there has. Everything from the first byte behind an upgrade on is the comet's own.

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;

use oort_api::metrics::Registry;
use oort_api::pb::oort::v1::logic_server::Logic;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::dialect::Dialect;
use crate::metrics::Metrics;
use crate::node::Node;
use crate::pages::no_pages;
use crate::push::Pusher;
use crate::renewal;
use crate::service::{Advertised, Handle};
use crate::session::{Credential, json};
use crate::shard::inbox::Inbound;
use crate::shard::{Shard, run, socket_arrived};
use crate::transport::arrival::Arrival;

/// Where all clients come from.
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A comet of a simulation. Must be used inside a local runtime.
#[derive(Debug)]
pub struct SimulatedComet {
    handle: Handle,
    shard: Rc<Shard>,
    inbox: RefCell<Option<mpsc::Receiver<Inbound>>>,
    died: CancellationToken,
}

impl SimulatedComet {
    /// A comet that is not running yet. Its epoch is the wall clock's time.
    ///
    /// # Errors
    /// The system gives no more sets of sockets.
    pub fn build(config: Config, logic: Arc<dyn Logic>, registry: &mut Registry) -> io::Result<Self> {
        let (sender, inbox) = mpsc::channel(config.inbox_messages_max);
        let metrics = Metrics::register(registry);
        let node = Arc::new(Node::new(config, metrics, logic, no_pages(), vec![sender], None));
        let shard = Rc::new(Shard::new(Arc::clone(&node), 0)?);
        let handle = Handle { pusher: Pusher::new(node) };
        Ok(Self { handle, shard, inbox: RefCell::new(Some(inbox)), died: CancellationToken::new() })
    }

    /// For jobs.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Runs until it dies, or a newer one of its name is there.
    pub async fn run(&self) {
        let Some(inbox) = self.inbox.borrow_mut().take() else { return };
        let node = Arc::clone(&self.shard.node);
        node.logic.run_here();
        let name = node.comet.id.clone();
        let advertised = Advertised { grpc: name.clone(), ws: name, tcp: String::new() };
        let mut tasks = JoinSet::new();
        tasks.spawn(renewal::enter_rooms(Arc::clone(&node)));
        tasks.spawn(renewal::tell_departures(Arc::clone(&node)));
        tokio::select! {
            biased;
            () = self.died.cancelled() => {}
            _ = run::work(&self.shard, inbox, &self.died) => {}
            _ = renewal::renew_for_ever(Arc::clone(&node), advertised) => {}
        }
        self.handle.pusher.stopped.cancel();
    }

    /// Ends it as a crash does: its sockets close, and nobody is told anything.
    pub fn die(&self) {
        self.died.cancel();
        let connections: Vec<_> =
            self.shard.connections.borrow().0.iter().map(|(_, held)| Rc::clone(held)).collect();
        connections.iter().for_each(|connection| connection.kill());
    }

    /// Takes a client's socket as it is behind the upgrade, for the dialect `oort.v1`. `sid`: the cookie that it showed.
    ///
    /// # Errors
    /// The socket is of no use.
    pub fn connect(&self, socket: OwnedFd, sid: &str) -> io::Result<()> {
        let stream = TcpStream::from(socket);
        stream.set_nonblocking(true)?;
        let arrival = Arrival::new(tokio::net::TcpStream::from_std(stream)?, None);
        if socket_arrived(&self.shard.node, ADDRESS).is_err() {
            return Ok(());
        }
        let Some((connection, early)) = self.shard.open(arrival, ADDRESS, Dialect::V1) else { return Ok(()) };
        let credential = Some(Credential::Sid(sid.to_owned()));
        let place = self.shard.node.admission.place();
        let asked = json::Asked { credential, since: None, device: crate::device::Device::default(), place };
        let job = json::open(&self.shard, &connection, asked);
        self.shard.begin(&connection, early, Some(job));
        Ok(())
    }
}
