//! On which cores threads and processes run.

use anyhow::Context;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores that this thread may run on, in order.
pub(crate) fn allowed() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(None) else { return vec![0] };
    (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()
}

/// Keeps this thread on these cores. Processes that it starts from then on inherit them.
pub(crate) fn pin(cores: &[usize]) -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    cores.iter().filter(|core| **core < CpuSet::MAX_CPU).for_each(|core| set.set(*core));
    sched_setaffinity(None, &set).with_context(|| format!("this thread may not run on cores {cores:?}"))
}

/// Does something while this thread is on these cores, and comes back: a child started in it stays there.
pub(crate) fn on<T>(cores: &[usize], work: impl FnOnce() -> T) -> anyhow::Result<T> {
    let before = allowed();
    pin(cores)?;
    let done = work();
    pin(&before)?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_inherits_and_the_parent_comes_back() {
        let before = allowed();
        let first = before[0];
        let inside = on(&[first], allowed).unwrap();
        assert_eq!(inside, [first]);
        assert_eq!(allowed(), before);
    }
}
