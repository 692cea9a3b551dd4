//! Files that messages of other servers carry. Their rows are copied there before the message is stored; a copy goes
//! with the last message that carries it.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, TxOpts};
use oort_api::ids::FileId;

use super::super::MysqlStore;
use super::super::failure::Failure;
use super::super::files::{discard, read};
use super::super::sql::{execute, first};
use super::super::store::{pooled, retried};
use crate::store::files::{COLUMNS, NEVER_MS};
use crate::store::{Discard, Discarded, Error, FileState, StoredFile};

impl MysqlStore {
    /// Keeps a file that is ready from being discarded for so long, or until it is let go under this token, which is
    /// positive; `None`: it is not ready, or somebody is about to discard it.
    pub(in crate::store) async fn hold_file(
        &self,
        id: FileId,
        token: i64,
        (now_ms, hold_ms): (i64, i64),
    ) -> Result<Option<StoredFile>, Error> {
        retried!(self, |connection| hold(connection, id, token, (now_ms, hold_ms)))
    }

    /// Keeps others from holding a file for so long, or until that is taken back under this token, which is negative: who
    /// looks at other servers whether it is carried there must not be overtaken. `false`: it is held.
    pub(in crate::store) async fn intend_discard(
        &self,
        id: FileId,
        token: i64,
        (now_ms, hold_ms): (i64, i64),
    ) -> Result<bool, Error> {
        retried!(self, |connection| intend(connection, id, token, (now_ms, hold_ms)))
    }

    /// What was held or intended under a token no longer is.
    pub(in crate::store) async fn let_go(&self, id: FileId, token: i64) -> Result<(), Error> {
        let sql = "DELETE FROM file_holds WHERE file_id = ? AND token = ?";
        pooled!(self, |connection| execute(connection, sql, (id.get(), token))).map(drop)
    }

    /// [`discard_file`](crate::store::Files::discard_file), unless somebody keeps it at this time.
    pub(in crate::store) async fn discard_unheld(
        &self,
        id: FileId,
        why: Discard,
        now_ms: i64,
    ) -> Result<Discarded, Error> {
        retried!(self, |connection| discard(connection, id, why, Some(now_ms)))
    }

    /// A file need not be looked at before something says that it is due: messages of another server carry it.
    pub(in crate::store) async fn is_carried_elsewhere(&self, id: FileId) -> Result<(), Error> {
        let sql = "UPDATE files SET due_ms = ? WHERE id = ? AND state = ?";
        let of = (NEVER_MS, id.get(), FileState::Ready.stored());
        pooled!(self, |connection| execute(connection, sql, of)).map(drop)
    }

    async fn is_held(&self, id: FileId, now_ms: i64) -> Result<bool, Error> {
        Ok(pooled!(self, |connection| held_until(connection, id.get(), now_ms))?.is_some())
    }

    /// Copies a file of the first server to this one, where it is looked at from then on (ms since the epoch).
    pub(in crate::store) async fn copy_file(&self, file: &StoredFile, due_ms: i64) -> Result<(), Error> {
        pooled!(self, |connection| copy(connection, file, due_ms))
    }

    /// Forgets the copy of a file that nothing here carries, nor is about to; `false`: something does.
    pub(in crate::store) async fn drop_copy(
        &self,
        home: &Self,
        id: FileId,
        now_ms: i64,
    ) -> Result<bool, Error> {
        retried!(self, |connection| drop_copy(connection, home, id, now_ms))
    }

    /// A file is to be looked at: what carried it may do so no more.
    pub(in crate::store) async fn file_is_due(&self, id: FileId) -> Result<(), Error> {
        let sql = "UPDATE files SET due_ms = 0 WHERE id = ? AND state <> ?";
        let of = (id.get(), FileState::Uploading.stored());
        pooled!(self, |connection| execute(connection, sql, of)).map(drop)
    }
}

