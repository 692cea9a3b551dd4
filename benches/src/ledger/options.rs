//! `oort-bench ledger`: checks a ledger that a run left.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;

use oort_ledger::{Checker, Line, Summary};

/// Options of `oort-bench ledger`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// The ledger: a file of JSON lines, as `oort-bench chaos` leaves one.
    pub(crate) file: PathBuf,
}

/// Checks the ledger and tells what it found.
///
/// # Errors
/// "FAIL: …" with the story of the first broken promise; what cannot be read.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let summary = check(&options.file)?;
    writeln!(io::stdout(), "{}", summary.text())?;
    match failure(&summary, &options.file)? {
        Some(story) => bail!("FAIL: {} promises broken. The first: {story}", summary.violations),
        None => Ok(()),
    }
}

/// Reads and checks a whole ledger.
pub(crate) fn check(file: &Path) -> anyhow::Result<Summary> {
    let mut checker = Checker::default();
    for line in lines(file)? {
        checker.read(line?);
    }
    Ok(checker.finish())
}

/// The story of the first broken promise, if any is.
pub(crate) fn failure(summary: &Summary, file: &Path) -> anyhow::Result<Option<String>> {
    let Some(first) = summary.first.first() else { return Ok(None) };
    Ok(Some(oort_ledger::tell(first, lines(file)?.map_while(Result::ok))))
}

/// The lines of a ledger.
pub(crate) fn lines(file: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Line>>> {
    let opened = File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let lines = BufReader::new(opened).lines();
    Ok((1..).zip(lines).map(|(number, line): (usize, _)| {
        let line = line?;
        serde_json::from_str(&line).with_context(|| format!("line {number} of the ledger is none"))
    }))
}
