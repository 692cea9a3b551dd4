//! The directory: soft state that says where a user, a session or a room is
//! connected.
//!
//! Nothing here is the truth about people or messages; it can be wiped at any
//! time and heals within two leases, because each comet notices that its
//! lease is gone and announces everything again.
//!
//! Keys in Redis (prefix from the settings):
//!
//! | key | type | content |
//! |---|---|---|
//! | `comet:<id>` | string with TTL = the lease | `epoch|`, `1|` while announcing or else `0|`, `announcements|`, and JSON of [`CometInfo`] |
//! | `census` | string | when and by whom the comets last changed as a whole: a [`Census`] |
//! | `comets` | sorted set | ids of comets by the second they last renewed |
//! | `user:<id>` | hash | session key → `comet|epoch|version|platform`, and `|` [`LoginTag`] when it has one |
//! | `session:<key>` | string | `comet|epoch|version`, addressable sessions only |
//! | `room:<key>` | hash | comet → `epoch|version`, and `|left` once it has no members |
//! | `node:<id>` | string with TTL = the lease | JSON of [`NodeEntry`]: what a process says about itself |
//! | `attempt:<digest>` | hash with TTL | `made`: guesses at a secret; `open`: when the next may be made, ms of Redis' clock |
//! | `nodes` | sorted set | ids of processes by the second they last reported |
//! | `questions` | list with TTL | JSON of the latest [`Question`]s, the newest first |
//! | `answers:<id>` | hash with TTL | process → JSON of its [`Answer`] |
//!
//! Each script touches one key, so a Redis Cluster serves as well.
//!
//! Readers ignore entries whose epoch is not the live one of its comet.
//! [`memory`] serves one process, [`redis`] a cluster. Both pass one contract
//! suite (`api/tests/it/directory.rs`).

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use tonic::async_trait;

use crate::ids::{RoomKey, SessionKey, UserId};

pub mod attempts;
mod login_tag;
pub mod memory;
mod nodes;
mod questions;
pub mod redis;

pub use attempts::{Attempt, AttemptKey, AttemptRules, Settled};
pub use login_tag::LoginTag;
pub use nodes::{NodeEntry, NodeMetrics};
pub use questions::{Answer, Question};

/// One incarnation of a comet.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct CometRef {
    /// Name of the comet: unique in the cluster, the same after a restart.
    /// Without `|` and at most 64 bytes.
    pub id: String,
    /// Rises with each start.
    pub epoch: i64,
}

impl CometRef {
    /// Refuses names that would blur an entry.
    fn check(&self) -> Result<(), Error> {
        if self.id.is_empty() || self.id.len() > 64 || self.id.contains('|') {
            return Err(Error::Config("a comet's id has 1 to 64 bytes and no `|`".to_owned()));
        }
        Ok(())
    }
}

/// Place of a registration among those of one comet incarnation: the later
/// one wins, whatever order they arrive in.
pub type Version = i64;

/// Behind the kind of a client that is left alone.
pub const AWAY: &str = ";away";

/// How long it is remembered that a comet left a room: an entering that was
/// overtaken by it on the way is recognised for so long.
const LEFT_KEPT: Duration = Duration::from_secs(60);

/// What a comet says about itself with each renewal.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CometInfo {
    /// Who.
    pub comet: CometRef,
    /// gRPC address as jobs reach it: `http://host:port`; in one process `local`.
    pub grpc_address: String,
    /// Address for WebSocket clients, `host:port`; empty = not served.
    pub ws_address: String,
    /// Address for packet clients, `host:port`; empty = not served.
    pub tcp_address: String,
    /// Share of new connections it wants.
    pub weight: i32,
    /// Connections it holds.
    pub connections: i64,
    /// Distinct client addresses it holds.
    pub addresses: i64,
    /// It takes no new connections.
    pub draining: bool,
    /// Its entries are not complete yet: that it is not found says nothing.
    #[serde(default)]
    pub announcing: bool,
    /// How often it announced everything. Read twice as the same number, and
    /// not [`announcing`](Self::announcing) either time, its entries were
    /// complete in between, too.
    #[serde(default)]
    pub announcements: i64,
    /// Members per goim room on this comet.
    pub room_counts: HashMap<String, i32>,
}

