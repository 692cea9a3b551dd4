//! Transactions that write the outbox: one at a time per owner.
//!
//! Each locks its owner's row first. So the ids of one owner rise in the order
//! of commits, even against a transaction of a connection that was lost and
//! that the server is still running. Heads are locked next, by id, then rows
//! are inserted: nodes wait for each other, and the few deadlocks that unique
//! keys can still make are retried.
//!
//! When a connection is lost, or a call times out, between the last statement
//! and its answer, the transaction may have committed without anybody knowing
//! its outbox row. The next transaction of the owner finds such rows (their
//! ids are above the last one known) and gives them to nobody, from whom the
//! relay adopts them.

use std::collections::HashMap;
use std::sync::Arc;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use tokio::sync::Mutex;
use tonic::async_trait;

use super::failure::Failure;
use super::sql::{Sql, execute, rows};
use super::{MysqlStore, NOBODY};
use crate::store::metrics::Cause;
use crate::store::{Error, OutboxRow};

/// A transaction that can be run again from the start.
#[async_trait]
pub(super) trait Work: Sync {
    type Output: Send;

    /// Runs it from [`begin`] to [`commit`].
    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure>;
}

/// A committed transaction.
#[derive(Debug)]
pub(super) struct Done<T> {
    pub(super) value: T,
    /// The highest outbox id it made.
    pub(super) last_row: Option<i64>,
}

/// State of one owner.
#[derive(Debug, Default)]
pub(super) struct Owner {
    /// Idle between transactions; taken while one runs, so that one that is
    /// given up closes it.
    connection: Option<Conn>,
    /// Highest outbox id known; `None` before the first transaction.
    last_row: Option<i64>,
    /// A transaction's outcome is not known.
    suspect: bool,
}

/// Owners by name: as many as the process uses, one or a few.
pub(super) type Owners = parking_lot::Mutex<HashMap<String, Arc<Mutex<Owner>>>>;

/// Opens a transaction and locks the owner.
pub(super) fn begin(sql: &mut Sql, owner: &str) {
    sql.raw("START TRANSACTION").end();
    sql.raw("INSERT INTO owners (owner, lease_until_ms) VALUES (").bytes(owner.as_bytes());
    sql.raw(",0) ON DUPLICATE KEY UPDATE owner = owner").end();
}

/// Opens a transaction by itself.
pub(super) async fn begin_now(connection: &mut Conn, owner: &str) -> Result<(), Failure> {
    let mut sql = Sql::default();
    begin(&mut sql, owner);
    sql.run(connection).await.map(drop)
}

/// Writes the outbox row, and commits.
pub(super) async fn commit(
    connection: &mut Conn,
    owner: &str,
    payload: bytes::Bytes,
    now_ms: i64,
) -> Result<OutboxRow, Failure> {
    let (id, _) = execute(
        connection,
        "INSERT INTO outbox (owner, payload, created_at_ms) VALUES (?, ?, ?)",
        (owner.as_bytes(), &payload[..], now_ms),
    )
    .await?;
    connection.query_drop("COMMIT").await?;
    Ok(OutboxRow { id, payload })
}

impl MysqlStore {
    /// Runs the work as the owner's next transaction.
    pub(super) async fn transact<W: Work>(&self, owner: &str, work: &W) -> Result<W::Output, Error> {
        let lane = Arc::clone(self.owners.lock().entry(owner.to_owned()).or_default());
        let run = async {
            let mut owner_state = lane.lock().await;
            let mut attempts = Attempts::default();
            loop {
                match self.attempt(owner, &mut owner_state, work).await {
                    Ok(value) => return Ok(value),
                    Err(failure) if self.again(&failure, &mut attempts) => {}
                    Err(failure) => return Err(failure),
                }
            }
        };
        self.bounded(run).await
    }

    /// Whether to try again; counts it.
    pub(super) fn again(&self, failure: &Failure, attempts: &mut Attempts) -> bool {
        let Some(cause) = failure.cause() else { return false };
        attempts.made += 1;
        if cause == Cause::ConnectionLost {
            attempts.lost += 1;
        }
        let again = attempts.made < self.settings.attempts_max && attempts.lost < 2;
        if again {
            self.metrics.retry(cause);
            tracing::debug!(?cause, attempt = attempts.made, "transaction is run again");
        }
        again
    }

    async fn attempt<W: Work>(&self, owner: &str, state: &mut Owner, work: &W) -> Result<W::Output, Failure> {
        let mut connection = match state.connection.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        if state.suspect {
            self.disown(&mut connection, owner, state.last_row.unwrap_or(0)).await?;
            state.suspect = false;
        }
        if state.last_row.is_none() {
            let newest = rows(
                &mut connection,
                "SELECT COALESCE(MAX(id), 0) FROM outbox WHERE owner = ?",
                (owner.as_bytes(),),
            );
            state.last_row = Some(newest.await?.into_iter().next().unwrap_or(0));
        }
        state.suspect = true;
        match work.run(&mut connection, owner).await {
            Ok(done) => {
                state.suspect = false;
                state.last_row = state.last_row.max(done.last_row);
                state.connection = Some(connection);
                Ok(done.value)
            }
            Err(failure) => {
                let certain = !matches!(failure.cause(), None | Some(Cause::ConnectionLost))
                    || matches!(failure, Failure::Refused(_));
                if connection.query_drop("ROLLBACK").await.is_ok() {
                    state.suspect = !certain;
                    state.connection = Some(connection);
                }
                Err(failure)
            }
        }
    }

    /// Gives rows that nobody was told of to nobody.
    async fn disown(&self, connection: &mut Conn, owner: &str, known: i64) -> Result<(), Failure> {
        self.metrics.outcomes_unknown.inc();
        begin_now(connection, owner).await?;
        let ids: Vec<i64> =
            rows(connection, "SELECT id FROM outbox WHERE owner = ? AND id > ?", (owner.as_bytes(), known))
                .await?;
        let mut sql = Sql::default();
        for &id in &ids {
            sql.raw("UPDATE outbox SET owner = ").bytes(NOBODY.as_bytes()).raw(" WHERE id = ").int(id).end();
        }
        sql.raw("COMMIT").end();
        sql.run(connection).await?;
        self.metrics.outbox_orphaned.inc_by(ids.len() as u64);
        Ok(())
    }
}

/// Attempts of one call so far.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    made: u32,
    lost: u32,
}
