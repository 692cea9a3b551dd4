//! One process per file: an advisory lock on `<path>.lock`, released by the
//! kernel however the process ends.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::store::Error;

/// Between two attempts.
const RETRY: Duration = Duration::from_millis(20);

/// Waits at most `wait` for the lock; it lasts as long as the handle.
pub(in crate::store) fn hold(database: &Path, wait: Duration) -> Result<File, Error> {
    let path = lock_path(database);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| Error::Unavailable(format!("cannot open {}: {error}", path.display())))?;
    let deadline = Instant::now() + wait;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(RETRY),
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Unavailable(format!(
                    "{} is used by another process; a SQLite file serves one process: stop it, \
                     give this one another file, or use MySQL",
                    database.display()
                )));
            }
            Err(TryLockError::Error(error)) => {
                return Err(Error::Unavailable(format!("cannot lock {}: {error}", path.display())));
            }
        }
    }
}

fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}
