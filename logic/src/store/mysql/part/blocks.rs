//! Who of two users blocks the other, where sends look at it: at their direct conversation.

use mysql_async::{Conn, TxOpts};
use oort_api::ids::UserId;

use super::super::MysqlStore;
use super::super::failure::Failure;
use super::super::sql::{Sql, execute, first};
use super::super::store::{pooled, retried};
use crate::store::Error;
use crate::store::plan::Blocked;

impl MysqlStore {
    /// Whether the one is blocked by the other, as this server, the first, has it.
    pub(in crate::store) async fn is_blocked(&self, one: UserId, by: UserId) -> Result<bool, Error> {
        let pair = (one.get(), by.get());
        Ok(self.blocks(pair).await?.stops(pair.0, ordered(pair)))
    }

    /// Who of two blocks the other, as this server, the first, has it.
    pub(in crate::store::mysql) async fn blocks(&self, pair: (i64, i64)) -> Result<Blocked, Error> {
        pooled!(self, |connection| blocked(connection, pair))
    }

    /// Writes at the direct conversation of two users, if it is here, which of them blocks the other at `home`.
    pub(in crate::store) async fn copy_block(
        &self,
        home: &Self,
        one: UserId,
        other: UserId,
    ) -> Result<(), Error> {
        let pair = ordered((one.get(), other.get()));
        retried!(self, |connection| copy(connection, home, pair))
    }
}

fn ordered((one, other): (i64, i64)) -> (i64, i64) {
    (one.min(other), one.max(other))
}

async fn blocked(connection: &mut Conn, (one, other): (i64, i64)) -> Result<Blocked, Failure> {
    let mut sql = Sql::default();
    sql.raw(
        "SELECT user_id FROM contacts FORCE INDEX (PRIMARY) WHERE blocked = 1 AND (user_id, peer_id) IN ((",
    );
    sql.int(one).raw(",").int(other).raw("),(").int(other).raw(",").int(one);
    let found = sql.raw("))").end();
    let blocking: Vec<(i64,)> = sql.run(connection).await?.remove(found).typed()?;
    Ok(Blocked::of((one, blocking.contains(&(one,))), (other, blocking.contains(&(other,)))))
}

async fn copy(connection: &mut Conn, home: &MysqlStore, pair: (i64, i64)) -> Result<(), Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let sql = "SELECT id FROM conversations WHERE user_lo = ? AND user_hi = ? FOR UPDATE";
    let Some((id,)) = first::<_, (i64,)>(&mut transaction, sql, pair).await? else {
        transaction.rollback().await?;
        return Ok(());
    };
    let now = pooled!(home, |connection| blocked(connection, pair))?;
    execute(&mut transaction, "UPDATE conversations SET blocked = ? WHERE id = ?", (now.0, id)).await?;
    Ok(transaction.commit().await?)
}
