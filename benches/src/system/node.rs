//! One process of the server under test.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::pin;

/// Longest wait for a process to serve.
const START: Duration = Duration::from_secs(60);
/// Longest wait for a process to end; then it is killed.
const STOP: Duration = Duration::from_secs(15);
/// Lines of a log that are shown when a process fails.
const LOG_LINES: usize = 15;

/// The process id of a node, kept right when it is started again.
pub(crate) type PidOfNow = Arc<AtomicU32>;

/// Settings as environment variables.
pub(crate) type Settings = Vec<(String, String)>;

/// A running process, ended when dropped.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) role: String,
    oort: PathBuf,
    settings: Settings,
    cores: Option<Vec<usize>>,
    child: Child,
    pid: PidOfNow,
    log: PathBuf,
    addresses: BTreeMap<String, String>,
}

impl Node {
    /// Starts `oort <role>` (just `oort` for ""), under `name` and with its log and addresses in `folder`; on these
    /// cores, if any are named.
    pub(crate) fn launch(
        oort: &Path,
        role: &str,
        name: &str,
        folder: &Path,
        settings: &Settings,
        cores: Option<&[usize]>,
    ) -> anyhow::Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let child = spawn(oort, role, name, &log, settings, cores)?;
        Ok(Self {
            name: name.to_owned(),
            role: role.to_owned(),
            oort: oort.to_owned(),
            settings: settings.clone(),
            cores: cores.map(<[usize]>::to_vec),
            pid: Arc::new(AtomicU32::new(child.id())),
            child,
            log,
            addresses: BTreeMap::new(),
        })
    }

    /// Ends it without a word (SIGKILL).
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    pub(crate) fn terminate(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)?;
        let give_up = Instant::now() + STOP;
        while self.child.try_wait()?.is_none() {
            ensure!(Instant::now() < give_up, "{} does not end within {STOP:?}", self.name);
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).context("a process id")?;
        kill_process(pid, signal).with_context(|| format!("{} cannot be signalled", self.name))
    }

    /// Starts it again as it was, after it ended, and waits until it serves.
    pub(crate) fn start_again(&mut self) -> anyhow::Result<()> {
        // Not there when it ended well.
        drop(fs::remove_file(self.log.with_extension("addresses")));
        self.child =
            spawn(&self.oort, &self.role, &self.name, &self.log, &self.settings, self.cores.as_deref())?;
        self.pid.store(self.child.id(), Ordering::Relaxed);
        self.wait_until_serving()
    }

    /// Waits until it serves, and learns its addresses.
    pub(crate) fn wait_until_serving(&mut self) -> anyhow::Result<()> {
        let file = self.log.with_extension("addresses");
        let give_up = Instant::now() + START;
        loop {
            if let Ok(text) = fs::read_to_string(&file)
                && let Ok(addresses) = serde_json::from_str(&text)
            {
                self.addresses = addresses;
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended while starting ({status}):\n{}", self.name, self.last_words());
            }
            ensure!(Instant::now() < give_up, "{} does not serve:\n{}", self.name, self.last_words());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for it to end by itself, well.
    pub(crate) fn wait_for_success(&mut self) -> anyhow::Result<()> {
        let status = self.child.wait()?;
        ensure!(status.success(), "{} failed ({status}):\n{}", self.name, self.last_words());
        Ok(())
    }

    /// A bound address: `http`, `grpc`, `admin`.
    pub(crate) fn address(&self, name: &str) -> anyhow::Result<String> {
        self.addresses.get(name).cloned().with_context(|| format!("{} has no {name} address", self.name))
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The process id, for those who look on while it is ended and started.
    pub(crate) fn pid_of_now(&self) -> PidOfNow {
        Arc::clone(&self.pid)
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

fn spawn(
    oort: &Path,
    role: &str,
    name: &str,
    log: &Path,
    settings: &Settings,
    cores: Option<&[usize]>,
) -> anyhow::Result<Child> {
    let file = OpenOptions::new().create(true).append(true).open(log)?;
    let mut command = Command::new(oort);
    command
        .args((!role.is_empty()).then_some(role))
        .env_clear()
        .env("OORT_NODE__NAME", name)
        .env("OORT_RUN__ADDRESSES_FILE", log.with_extension("addresses"))
        // The process ends with this one, however this one ends.
        .env("OORT_RUN__EXIT_ON_STDIN_CLOSE", "true")
        .env("OORT_ADMIN__LISTEN", "127.0.0.1:0")
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(file.try_clone()?)
        .stderr(file);
    let child = match cores {
        Some(cores) => pin::on(cores, || command.spawn())?,
        None => command.spawn(),
    };
    child.with_context(|| format!("{} cannot be started", oort.display()))
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // One that stands still could not end.
        drop(self.signal(Signal::CONT));
        let give_up = Instant::now() + STOP;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < give_up {
            std::thread::sleep(Duration::from_millis(10));
        }
        // Already gone is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
