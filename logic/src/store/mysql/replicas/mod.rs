//! Replicas that answer reads as the primary would.
//!
//! Before a replica answers, it waits until it has everything that the primary had committed when the read was asked
//! for ([`position`]). So a read at a replica is never older than one at the primary: who writes reads what they
//! wrote, and a page is whole up to its head. A replica that does not get so far in a bounded time, that fails, or
//! that is not what it should be, is not read: the primary is, and the replica rests ([`health`]).

mod health;
mod position;
mod settings;
mod state;

pub use settings::ReplicaSettings;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use mysql_async::{Conn, Pool};
use parking_lot::Mutex;
use secrecy::SecretString;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use self::health::Health;
use self::position::{Dialect, Positions};
use super::failure::Failure;
use super::{Settings, session};
use crate::store::metrics::{AtPrimary, AtReplica, WhyPrimary};
use crate::store::{Error, Metrics, ReplicaState};

/// How much longer than it was told to wait an answer of a replica may take.
const ANSWER: Duration = Duration::from_millis(settings::ANSWER_MS);

/// Why a replica is not read.
#[derive(Debug)]
enum Miss {
    /// The primary tells no position.
    NoPosition,
    /// It did not tell one in time.
    Late,
    /// It did not get as far as the primary in time.
    Behind,
    /// It takes writes, or its data are others.
    Unfit,
    /// It gave no answer in time, or said this.
    Unreachable(String),
}

/// One replica.
#[derive(Debug)]
struct Replica {
    /// Host and port.
    name: String,
    pool: Pool,
    /// One for each connection of the pool.
    turns: Semaphore,
    health: Mutex<Health>,
}

/// The replicas of a store.
#[derive(Debug)]
pub(super) struct Replicas {
    settings: ReplicaSettings,
    all: Vec<Replica>,
    positions: Positions,
    dialect: Dialect,
    /// What the primary's database is known by.
    origin: i64,
    next: AtomicUsize,
    metrics: Metrics,
}

