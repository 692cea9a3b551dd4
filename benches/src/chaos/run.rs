//! One run: a crowd, a plan of faults, a ledger, a verdict.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::Signal;
use serde_json::json;
use tempfile::TempDir;

use crate::crowd::cutter::Cutter;
use crate::crowd::run::Crowd;
use crate::crowd::world::World;
use crate::ledger::{self, Event, Ledger, Line, Placed};
use crate::scenarios::command;
use crate::system::{Node, System, block_on};

use super::backends::Backends;
use super::fault::{self, Backend, Fault, Tier};
use super::links::Links;
use super::options::Options;
use super::outcome::{BEGINS, ENDS, Outcome, Outcomes};
use super::schedule::{self, Planned};
use super::table;

/// Longest wait until everything is connected and ready again after a fault.
const HEALED: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
/// The share of clients that lose their connections: one of so many.
const CUT_ONE_OF: usize = 5;

/// Runs it and prints the table.
///
/// # Errors
/// "FAIL: …" with the story of the first broken promise.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    options.crowd.check()?;
    let faults = fault::chosen(&options.faults, options.system.shape)?;
    let hold = Duration::try_from_secs_f64(options.hold)?;
    let plan = schedule::plan(&faults, options.rounds.max(1), hold, options.crowd.seed);
    let scratch = tempfile::tempdir()?;
    let folder = out_folder(options, &scratch)?;
    let name = format!("chaos-{}-{}", options.system.shape.name(), options.crowd.seed);
    let path = folder.join(format!("{name}.ledger"));
    block_on(live(options, &plan, &path))?;

    let summary = ledger::check(&path)?;
    let outcomes = outcomes(&path)?;
    let title = format!("Faults under load: {}, seed {}", options.system.shape.name(), options.crowd.seed);
    let text = table::markdown(&title, &outcomes, &summary, &command());
    writeln!(io::stdout(), "{text}")?;
    if options.out.is_some() {
        fs::write(folder.join(format!("{name}.md")), &text)?;
        let figures = json!({
            "command": command(), "seed": options.crowd.seed, "shape": options.system.shape.name(),
            "violations": summary.violations, "acked": summary.acked, "stored": summary.stored,
            "devices": summary.devices, "connections": summary.connections, "faults": outcomes,
        });
        fs::write(folder.join(format!("{name}.json")), format!("{figures:#}\n"))?;
    }
    if let Some(story) = ledger::failure(&summary, &path)? {
        // It is evidence.
        let kept = if options.out.is_none() { scratch.keep().join(format!("{name}.ledger")) } else { path };
        bail!("FAIL: {} promises broken, ledger: {}. The first: {story}", summary.violations, kept.display());
    }
    if !options.keep_ledger {
        fs::remove_file(&path)?;
    }
    Ok(())
}

fn out_folder<'a>(options: &'a Options, scratch: &'a TempDir) -> anyhow::Result<&'a Path> {
    let Some(out) = &options.out else { return Ok(scratch.path()) };
    fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    Ok(out)
}

fn outcomes(path: &Path) -> anyhow::Result<Vec<Outcome>> {
    let mut outcomes = Outcomes::default();
    for line in ledger::lines(path)? {
        let line: Line = line?;
        outcomes.read(&line);
    }
    Ok(outcomes.finish())
}

/// Lets the crowd live through the plan, then writes down what the store holds.
async fn live(options: &Options, plan: &[Planned], path: &Path) -> anyhow::Result<()> {
    let needs = plan.iter().find(|planned| planned.fault.needs_own_services());
    let backends = match (needs, &options.system.services) {
        (None, _) => None,
        (Some(_), Some(folder)) => Some(Backends::new(&options.services_script, folder)?),
        (Some(planned), None) => bail!("{} needs --services, whose services are broken then", planned.fault),
    };
    let mut system_options = options.system.clone();
    system_options.fixed_ports = true;
    ensure!(system_options.api.is_empty(), "chaos breaks what it started itself: leave --api out");
    let mut links = Links::under(&mut system_options).await?;
    let mut system = System::start(&system_options).await?;
    system.comets = links.before(&system.comets).await?;
    let mut crowd = Crowd::gather(&system, &options.crowd, Some(Ledger::create(path)?)).await?;
    let chaos = Chaos { options, backends, links, world: Arc::clone(&crowd.world) };
    let cutter = crowd.cutter();
    crowd.live_until(chaos.go(&mut system, plan, cutter)).await?;
    let (world, _) = crowd.end().await?;
    store(&system, &world, options).await?;
    world.ledger().context("a run with a ledger")?.close()?;
    system.stop();
    Ok(())
}

/// Writes down every message that the store holds.
async fn store(system: &System, world: &World, options: &Options) -> anyhow::Result<()> {
    for (room, id) in world.shared.rooms.iter().enumerate() {
        let reader = world.account(room % options.crowd.accounts);
        let mut after = 0;
        loop {
            let (page, more) = system.apis[0].history(&reader, id, after).await?;
            for stored in page {
                after = stored.seq;
                let account = world.account_of(&stored.sender);
                let message = Placed { seq: stored.seq, id: stored.client_msg_id };
                world.note(None, || Event::Stored { room, account, message });
            }
            if !more {
                break;
            }
        }
    }
    Ok(())
}

struct Chaos<'a> {
    options: &'a Options,
    backends: Option<Backends>,
    links: Links,
    world: Arc<World>,
}

impl Chaos<'_> {
    /// One fault after the other.
    async fn go(&self, system: &mut System, plan: &[Planned], cutter: Cutter) -> anyhow::Result<()> {
        let calm = Duration::try_from_secs_f64(self.options.calm)?;
        tokio::time::sleep(calm).await;
        for (number, planned) in plan.iter().enumerate() {
            let Planned { fault, hold, .. } = planned;
            if !self.options.quiet {
                let (number, all, hold_s) = (number + 1, plan.len(), hold.as_secs_f64());
                writeln!(io::stderr(), "{number:>3}/{all}  {fault}, {hold_s:.1} s")?;
            }
            self.world.note(None, || Event::Fault { what: format!("{BEGINS}{fault}") });
            self.happen(system, planned, &cutter)
                .await
                .with_context(|| format!("{fault} could not be made"))?;
            self.world.note(None, || Event::Fault { what: format!("{ENDS}{fault}") });
            self.healed(system, &cutter).await.with_context(|| format!("after {fault}"))?;
            tokio::time::sleep(calm).await;
        }
        Ok(())
    }

    async fn happen(&self, system: &mut System, planned: &Planned, cutter: &Cutter) -> anyhow::Result<()> {
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
            Fault::MysqlCut => blocking(|| self.backends()?.mysql_cut(hold)),
            Fault::MysqlLock => blocking(|| self.backends()?.mysql_lock(hold)),
            Fault::CutClients => {
                cutter.cut(CUT_ONE_OF);
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
    async fn healed(&self, system: &System, cutter: &Cutter) -> anyhow::Result<()> {
        let give_up = Instant::now() + HEALED;
        system.wait_until_ready().await?;
        let heads = self.world.acked_heads();
        while !(cutter.all_online() && cutter.all_have(&heads)) {
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
