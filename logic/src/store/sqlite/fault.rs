//! What an error of SQLite means to callers.

use rusqlite::ErrorCode;

use crate::store::Error;

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::CannotOpen
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::PermissionDenied
                | ErrorCode::OutOfMemory,
            ) => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

/// Whether a unique column was hit, and which: `table.column`.
pub(super) fn unique_column(error: &rusqlite::Error) -> Option<&str> {
    match error {
        rusqlite::Error::SqliteFailure(failure, Some(message))
            if failure.code == ErrorCode::ConstraintViolation =>
        {
            message.strip_prefix("UNIQUE constraint failed: ")
        }
        _ => None,
    }
}

/// Whether a row referred to one that does not exist.
pub(super) fn foreign_key(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|failure| failure.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn fill(prepare: &str) -> Error {
        let connection = Connection::open_in_memory().expect("opens");
        connection.execute_batch("CREATE TABLE t (x BLOB) STRICT").expect("creates");
        connection.execute_batch(prepare).expect("prepares");
        let mut inserts = (0..1_000).map(|_| connection.execute("INSERT INTO t VALUES (zeroblob(4096))", []));
        inserts.find_map(Result::err).expect("fails").into()
    }

    #[test]
    fn a_full_or_read_only_disk_is_unavailable() {
        for prepare in ["PRAGMA max_page_count = 20", "PRAGMA query_only = ON"] {
            let error = fill(prepare);
            assert!(matches!(error, Error::Unavailable(_)), "{prepare}: {error}");
        }
    }

    #[test]
    fn a_wrong_statement_is_our_fault() {
        let connection = Connection::open_in_memory().expect("opens");
        let error = connection.execute("INSERT INTO nowhere VALUES (1)", []).expect_err("fails");
        assert!(matches!(Error::from(error), Error::Internal(_)));
    }
}