impl Replicas {
    /// Those that are set; asks nothing when there are none. They need not be up.
    ///
    /// # Errors
    /// What the primary says.
    pub(super) async fn open(
        settings: &Settings,
        primary: &Pool,
        metrics: &Metrics,
    ) -> Result<Self, Failure> {
        let of = &settings.replicas;
        let (dialect, origin) = match of.urls.is_empty() {
            true => (Dialect::Mariadb, 0),
            false => position::origin(&mut primary.get_conn().await?).await?,
        };
        let now = Instant::now();
        let replica = |url: &SecretString| -> Result<Replica, Error> {
            let options = session(&Settings {
                url: url.clone(),
                pool_min: settings.pool_min.min(of.pool_max),
                pool_max: of.pool_max,
                ..settings.clone()
            })?;
            let name = format!("{}:{}", options.ip_or_hostname(), options.tcp_port());
            Ok(Replica {
                name,
                pool: Pool::new(options),
                turns: Semaphore::new(of.pool_max),
                health: Mutex::new(Health::new(of.rest(), now)),
            })
        };
        Ok(Self {
            all: of.urls.iter().map(replica).collect::<Result<_, Error>>()?,
            settings: of.clone(),
            positions: Positions::new(dialect),
            dialect,
            origin,
            next: AtomicUsize::new(0),
            metrics: metrics.clone(),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// A connection to a replica that has everything the primary had committed when this was called; `None`: the
    /// primary is to be read.
    pub(super) async fn visit(&self, primary: &Pool) -> Option<Visit<'_>> {
        if self.all.is_empty() {
            return None;
        }
        let Some(replica) = self.pick() else { return self.give_up(WhyPrimary::Resting) };
        // Who waits for a connection of many is no sign of a replica that is unwell.
        let Ok(turn) = replica.turns.try_acquire() else { return self.give_up(WhyPrimary::Busy) };
        let asked = Instant::now();
        match self.reach(replica, primary).await {
            Ok(connection) => Some(Visit { replicas: self, replica, connection, asked, _turn: turn }),
            Err(miss) => self.give_up(match miss {
                Miss::NoPosition => WhyPrimary::NoPosition,
                Miss::Late => WhyPrimary::Late,
                Miss::Behind => WhyPrimary::Behind,
                Miss::Unfit => WhyPrimary::Unfit,
                Miss::Unreachable(_) => WhyPrimary::Unreachable,
            }),
        }
    }

    fn give_up<T>(&self, why: WhyPrimary) -> Option<T> {
        self.metrics.primary_reads.get_or_create(&AtPrimary { why }).inc();
        None
    }

    /// One after the other, of those that are asked.
    fn pick(&self) -> Option<&Replica> {
        let (now, first) = (Instant::now(), self.next.fetch_add(1, Ordering::Relaxed));
        let mut turns =
            (0..self.all.len()).filter_map(|turn| self.all.get((first.wrapping_add(turn)) % self.all.len()));
        turns.find(|replica| replica.health.lock().admits(now))
    }

    async fn reach(&self, replica: &Replica, primary: &Pool) -> Result<Conn, Miss> {
        let asked = Instant::now();
        let patience = self.settings.wait_max() + ANSWER;
        // One that waits for a connection that is lost must not hold up all reads.
        let position = timeout(patience, self.positions.now(primary)).await.map_err(|_| Miss::Late)?;
        let position = position.ok_or(Miss::NoPosition)?;
        let waited = timeout(patience, self.wait(replica, &position)).await;
        let reached = match waited {
            Ok(Ok(reached)) => reached,
            Ok(Err(failure)) => Err(Miss::Unreachable(failure.into_error().to_string())),
            Err(_) => Err(Miss::Unreachable("no answer in time".to_owned())),
        };
        let now = Instant::now();
        let lag = {
            let mut health = replica.health.lock();
            match &reached {
                Ok(_) => health.had_all(asked),
                Err(_) => health.failed(now),
            }
            health.lag(now)
        };
        self.metrics.replica_lag.get_or_create(&self.label(replica)).set(lag.as_secs_f64());
        reached
    }

    /// A connection on which the position was waited for.
    async fn wait(&self, replica: &Replica, position: &str) -> Result<Result<Conn, Miss>, Failure> {
        let mut connection = replica.pool.get_conn().await?;
        let asks = self.dialect.waits(position, self.settings.wait_max());
        let found: Vec<(Option<i64>, i64, Option<i64>)> =
            asks.run(&mut connection).await?.remove(0).typed()?;
        Ok(match found.first() {
            // A server of somebody else may be further than any position.
            Some(&(_, read_only, origin)) if read_only == 0 || origin != Some(self.origin) => {
                Err(Miss::Unfit)
            }
            Some(&(Some(0), ..)) => Ok(connection),
            _ => Err(Miss::Behind),
        })
    }

    fn label(&self, replica: &Replica) -> AtReplica {
        AtReplica { replica: replica.name.clone() }
    }

    /// What each is like, whether it is asked at present or not.
    pub(super) async fn states(&self, primary: &Pool) -> Vec<ReplicaState> {
        join_all(self.all.iter().map(|replica| self.state(replica, primary))).await
    }

    async fn state(&self, replica: &Replica, primary: &Pool) -> ReplicaState {
        let fault = match self.reach(replica, primary).await {
            Ok(_) => None,
            Err(miss) => Some(self.fault(replica, miss).await),
        };
        ReplicaState { name: replica.name.clone(), fault }
    }

    async fn fault(&self, replica: &Replica, miss: Miss) -> String {
        match miss {
            Miss::NoPosition => {
                "the primary tells no position: it needs log_bin, and MySQL gtid_mode = ON".to_owned()
            }
            Miss::Late => "the primary did not tell its position in time".to_owned(),
            Miss::Unfit => "it is no replica of this database, or takes writes (read_only is OFF)".to_owned(),
            Miss::Behind => {
                let threads = match timeout(ANSWER, state::of(&replica.pool)).await {
                    Ok(Ok(threads)) => threads,
                    Ok(Err(_)) => "what its threads do is told to who has REPLICA MONITOR".to_owned(),
                    Err(_) => "what its threads do was not told in time".to_owned(),
                };
                format!("it is more than {} ms behind: {threads}", self.settings.wait_max_ms)
            }
            Miss::Unreachable(error) => error,
        }
    }
}

/// A replica that has what it should, and a connection to it.
#[derive(Debug)]
pub(super) struct Visit<'r> {
    replicas: &'r Replicas,
    replica: &'r Replica,
    connection: Conn,
    asked: Instant,
    _turn: SemaphorePermit<'r>,
}

impl Visit<'_> {
    pub(super) fn connection(&mut self) -> &mut Conn {
        &mut self.connection
    }

    /// Longest time of the read.
    pub(super) fn time_max(&self) -> Duration {
        self.replicas.settings.call_timeout()
    }

    /// The answer, when the replica gave one; `None`: the primary is to be read.
    pub(super) fn end<T>(
        self,
        outcome: Result<Result<T, Failure>, tokio::time::error::Elapsed>,
    ) -> Option<Result<T, Failure>> {
        let (replicas, replica) = (self.replicas, self.replica);
        match outcome {
            Ok(answer @ (Ok(_) | Err(Failure::Refused(_)))) => {
                replica.health.lock().answered(self.asked);
                replicas.metrics.replica_reads.get_or_create(&replicas.label(replica)).inc();
                Some(answer)
            }
            Ok(Err(Failure::Database(_))) => {
                replica.health.lock().failed(Instant::now());
                replicas.give_up(WhyPrimary::Failed)
            }
            Err(_) => {
                replica.health.lock().was_slow(Instant::now());
                replicas.give_up(WhyPrimary::Slow)
            }
        }
    }
}
