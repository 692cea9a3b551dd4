//! Migrations of a MySQL or MariaDB database.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder};
use tokio::time::timeout;

use oort_api::clock::now_ms;

use super::{Applied, MYSQL, Plan, Report, pending, plan_of};
use crate::store::Error;
use crate::store::mysql::{Settings, fault};

/// How long one run waits for another one to end.
const LOCK_WAIT_S: u32 = 60;
/// The whole run, another one's included.
const RUN_MAX: Duration = Duration::from_secs(600);
/// `ER_BAD_DB_ERROR`.
const UNKNOWN_DATABASE: u16 = 1049;

/// Brings the database to this binary's schema; creates it when it is missing
/// and the account may.
///
/// # Errors
/// [`Error::Schema`] when the database belongs to another build,
/// [`Error::Unavailable`] when the server does not answer.
pub async fn mysql(settings: &Settings) -> Result<Report, Error> {
    timeout(RUN_MAX, run(settings)).await.map_err(|_| Error::Unavailable("migration took too long".into()))?
}

/// Tells what [`mysql`] would do, without changing anything.
///
/// # Errors
/// As [`mysql`].
pub async fn mysql_plan(settings: &Settings) -> Result<Plan, Error> {
    let wait = settings.call_timeout();
    let look = async {
        let Some(mut connection) = connect(settings).await? else {
            return plan_of(MYSQL, &[]);
        };
        let rows = applied(&mut connection).await;
        close(connection).await;
        plan_of(MYSQL, &rows?)
    };
    timeout(wait, look).await.map_err(|_| Error::Unavailable("no answer in time".into()))?
}

async fn run(settings: &Settings) -> Result<Report, Error> {
    let mut connection = match connect(settings).await? {
        Some(connection) => connection,
        None => {
            create_database(settings).await?;
            connect(settings).await?.ok_or_else(|| Error::Internal("the new database is not there".into()))?
        }
    };
    let lock = "CONCAT('oort:', SHA1(DATABASE()))";
    let got: Option<Option<i64>> =
        connection.query_first(format!("SELECT GET_LOCK({lock}, {LOCK_WAIT_S})")).await.map_err(fault)?;
    if got.flatten() != Some(1) {
        return Err(Error::Unavailable("another migration run holds the lock".into()));
    }
    let report = apply(&mut connection).await;
    // The lock is the connection's: closing releases it.
    close(connection).await;
    report
}

async fn apply(connection: &mut Conn) -> Result<Report, Error> {
    connection
        .query_drop(
            "CREATE TABLE IF NOT EXISTS schema_migrations (
                version BIGINT NOT NULL PRIMARY KEY,
                name VARCHAR(255) NOT NULL,
                checksum CHAR(64) NOT NULL,
                applied_at_ms BIGINT NOT NULL
            ) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        )
        .await
        .map_err(fault)?;
    let rows = applied(connection).await?;
    let todo = pending(MYSQL, &rows)?;
    for migration in todo {
        connection.query_drop(migration.sql).await.map_err(fault)?;
        connection
            .exec_drop(
                "INSERT INTO schema_migrations (version, name, checksum, applied_at_ms) VALUES (?, ?, ?, ?)",
                (migration.version, migration.name, migration.checksum(), now_ms()),
            )
            .await
            .map_err(fault)?;
    }
    let version = MYSQL.last().map_or(0, |migration| migration.version);
    Ok(Report { applied: todo.iter().map(super::Migration::label).collect(), version })
}

async fn applied(connection: &mut Conn) -> Result<Vec<Applied>, Error> {
    let exists: Option<i64> = connection
        .query_first(
            "SELECT COUNT(*) FROM information_schema.tables
             WHERE table_schema = DATABASE() AND table_name = 'schema_migrations'",
        )
        .await
        .map_err(fault)?;
    if exists.unwrap_or(0) == 0 {
        return Ok(Vec::new());
    }
    connection
        .query_map(
            "SELECT version, name, checksum FROM schema_migrations ORDER BY version",
            |(version, name, checksum)| Applied { version, name, checksum },
        )
        .await
        .map_err(fault)
}

/// A connection outside any pool, for work that is done once.
///
/// # Errors
/// [`Error::Schema`] when the database does not exist, [`Error::Unavailable`].
pub(in crate::store) async fn connected(settings: &Settings) -> Result<Conn, Error> {
    connect(settings)
        .await?
        .ok_or_else(|| Error::Schema("the database does not exist; run `oort migrate`".to_owned()))
}

/// `None` when the database does not exist.
async fn connect(settings: &Settings) -> Result<Option<Conn>, Error> {
    match open(settings, url_options(settings)?).await {
        Ok(connection) => Ok(Some(connection)),
        Err(mysql_async::Error::Server(server)) if server.code == UNKNOWN_DATABASE => Ok(None),
        Err(error) => Err(fault(error)),
    }
}

async fn create_database(settings: &Settings) -> Result<(), Error> {
    let options = url_options(settings)?;
    let name = options.db_name().unwrap_or_default().replace('`', "``");
    let bare: Opts = OptsBuilder::from_opts(options).db_name(None::<String>).into();
    let mut connection = open(settings, bare).await.map_err(fault)?;
    let created = connection
        .query_drop(format!(
            "CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        ))
        .await;
    close(connection).await;
    created.map_err(|error| match error {
        mysql_async::Error::Server(server) => {
            Error::Schema(format!("database {name} does not exist and cannot be created: {}", server.message))
        }
        other => fault(other),
    })
}

async fn open(settings: &Settings, options: Opts) -> Result<Conn, mysql_async::Error> {
    timeout(settings.connect_timeout(), Conn::new(options)).await.unwrap_or_else(|_| {
        let error = std::io::Error::new(std::io::ErrorKind::TimedOut, "connecting took too long");
        Err(mysql_async::Error::Io(mysql_async::IoError::Io(error)))
    })
}

async fn close(connection: Conn) {
    if let Err(error) = connection.disconnect().await {
        tracing::debug!(%error, "closing a migration connection failed");
    }
}

/// The URL as options, its faults without the URL itself (it holds a password).
pub(in crate::store) fn url_options(settings: &Settings) -> Result<Opts, Error> {
    use secrecy::ExposeSecret as _;
    let options = Opts::from_url(settings.url.expose_secret())
        .map_err(|error| Error::Schema(format!("store url: {error}")))?;
    if options.db_name().is_none_or(str::is_empty) {
        return Err(Error::Schema("store url: it names no database".into()));
    }
    Ok(options)
}
