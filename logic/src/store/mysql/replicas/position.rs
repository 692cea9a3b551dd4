//! How far the primary is, asked once for all reads that want to know at the same time.
//!
//! A transaction is in the binary log before anybody is told of it. So the position of that log, read after a read was
//! asked for, covers everything the reader can have been told of: their own writes, heads they know, who may read what.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Pool};
use tokio::sync::Mutex;

use crate::store::mysql::failure::Failure;
use crate::store::mysql::sql::Sql;

/// How a server words positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Mariadb,
    Mysql,
}

impl Dialect {
    pub(super) fn of_version(version: &str) -> Self {
        if version.contains("MariaDB") { Self::Mariadb } else { Self::Mysql }
    }

    /// Whether the primary writes a log with positions, and how far it is.
    fn asks(self) -> &'static str {
        match self {
            // Of a primary that was a replica too: what it got as one.
            Self::Mariadb => "SELECT @@global.log_bin, @@global.gtid_current_pos",
            Self::Mysql => {
                "SELECT @@global.log_bin = 1 AND @@global.gtid_mode = 'ON', @@global.gtid_executed"
            }
        }
    }

    /// A statement that waits for a position: 0 = reached. What it asks beside that shows whose replica it is.
    pub(super) fn waits(self, position: &str, wait: Duration) -> Sql {
        let mut sql = Sql::default();
        sql.raw(match self {
            Self::Mariadb => "SELECT MASTER_GTID_WAIT(",
            Self::Mysql => "SELECT WAIT_FOR_EXECUTED_GTID_SET(",
        });
        sql.text(position).raw(", ");
        let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
        sql.int(micros).raw(" / 1000000), @@global.read_only, ").raw(ORIGIN).end();
        sql
    }
}

/// Tells databases apart: no two were made in the same millisecond and are replicated by one server.
const ORIGIN: &str = "(SELECT applied_at_ms FROM schema_migrations WHERE version = 1)";

/// When the database was made, and how its server words positions.
pub(super) async fn origin(connection: &mut Conn) -> Result<(Dialect, i64), Failure> {
    let mut sql = Sql::default();
    let index = sql.raw("SELECT VERSION(), ").raw(ORIGIN).end();
    let found: Vec<(String, i64)> = sql.run(connection).await?.remove(index).typed()?;
    let found = found.into_iter().next().map(|(version, origin)| (Dialect::of_version(&version), origin));
    Ok(found.unwrap_or((Dialect::Mariadb, 0)))
}

/// Where the primary is.
#[derive(Debug)]
pub(super) struct Positions {
    dialect: Dialect,
    /// Readers so far.
    asked: AtomicU64,
    newest: Mutex<Newest>,
}

#[derive(Debug, Default)]
struct Newest {
    /// Readers for whom it was read late enough.
    covers: u64,
    position: Option<Arc<str>>,
}

impl Positions {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, asked: AtomicU64::new(0), newest: Mutex::default() }
    }

    /// A position that covers all that was committed before this was called; `None` when the primary tells none.
    /// Whoever asks while one is read shares the next one.
    pub(super) async fn now(&self, primary: &Pool) -> Option<Arc<str>> {
        shared(&self.asked, &self.newest, || self.read(primary)).await
    }

    async fn read(&self, primary: &Pool) -> Option<Arc<str>> {
        let asked = async {
            let mut connection = primary.get_conn().await?;
            connection.query_first::<(i64, String), _>(self.dialect.asks()).await
        };
        match asked.await {
            Ok(Some((1, position))) if !position.is_empty() => Some(Arc::from(position)),
            Ok(_) => None,
            Err(error) => {
                tracing::debug!(%error, "the primary did not tell its position");
                None
            }
        }
    }
}

async fn shared<F>(asked: &AtomicU64, newest: &Mutex<Newest>, read: impl FnOnce() -> F) -> Option<Arc<str>>
where
    F: Future<Output = Option<Arc<str>>>,
{
    let turn = asked.fetch_add(1, Ordering::SeqCst) + 1;
    let mut newest = newest.lock().await;
    if newest.covers < turn {
        // Before it is read: who asks from now on is not covered.
        let covers = asked.load(Ordering::SeqCst);
        let position = read().await;
        *newest = Newest { covers, position };
    }
    newest.position.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    use tokio::sync::Semaphore;

    /// Tells 1, 2, 3, ... each when it may.
    #[derive(Default)]
    struct Counter {
        asked: AtomicU64,
        newest: Mutex<Newest>,
        read: AtomicU64,
    }

    impl Counter {
        async fn ask(&self, turns: &Semaphore) -> Option<Arc<str>> {
            let read = || async {
                let number = self.read.fetch_add(1, Ordering::SeqCst) + 1;
                turns.acquire().await.expect("open").forget();
                Some(Arc::from(number.to_string()))
            };
            shared(&self.asked, &self.newest, read).await
        }
    }

    async fn settle() {
        for _ in 0..16 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn who_asks_while_a_position_is_read_gets_the_next_one_together() {
        let (counter, turns) = (Arc::new(Counter::default()), Arc::new(Semaphore::new(0)));
        let ask = || {
            let (counter, turns) = (Arc::clone(&counter), Arc::clone(&turns));
            tokio::spawn(async move { counter.ask(&turns).await })
        };
        let first = ask();
        settle().await;
        let later = [ask(), ask(), ask()];
        settle().await;
        turns.add_permits(2);
        assert_eq!(first.await.expect("no panic").as_deref(), Some("1"));
        for answer in later {
            assert_eq!(answer.await.expect("no panic").as_deref(), Some("2"), "not the one begun before");
        }
        assert_eq!(counter.read.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn who_went_away_while_asking_holds_up_nobody() {
        let (counter, turns) = (Arc::new(Counter::default()), Arc::new(Semaphore::new(0)));
        let gone = {
            let (counter, turns) = (Arc::clone(&counter), Arc::clone(&turns));
            tokio::spawn(async move { counter.ask(&turns).await })
        };
        settle().await;
        gone.abort();
        turns.add_permits(1);
        assert_eq!(counter.ask(&turns).await.as_deref(), Some("2"));
    }

    #[test]
    fn servers_are_told_apart_and_asked_in_their_words() {
        assert_eq!(Dialect::of_version("10.11.6-MariaDB-log"), Dialect::Mariadb);
        assert_eq!(Dialect::of_version("8.4.2"), Dialect::Mysql);
    }
}
