//! Migrations of a SQLite file.

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use oort_api::clock::now_ms;

use super::{Applied, Plan, Report, SQLITE, pending, plan_of};
use crate::store::Error;
use crate::store::sqlite::{Settings, lock};

/// Brings the file to this binary's schema; creates it when missing. Blocks
/// the thread.
///
/// # Errors
/// [`Error::Schema`] when the file belongs to another build,
/// [`Error::Unavailable`] when something is to be done and another process
/// has the file.
pub fn sqlite(settings: &Settings) -> Result<Report, Error> {
    let before = sqlite_plan(settings)?;
    if before.pending.is_empty() {
        return Ok(Report { applied: Vec::new(), version: before.version });
    }
    let _lock = lock::hold(&settings.path, settings.busy_timeout())?;
    let mut connection = Connection::open(&settings.path)?;
    connection.busy_timeout(settings.busy_timeout())?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
            version INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            checksum TEXT NOT NULL,
            applied_at_ms INTEGER NOT NULL
        ) STRICT",
    )?;
    let rows = applied(&transaction)?;
    let todo = pending(SQLITE, &rows)?;
    for migration in todo {
        transaction.execute_batch(migration.sql)?;
        transaction.execute(
            "INSERT INTO schema_migrations (version, name, checksum, applied_at_ms) VALUES (?, ?, ?, ?)",
            params![migration.version, migration.name, migration.checksum(), now_ms()],
        )?;
    }
    transaction.commit()?;
    let version = SQLITE.last().map_or(0, |migration| migration.version);
    Ok(Report { applied: todo.iter().map(super::Migration::label).collect(), version })
}

/// Tells what [`sqlite`] would do, without touching the file.
///
/// # Errors
/// [`Error::Schema`] when the file belongs to another build.
pub fn sqlite_plan(settings: &Settings) -> Result<Plan, Error> {
    if !settings.path.exists() {
        return plan_of(SQLITE, &[]);
    }
    // Read-write where it is allowed: a file whose last writer was killed
    // needs its log replayed before it can be read.
    let connection = Connection::open_with_flags(&settings.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(settings.busy_timeout())?;
    if !connection.table_exists(None, "schema_migrations")? {
        return plan_of(SQLITE, &[]);
    }
    plan_of(SQLITE, &applied(&connection)?)
}

fn applied(connection: &Connection) -> Result<Vec<Applied>, Error> {
    let mut select =
        connection.prepare("SELECT version, name, checksum FROM schema_migrations ORDER BY version")?;
    let rows = select.query_map([], |row| {
        Ok(Applied { version: row.get(0)?, name: row.get(1)?, checksum: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
