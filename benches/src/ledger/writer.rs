//! Writes a ledger.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use oort_ledger::{Event, Line};

use crate::clock::now_ns;

/// An open ledger. Everybody writes to the same one.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    file: Mutex<State>,
}

#[derive(Debug)]
struct State {
    to: BufWriter<File>,
    /// The first failure; told when the ledger is closed.
    failure: Option<std::io::Error>,
}

impl Ledger {
    /// A new one at `path`.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let file =
            File::create(path).with_context(|| format!("no ledger can be written at {}", path.display()))?;
        let state = State { to: BufWriter::new(file), failure: None };
        Ok(Self { path: path.to_owned(), file: Mutex::new(state) })
    }

    /// Adds a line.
    pub(crate) fn write(&self, device: Option<usize>, event: Event) {
        let mut state = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // The time is taken inside the lock: lines stand in the order of their times.
        let line = Line { at_ns: now_ns(), device, event };
        let State { to, failure } = &mut *state;
        let written = serde_json::to_writer(&mut *to, &line).map_err(std::io::Error::from);
        if let Err(error) = written.and_then(|()| to.write_all(b"\n")) {
            failure.get_or_insert(error);
        }
    }

    /// Everything is on disk; returns where.
    ///
    /// # Errors
    /// When a line could not be written: what is there proves nothing.
    pub(crate) fn close(&self) -> anyhow::Result<PathBuf> {
        let mut state = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = state.failure.take() {
            return Err(error).context("the ledger could not be written");
        }
        state.to.flush().context("the ledger could not be written")?;
        Ok(self.path.clone())
    }
}
