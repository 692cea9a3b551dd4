//! What becomes of results: a table on the terminal, files to keep, a page to look at, and the figures of the README.

mod bars;
mod curves;
mod group;
mod growth;
mod html;
mod number;
pub(crate) mod progress;
pub(crate) mod published;
pub(crate) mod result;
mod rows;
mod scale;
mod store;
mod table;

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

pub(crate) use number::{count, short};
pub(crate) use progress::Progress;
pub(crate) use published::between_markers;
pub(crate) use result::{Figure, Latency, Machine, RunResult, Verdict};
pub(crate) use table::say;

/// Where the results of a run go.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct OutputOptions {
    /// Folder for the results: a JSON file each, and `report.html` over all that lie in it.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// No progress on stderr.
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// Prints `results`, keeps them where `output` says, and judges them.
///
/// # Errors
/// "FAIL: …" when Oort lost, repeated or disordered a message; what other targets did is shown, and is no error.
pub(crate) fn finish(results: &[RunResult], output: &OutputOptions) -> anyhow::Result<()> {
    table::print(results)?;
    if let Some(folder) = &output.out {
        let page = keep(results, folder)?;
        say(&format!("report: {}", page.display()))?;
    }
    judge(results)
}

/// Writes the results into `folder` and makes its page again.
fn keep(results: &[RunResult], folder: &std::path::Path) -> anyhow::Result<PathBuf> {
    store::write(folder, results)?;
    remake(folder)
}

fn judge(results: &[RunResult]) -> anyhow::Result<()> {
    let failed: Vec<_> = results
        .iter()
        .filter(|result| result.target.starts_with("oort") && !result.verdict.is_pass())
        .map(|result| {
            let seen = result.verdict;
            format!(
                "{} ({}): {} lost, {} duplicated, {} reordered",
                result.scenario,
                group::params(result),
                seen.lost,
                seen.duplicated,
                seen.reordered
            )
        })
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    bail!("FAIL: {}", failed.join("; "))
}

/// An SVG file: memory over time, a curve for each process; points are seconds and MiB.
pub(crate) fn memory_plot(processes: &[(String, Vec<(f64, f64)>)]) -> String {
    let minutes = |points: &[(f64, f64)]| points.iter().map(|(at_s, mib)| (at_s / 60.0, *mib)).collect();
    let points: Vec<Vec<_>> = processes.iter().map(|(_, points)| minutes(points)).collect();
    let curves: Vec<_> = processes
        .iter()
        .zip(&points)
        .map(|((name, _), points)| curves::Curve { name: name.clone(), points })
        .collect();
    curves::file(&curves::over_minutes(&curves, "MiB"))
}

/// Makes `report.html` again from every result in `folder`.
fn remake(folder: &std::path::Path) -> anyhow::Result<PathBuf> {
    let results = store::read(folder)?;
    let page = folder.join("report.html");
    std::fs::write(&page, html::page(folder, &results))?;
    Ok(page)
}

/// Options of `oort-bench report`.
#[derive(Debug, Args)]
pub(crate) struct ReportOptions {
    /// Folder with the JSON files of a run.
    dir: PathBuf,
}

/// Prints the table of a kept run and makes its `report.html` again.
///
/// # Errors
/// When the folder cannot be read or written, or holds a file that is no result.
pub(crate) fn run(options: &ReportOptions) -> anyhow::Result<()> {
    table::print(&store::read(&options.dir)?)?;
    let page = remake(&options.dir)?;
    say(&format!("report: {}", page.display()))
}

#[cfg(test)]
mod tests;
