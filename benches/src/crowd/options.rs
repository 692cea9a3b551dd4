//! What a crowd does, and how often.

use anyhow::ensure;
use clap::Args;

/// Options of the crowd. Rates are of the whole crowd; what happens to whom is drawn from `--seed`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "The crowd")]
pub(crate) struct CrowdOptions {
    /// Devices: each a WebSocket while it is online.
    #[arg(long, default_value_t = 100)]
    pub(crate) users: usize,
    /// Accounts that the devices belong to. Making one costs the server a password hash.
    #[arg(long, default_value_t = 20)]
    pub(crate) accounts: usize,
    /// Groups.
    #[arg(long, default_value_t = 40)]
    pub(crate) groups: usize,
    /// Accounts in each group.
    #[arg(long, default_value_t = 5)]
    pub(crate) group_size: usize,
    /// Messages sent per second.
    #[arg(long, default_value_t = 100.0)]
    pub(crate) sends: f64,
    /// Share of them that is sent by HTTP, 0 to 1; the rest goes over the devices' sockets.
    #[arg(long, default_value_t = 0.3)]
    pub(crate) http_share: f64,
    /// Devices that say goodbye per second; each comes back after about `--away` seconds.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) departures: f64,
    /// How long a device is away on average, seconds.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) away: f64,
    /// Devices per second whose connection is cut without a word and that come back at once.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) cuts: f64,
    /// Pages of history read per second.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) pages: f64,
    /// Conversations marked as read per second; the answers, and each greeting, tell what is unread.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) reads: f64,
    /// Bytes of each text.
    #[arg(long, default_value_t = 100)]
    pub(crate) content_bytes: usize,
    /// Seconds at the beginning whose latencies do not count; everything else does.
    #[arg(long, default_value_t = 2)]
    pub(crate) warmup: u64,
    /// Longest wait for answers and deliveries at the end, seconds; what is missing then is lost.
    #[arg(long, default_value_t = 30)]
    pub(crate) wait: u64,
    /// Longest time that a device may be without a connection, or a send without an answer, seconds.
    #[arg(long, default_value_t = 30)]
    pub(crate) patience: u64,
    /// What is drawn is drawn from this number.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

impl CrowdOptions {
    /// Refuses what cannot be done.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            [self.users, self.accounts, self.groups, self.group_size].iter().all(|value| *value > 0),
            "users, accounts, groups and group-size are at least 1"
        );
        let rates = [self.sends, self.departures, self.away, self.cuts, self.pages, self.reads];
        ensure!(rates.iter().all(|rate| rate.is_finite() && *rate >= 0.0), "rates are 0 or more");
        ensure!((0.0..=1.0).contains(&self.http_share), "--http-share is 0 to 1");
        Ok(())
    }

    /// Accounts of group `group`.
    pub(crate) fn members(&self, group: usize) -> impl Iterator<Item = usize> + use<> {
        let accounts = self.accounts;
        (0..self.group_size.min(accounts)).map(move |member| (group + member) % accounts)
    }

    /// Groups of account `account`.
    pub(crate) fn groups_of(&self, account: usize) -> Vec<usize> {
        (0..self.groups).filter(|group| self.members(*group).any(|member| member == account)).collect()
    }
}
