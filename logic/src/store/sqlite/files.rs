//! Files.

use oort_api::clock::now_ms;
use oort_api::ids::{FileId, UserId};
use oort_api::pb::oort::v1::ConversationKind;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use tonic::async_trait;

use super::{SqliteStore, client_keys};
use crate::store::files::{
    COLUMNS, Carried, Columns, NEVER_MS, check_usage, file_of_subject, no_file_of_key, stored,
};
use crate::store::{Discard, Discarded, Error, FileState, Files, Finished, NewFile, NewPart, StoredFile};

#[async_trait]
impl Files for SqliteStore {
    async fn create_file(&self, new: &NewFile) -> Result<StoredFile, Error> {
        let new = new.clone();
        self.write(move |connection| create(connection, &new)).await
    }

    async fn file(&self, id: FileId) -> Result<Option<StoredFile>, Error> {
        self.read(move |connection| file(connection, id.get())).await
    }

    async fn may_read_file(&self, id: FileId, user: UserId) -> Result<bool, Error> {
        self.read(move |connection| is_readable(connection, id.get(), user.get())).await
    }

    async fn add_part(&self, id: FileId, part: &NewPart) -> Result<bool, Error> {
        let part = *part;
        self.write(move |connection| add_part(connection, id, &part)).await
    }

    async fn finish_file(&self, id: FileId, finished: &Finished, due_ms: i64) -> Result<bool, Error> {
        let finished = finished.clone();
        self.write(move |connection| finish(connection, id, &finished, due_ms)).await
    }

    async fn discard_file(&self, id: FileId, why: Discard) -> Result<Discarded, Error> {
        self.write(move |connection| discard(connection, id, why)).await
    }

    async fn due_files(&self, now_ms: i64, limit: u32) -> Result<Vec<FileId>, Error> {
        self.read(move |connection| due(connection, now_ms, limit)).await
    }

    async fn forget_file(&self, id: FileId) -> Result<(), Error> {
        self.write(move |connection| forget(connection, id)).await
    }

    async fn discard_files_of(&self, user: UserId) -> Result<(), Error> {
        self.write(move |connection| discard_all(connection, user)).await
    }

    async fn files_of(&self, user: UserId, after: i64, limit: u32) -> Result<Vec<StoredFile>, Error> {
        self.read(move |connection| files_of(connection, user, after, limit)).await
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok(Columns {
        id: row.get(0)?,
        owner: row.get(1)?,
        name: row.get(2)?,
        size: row.get(3)?,
        part_bytes: row.get(4)?,
        received: row.get(5)?,
        parts: row.get(6)?,
        digest: row.get(7)?,
        state: row.get(8)?,
        mime: row.get(9)?,
        width: row.get(10)?,
        height: row.get(11)?,
        thumbnail: row.get(12)?,
        created_at_ms: row.get(13)?,
    })
}

fn file(connection: &Connection, id: i64) -> Result<Option<StoredFile>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM files WHERE id = ? AND state < ?");
    let found =
        connection.prepare_cached(&sql)?.query_row([id, FileState::Deleting.stored()], read).optional()?;
    found.map(Columns::file).transpose()
}