/// A session to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionEntry {
    /// Whose; `None` = an anonymous goim connection.
    pub user: Option<UserId>,
    /// Its key.
    pub key: SessionKey,
    /// When, in the comet's order.
    pub version: Version,
    /// Client's kind, at most 32 bytes, without `|`; and [`AWAY`] behind it.
    pub platform: String,
    /// Also list it by its key.
    pub addressable: bool,
    /// The log-in it was opened by; `None` = not known.
    pub login: Option<LoginTag>,
}

/// A session of a user, as readers find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSession {
    /// Its key.
    pub key: SessionKey,
    /// Where it is.
    pub comet: CometRef,
    /// Client's kind.
    pub platform: String,
    /// The log-in it was opened by; `None` = not known.
    pub login: Option<LoginTag>,
}

/// A room to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomEntry {
    /// Which.
    pub room: RoomKey,
    /// When, in the comet's order.
    pub version: Version,
}

/// Answer to a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The directory knew this incarnation.
    Known,
    /// It did not: everything this comet holds must be announced again.
    Unknown,
}

/// Where the things asked for are. Only live incarnations; a thing that is
/// nowhere is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routes {
    /// Comets with sessions of the user, each once.
    pub users: HashMap<UserId, Vec<CometRef>>,
    /// The comet with the session.
    pub keys: HashMap<SessionKey, CometRef>,
    /// Comets with members of the room, each once.
    pub rooms: HashMap<RoomKey, Vec<CometRef>>,
}

/// Mark of the comets as a whole. It changes when one is recorded that was not
/// known, or says something else of `announcing` or `announcements`; when one
/// is retired; and before entries are swept. So while it stays the same, a
/// reader that knows the list of comets need not read it again: what was not
/// found in between is not there. (That a lease merely ended does not change
/// it; see [`Lookup::lapsed`].)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Census(String);

/// What a look-up found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lookup {
    /// Where the things asked for are.
    pub routes: Routes,
    /// Incarnations without a lease that entries of them name, each once. A
    /// reader whose list of comets holds one of them has to read it again: it
    /// may be alive and was slow to renew.
    pub lapsed: Vec<CometRef>,
    /// Read after the routes; `None` = the list of comets has to be read.
    pub census: Option<Census>,
}

