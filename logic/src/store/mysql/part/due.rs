//! What has to be copied to other servers, noted at the first one before it is changed there: whoever changes it may die
//! before the copies are made.

use oort_api::ids::UserId;

use super::super::MysqlStore;
use super::super::sql::{execute, rows};
use super::super::store::{pooled, retried};
use crate::store::Error;

/// What is to be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Copied {
    /// What is known of a user.
    Person(UserId),
    /// Which of two users blocks the other.
    Pair(UserId, UserId),
}

/// A note, as it was found.
#[derive(Debug)]
pub(in crate::store) struct Due {
    pub(in crate::store) id: i64,
    pub(in crate::store) copied: Copied,
    /// When it was made, ms since the epoch.
    pub(in crate::store) at_ms: i64,
}

impl MysqlStore {
    /// Notes it; answers the note's id.
    pub(in crate::store) async fn note_due(&self, copied: Copied, now_ms: i64) -> Result<i64, Error> {
        let (one, other) = match copied {
            Copied::Person(user) => (user.get(), 0),
            Copied::Pair(one, other) => (one.get(), other.get()),
        };
        // An id of its own: noted twice it is copied twice, and an answer that is lost leaves no note that nobody knows.
        let id = (uuid::Uuid::new_v4().as_u64_pair().0 >> 1).cast_signed();
        let sql = "INSERT IGNORE INTO copies_due (id, one, other, at_ms) VALUES (?, ?, ?, ?)";
        retried!(self, |connection| execute(connection, sql, (id, one, other, now_ms)))?;
        Ok(id)
    }

    /// The copies are made.
    pub(in crate::store) async fn settle_due(&self, id: i64) -> Result<(), Error> {
        retried!(self, |connection| execute(connection, "DELETE FROM copies_due WHERE id = ?", (id,)))
            .map(drop)
    }

    /// Notes there are, at most `limit`.
    pub(in crate::store) async fn dues(&self, limit: u32) -> Result<Vec<Due>, Error> {
        let sql = "SELECT id, one, other, at_ms FROM copies_due ORDER BY id LIMIT ?";
        let found: Vec<(i64, i64, i64, i64)> = pooled!(self, |connection| rows(connection, sql, (limit,)))?;
        let due = |(id, one, other, at_ms)| {
            let one = UserId::new(one)?;
            let copied = UserId::new(other).map_or(Copied::Person(one), |other| Copied::Pair(one, other));
            Some(Due { id, copied, at_ms })
        };
        Ok(found.into_iter().filter_map(due).collect())
    }
}