fn create(connection: &mut Connection, new: &NewFile) -> Result<StoredFile, Error> {
    let owner = new.owner.get();
    let transaction = connection.transaction()?;
    if let Some(key) = &new.key
        && let Some(subject) = client_keys::find(&transaction, key, new.now_ms)?
    {
        return file(&transaction, file_of_subject(&subject)?)?.ok_or_else(no_file_of_key);
    }
    let used: Option<(i64, i64)> = transaction
        .prepare_cached("SELECT files, bytes FROM file_usage WHERE user_id = ?")?
        .query_row([owner], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (files, bytes) = used.unwrap_or_default();
    check_usage(new, files, bytes)?;
    let id = transaction
        .prepare_cached(
            "INSERT INTO files (owner_id, name, size_bytes, part_bytes, parts, digest, created_at_ms, due_ms)
             VALUES (?, ?, ?, ?, x'', ?, ?, ?)",
        )?
        .insert(params![
            owner,
            new.name,
            stored(new.size),
            stored(new.part_bytes),
            new.digest.map(Vec::from),
            new.now_ms,
            new.due_ms
        ])?;
    transaction
        .prepare_cached(
            "INSERT INTO file_usage (user_id, files, bytes) VALUES (?1, 1, ?2)
             ON CONFLICT (user_id) DO UPDATE SET files = files + 1, bytes = bytes + ?2",
        )?
        .execute([owner, stored(new.size)])?;
    if let Some(key) = &new.key {
        client_keys::write(&transaction, key, &id.to_be_bytes(), new.now_ms)?;
    }
    let created = file(&transaction, id)?;
    transaction.commit()?;
    created.ok_or_else(|| Error::Internal("a new file is not there".to_owned()))
}

/// Whether a file is ready, and the user uploaded it or is in a conversation where a message carries it.
pub(super) fn is_readable(connection: &Connection, id: i64, user: i64) -> Result<bool, Error> {
    let found = connection
        .prepare_cached(
            "SELECT 1 FROM files f WHERE f.id = ?1 AND f.state = ?2 AND (f.owner_id = ?3
             OR EXISTS (SELECT 1 FROM file_refs r JOIN conversations c ON c.id = r.conversation_id
                        LEFT JOIN members m ON m.conversation_id = r.conversation_id AND m.user_id = ?3
                        WHERE r.file_id = f.id AND (r.expires_at_ms = 0 OR r.expires_at_ms > ?5)
                          AND (m.user_id IS NOT NULL OR c.kind = ?4)))",
        )?
        .exists([id, FileState::Ready.stored(), user, i32::from(ConversationKind::Room).into(), now_ms()])?;
    Ok(found)
}

/// Notes which messages carry which files.
pub(super) fn carry(transaction: &Transaction<'_>, refs: &[Carried]) -> Result<(), Error> {
    for &Carried { file, conversation, seq, expires_at_ms } in refs {
        transaction
            .prepare_cached(
                "INSERT INTO file_refs (file_id, conversation_id, seq, expires_at_ms) VALUES (?, ?, ?, ?)",
            )?
            .execute([file, conversation, seq, expires_at_ms])?;
    }
    Ok(())
}

/// A message carries nothing any more; its file is looked at soon.
pub(super) fn drop_carried(transaction: &Transaction<'_>, conversation: i64, seq: i64) -> Result<(), Error> {
    transaction
        .prepare_cached(
            "UPDATE files SET due_ms = 0 WHERE id IN
             (SELECT file_id FROM file_refs WHERE conversation_id = ? AND seq = ?)",
        )?
        .execute([conversation, seq])?;
    transaction
        .prepare_cached("DELETE FROM file_refs WHERE conversation_id = ? AND seq = ?")?
        .execute([conversation, seq])?;
    Ok(())
}

fn add_part(connection: &mut Connection, id: FileId, part: &NewPart) -> Result<bool, Error> {
    let transaction = connection.transaction()?;
    let place = params![id.get(), stored(part.offset), FileState::Uploading.stored()];
    let parts: Option<Vec<u8>> = transaction
        .prepare_cached("SELECT parts FROM files WHERE id = ? AND received_bytes = ? AND state = ?")?
        .query_row(place, |row| row.get(0))
        .optional()?;
    let Some(mut parts) = parts else { return Ok(false) };
    parts.extend_from_slice(&part.name.to_be_bytes());
    transaction
        .prepare_cached("UPDATE files SET received_bytes = ?, parts = ?, due_ms = ? WHERE id = ?")?
        .execute(params![stored(part.offset.saturating_add(part.len)), parts, part.due_ms, id.get()])?;
    transaction.commit()?;
    Ok(true)
}