async fn hold(
    connection: &mut Conn,
    id: FileId,
    token: i64,
    (now_ms, hold_ms): (i64, i64),
) -> Result<Option<StoredFile>, Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let sql = format!("SELECT {COLUMNS} FROM files WHERE id = ? AND state = ? FOR UPDATE");
    let found: Option<Row> = first(&mut transaction, &sql, (id.get(), FileState::Ready.stored())).await?;
    let Some(found) = found else {
        transaction.rollback().await?;
        return Ok(None);
    };
    let sql = "SELECT token FROM file_holds WHERE file_id = ? AND token < 0 AND until_ms > ? LIMIT 1";
    let intended: Option<(i64,)> = first(&mut transaction, sql, (id.get(), now_ms)).await?;
    if intended.is_some() {
        transaction.rollback().await?;
        return Ok(None);
    }
    execute(&mut transaction, HOLD, (id.get(), token, now_ms + hold_ms)).await?;
    transaction.commit().await?;
    read(found).map(Some)
}

const HOLD: &str = "REPLACE INTO file_holds (file_id, token, until_ms) VALUES (?, ?, ?)";

async fn intend(
    connection: &mut Conn,
    id: FileId,
    token: i64,
    (now_ms, hold_ms): (i64, i64),
) -> Result<bool, Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let sql = "SELECT id FROM files WHERE id = ? FOR UPDATE";
    let _: Option<(i64,)> = first(&mut transaction, sql, (id.get(),)).await?;
    if held_until(&mut transaction, id.get(), now_ms).await?.is_some() {
        transaction.rollback().await?;
        return Ok(false);
    }
    execute(&mut transaction, HOLD, (id.get(), token, now_ms + hold_ms)).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Until when somebody keeps a file from being discarded, if longer than now; both ms since the epoch. What is over is
/// forgotten with the file.
pub(in crate::store::mysql) async fn held_until<Q: Queryable>(
    connection: &mut Q,
    id: i64,
    now_ms: i64,
) -> Result<Option<i64>, Failure> {
    let sql = "SELECT until_ms FROM file_holds WHERE file_id = ? AND token > 0 AND until_ms > ? ORDER BY until_ms DESC LIMIT 1";
    Ok(first::<_, (i64,)>(connection, sql, (id, now_ms)).await?.map(|(until_ms,)| until_ms))
}

async fn copy(connection: &mut Conn, file: &StoredFile, due_ms: i64) -> Result<(), Failure> {
    let finished = &file.finished;
    connection
        .exec_drop(
            "INSERT INTO files (id, owner_id, name, size_bytes, part_bytes, parts, state, mime, width, height,
                                created_at_ms, due_ms)
             VALUES (?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE due_ms = VALUES(due_ms)",
            mysql_async::Params::Positional(vec![
                file.id.get().into(),
                file.owner.get().into(),
                (&file.name).into(),
                file.size.into(),
                file.part_bytes.into(),
                FileState::Ready.stored().into(),
                (&finished.mime).into(),
                finished.width.into(),
                finished.height.into(),
                file.created_at_ms.into(),
                due_ms.into(),
            ]),
        )
        .await?;
    Ok(())
}

async fn drop_copy(
    connection: &mut Conn,
    home: &MysqlStore,
    id: FileId,
    now_ms: i64,
) -> Result<bool, Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let sql = "SELECT id FROM files WHERE id = ? FOR UPDATE";
    let _: Option<(i64,)> = first(&mut transaction, sql, (id.get(),)).await?;
    let sql = "SELECT file_id FROM file_refs WHERE file_id = ? LIMIT 1";
    let carried: Option<(i64,)> = first(&mut transaction, sql, (id.get(),)).await?;
    if carried.is_some() {
        execute(&mut transaction, "UPDATE files SET due_ms = ? WHERE id = ?", (NEVER_MS, id.get())).await?;
        transaction.commit().await?;
        return Ok(false);
    }
    // Who copies it keeps it first, and then waits for this lock.
    if home.is_held(id, now_ms).await? {
        transaction.rollback().await?;
        return Ok(false);
    }
    execute(&mut transaction, "DELETE FROM files WHERE id = ?", (id.get(),)).await?;
    transaction.commit().await?;
    Ok(true)
}
