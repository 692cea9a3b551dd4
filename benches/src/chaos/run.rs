//! One run: crowds, a plan of faults, a ledger of each crowd, a verdict.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI32;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::crowd::cutter::Cutter;
use crate::crowd::run::Crowd;
use crate::crowd::world::World;
use crate::ledger::{self, Event, Ledger};
use crate::system::{Services, Shape, System, SystemOptions, block_on};

use super::backends::Backends;
use super::breaker::Breaker;
use super::clocks::Clocks;
use super::disk::Disk;
use super::fault::{self, Fault};
use super::flat::{self, Terms};
use super::herd::Herd;
use super::links::Links;
use super::memory::Sampler;
use super::mysql;
use super::options::Options;
use super::outcome::{BEGINS, ENDS, Outcome, Outcomes};
use super::past::Past;
use super::schedule::{self, Planned};
use super::shown::Shown;

/// Partitions of a topic that Oort makes (`bus.partitions`).
const PARTITIONS: i32 = 4;

/// Runs it and prints the table.
///
/// # Errors
/// "FAIL: …" with the story of the first broken promise, or whose memory grows.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    options.crowd.check()?;
    let plan = plan(options)?;
    let scratch = tempfile::tempdir()?;
    let folder = out_folder(options, &scratch)?;
    let mut shown = Shown::new(options);
    let lived = block_on(live(options, &plan, folder, &mut shown));
    writeln!(io::stdout(), "{}", shown.text())?;
    if options.out.is_some() {
        shown.write(folder)?;
    }
    if lived.is_err() && options.out.is_none() {
        // The ledger is evidence.
        let kept = scratch.keep();
        return lived.with_context(|| format!("what is kept of the run lies in {}", kept.display()));
    }
    lived?;
    shown.judge_memory()
}

fn plan(options: &Options) -> anyhow::Result<Vec<Planned>> {
    let faults = fault::chosen(&options.faults, options.system.shape, |fault| options.lacks(fault))?;
    let hold = Duration::try_from_secs_f64(options.hold)?;
    let seed = options.crowd.seed;
    let Some(minutes) = options.soak.minutes else {
        return Ok(schedule::rounds(&faults, options.rounds.max(1), hold, seed));
    };
    ensure!(options.soak.every >= 1.0, "--every is at least 1 s");
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small number that is not negative"
    )]
    let count = (minutes * 60.0 / options.soak.every).ceil().max(1.0) as usize;
    Ok(schedule::long(&faults, count, hold, seed))
}

fn out_folder<'a>(options: &'a Options, scratch: &'a TempDir) -> anyhow::Result<&'a Path> {
    let Some(out) = &options.out else { return Ok(scratch.path()) };
    fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    Ok(out)
}

/// Lets one crowd after the other live through its part of the plan; writes down in `shown` what it showed, also when it fails.
async fn live(options: &Options, plan: &[Planned], folder: &Path, shown: &mut Shown) -> anyhow::Result<()> {
    let mut told = options.system.clone();
    told.fixed_ports = true;
    ensure!(told.api.is_empty(), "chaos breaks what it started itself: leave --api out");
    let clock_files = tempfile::tempdir()?;
    let (mut system, breaker) = start(options, &mut told, plan, clock_files.path()).await?;
    let every = Duration::try_from_secs_f64(options.soak.sample)?.max(Duration::from_millis(100));
    let sampler = Sampler::start(system.pids(), options.system.services.clone(), every);
    let lived = crowds(options, plan, folder, &breaker, &mut system, shown).await;
    let terms = Terms {
        growth_percent_max: options.soak.growth_percent,
        life_min_s: options.soak.judged_minutes * 60.0,
    };
    shown.memory = sampler.finish()?;
    shown.flatness = flat::judge(&shown.memory, terms);
    lived?;
    system.stop();
    Ok(())
}

/// Starts the system with everything that its faults are made with.
async fn start(
    options: &Options,
    told: &mut SystemOptions,
    plan: &[Planned],
    clock_files: &Path,
) -> anyhow::Result<(System, Breaker)> {
    let needs = |wanted: fn(Fault) -> bool| plan.iter().any(|planned| wanted(planned.fault));
    let mut backends = None;
    if let Some(folder) = options.system.services.as_ref().filter(|_| needs(Fault::needs_own_services)) {
        let own = Backends::new(&options.services_script, folder)?;
        // Administrators write to a server that is read-only.
        own.mysql()?.make_user()?;
        let services = Services::of(told)?;
        let mysql = services.mysql.replacen("//root@", &format!("//{}@", mysql::USER), 1);
        told.proxied = Some(Services { mysql, ..services });
        backends = Some(own);
    }
    let disk = options.disk.as_ref().filter(|_| needs(|fault| fault == Fault::DiskFull));
    if let Some(folder) = disk.filter(|_| told.shape == Shape::Standalone) {
        let data = folder.join("data").to_string_lossy().into_owned();
        told.of_node.entry("oort".to_owned()).or_default().push(("OORT_NODE__DATA_DIR".to_owned(), data));
    }
    let clocks = match options.faketime.as_ref().filter(|_| needs(|fault| matches!(fault, Fault::Clock(_)))) {
        Some(library) => Some(Clocks::under(told, library, clock_files.to_owned())?),
        None => None,
    };
    let mut links = Links::under(told).await?;
    let mut system = System::start(told).await?;
    let herd = match options.herd {
        0 => None,
        size => Some(Herd::gather(&system, size).await?),
    };
    let disk = disk.map(|folder| Disk::under(folder)).transpose()?;
    let doors = std::mem::take(&mut system.comets);
    system.comets = links.before(&doors).await?;
    let partitions = AtomicI32::new(PARTITIONS);
    Ok((system, Breaker { backends, links, herd, clocks, disk, doors, partitions }))
}

