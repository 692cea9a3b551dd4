//! Breaks one part, and waits until all is well again.

use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustix::process::Signal;

use crate::crowd::cutter::Cutter;
use crate::crowd::world::World;
use crate::system::{Node, System};

use super::backends::Backends;
use super::clocks::{Clocks, JUMP_S};
use super::disk::{Disk, Writer};
use super::fault::{Backend, Fault, Tier, Way};
use super::herd::Herd;
use super::links::Links;
use super::schedule::Planned;
use super::slow;

/// Longest wait until everything is connected and ready again after a fault.
const HEALED: Duration = Duration::from_secs(180);
/// Partitions that a topic gets at a time.
const MORE_PARTITIONS: i32 = 2;
const POLL: Duration = Duration::from_millis(50);
/// The share of clients that lose their connections: one of so many.
const CUT_ONE_OF: usize = 5;

/// What faults are made with.
#[derive(Debug)]
pub(crate) struct Breaker {
    /// The services, if some fault of the run breaks them.
    pub(crate) backends: Option<Backends>,
    pub(crate) links: Links,
    pub(crate) herd: Option<Herd>,
    pub(crate) clocks: Option<Clocks>,
    pub(crate) disk: Option<Disk>,
    /// Comets, without what stands in front of them.
    pub(crate) doors: Vec<String>,
    /// Partitions of the topic.
    pub(crate) partitions: AtomicI32,
}

impl Breaker {
    /// Makes a fault, and mends it after its time.
    pub(crate) async fn happen(
        &self,
        system: &mut System,
        planned: &Planned,
        world: &World,
        cutter: &Cutter,
    ) -> anyhow::Result<()> {
        let Planned { fault, which, hold } = *planned;
        match fault {
            Fault::Kill(tier) => {
                let node = pick(system, tier, which)?;
                node.kill()?;
                tokio::time::sleep(hold).await;
                blocking(|| node.start_again())
            }
            Fault::Pause(tier) => {
                let node = pick(system, tier, which)?;
                node.signal(Signal::STOP)?;
                tokio::time::sleep(hold).await;
                node.signal(Signal::CONT)
            }
            Fault::Restart(tier) => {
                let node = pick(system, tier, which)?;
                blocking(|| node.terminate())?;
                blocking(|| node.start_again())
            }
            Fault::Rolling => {
                for _ in 0..2 {
                    for at in 0..system.nodes_mut().len() {
                        let node = &mut system.nodes_mut()[at];
                        blocking(|| node.terminate())?;
                        blocking(|| node.start_again())?;
                        system.wait_until_ready().await?;
                    }
                }
                Ok(())
            }
            Fault::KillBackend(backend) => self.backend("kill", "start", backend, hold).await,
            Fault::PauseBackend(backend) => self.backend("pause", "resume", backend, hold).await,
            Fault::RedisFlush => self.backends()?.redis("FLUSHALL").await,
            Fault::RedisReadOnly => {
                self.backends()?.redis("CONFIG SET min-replicas-to-write 1").await?;
                tokio::time::sleep(hold).await;
                self.backends()?.redis("CONFIG SET min-replicas-to-write 0").await
            }
            Fault::RedisSilent => {
                self.backends()?.redis(&format!("CLIENT PAUSE {} ALL", hold.as_millis())).await?;
                tokio::time::sleep(hold).await;
                Ok(())
            }
            Fault::MysqlCut => blocking(|| self.backends()?.mysql()?.cut(hold)),
            Fault::MysqlLock => blocking(|| self.backends()?.mysql()?.lock(hold)),
            Fault::MysqlRows => {
                let database = database(system)?;
                blocking(|| self.backends()?.mysql()?.lock_rows(database, hold))
            }
            Fault::MysqlDeadlocks => {
                let database = database(system)?;
                let count = blocking(|| self.backends()?.mysql()?.deadlock(database, hold))?;
                ensure!(count > 0, "there was no deadlock");
                Ok(())
            }
            Fault::MysqlReadOnly => blocking(|| self.backends()?.mysql()?.read_only(hold)),
            Fault::ReplicaStands => blocking(|| self.backends()?.replica()?.stand_still(hold)),
            Fault::DiskFull => {
                let disk = self.disk.as_ref().context("no disk to fill")?;
                disk.keep_full(hold, &Writer::new(system).await?).await?;
                // MariaDB ends itself over a full disk; here nobody else starts it again.
                match self.backends() {
                    Ok(backends) => blocking(|| backends.call("start", Backend::Mysql)),
                    Err(_) => Ok(()),
                }
            }
            Fault::Partitions => {
                let more = self.partitions.fetch_add(MORE_PARTITIONS, Ordering::Relaxed) + MORE_PARTITIONS;
                self.backends()?.grow(system.setting("OORT_BUS__TOPIC")?, more).await?;
                tokio::time::sleep(hold).await;
                Ok(())
            }
            Fault::Rebalance => {
                let mut job = blocking(|| system.one_more("job", "job-more"))?;
                tokio::time::sleep(hold).await;
                blocking(|| job.terminate())
            }
            Fault::Clock(way) => {
                let clocks = self.clocks.as_ref().context("no clocks of their own")?;
                let nodes = system.pids();
                let (node, _) = &nodes[which % nodes.len()];
                clocks.set(node, if way == Way::Forward { JUMP_S } else { -JUMP_S })?;
                tokio::time::sleep(hold).await;
                clocks.set(node, 0)
            }
            Fault::Herd => {
                self.herd.as_ref().context("no idle clients")?.cut();
                Ok(())
            }
            Fault::SlowClients => slow::stay(world, &self.doors, hold).await,
            Fault::CutClients => {
                cutter.cut(CUT_ONE_OF);
                Ok(())
            }
            Fault::Race => {
                cutter.race(CUT_ONE_OF);
                Ok(())
            }
            Fault::Link(link, harm) => {
                self.links.set(link, Some(harm));
                tokio::time::sleep(hold).await;
                self.links.set(link, None);
                Ok(())
            }
        }
    }

