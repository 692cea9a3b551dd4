//! What a run of the load is told.

use anyhow::ensure;
use clap::{Args, ValueEnum};

/// How messages are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Via {
    /// `POST /api/conversations/{id}/messages`, one request under way per sender.
    Http,
    /// `clientMessages` over WebSockets.
    Ws,
}

/// What messages are sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Open rooms: every socket of the run is in all of them.
    Room,
    /// Groups of one sending account and the members.
    Group,
}

/// Options of the load.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "The load")]
pub(crate) struct LoadOptions {
    /// How messages are sent.
    #[arg(long, value_enum, default_value = "http")]
    pub(crate) via: Via,
    /// Sends per second, due at times fixed before the run; 0 = as many as the senders manage (closed loop).
    #[arg(long, default_value_t = 0)]
    pub(crate) rate: u64,
    /// Senders: connections that send.
    #[arg(long, default_value_t = 64)]
    pub(crate) senders: usize,
    /// Conversations.
    #[arg(long, default_value_t = 16)]
    pub(crate) rooms: usize,
    /// Sockets that only follow, spread over the comets; each is in every conversation of the run.
    #[arg(long, default_value_t = 2)]
    pub(crate) members: usize,
    /// Accounts of the members; 0 = one per comet, as connections of one account are as good as those of many.
    #[arg(long, default_value_t = 0)]
    pub(crate) member_accounts: usize,
    /// Accounts that are in every group and not connected.
    #[arg(long, default_value_t = 0)]
    pub(crate) offline: usize,
    /// What conversations are; by default rooms for HTTP and groups for WebSockets, whose senders follow too.
    #[arg(long, value_enum)]
    pub(crate) kind: Option<Kind>,
    /// Accounts that send; 0 = one per WebSocket, at most 4 for HTTP. Making one costs the server a password hash.
    #[arg(long, default_value_t = 0)]
    pub(crate) accounts: usize,
    /// Bytes of each text.
    #[arg(long, default_value_t = 100)]
    pub(crate) content_bytes: usize,
    /// WebSockets: most sends under way per socket.
    #[arg(long, default_value_t = 16)]
    pub(crate) window: usize,
    /// WebSockets: most messages in one frame. A server takes so many frames per second of one socket (500 unless
    /// configured otherwise), so few fast senders need more than one.
    #[arg(long, default_value_t = 1)]
    pub(crate) per_frame: usize,
    /// How often the run is repeated, over new connections; every figure gets a sample of each.
    #[arg(long, default_value_t = 1)]
    pub(crate) cycles: usize,
    /// Seconds that are measured, in each cycle.
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u64,
    /// Seconds of the same load before, not measured (but checked).
    #[arg(long, default_value_t = 2)]
    pub(crate) warmup: u64,
    /// Longest wait for answers and deliveries when nothing more is sent, seconds; what is missing then is lost.
    #[arg(long, default_value_t = 20)]
    pub(crate) wait: u64,
    /// Threads of the load.
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: usize,
    /// Acknowledged messages that are looked up in the history afterwards, spread over the conversations; 0 = none.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) check_stored: usize,
}

/// Longest run, s: access tokens live 15 minutes.
const SECONDS_MAX: u64 = 600;

impl LoadOptions {
    /// Refuses what cannot be done.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            [self.senders, self.rooms, self.window, self.per_frame, self.threads, self.cycles]
                .iter()
                .all(|value| *value > 0)
                && self.seconds > 0,
            "senders, rooms, window, per-frame, threads, cycles and seconds are at least 1"
        );
        let cycles = u64::try_from(self.cycles)?;
        ensure!(
            cycles * (self.seconds + self.warmup) <= SECONDS_MAX,
            "a run has at most {SECONDS_MAX} s; see soak"
        );
        ensure!(self.per_frame <= self.window, "--per-frame is at most --window");
        ensure!(
            self.offline == 0 || self.kind() == Kind::Group,
            "everybody is in open rooms: --offline needs --kind group"
        );
        Ok(())
    }

    /// What conversations are.
    pub(crate) fn kind(&self) -> Kind {
        self.kind.unwrap_or(match self.via {
            Via::Http => Kind::Room,
            Via::Ws => Kind::Group,
        })
    }

    /// Accounts that send.
    pub(crate) fn sending_accounts(&self) -> usize {
        let wanted = match (self.accounts, self.via) {
            (0, Via::Http) => 4,
            (0, Via::Ws) => self.senders,
            (accounts, _) => accounts,
        };
        wanted.min(self.senders)
    }
}