async fn crowds(
    options: &Options,
    plan: &[Planned],
    folder: &Path,
    breaker: &Breaker,
    system: &mut System,
    shown: &mut Shown,
) -> anyhow::Result<()> {
    let mut pace = Pace::new(options)?;
    let mut past = Past::default();
    // Without a time there is one crowd for all.
    let per_crowd = options.soak.minutes.map_or(plan.len(), |_| options.soak.per_crowd);
    for (number, part) in plan.chunks(per_crowd.max(1)).enumerate() {
        let name =
            if part.len() == plan.len() { shown.name() } else { format!("{}-{}", shown.name(), number + 1) };
        let path = folder.join(format!("{name}.ledger"));
        let lived = one_crowd(options, part, &path, breaker, system, &mut pace).await;
        if lived.is_err() {
            // What the faults before did is known all the same.
            shown.add(ledger::Summary::default(), outcomes(&path)?);
        }
        past.add(lived?);
        let (summary, outcomes) =
            tokio::task::block_in_place(|| anyhow::Ok((ledger::check(&path)?, outcomes(&path)?)))?;
        let story = ledger::failure(&summary, &path)?;
        let violations = summary.violations;
        shown.add(summary, outcomes);
        if let Some(story) = story {
            bail!("FAIL: {violations} promises broken, ledger: {}. The first: {story}", path.display());
        }
        if !options.keep_ledger {
            fs::remove_file(&path)?;
        }
    }
    // What earlier crowds were promised still holds.
    past.check(system).await
}

fn outcomes(path: &Path) -> anyhow::Result<Vec<Outcome>> {
    let mut outcomes = Outcomes::default();
    // The last line of a run that failed may be half a line.
    for line in ledger::lines(path)?.map_while(Result::ok) {
        outcomes.read(&line);
    }
    Ok(outcomes.finish())
}

/// Lets a crowd live through `plan`, then writes down what the store holds.
async fn one_crowd(
    options: &Options,
    plan: &[Planned],
    path: &Path,
    breaker: &Breaker,
    system: &mut System,
    pace: &mut Pace,
) -> anyhow::Result<super::past::Crowd> {
    let crowd = Crowd::gather(system, &options.crowd, Some(Ledger::create(path)?)).await?;
    let (world, cutter) = (Arc::clone(&crowd.world), crowd.cutter());
    let (crowd, ()) = crowd.live_until(faults(plan, breaker, system, &world, &cutter, pace)).await?;
    let (world, _) = crowd.end().await?;
    let stored = super::past::Crowd::read(system, &world, options.crowd.accounts).await?;
    world.ledger().context("a run with a ledger")?.close()?;
    Ok(stored)
}

/// One fault after the other.
async fn faults(
    plan: &[Planned],
    breaker: &Breaker,
    system: &mut System,
    world: &Arc<World>,
    cutter: &Cutter,
    pace: &mut Pace,
) -> anyhow::Result<()> {
    tokio::time::sleep(pace.calm).await;
    for planned in plan {
        pace.wait_for_next().await;
        let fault = planned.fault;
        pace.say(planned)?;
        world.note(None, || Event::Fault { what: format!("{BEGINS}{fault}") });
        breaker
            .happen(system, planned, world, cutter)
            .await
            .with_context(|| format!("{fault} could not be made"))?;
        world.note(None, || Event::Fault { what: format!("{ENDS}{fault}") });
        breaker.healed(system, world, cutter).await.with_context(|| format!("after {fault}"))?;
        tokio::time::sleep(pace.calm).await;
    }
    pace.wait_for_end().await;
    Ok(())
}

/// When the next fault is due.
#[derive(Debug)]
struct Pace {
    /// Between two faults at least.
    calm: Duration,
    /// From one beginning to the next.
    every: Option<Duration>,
    begun: Instant,
    number: u32,
    is_quiet: bool,
}

impl Pace {
    fn new(options: &Options) -> anyhow::Result<Self> {
        let every =
            options.soak.minutes.map(|_| Duration::try_from_secs_f64(options.soak.every)).transpose()?;
        let calm = Duration::try_from_secs_f64(options.calm)?;
        Ok(Self { calm, every, begun: Instant::now(), number: 0, is_quiet: options.quiet })
    }

    /// Waits until the next fault is due.
    async fn wait_for_next(&mut self) {
        if let Some(every) = self.every {
            tokio::time::sleep_until(self.begun + every * self.number).await;
        }
        self.number += 1;
    }

    /// Waits until the time of the last fault is over.
    async fn wait_for_end(&self) {
        if let Some(every) = self.every {
            tokio::time::sleep_until(self.begun + every * self.number).await;
        }
    }

    fn say(&self, planned: &Planned) -> io::Result<()> {
        if self.is_quiet {
            return Ok(());
        }
        let (passed_s, hold_s) = (self.begun.elapsed().as_secs(), planned.hold.as_secs_f64());
        let Self { number, .. } = self;
        let fault = planned.fault;
        writeln!(io::stderr(), "{passed_s:>5} s {number:>3}  {fault}, {hold_s:.1} s")
    }
}