    async fn backend(
        &self,
        breaks: &str,
        mends: &str,
        backend: Backend,
        hold: Duration,
    ) -> anyhow::Result<()> {
        let backends = self.backends()?;
        blocking(|| backends.call(breaks, backend))?;
        tokio::time::sleep(hold).await;
        blocking(|| backends.call(mends, backend))
    }

    /// Waits until every node is ready, every device connected, and everything delivered that was acknowledged so far.
    pub(crate) async fn healed(&self, system: &System, world: &World, cutter: &Cutter) -> anyhow::Result<()> {
        let give_up = Instant::now() + HEALED;
        system.wait_until_ready().await?;
        let heads = world.acked_heads();
        let herd_is_whole = || self.herd.as_ref().is_none_or(Herd::is_whole);
        while !(cutter.all_online() && cutter.all_have(&heads) && herd_is_whole()) {
            ensure!(
                Instant::now() < give_up,
                "not every device is back and has everything within {HEALED:?}"
            );
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    fn backends(&self) -> anyhow::Result<&Backends> {
        self.backends.as_ref().context("no services of its own")
    }
}

/// The database of a cluster.
fn database(system: &System) -> anyhow::Result<&str> {
    let url = system.setting("OORT_LOGIC__STORE__URL")?;
    url.rsplit('/').next().context("a URL with a database")
}

/// What blocks a thread, without holding up the crowd.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

fn pick(system: &mut System, tier: Tier, which: usize) -> anyhow::Result<&mut Node> {
    let role = tier.role();
    let count = system.nodes_mut().iter().filter(|node| node.role == role).count();
    ensure!(count > 0, "there is no {role}");
    let mut nodes = system.nodes_mut().iter_mut().filter(|node| node.role == role);
    nodes.nth(which % count).context("a node")
}
