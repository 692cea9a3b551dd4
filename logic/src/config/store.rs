//! Which store, and how it is used.

use std::path::PathBuf;
use std::sync::Arc;

use oort_api::metrics::Registry;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::store::mysql::{self, MysqlStore};
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
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            url: SecretString::from("sqlite:data/oort.db"),
            sqlite: sqlite::Settings::default(),
            mysql: mysql::Settings::default(),
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
        url.starts_with("mysql://")
            .then(|| StoreSettings::Mysql(mysql::Settings { url: self.url.clone(), ..self.mysql.clone() }))
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
                faults
            }
            Some(StoreSettings::Mysql(settings)) => settings.faults(),
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
            Self::Mysql(settings) => {
                MysqlStore::open(settings, &Metrics::register(&mut Registry::default()))
                    .await?
                    .signing_keys(candidate)
                    .await
            }
        }
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
        }
    }
}

/// SQLite's calls block; a start waits for them off the runtime's threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|cause| Err(Error::Internal(cause.to_string())))
}
