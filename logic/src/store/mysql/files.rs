//! Files.

use mysql_async::{Conn, Row, TxOpts};
use oort_api::clock::now_ms;
use oort_api::ids::{FileId, UserId};
use oort_api::pb::oort::v1::ConversationKind;
use tonic::async_trait;

use super::failure::Failure;
use super::part::held_until;
use super::sql::{Sql, column, execute, first, rows};
use super::store::{pooled, retried};
use super::{MysqlStore, client_keys};
use crate::store::files::{
    COLUMNS, Carried, Columns, NEVER_MS, check_usage, file_of_subject, no_file_of_key,
};
use crate::store::{Discard, Discarded, Error, FileState, Files, Finished, NewFile, NewPart, StoredFile};

#[async_trait]
impl Files for MysqlStore {
    async fn create_file(&self, new: &NewFile) -> Result<StoredFile, Error> {
        retried!(self, |connection| create(connection, new))
    }

    async fn file(&self, id: FileId) -> Result<Option<StoredFile>, Error> {
        pooled!(self, |connection| file(connection, id.get()))
    }

    async fn may_read_file(&self, id: FileId, user: UserId) -> Result<bool, Error> {
        pooled!(self, |connection| may_read(connection, id, user))
    }

    async fn add_part(&self, id: FileId, part: &NewPart) -> Result<bool, Error> {
        retried!(self, |connection| add_part(connection, id, part))
    }

    async fn finish_file(&self, id: FileId, finished: &Finished, due_ms: i64) -> Result<bool, Error> {
        retried!(self, |connection| finish(connection, id, finished, due_ms))
    }

    async fn discard_file(&self, id: FileId, why: Discard) -> Result<Discarded, Error> {
        retried!(self, |connection| discard(connection, id, why, None))
    }

    async fn due_files(&self, now_ms: i64, limit: u32) -> Result<Vec<FileId>, Error> {
        pooled!(self, |connection| due(connection, now_ms, limit))
    }

    async fn forget_file(&self, id: FileId) -> Result<(), Error> {
        retried!(self, |connection| forget(connection, id))
    }

    async fn discard_files_of(&self, user: UserId) -> Result<(), Error> {
        retried!(self, |connection| discard_all(connection, user))
    }

    async fn files_of(&self, user: UserId, after: i64, limit: u32) -> Result<Vec<StoredFile>, Error> {
        pooled!(self, |connection| files_of(connection, user, after, limit))
    }
}

pub(super) fn read(mut row: Row) -> Result<StoredFile, Failure> {
    let row = &mut row;
    let columns = Columns {
        id: column(row, 0)?,
        owner: column(row, 1)?,
        name: column(row, 2)?,
        size: column(row, 3)?,
        part_bytes: column(row, 4)?,
        received: column(row, 5)?,
        parts: column(row, 6)?,
        digest: column(row, 7)?,
        state: column(row, 8)?,
        mime: column(row, 9)?,
        width: column(row, 10)?,
        height: column(row, 11)?,
        thumbnail: column(row, 12)?,
        created_at_ms: column(row, 13)?,
    };
    Ok(columns.file()?)
}

async fn file(connection: &mut Conn, id: i64) -> Result<Option<StoredFile>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM files WHERE id = ? AND state < ?");
    let found: Option<Row> = first(connection, &sql, (id, FileState::Deleting.stored())).await?;
    found.map(read).transpose()
}

async fn create(connection: &mut Conn, new: &NewFile) -> Result<StoredFile, Failure> {
    let owner = new.owner.get();
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    // Who begins two at once waits here for the first of them.
    execute(
        &mut transaction,
        "INSERT INTO file_usage (user_id, files, bytes) VALUES (?, 0, 0) ON DUPLICATE KEY UPDATE user_id = user_id",
        (owner,),
    )
    .await?;
    if let Some(key) = &new.key
        && let Some(subject) = client_keys::find(&mut transaction, key, new.now_ms).await?
    {
        transaction.rollback().await?;
        let found = file(connection, file_of_subject(&subject)?).await?;
        return Ok(found.ok_or_else(no_file_of_key)?);
    }
    let used: Option<(i64, i64)> =
        first(&mut transaction, "SELECT files, bytes FROM file_usage WHERE user_id = ? FOR UPDATE", (owner,))
            .await?;
    let (files, bytes) = used.unwrap_or_default();
    if let Err(refused) = check_usage(new, files, bytes) {
        transaction.rollback().await?;
        return Err(refused.into());
    }
    let (id, _) = execute(
        &mut transaction,
        "INSERT INTO files (owner_id, name, size_bytes, part_bytes, parts, digest, created_at_ms, due_ms)
         VALUES (?, ?, ?, ?, '', ?, ?, ?)",
        (owner, &new.name, new.size, new.part_bytes, new.digest.map(Vec::from), new.now_ms, new.due_ms),
    )
    .await?;
    let sql = "UPDATE file_usage SET files = files + 1, bytes = bytes + ? WHERE user_id = ?";
    execute(&mut transaction, sql, (new.size, owner)).await?;
    if let Some(key) = &new.key {
        client_keys::write(&mut transaction, key, &id.to_be_bytes(), new.now_ms).await?;
    }
    transaction.commit().await?;
    let created = file(connection, id).await?;
    Ok(created.ok_or_else(|| Error::Internal("a new file is not there".to_owned()))?)
}

