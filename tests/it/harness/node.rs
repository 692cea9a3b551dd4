//! One process of the real binary.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Settings as environment variables.
pub(crate) type Settings = Vec<(String, String)>;

/// A running process; killed when dropped.
#[derive(Debug)]
pub(crate) struct Node {
    child: Child,
    /// Bound addresses by name: `http`, `tcp`, `grpc`, `admin`.
    addresses: BTreeMap<String, SocketAddr>,
    log: PathBuf,
}

impl Node {
    /// Starts `oort <role>` (or `oort` for "") and waits until it serves.
    pub(crate) fn start(role: &str, folder: &std::path::Path, settings: &Settings) -> Self {
        let mut node = Self::launch(role, folder, settings);
        node.wait_until_serving();
        node
    }

    /// Starts it without waiting.
    pub(crate) fn launch(role: &str, folder: &std::path::Path, settings: &Settings) -> Self {
        let name = super::unique(if role.is_empty() { "standalone-" } else { role });
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log).expect("a log file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_oort"));
        command.args((!role.is_empty()).then_some(role));
        command
            .env_clear()
            .env("OORT_RUN__ADDRESSES_FILE", log.with_extension("addresses"))
            // The process ends with this one, however this one ends.
            .env("OORT_RUN__EXIT_ON_STDIN_CLOSE", "true")
            .env("OORT_ADMIN__LISTEN", "127.0.0.1:0")
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file);
        let child = command.spawn().expect("the binary starts");
        Self { child, addresses: BTreeMap::new(), log }
    }

    /// Waits until it serves, and learns its addresses.
    pub(crate) fn wait_until_serving(&mut self) {
        let file = self.log.with_extension("addresses");
        let give_up = Instant::now() + super::PATIENCE;
        loop {
            if let Ok(text) = fs::read_to_string(&file)
                && let Ok(addresses) = serde_json::from_str(&text)
            {
                self.addresses = addresses;
                return;
            }
            if let Some(status) = self.child.try_wait().expect("a child") {
                panic!("ended while starting ({status}):\n{}", self.log());
            }
            assert!(Instant::now() < give_up, "does not serve:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A bound address.
    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        *self.addresses.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.addresses))
    }

    /// SIGKILL, and gone when this returns.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// SIGTERM; waits for the end.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let done = Command::new("kill").args([&format!("-{signal}"), &pid]).status().expect("kill runs");
        assert!(done.success(), "pid {pid} takes {signal}");
    }

    /// Waits for the end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let give_up = Instant::now() + super::PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(Instant::now() < give_up, "does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Already gone is fine.
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<_> = log.lines().rev().take(15).collect();
            eprintln!("--- {}", self.log.display());
            tail.iter().rev().for_each(|line| eprintln!("{line}"));
        }
    }
}
