//! The thread of a shard.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::Shard;
use super::accept::Door;
use super::inbox::Inbound;
use super::queue::Queue;
use crate::node::Node;

/// What a shard starts with.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) index: u16,
    pub(crate) http: std::net::TcpListener,
    pub(crate) tcp: Option<std::net::TcpListener>,
    pub(crate) inbox: mpsc::Receiver<Inbound>,
}

/// Runs a shard on this thread until `stop`.
pub(crate) fn run(start: Start, node: &Arc<Node>, stop: &CancellationToken) -> io::Result<()> {
    if node.config.pin_threads {
        pin(start.index);
    }
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(serve(start, Arc::clone(node), stop))
}

/// Pins this thread to one of the cores it may run on. If that is not allowed, the scheduler decides.
fn pin(index: u16) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
    if cores.is_empty() {
        return;
    }
    let mut one = CpuSet::new();
    one.set(cores[usize::from(index) % cores.len()]);
    if let Err(error) = sched_setaffinity(None, &one) {
        tracing::warn!(%error, shard = index, "the thread could not be pinned to a core");
    }
}

async fn serve(start: Start, node: Arc<Node>, stop: &CancellationToken) -> io::Result<()> {
    let shard = Rc::new(Shard::new(node, start.index)?);
    let doors = [(Some(start.http), Door::Http), (start.tcp, Door::Packets)];
    for (listener, door) in doors {
        if let Some(listener) = listener {
            let listener = TcpListener::from_std(listener)?;
            tokio::task::spawn_local(Rc::clone(&shard).accept(listener, door));
        }
    }
    work(&shard, start.inbox, stop).await
}

/// Serves the shard's connections and its inbox until `stop`.
pub(crate) async fn work(
    shard: &Rc<Shard>,
    inbox: mpsc::Receiver<Inbound>,
    stop: &CancellationToken,
) -> io::Result<()> {
    let _turning = AbortOnDropHandle::new(tokio::task::spawn_local(Rc::clone(shard).turn_wheel()));
    let mut serving = AbortOnDropHandle::new(tokio::task::spawn_local(Rc::clone(shard).serve_connections()));
    let mut queue = Queue::new(inbox, shard.node.config.tick_messages_max);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            // Only ever with an error.
            served = &mut serving => return served.unwrap_or_else(|error| Err(io::Error::other(error))),
            is_open = queue.fill() => if !is_open { break },
        }
        // Deliveries that follow each other are one tick; other messages have their place between ticks.
        let (deliveries, dones) = queue.take_deliveries();
        if !dones.is_empty() {
            shard.tick(deliveries, dones, &mut queue).await;
        } else if let Some(message) = queue.take() {
            shard.apply(message);
        }
    }
    shard.forget_all();
    Ok(())
}

impl Shard {
    /// Ends what is left, so that logic is told.
    fn forget_all(&self) {
        let all: Vec<_> = self.connections.borrow().0.iter().map(|(_, held)| Rc::clone(held)).collect();
        all.iter().for_each(|connection| self.forget(connection));
    }
}
