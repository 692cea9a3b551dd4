//! Which store, and how it is used.

use std::path::PathBuf;
use std::sync::Arc;

use oort_api::metrics::Registry;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::shards::ShardsConfig;
use crate::store::mysql::{self, MysqlStore};
use crate::store::shards::{self, ShardedStore};
use crate::store::sqlite::{self, SqliteStore};
use crate::store::{Error, Metrics, SigningKey, Store, migrate};

/// Which store, and how it is used.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// Where everything durable is: `sqlite:PATH` or
    /// `mysql://user:password@host:port/database`.
    pub url: SecretString,
    /// How SQLite is used; its `path` is the URL's.
    pub sqlite: sqlite::Settings,
    /// How MySQL or MariaDB is used; its `url` is the one above.
    pub mysql: mysql::Settings,
    /// Further servers, where there are several.
    pub shards: ShardsConfig,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            url: SecretString::from("sqlite:data/oort.db"),
            sqlite: sqlite::Settings::default(),
            mysql: mysql::Settings::default(),
            shards: ShardsConfig::default(),
        }
    }
}

/// The store that a URL names, with its settings complete.
#[derive(Debug, Clone)]
pub enum StoreSettings {
    /// One process.
    Sqlite(sqlite::Settings),
    /// A cluster.
    Mysql(mysql::Settings),
    /// A cluster over several servers; the first has the users.
    Sharded(Vec<mysql::Settings>),
}

impl StoreConfig {
    /// The store that the URL names; `None` when it names none.
    #[must_use]
    pub fn settings(&self) -> Option<StoreSettings> {
        let url = self.url.expose_secret();
        if let Some(path) = url.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            return Some(StoreSettings::Sqlite(sqlite::Settings {
                path: PathBuf::from(path),
                ..self.sqlite.clone()
            }));
        }
        let first = url
            .starts_with("mysql://")
            .then(|| mysql::Settings { url: self.url.clone(), ..self.mysql.clone() })?;
        Some(match self.shards.urls.is_empty() {
            true => StoreSettings::Mysql(first),
            false => StoreSettings::Sharded(self.shards.servers(first)),
        })
    }

    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        match self.settings() {
            None => vec!["url is neither sqlite:PATH nor mysql://…".to_owned()],
            Some(StoreSettings::Sqlite(settings)) => {
                let mut faults = settings.faults();
                if !self.mysql.replicas.urls.is_empty() {
                    faults.push("mysql.replicas.urls: SQLite has no replicas".to_owned());
                }
                if !self.shards.urls.is_empty() {
                    faults.push("shards.urls: SQLite is one file; url must be mysql://…".to_owned());
                }
                faults
            }
            Some(StoreSettings::Mysql(settings)) => {
                settings.faults().into_iter().chain(self.shards.faults(&settings)).collect()
            }
            Some(StoreSettings::Sharded(servers)) => {
                let faults = servers.first().map(|first| {
                    first.faults().into_iter().chain(self.shards.faults(first)).collect::<Vec<_>>()
                });
                faults.unwrap_or_default()
            }
        }
    }
}

impl StoreSettings {
    /// Opens the store, whose schema must be current.
    ///
    /// # Errors
    /// [`Error::Schema`] when [`Self::migrate`] has work to do,
    /// [`Error::Unavailable`] when it cannot be reached.
    pub async fn open(&self, metrics: &Metrics) -> Result<Arc<dyn Store>, Error> {
        match self {
            Self::Sqlite(settings) => {
                let (settings, metrics) = (settings.clone(), metrics.clone());
                blocking(move || SqliteStore::open(&settings, &metrics)).await
            }
            Self::Mysql(settings) => MysqlStore::open(settings, metrics).await,
            Self::Sharded(servers) => ShardedStore::open(servers, metrics).await,
        }
    }

    /// As [`Self::open`], also while a server uses a SQLite file: for a command
    /// that changes a row or two and publishes nothing.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_beside(&self, metrics: &Metrics) -> Result<Arc<dyn Store>, Error> {
        match self {
            Self::Sqlite(settings) => {
                let (settings, metrics) = (settings.clone(), metrics.clone());
                blocking(move || SqliteStore::open_beside(&settings, &metrics)).await
            }
            Self::Mysql(settings) => MysqlStore::open(settings, metrics).await,
            Self::Sharded(servers) => ShardedStore::open(servers, metrics).await,
        }
    }

    /// The keys that sign tokens, newest first. Unlike [`Self::open`] it reads a
    /// SQLite file that a server uses.
    ///
    /// # Errors
    /// As [`Self::open`]; [`Error::Schema`] when there is none yet in SQLite.
    pub async fn signing_keys(&self, candidate: &SigningKey) -> Result<Vec<SigningKey>, Error> {
        match self {
            Self::Sqlite(settings) => {
                let settings = settings.clone();
                blocking(move || sqlite::signing_keys(&settings)).await
            }
            Self::Mysql(_) | Self::Sharded(_) => {
                let metrics = Metrics::register(&mut Registry::default());
                self.open(&metrics).await?.signing_keys(candidate).await
            }
        }
    }

    /// What each server has, in words; nothing where there is but one.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn placement(&self) -> Result<Vec<String>, Error> {
        let Self::Sharded(servers) = self else { return Ok(Vec::new()) };
        let map = shards::read(servers).await?;
        let shards = |server: usize| {
            let numbers: Vec<String> = map.shards_at(server).iter().map(ToString::to_string).collect();
            let users = if server == 0 { "the users and " } else { "" };
            match numbers.is_empty() {
                true => format!("server {server} has {users}no shard"),
                false => format!("server {server} has {users}shards {}", numbers.join(", ")),
            }
        };
        Ok((0..servers.len()).map(shards).collect())
    }

    /// Brings the schema up to date, alone among all processes that try.
    ///
    /// # Errors
    /// [`Error::Schema`] when it is newer than this binary or was tampered
    /// with, [`Error::Unavailable`] when it cannot be reached.
    pub async fn migrate(&self) -> Result<migrate::Report, Error> {
        match self {
            Self::Sqlite(settings) => {
                let settings = settings.clone();
                blocking(move || migrate::sqlite(&settings)).await
            }
            Self::Mysql(settings) => migrate::mysql(settings).await,
            Self::Sharded(servers) => {
                let mut whole = migrate::Report { applied: Vec::new(), version: 0 };
                for (server, number) in servers.iter().zip(0..) {
                    let report = migrate::mysql(server).await?;
                    whole.version = report.version;
                    whole.applied.extend(report.applied.iter().map(|one| format!("server {number}: {one}")));
                }
                shards::settle(servers).await?;
                Ok(whole)
            }
        }
    }

    /// What [`Self::migrate`] would do.
    ///
    /// # Errors
    /// As [`Self::migrate`].
    pub async fn migration_plan(&self) -> Result<migrate::Plan, Error> {
        match self {
            Self::Sqlite(settings) => {
                let settings = settings.clone();
                blocking(move || migrate::sqlite_plan(&settings)).await
            }
            Self::Mysql(settings) => migrate::mysql_plan(settings).await,
            Self::Sharded(servers) => {
                let mut whole = migrate::Plan { version: i64::MAX, pending: Vec::new() };
                for (server, number) in servers.iter().zip(0..) {
                    let plan = migrate::mysql_plan(server).await?;
                    whole.version = whole.version.min(plan.version);
                    whole.pending.extend(plan.pending.iter().map(|one| format!("server {number}: {one}")));
                }
                Ok(whole)
            }
        }
    }
}

/// SQLite's calls block; a start waits for them off the runtime's threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|cause| Err(Error::Internal(cause.to_string())))
}
