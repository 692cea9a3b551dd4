//! CPU time of other processes, from the operating system.

use anyhow::Context;

/// Clock ticks per second in `/proc/<pid>/stat`: 100 on every Linux we run on (`USER_HZ`).
const TICKS_PER_S: f64 = 100.0;

/// CPU seconds that these processes have used, in all.
pub(crate) fn seconds(pids: &[u32]) -> anyhow::Result<f64> {
    let mut ticks = 0;
    for pid in pids {
        let stat =
            std::fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("process {pid}"))?;
        ticks += ticks_of(&stat).with_context(|| format!("/proc/{pid}/stat cannot be read"))?;
    }
    Ok(f64::from(ticks) / TICKS_PER_S)
}

/// utime + stime: fields 14 and 15 of proc(5); the name before them may hold blanks.
fn ticks_of(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<_> = rest.split(' ').collect();
    Some(fields.get(11)?.parse::<u32>().ok()? + fields.get(12)?.parse::<u32>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_does_not_shift_the_fields() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 1 0 9 1 1";
        assert_eq!(ticks_of(stat), Some(300));
    }
}
