//! SQLite: the store of one process.
//!
//! One thread writes, a few read; a call reaches them through bounded queues,
//! so nothing blocks the async runtime. The log is synced before a commit
//! returns (`synchronous = FULL`). A lock beside the file keeps other
//! processes out.

mod accounts;
mod api_keys;
mod append;
mod changes;
mod claim;
mod client_keys;
mod codes;
mod contacts;
mod conversation_settings;
mod conversations;
mod cursors;
mod departures;
mod devices;
mod expiries;
mod fault;
mod files;
mod group_links;
mod groups;
mod hidden;
mod history;
mod hooks;
mod lane;
pub(super) mod lock;
mod logins;
mod notifications;
mod operators;
mod outbox;
mod profiles;
mod receipts;
mod sanctions;
mod search;
mod settings;
mod store;
mod user_events;

pub use settings::Settings;

use std::fs::File;
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use self::claim::Orphans;
use self::lane::Lane;
use super::hooks::Wanted;
use super::{Error, Metrics, SigningKey, Store, migrate};

/// Prepared statements kept by each connection: more than the store has.
const STATEMENTS: usize = 128;

/// See the [module](self).
#[derive(Debug)]
pub struct SqliteStore {
    writer: Lane,
    readers: Lane,
    orphans: Orphans,
    /// What is put into the queue of hooks.
    hooks: Wanted,
    metrics: Metrics,
    // Last, so that the file is free only when every connection is closed.
    _lock: Option<File>,
}

impl SqliteStore {
    /// Opens the file, whose schema must be current. Blocks the thread.
    ///
    /// # Errors
    /// [`Error::Schema`] when [`migrate::sqlite`] has work to do,
    /// [`Error::Unavailable`] when another process has the file or it cannot
    /// be opened.
    pub fn open(settings: &Settings, metrics: &Metrics) -> Result<Arc<dyn Store>, Error> {
        let lock = lock::hold(&settings.path, settings.busy_timeout())?;
        Self::start(settings, metrics, Some(lock))
    }

    /// The same while a server may use the file, for a command that changes a
    /// row or two: SQLite itself lets one write at a time. Nothing that makes
    /// outbox rows may be done with it.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_beside(settings: &Settings, metrics: &Metrics) -> Result<Arc<dyn Store>, Error> {
        Self::start(settings, metrics, None)
    }

    fn start(settings: &Settings, metrics: &Metrics, lock: Option<File>) -> Result<Arc<dyn Store>, Error> {
        migrate::sqlite_plan(settings)?.require_current()?;
        let mut writer = connect(settings)?;
        // One that read before it writes is refused at once when a command
        // beside the server wrote in between; one that begins so waits.
        writer.set_transaction_behavior(TransactionBehavior::Immediate);
        writer.pragma_update(None, "wal_autocheckpoint", settings.checkpoint_pages)?;
        let readers = (0..settings.readers.max(1)).map(|_| {
            let reader = connect(settings)?;
            reader.pragma_update(None, "query_only", true)?;
            Ok(reader)
        });
        let readers = readers.collect::<Result<Vec<_>, Error>>()?;
        let lane =
            |name, connections| Lane::start(name, connections, settings.queue_max, settings.call_timeout());
        Ok(Arc::new(Self {
            writer: lane("store-writer", vec![writer])?,
            readers: lane("store-reader", readers)?,
            orphans: Orphans::default(),
            hooks: Wanted::default(),
            metrics: metrics.clone(),
            _lock: lock,
        }))
    }
}

/// The signing keys in the file, newest first, also while a server uses it:
/// nothing is written. Blocks the thread.
///
/// # Errors
/// [`Error::Unavailable`] when the file is not there, [`Error::Schema`] when
/// no server has been started on it.
pub fn signing_keys(settings: &Settings) -> Result<Vec<SigningKey>, Error> {
    let connection = Connection::open_with_flags(&settings.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(settings.busy_timeout())?;
    let keys = logins::known_signing_keys(&connection).unwrap_or_default();
    if keys.is_empty() {
        return Err(Error::Schema("there is no signing key yet; start the server once".to_owned()));
    }
    Ok(keys)
}

fn connect(settings: &Settings) -> Result<Connection, Error> {
    let connection = Connection::open(&settings.path)?;
    connection.busy_timeout(settings.busy_timeout())?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -i64::from(settings.cache_kib))?;
    Ok(connection)
}
