//! Copies of users: their names, whether they send receipts, until when they are muted, whether they are gone.

use std::collections::HashMap;

use mysql_async::{Conn, TxOpts};

use super::super::failure::Failure;
use super::super::sql::Sql;
use super::super::store::{pooled, retried};
use super::super::{MysqlStore, cursors};
use crate::store::departures::DELETED;
use crate::store::{Error, SanctionKind};
use oort_api::ids::UserId;

/// id, username, created_at_ms, was deleted, sends receipts, muted until (ms since the epoch; 0 = for ever).
type PersonRow = (i64, String, i64, bool, bool, Option<i64>);

impl MysqlStore {
    /// Brings the copies of these users here up to date with `home`; answers which there are.
    pub(in crate::store) async fn copy_people(
        &self,
        home: &Self,
        ids: &[UserId],
        now_ms: i64,
    ) -> Result<Vec<i64>, Error> {
        let mut there: Vec<i64> =
            home.people(ids.iter().map(|id| id.get()).collect()).await?.into_keys().collect();
        there.sort_unstable();
        if !there.is_empty() {
            retried!(self, |connection| copy(connection, home, &there, now_ms))?;
        }
        Ok(there)
    }

    async fn people(&self, ids: Vec<i64>) -> Result<HashMap<i64, PersonRow>, Error> {
        pooled!(self, |connection| people(connection, &ids))
    }
}

async fn people(connection: &mut Conn, ids: &[i64]) -> Result<HashMap<i64, PersonRow>, Failure> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut sql = Sql::default();
    sql.raw("SELECT u.id, u.username, u.created_at_ms, COALESCE(d.state, 0) = ");
    sql.int(DELETED).raw(", COALESCE(s.sends_receipts, 1), m.until_ms FROM users u");
    sql.raw(" LEFT JOIN departures d ON d.user_id = u.id LEFT JOIN contact_settings s ON s.user_id = u.id");
    sql.raw(" LEFT JOIN sanctions m ON m.user_id = u.id AND m.kind = ").int(SanctionKind::Mute.number());
    sql.raw(" WHERE u.id IN ").list(ids.iter().copied()).end();
    let found: Vec<PersonRow> = sql.run(connection).await?.remove(0).typed()?;
    Ok(found.into_iter().map(|person| (person.0, person)).collect())
}

/// `ids` rise.
async fn copy(connection: &mut Conn, home: &MysqlStore, ids: &[i64], now_ms: i64) -> Result<(), Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let mut sql = Sql::default();
    sql.raw("INSERT INTO users (id, username, username_key, password_hash, created_at_ms) VALUES ");
    sql.separated("", ids, |sql, &id| {
        // Nobody is looked for by name here.
        sql.raw("(").int(id).raw(",'',").text(&format!("#{id}")).raw(",'',0)");
    });
    sql.raw(" ON DUPLICATE KEY UPDATE id = VALUES(id)").end();
    sql.raw("SELECT u.id, u.username, COALESCE(s.sends_receipts, 1) FROM users u");
    sql.raw(" LEFT JOIN contact_settings s ON s.user_id = u.id WHERE u.id IN ").list(ids.iter().copied());
    let held = sql.raw(" FOR UPDATE").end();
    let held: Vec<(i64, String, bool)> = sql.run(&mut transaction).await?.remove(held).typed()?;
    let held: HashMap<i64, (String, bool)> =
        held.into_iter().map(|(id, name, receipts)| (id, (name, receipts))).collect();
    // After the lock: what was written there before somebody else waits for it is in what is read now.
    let people = home.people(ids.to_vec()).await?;
    let mut sql = Sql::default();
    let mute = SanctionKind::Mute.number();
    for id in ids {
        let Some((id, username, created_at_ms, is_deleted, sends_receipts, muted)) = people.get(id) else {
            continue;
        };
        sql.raw("UPDATE users SET username = ").text(username).raw(", created_at_ms = ").int(*created_at_ms);
        sql.raw(" WHERE id = ").int(*id).end();
        sql.raw("INSERT INTO contact_settings (user_id, sends_receipts) VALUES (").int(*id).raw(",");
        sql.int((*sends_receipts).into());
        sql.raw(") ON DUPLICATE KEY UPDATE sends_receipts = VALUES(sends_receipts)").end();
        match muted {
            Some(until_ms) => {
                sql.raw("INSERT INTO sanctions (kind, user_id, until_ms, reason, actor_id, at_ms) VALUES (");
                sql.int(mute).raw(",").int(*id).raw(",").int(*until_ms).raw(",'',0,0)");
                sql.raw(" ON DUPLICATE KEY UPDATE until_ms = VALUES(until_ms)").end();
            }
            None => {
                sql.raw("DELETE FROM sanctions WHERE kind = ")
                    .int(mute)
                    .raw(" AND user_id = ")
                    .int(*id)
                    .end();
            }
        }
        if *is_deleted {
            sql.raw("INSERT INTO departures (user_id, state, at_ms) VALUES (").int(*id).raw(",");
            sql.int(DELETED).raw(",0) ON DUPLICATE KEY UPDATE state = VALUES(state)").end();
        }
        let is_shown_otherwise = held.get(id).is_some_and(|(name, receipts)| {
            !name.is_empty() && (name != username || receipts != sends_receipts)
        });
        if is_shown_otherwise && let Some(user) = UserId::new(*id) {
            cursors::stamp_all(&mut sql, user, now_ms);
        }
    }
    if sql.len() > 0 {
        sql.run(&mut transaction).await?;
    }
    Ok(transaction.commit().await?)
}
