//! Clocks that jump: a library between the processes and the system (`libfaketime`) reads what each process has to add to the time
//! from a file. Only the wall clock jumps: clocks that measure how long something takes never do.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::system::SystemOptions;

/// How far a clock jumps: more than every lease and overlap, less than what is left of any token.
pub(crate) const JUMP_S: i32 = 75;

/// The clock of each node.
#[derive(Debug)]
pub(crate) struct Clocks {
    folder: PathBuf,
}

impl Clocks {
    /// Lets every node that will be started have a clock of its own, which lies in `folder`.
    pub(crate) fn under(
        options: &mut SystemOptions,
        library: &Path,
        folder: PathBuf,
    ) -> anyhow::Result<Self> {
        ensure!(library.is_file(), "there is no {}: install libfaketime", library.display());
        let clocks = Self { folder };
        for node in options.node_names() {
            clocks.set(&node, 0)?;
            let settings = [
                ("LD_PRELOAD", library.to_string_lossy().into_owned()),
                ("FAKETIME_TIMESTAMP_FILE", clocks.file(&node).to_string_lossy().into_owned()),
                ("FAKETIME_CACHE_DURATION", "1".to_owned()),
                ("DONT_FAKE_MONOTONIC", "1".to_owned()),
            ];
            let settings = settings.map(|(name, value)| (name.to_owned(), value));
            options.of_node.entry(node).or_default().extend(settings);
        }
        Ok(clocks)
    }

    /// From within a second on the clock of `node` is off by so much.
    pub(crate) fn set(&self, node: &str, offset_s: i32) -> anyhow::Result<()> {
        let (file, new) = (self.file(node), self.folder.join("new"));
        // Never half a file.
        fs::write(&new, format!("{offset_s:+}\n"))?;
        fs::rename(new, &file).with_context(|| format!("{} cannot be written", file.display()))
    }

    fn file(&self, node: &str) -> PathBuf {
        self.folder.join(format!("{node}.clock"))
    }
}
