//! Resident memory of every process over a run, whatever is ended and started again meanwhile.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use serde::Serialize;

use crate::procfs;
use crate::system::{PidOfNow, backends};

/// Name of the tool's own memory.
const OWN: &str = "oort-bench";

/// A process from one start to its end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Life {
    pub(crate) pid: u32,
    /// Seconds since the run began, and MiB.
    pub(crate) samples: Vec<(f64, f64)>,
}

/// What a process used, life by life.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Used {
    /// A process of Oort's: others may take what they were given.
    pub(crate) is_oort: bool,
    pub(crate) lives: Vec<Life>,
}

impl Used {
    /// Over the whole run.
    pub(crate) fn points(&self) -> Vec<(f64, f64)> {
        self.lives.iter().flat_map(|life| life.samples.iter().copied()).collect()
    }

    fn add(&mut self, pid: u32, at_s: f64, mib: f64) {
        match self.lives.last_mut().filter(|life| life.pid == pid) {
            Some(life) => life.samples.push((at_s, mib)),
            None => self.lives.push(Life { pid, samples: vec![(at_s, mib)] }),
        }
    }
}

/// By name of the process.
pub(crate) type Memory = BTreeMap<String, Used>;

/// Looks at memory from time to time, on a thread of its own: what happens to the run does not make it miss a sample.
#[derive(Debug)]
pub(crate) struct Sampler {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<Memory>,
}

impl Sampler {
    /// Of these nodes, of the services in this folder, and of this process.
    pub(crate) fn start(nodes: Vec<(String, PidOfNow)>, services: Option<PathBuf>, every: Duration) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            let begun = Instant::now();
            let mut memory = Memory::new();
            loop {
                let at_s = begun.elapsed().as_secs_f64();
                let oort = nodes.iter().map(|(name, pid)| (name.clone(), pid.load(Ordering::Relaxed), true));
                let others = services.iter().flat_map(|folder| backends(folder));
                let others = others.chain([(OWN.to_owned(), std::process::id())]);
                for (name, pid, is_oort) in oort.chain(others.map(|(name, pid)| (name, pid, false))) {
                    // One that is down just now uses nothing.
                    let Ok(now) = procfs::memory(pid) else { continue };
                    let used = memory.entry(name).or_default();
                    used.is_oort = is_oort;
                    used.add(pid, at_s, mib(now.rss_bytes));
                }
                match stopped.recv_timeout(every) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return memory,
                }
            }
        });
        Self { stop, thread }
    }

    /// Ends it; everything that was seen.
    pub(crate) fn finish(self) -> anyhow::Result<Memory> {
        drop(self.stop);
        self.thread.join().map_err(|_| anyhow!("memory could not be looked at"))
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn each_start_begins_a_life() {
        let mut used = Used::default();
        for (pid, at) in [(1, 0.0), (1, 5.0), (2, 10.0)] {
            used.add(pid, at, 7.0);
        }
        assert_eq!(used.lives.iter().map(|life| life.samples.len()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(used.points(), [(0.0, 7.0), (5.0, 7.0), (10.0, 7.0)]);
    }

    #[test]
    fn what_is_gone_is_left_out() {
        let nodes = vec![
            ("here".to_owned(), Arc::new(AtomicU32::new(std::process::id()))),
            ("gone".to_owned(), Arc::new(AtomicU32::new(u32::MAX))),
        ];
        let memory = Sampler::start(nodes, None, Duration::from_secs(60)).finish().unwrap();
        assert_eq!(memory.keys().collect::<Vec<_>>(), ["here", OWN]);
        assert!(memory["here"].is_oort && !memory[OWN].is_oort);
    }
}
