//! Comets.

use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Arc;

use oort_api::metrics::Registry;
use oort_comet::simulation::SimulatedComet;
use oort_comet::{Config, Handle};
use parking_lot::Mutex;

use crate::life::Life;
use crate::links::Links;
use crate::logic::{LogicLink, LogicNodes};

/// How jobs see a running comet.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) life: Life,
    pub(crate) handle: Handle,
}

/// The comets there are; `None` = it is down.
pub(crate) type Targets = Arc<Mutex<Vec<Option<Target>>>>;

/// A running comet.
#[derive(Debug)]
pub(crate) struct CometNode {
    life: Life,
    comet: Rc<SimulatedComet>,
}

impl CometNode {
    /// Starts the comet of this number.
    pub(crate) fn start(number: usize, nodes: &LogicNodes, links: &Arc<Links>) -> (Self, Target) {
        let life = Life::default();
        let name = format!("comet{number}");
        let logic = LogicLink {
            comet: name.clone(),
            life: life.clone(),
            nodes: Arc::clone(nodes),
            links: Arc::clone(links),
        };
        let config = Config { id: name, frames_burst: 4_000_000, bytes_burst: u32::MAX, ..Config::default() };
        let comet = SimulatedComet::build(config, Arc::new(logic), &mut Registry::default());
        let comet = Rc::new(comet.expect("sets of sockets"));
        let (running, alive) = (Rc::clone(&comet), life.clone());
        tokio::task::spawn_local(async move {
            running.run().await;
            running.die();
            alive.end();
        });
        let target = Target { life: life.clone(), handle: comet.handle() };
        (Self { life, comet }, target)
    }

    /// Kills it.
    pub(crate) fn die(&self) {
        self.life.end();
        self.comet.die();
    }

    /// The client's end of a new connection; `None` = nobody is there.
    pub(crate) fn connect(&self, sid: &str) -> Option<UnixStream> {
        if self.life.is_over() {
            return None;
        }
        let (ours, theirs) = UnixStream::pair().expect("sockets");
        ours.set_nonblocking(true).expect("a socket");
        self.comet.connect(theirs.into(), sid).expect("a socket");
        Some(ours)
    }
}
