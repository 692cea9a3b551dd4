//! What the operating system knows about processes and the machine.

use std::fs;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::report::result::Machine;

/// Nanoseconds of CPU that a process has used: the sum over its live threads (`/proc/<pid>/task/*/schedstat`, first
/// field, see the kernel's `sched-stats.rst`).
pub(crate) fn cpu_ns(pid: u32) -> anyhow::Result<u64> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).with_context(|| format!("process {pid}"))?;
    let mut total = 0;
    for thread in threads {
        // A thread may end while this reads.
        let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        total += first_number(&text).with_context(|| format!("schedstat of process {pid}: {text}"))?;
    }
    Ok(total)
}

/// Memory of a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Resident set, bytes.
    pub(crate) rss_bytes: u64,
    /// Its share of what is resident, bytes; 0 when the kernel does not tell.
    pub(crate) pss_bytes: u64,
}

impl std::ops::AddAssign for Memory {
    fn add_assign(&mut self, other: Self) {
        self.rss_bytes += other.rss_bytes;
        self.pss_bytes += other.pss_bytes;
    }
}

/// Memory of a process.
pub(crate) fn memory(pid: u32) -> anyhow::Result<Memory> {
    let status =
        fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("process {pid}"))?;
    let rss_bytes = kib(&status, "VmRSS:").context("no VmRSS")? * 1024;
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    Ok(Memory { rss_bytes, pss_bytes: kib(&rollup, "Pss:").unwrap_or_default() * 1024 })
}

/// Memory that the kernel uses for its own objects, sockets among them, bytes, on the whole machine.
pub(crate) fn slab_bytes() -> u64 {
    meminfo("Slab:")
}

/// Memory that could still be given out, bytes.
pub(crate) fn available_bytes() -> u64 {
    meminfo("MemAvailable:")
}

fn meminfo(key: &str) -> u64 {
    kib(&fs::read_to_string("/proc/meminfo").unwrap_or_default(), key).unwrap_or_default() * 1024
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

fn kib(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| first_number(line.strip_prefix(key)?))
}

impl Machine {
    /// The machine this runs on.
    pub(crate) fn of_this() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            cpu: cpu.map(|(_, model)| model.to_owned()).unwrap_or_default(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            memory_bytes: meminfo("MemTotal:"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_cpu_and_memory() {
        let pid = std::process::id();
        let before = cpu_ns(pid).unwrap();
        let give_up = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while cpu_ns(pid).unwrap() == before {
            assert!(std::time::Instant::now() < give_up, "busy, and no CPU is counted");
        }
        let memory = memory(pid).unwrap();
        assert!(memory.rss_bytes > 100_000 && memory.pss_bytes <= memory.rss_bytes, "{memory:?}");
        assert!(slab_bytes() > 0 && available_bytes() > 0);
    }

    #[test]
    fn the_machine_is_known() {
        let machine = Machine::of_this();
        assert!(
            machine.cores > 0 && machine.memory_bytes > 1 << 20 && !machine.kernel.is_empty(),
            "{machine:?}"
        );
    }

    #[test]
    fn a_process_that_is_gone_is_an_error() {
        assert!(cpu_ns(u32::MAX).is_err() && memory(u32::MAX).is_err());
    }
}