async fn may_read(connection: &mut Conn, id: FileId, user: UserId) -> Result<bool, Failure> {
    let mut sql = Sql::default();
    ask_readable(&mut sql, id.get(), Some(user.get()));
    let index = sql.end();
    Ok(!sql.run(connection).await?.remove(index).typed::<(i64,)>()?.is_empty())
}

/// Asks for a file that is ready, if the user uploaded it or is in a conversation where a message carries it; of nobody,
/// whosever it is.
fn ask_readable(sql: &mut Sql, id: i64, user: Option<i64>) {
    sql.raw("SELECT f.id FROM files f WHERE f.id = ").int(id);
    sql.raw(" AND f.state = ").int(FileState::Ready.stored());
    let Some(user) = user else { return };
    sql.raw(" AND (f.owner_id = ").int(user);
    sql.raw(
        " OR EXISTS (SELECT 1 FROM file_refs r JOIN conversations c ON c.id = r.conversation_id
         LEFT JOIN members m ON m.conversation_id = r.conversation_id AND m.user_id = ",
    );
    sql.int(user).raw(" WHERE r.file_id = f.id AND (r.expires_at_ms = 0 OR r.expires_at_ms > ").int(now_ms());
    sql.raw(") AND (m.user_id IS NOT NULL OR c.kind = ");
    sql.int(i32::from(ConversationKind::Room).into()).raw(")))");
}

/// The same for who sends it: it is not discarded before their transaction ends.
pub(super) fn hold_readable(sql: &mut Sql, id: i64, user: Option<i64>) -> usize {
    ask_readable(sql, id, user);
    sql.raw(" LOCK IN SHARE MODE").end()
}

/// Notes which messages carry which files; at least one.
pub(super) fn carry(sql: &mut Sql, refs: &[Carried]) {
    sql.raw("INSERT INTO file_refs (file_id, conversation_id, seq, expires_at_ms) VALUES ");
    sql.separated("", refs, |sql, carried| {
        sql.raw("(").int(carried.file).raw(",").int(carried.conversation).raw(",").int(carried.seq);
        sql.raw(",").int(carried.expires_at_ms).raw(")");
    });
    sql.end();
}

/// These messages, of which there are some, carry nothing any more; their files are looked at soon.
pub(super) fn drop_carried(sql: &mut Sql, conversation: i64, seqs: &[i64]) {
    sql.raw(
        "UPDATE files f JOIN file_refs r FORCE INDEX (file_refs_place) ON r.file_id = f.id SET f.due_ms = 0 ",
    );
    sql.raw("WHERE r.conversation_id = ").int(conversation).raw(" AND r.seq IN ");
    sql.list(seqs.iter().copied()).end();
    sql.raw("DELETE FROM file_refs WHERE conversation_id = ").int(conversation).raw(" AND seq IN ");
    sql.list(seqs.iter().copied()).end();
}

async fn add_part(connection: &mut Conn, id: FileId, part: &NewPart) -> Result<bool, Failure> {
    let (_, changed) = execute(
        connection,
        "UPDATE files SET received_bytes = received_bytes + ?, parts = CONCAT(parts, ?), due_ms = ?
         WHERE id = ? AND received_bytes = ? AND state = ?",
        (
            part.len,
            part.name.to_be_bytes().to_vec(),
            part.due_ms,
            id.get(),
            part.offset,
            FileState::Uploading.stored(),
        ),
    )
    .await?;
    Ok(changed > 0)
}

async fn finish(
    connection: &mut Conn,
    id: FileId,
    finished: &Finished,
    due_ms: i64,
) -> Result<bool, Failure> {
    let Finished { mime, width, height, thumbnail } = finished;
    let (_, changed) = execute(
        connection,
        "UPDATE files SET state = ?, mime = ?, width = ?, height = ?, thumbnail = ?, due_ms = ?
         WHERE id = ? AND state = ? AND received_bytes = size_bytes",
        (
            FileState::Ready.stored(),
            mime,
            width,
            height,
            thumbnail,
            due_ms,
            id.get(),
            FileState::Uploading.stored(),
        ),
    )
    .await?;
    Ok(changed > 0)
}