fn finish(connection: &Connection, id: FileId, finished: &Finished, due_ms: i64) -> Result<bool, Error> {
    let Finished { mime, width, height, thumbnail } = finished;
    let changed = connection
        .prepare_cached(
            "UPDATE files SET state = ?, mime = ?, width = ?, height = ?, thumbnail = ?, due_ms = ?
             WHERE id = ? AND state = ? AND received_bytes = size_bytes",
        )?
        .execute(params![
            FileState::Ready.stored(),
            mime,
            width,
            height,
            thumbnail,
            due_ms,
            id.get(),
            FileState::Uploading.stored()
        ])?;
    Ok(changed > 0)
}

fn discard(connection: &mut Connection, id: FileId, why: Discard) -> Result<Discarded, Error> {
    let transaction = connection.transaction()?;
    let found: Option<(i64, i64, i64, i64)> = transaction
        .prepare_cached("SELECT owner_id, size_bytes, state, due_ms FROM files WHERE id = ?")?
        .query_row([id.get()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((owner, size, state, due_ms)) = found else { return Ok(Discarded::No) };
    let is_gone = FileState::of(state) == FileState::Deleting;
    let is_meant = match why {
        Discard::Owner(user) => user.get() == owner && !is_gone,
        Discard::Due(now_ms) => due_ms <= now_ms,
        Discard::Spoilt => true,
    };
    if !is_meant || is_gone {
        return Ok(if is_meant { Discarded::Yes } else { Discarded::No });
    }
    let is_carried = transaction
        .prepare_cached("SELECT 1 FROM file_refs WHERE file_id = ? LIMIT 1")?
        .exists([id.get()])?;
    if is_carried {
        if matches!(why, Discard::Due(_)) {
            transaction
                .prepare_cached("UPDATE files SET due_ms = ? WHERE id = ?")?
                .execute([NEVER_MS, id.get()])?;
        }
        transaction.commit()?;
        return Ok(Discarded::Carried);
    }
    transaction
        .prepare_cached("UPDATE files SET state = ?, due_ms = 0 WHERE id = ?")?
        .execute([FileState::Deleting.stored(), id.get()])?;
    transaction
        .prepare_cached("UPDATE file_usage SET files = files - 1, bytes = bytes - ? WHERE user_id = ?")?
        .execute([size, owner])?;
    transaction.commit()?;
    Ok(Discarded::Yes)
}

fn due(connection: &Connection, now_ms: i64, limit: u32) -> Result<Vec<FileId>, Error> {
    let mut select =
        connection.prepare_cached("SELECT id FROM files WHERE due_ms <= ? ORDER BY due_ms LIMIT ?")?;
    let rows = select.query_map(params![now_ms, limit], |row| Ok(FileId::new(row.get(0)?)))?;
    Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn forget(connection: &mut Connection, id: FileId) -> Result<(), Error> {
    let transaction = connection.transaction()?;
    transaction.prepare_cached("DELETE FROM file_refs WHERE file_id = ?")?.execute([id.get()])?;
    transaction
        .prepare_cached("DELETE FROM files WHERE id = ? AND state = ?")?
        .execute([id.get(), FileState::Deleting.stored()])?;
    transaction.commit()?;
    Ok(())
}

fn discard_all(connection: &mut Connection, user: UserId) -> Result<(), Error> {
    let transaction = connection.transaction()?;
    transaction
        .prepare_cached("UPDATE files SET state = ?1, due_ms = 0 WHERE owner_id = ?2 AND state < ?1")?
        .execute([FileState::Deleting.stored(), user.get()])?;
    transaction.prepare_cached("DELETE FROM file_usage WHERE user_id = ?")?.execute([user.get()])?;
    transaction.commit()?;
    Ok(())
}

fn files_of(connection: &Connection, user: UserId, after: i64, limit: u32) -> Result<Vec<StoredFile>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM files WHERE owner_id = ? AND id > ? AND state < ? ORDER BY id LIMIT ?"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query_map(params![user.get(), after, FileState::Deleting.stored(), limit], read)?;
    rows.map(|row| row?.file()).collect()
}