/// The directory. Cheap to clone behind an `Arc`; every call is bounded by
/// the timeout in its settings.
#[async_trait]
pub trait Directory: Send + Sync + fmt::Debug + 'static {
    /// Renews the lease of a comet and replaces what is known of it. An epoch
    /// older than the recorded one is refused with [`Error::Superseded`].
    ///
    /// With [`Renewal::Unknown`] it is recorded as
    /// [`announcing`](CometInfo::announcing), whatever `info` says, and in the
    /// same step: no reader sees it live with entries that seem complete.
    /// Known, it is recorded as it says.
    ///
    /// A renewal that failed may have been recorded: whoever renews takes the
    /// next success for [`Renewal::Unknown`], whatever it says.
    async fn renew(&self, info: &CometInfo, lease: Duration) -> Result<Renewal, Error>;

    /// Removes the comet, if this incarnation is the recorded one.
    async fn retire(&self, comet: &CometRef) -> Result<(), Error>;

    /// Every comet whose lease is live.
    async fn comets(&self) -> Result<Vec<CometInfo>, Error>;

    /// Records sessions. An entry with a higher (epoch, version) of the same
    /// comet, or of another comet's newer registration of an addressable key, wins.
    async fn add_sessions(&self, comet: &CometRef, sessions: &[SessionEntry]) -> Result<(), Error>;

    /// Removes sessions where the recorded entry is exactly of this comet,
    /// epoch and version.
    async fn remove_sessions(&self, comet: &CometRef, sessions: &[SessionEntry]) -> Result<(), Error>;

    /// Records that the comet has members in these rooms.
    async fn enter_rooms(&self, comet: &CometRef, rooms: &[RoomEntry]) -> Result<(), Error>;

    /// Removes the rooms where the recorded epoch is this one and the
    /// recorded version is lower than the one given.
    async fn leave_rooms(&self, comet: &CometRef, rooms: &[RoomEntry]) -> Result<(), Error>;

    /// Looks up all of them in one round trip (each should be distinct), and
    /// after that the census.
    async fn look_up(
        &self,
        users: &[UserId],
        keys: &[SessionKey],
        rooms: &[RoomKey],
    ) -> Result<Lookup, Error>;

    /// The routes of a [`look_up`](Self::look_up) alone.
    async fn route(&self, users: &[UserId], keys: &[SessionKey], rooms: &[RoomKey]) -> Result<Routes, Error> {
        Ok(self.look_up(users, keys, rooms).await?.routes)
    }

    /// The sessions of a user on live incarnations, by key.
    async fn sessions(&self, user: UserId) -> Result<Vec<UserSession>, Error>;

    /// Replaces what is said of sessions, but for where they are: those whose recorded entry is exactly of this comet,
    /// epoch and version.
    async fn restate_sessions(&self, _comet: &CometRef, _sessions: &[SessionEntry]) -> Result<(), Error> {
        Err(Error::Unavailable("this directory restates nothing".to_owned()))
    }

    /// The kinds of clients with which these users are on live incarnations, one for each session; users without are
    /// absent. Over Redis in one round trip.
    async fn present(&self, users: &[UserId]) -> Result<HashMap<UserId, Vec<String>>, Error> {
        let mut present = HashMap::new();
        for user in users {
            let sessions = self.sessions(*user).await?;
            if !sessions.is_empty() {
                present.insert(*user, sessions.into_iter().map(|session| session.platform).collect());
            }
        }
        Ok(present)
    }

    /// Removes entries of dead incarnations; returns how many. Bounded work:
    /// at most `keys_max` keys are looked at, the next call goes on from there.
    async fn sweep(&self, keys_max: usize) -> Result<usize, Error>;

    /// Records what a process says about itself, until the lease ends. An
    /// entry that is too large is refused with [`Error::Config`].
    async fn announce_node(&self, node: &NodeEntry, lease: Duration) -> Result<(), Error>;

    /// Every process whose lease is live, in no order.
    async fn nodes(&self) -> Result<Vec<NodeEntry>, Error>;

    /// Counts a guess at a secret, unless an earlier one has to be waited for: see [`attempts::Attempts`]. What keeps no
    /// count says so by [`Error::Unavailable`].
    async fn attempt(&self, _key: &AttemptKey, _rules: &AttemptRules) -> Result<Attempt, Error> {
        Err(Error::Unavailable("no attempts are counted here".to_owned()))
    }

    /// What became of a guess that was admitted.
    async fn settle(&self, _key: &AttemptKey, _settled: Settled) -> Result<(), Error> {
        Err(Error::Unavailable("no attempts are counted here".to_owned()))
    }

    /// Puts a question to every process; each finds it when it reports next. Where these four are not made, nobody can ask.
    async fn ask(&self, _question: &Question) -> Result<(), Error> {
        Err(Error::Unavailable("this directory carries no questions".to_owned()))
    }

    /// The questions lately put, the newest first: a bounded number, for a bounded time.
    async fn questions(&self) -> Result<Vec<Question>, Error> {
        Ok(Vec::new())
    }

    /// Resolves when a question is put that this process should not wait for its next report to look for. Here: never.
    async fn asked(&self) {
        std::future::pending().await
    }

    /// Records the answer of a process to a question. One that is too large is refused with [`Error::Config`].
    async fn answer(&self, _answer: &Answer) -> Result<(), Error> {
        Ok(())
    }

    /// The answers to a question so far, in no order.
    async fn answers(&self, _question: &str) -> Result<Vec<Answer>, Error> {
        Ok(Vec::new())
    }

    /// Tells whether the directory answers.
    async fn check(&self) -> Result<(), Error>;
}

/// Why the directory refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It cannot be reached or did not answer in time.
    #[error("the directory does not answer: {0}")]
    Unavailable(String),
    /// A newer incarnation of this comet is recorded: two processes share a
    /// name, or this one is to end.
    #[error("a newer comet named {id} is running (epoch {epoch})")]
    Superseded {
        /// The shared name.
        id: String,
        /// Epoch of the newer one.
        epoch: i64,
    },
    /// The settings cannot work.
    #[error("directory settings: {0}")]
    Config(String),
}