/// `unheld_ms`: what somebody keeps at this time is as if messages carried it.
pub(super) async fn discard(
    connection: &mut Conn,
    id: FileId,
    why: Discard,
    unheld_ms: Option<i64>,
) -> Result<Discarded, Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let found: Option<(i64, u64, i64, i64)> = first(
        &mut transaction,
        "SELECT owner_id, size_bytes, state, due_ms FROM files WHERE id = ? FOR UPDATE",
        (id.get(),),
    )
    .await?;
    let Some((owner, size, state, due_ms)) = found else {
        transaction.rollback().await?;
        return Ok(Discarded::No);
    };
    let is_meant = match why {
        Discard::Owner(user) => user.get() == owner && FileState::of(state) != FileState::Deleting,
        Discard::Due(now_ms) => due_ms <= now_ms,
        Discard::Spoilt => true,
    };
    let is_gone = FileState::of(state) == FileState::Deleting;
    if !is_meant || is_gone {
        transaction.rollback().await?;
        return Ok(if is_meant { Discarded::Yes } else { Discarded::No });
    }
    let held = match unheld_ms {
        Some(now_ms) => held_until(&mut transaction, id.get(), now_ms).await?,
        None => None,
    };
    if let Some(until_ms) = held {
        if matches!(why, Discard::Due(_)) {
            let sql = "UPDATE files SET due_ms = ? WHERE id = ?";
            execute(&mut transaction, sql, (until_ms, id.get())).await?;
        }
        transaction.commit().await?;
        return Ok(Discarded::Carried);
    }
    // Not a locking read: who takes a message back has the reference first, and the file after it.
    let carried: Option<(i64,)> =
        first(&mut transaction, "SELECT file_id FROM file_refs WHERE file_id = ? LIMIT 1", (id.get(),))
            .await?;
    if carried.is_some() {
        if matches!(why, Discard::Due(_)) {
            let sql = "UPDATE files SET due_ms = ? WHERE id = ?";
            execute(&mut transaction, sql, (NEVER_MS, id.get())).await?;
        }
        transaction.commit().await?;
        return Ok(Discarded::Carried);
    }
    let sql = "UPDATE files SET state = ?, due_ms = 0 WHERE id = ?";
    execute(&mut transaction, sql, (FileState::Deleting.stored(), id.get())).await?;
    let sql = "UPDATE file_usage SET files = files - 1, bytes = bytes - ? WHERE user_id = ?";
    execute(&mut transaction, sql, (size, owner)).await?;
    transaction.commit().await?;
    Ok(Discarded::Yes)
}

async fn due(connection: &mut Conn, now_ms: i64, limit: u32) -> Result<Vec<FileId>, Failure> {
    let sql = "SELECT id FROM files WHERE due_ms <= ? ORDER BY due_ms LIMIT ?";
    let found: Vec<(i64,)> = rows(connection, sql, (now_ms, limit)).await?;
    Ok(found.into_iter().filter_map(|(id,)| FileId::new(id)).collect())
}

async fn forget(connection: &mut Conn, id: FileId) -> Result<(), Failure> {
    for sql in ["DELETE FROM file_refs WHERE file_id = ?", "DELETE FROM file_holds WHERE file_id = ?"] {
        execute(connection, sql, (id.get(),)).await?;
    }
    let sql = "DELETE FROM files WHERE id = ? AND state = ?";
    execute(connection, sql, (id.get(), FileState::Deleting.stored())).await.map(drop)
}

async fn discard_all(connection: &mut Conn, user: UserId) -> Result<(), Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let deleting = FileState::Deleting.stored();
    execute(
        &mut transaction,
        "UPDATE files SET state = ?, due_ms = 0 WHERE owner_id = ? AND state < ?",
        (deleting, user.get(), deleting),
    )
    .await?;
    execute(&mut transaction, "DELETE FROM file_usage WHERE user_id = ?", (user.get(),)).await?;
    transaction.commit().await?;
    Ok(())
}

async fn files_of(
    connection: &mut Conn,
    user: UserId,
    after: i64,
    limit: u32,
) -> Result<Vec<StoredFile>, Failure> {
    let sql = format!(
        "SELECT {COLUMNS} FROM files WHERE owner_id = ? AND id > ? AND state < ? ORDER BY id LIMIT ?"
    );
    let found: Vec<Row> =
        rows(connection, &sql, (user.get(), after, FileState::Deleting.stored(), limit)).await?;
    found.into_iter().map(read).collect()
}
