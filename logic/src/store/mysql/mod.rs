//! MySQL and MariaDB: the store of a cluster. Any number of nodes may write.
//!
//! Every session runs at READ COMMITTED: no gap locks, and each statement sees
//! what was committed before it. Needs MySQL 8.0 or MariaDB 10.6 (`SKIP LOCKED`).
//! When a commit is on disk is the server's setting, see [`Settings`].

mod accounts;
mod api_keys;
mod append;
mod changes;
mod client_keys;
mod codes;
mod contacts;
pub(super) mod conversation_settings;
mod conversations;
mod cursors;
mod departures;
mod devices;
mod expiries;
mod failure;
mod files;
mod group_links;
mod groups;
mod hidden;
mod history;
mod hooks;
mod lane;
mod logins;
mod notifications;
mod operators;
mod outbox;
pub(super) mod part;
mod profiles;
mod receipts;
mod replicas;
mod sanctions;
mod search;
mod settings;
mod sql;
mod store;
mod user_events;

pub(super) use failure::fault;
pub use replicas::ReplicaSettings;
pub use settings::Settings;

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use mysql_async::{Conn, Opts, OptsBuilder, Pool, PoolConstraints, PoolOpts};
use parking_lot::RwLock;
use tokio::time::timeout;

use self::failure::Failure;
use self::lane::Owners;
use self::replicas::Replicas;
use super::hooks::Wanted;
use super::shards::check_alone;
use super::{Error, Metrics, Store, migrate};

/// Owner of outbox rows that nobody was told of.
const NOBODY: &str = "";

/// How literals are read (no `NO_BACKSLASH_ESCAPES`) and that nothing is cut.
const SQL_MODE: &str = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION";

/// MariaDB looks rows up by lists of so many places in an index; longer ones it makes tables of first, which costs a
/// fifth of the sends at full load. (Its `optimizer_max_sel_args`, 16,000, counts both columns of each place.)
const LISTED_MAX: u32 = 6_000;

/// See the [module](self).
pub struct MysqlStore {
    settings: Settings,
    options: Opts,
    /// Reads, and writes that publish nothing.
    pool: Pool,
    /// Reads that need not be of the primary.
    replicas: Replicas,
    owners: Owners,
    /// Conversations known to be open rooms; that never changes.
    rooms: RwLock<HashSet<i64>>,
    /// What is put into the queue of hooks.
    hooks: Wanted,
    metrics: Metrics,
}

impl fmt::Debug for MysqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MysqlStore").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl MysqlStore {
    /// Connects; the schema must be current.
    ///
    /// # Errors
    /// [`Error::Schema`] when [`migrate::mysql`] has work to do,
    /// [`Error::Unavailable`] when the server does not answer.
    pub async fn open(settings: &Settings, metrics: &Metrics) -> Result<Arc<dyn Store>, Error> {
        let store = Self::open_one(settings, metrics).await?;
        check_alone(settings).await?;
        Ok(store)
    }

    /// The same, as what it is.
    pub(super) async fn open_one(settings: &Settings, metrics: &Metrics) -> Result<Arc<Self>, Error> {
        migrate::mysql_plan(settings).await?.require_current()?;
        let options = session(settings)?;
        let pool = Pool::new(options.clone());
        let replicas = Replicas::open(settings, &pool, metrics).await.map_err(Failure::into_error)?;
        Ok(Arc::new(Self {
            settings: settings.clone(),
            pool,
            replicas,
            options,
            owners: Owners::default(),
            rooms: RwLock::default(),
            hooks: Wanted::default(),
            metrics: metrics.clone(),
        }))
    }

    /// A connection of its own, outside the pool.
    async fn connect(&self) -> Result<Conn, Failure> {
        timeout(self.settings.connect_timeout(), Conn::new(self.options.clone()))
            .await
            .map_err(|_| Failure::Refused(Error::Unavailable("connecting took too long".into())))?
            .map_err(Failure::from)
    }

    /// A connection of the pool.
    async fn pooled(&self) -> Result<Conn, Failure> {
        Ok(self.pool.get_conn().await?)
    }

    /// Runs a call within its time, and words its failure for the caller.
    async fn bounded<T>(&self, call: impl Future<Output = Result<T, Failure>> + Send) -> Result<T, Error> {
        let outcome = match timeout(self.settings.call_timeout(), call).await {
            Ok(outcome) => outcome.map_err(Failure::into_error),
            Err(_) => Err(Error::Unavailable("no answer in time".into())),
        };
        if matches!(outcome, Err(Error::Unavailable(_))) {
            self.metrics.unavailable.inc();
        }
        outcome
    }
}

fn session(settings: &Settings) -> Result<Opts, Error> {
    let constraints = PoolConstraints::new(settings.pool_min, settings.pool_max)
        .ok_or_else(|| Error::Schema("store pool: pool_min is above pool_max".into()))?;
    let pool = PoolOpts::new()
        .with_constraints(constraints)
        .with_inactive_connection_ttl(Duration::from_millis(settings.idle_ttl_ms))
        // Sessions hold no state between calls, and open transactions are
        // rolled back when a connection returns.
        .with_reset_connection(false);
    Ok(OptsBuilder::from_opts(migrate::url_options(settings)?)
        .pool_opts(pool)
        .tcp_nodelay(true)
        .tcp_keepalive(Some(Duration::from_secs(15)))
        .stmt_cache_size(64)
        .prefer_socket(false)
        .setup(vec![
            "SET NAMES utf8mb4".to_owned(),
            // MySQL knows no such thing, and takes it for a comment.
            format!(
                "SET SESSION sql_mode = '{SQL_MODE}' /*M! , in_predicate_conversion_threshold = {LISTED_MAX} */"
            ),
            format!("SET SESSION innodb_lock_wait_timeout = {}", settings.lock_wait_s),
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED".to_owned(),
        ])
        .into())
}
