//! Ids that say in which shard a conversation is.

use mysql_async::Conn;

use super::super::failure::Failure;
use super::super::sql::{execute, first};
use crate::store::shards::{SHARDS, Shard};

/// The next id of a shard, for the transaction that inserts the conversation: others wait for its end. Without a shard
/// the table gives out its own.
pub(in crate::store::mysql) async fn next_id(
    connection: &mut Conn,
    shard: Option<Shard>,
) -> Result<Option<i64>, Failure> {
    let Some(shard) = shard else { return Ok(None) };
    let number = shard.number();
    let sql = "INSERT INTO shard_ids (shard, last_id) VALUES (?, 0) ON DUPLICATE KEY UPDATE shard = shard";
    execute(connection, sql, (number,)).await?;
    let last: Option<(i64,)> =
        first(connection, "SELECT last_id FROM shard_ids WHERE shard = ? FOR UPDATE", (number,)).await?;
    let mut last = last.map_or(0, |(id,)| id);
    if last == 0 {
        // There were none before: above all that the table gave out by itself.
        let newest: Option<(i64,)> =
            first(connection, "SELECT id FROM conversations ORDER BY id DESC LIMIT 1", ()).await?;
        last = newest.map_or(0, |(id,)| id);
    }
    let next = (last / SHARDS + 1) * SHARDS + number;
    execute(connection, "UPDATE shard_ids SET last_id = ? WHERE shard = ?", (next, number)).await?;
    Ok(Some(next))
}
