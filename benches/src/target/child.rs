//! Processes that are started for a run, and end with it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::pin;

/// Longest wait for a process to serve.
const START: Duration = Duration::from_secs(30);

/// A process that ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Child {
    child: std::process::Child,
    /// Files made for it; they go with it.
    _folder: Option<TempDir>,
}

impl Child {
    /// Starts a command on some cores (empty = wherever this thread may run), its standard input tied to this process.
    pub(crate) fn start(mut command: Command, cores: &[usize]) -> anyhow::Result<Self> {
        command.stdin(Stdio::piped());
        let program = command.get_program().to_owned();
        let child = if cores.is_empty() { command.spawn() } else { pin::on(cores, || command.spawn())? };
        let child = child.with_context(|| format!("{} cannot be started", program.display()))?;
        Ok(Self { child, _folder: None })
    }

    /// Its id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The first line that it prints, when its standard output is piped.
    pub(crate) fn first_line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        let stdout = self.child.stdout.as_mut().context("its output is not read")?;
        BufReader::new(stdout).read_line(&mut line)?;
        Ok(line)
    }

    /// Starts `oort` and waits until it serves: its bound addresses as JSON. Its log lies in a folder that goes with it.
    pub(crate) fn oort(mut command: Command, cores: &[usize]) -> anyhow::Result<(Self, serde_json::Value)> {
        let folder = TempDir::with_prefix("oort-bench-")?;
        let (log, addresses) = (folder.path().join("log"), folder.path().join("addresses"));
        let file = File::create(&log)?;
        command
            .env("OORT_RUN__ADDRESSES_FILE", &addresses)
            .env("OORT_RUN__EXIT_ON_STDIN_CLOSE", "true")
            .env("OORT_NODE__DATA_DIR", folder.path())
            .stdout(file.try_clone()?)
            .stderr(file);
        let mut child = Self::start(command, cores)?;
        child._folder = Some(folder);
        let give_up = Instant::now() + START;
        loop {
            let text = std::fs::read_to_string(&addresses).unwrap_or_default();
            if let Ok(addresses) = serde_json::from_str(&text) {
                return Ok((child, addresses));
            }
            let status = child.child.try_wait()?;
            if status.is_some() || Instant::now() > give_up {
                bail!("oort does not serve ({status:?}):\n{}", tail(&log));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Already gone is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// Keeps a core from sleeping, without taking anything from others: waking a core can take longer than all else that is
/// measured. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct KeepAwake {
    _child: Child,
    /// Whether the scheduler gives it idle time only; else it has the least weight there is.
    pub(crate) is_idle_class: bool,
}

impl KeepAwake {
    /// On these cores.
    pub(crate) fn on(cores: &[usize]) -> anyhow::Result<Vec<Self>> {
        cores.iter().map(|core| Self::start(*core)).collect()
    }

    fn start(core: usize) -> anyhow::Result<Self> {
        let this = std::env::current_exe()?;
        let mut idle = Command::new("chrt");
        idle.args(["--idle", "0"]).arg(&this).arg("keep-awake").stdout(Stdio::null());
        if let Ok(child) = Child::start(idle, &[core]) {
            return Ok(Self { _child: child, is_idle_class: true });
        }
        let mut nice = Command::new(&this);
        nice.arg("keep-awake").stdout(Stdio::null());
        Ok(Self { _child: Child::start(nice, &[core])?, is_idle_class: false })
    }
}

/// Spins until standard input ends.
pub(crate) fn keep_awake() -> anyhow::Result<()> {
    let ended = Arc::new(AtomicBool::new(false));
    // Under the idle class it makes no difference.
    let _ = rustix::process::nice(19);
    let reader = std::thread::spawn({
        let ended = Arc::clone(&ended);
        move || {
            // An error is an end too.
            drop(std::io::stdin().read_to_end(&mut Vec::new()));
            ended.store(true, Ordering::Relaxed);
        }
    });
    while !ended.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
    drop(reader.join());
    Ok(())
}
