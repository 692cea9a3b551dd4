//! What the system knows of this process.

use std::time::Duration;

/// `USER_HZ`: the unit of times in `/proc`, on every Linux.
const TICKS_PER_SECOND: u64 = 100;

/// Time of processors used since the start; `None` where `/proc` is not.
pub(super) fn cpu() -> Option<Duration> {
    cpu_of(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

/// Memory held now, bytes.
pub(super) fn rss_bytes() -> Option<i64> {
    rss_of(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn cpu_of(stat: &str) -> Option<Duration> {
    // The program's name comes in parentheses and may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis(user.checked_add(system)? * 1000 / TICKS_PER_SECOND))
}

fn rss_of(status: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<i64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells() {
        let stat =
            "7 (a) (b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 100 1000 10 18446744073709551615";
        assert_eq!(cpu_of(stat), Some(Duration::from_secs(3)));
        assert_eq!(cpu_of("nonsense"), None);
        assert_eq!(rss_of("Name:\tx\nVmRSS:\t  2048 kB\n"), Some(2 << 20));
        assert_eq!(rss_of(""), None);
        assert!(rss_bytes().is_some_and(|bytes| bytes > 1 << 16) && cpu().is_some());
    }
}
