//! Results on the terminal: a block per scenario and parameters, a column per target.

use std::io::Write as _;

use super::group::{Group, groups, names};
use super::number::{count, short, spread, words};
use super::{Latency, RunResult, Verdict};
use crate::stages;

/// Prints all of it on stdout.
pub(super) fn print(results: &[RunResult]) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    for group in groups(results) {
        writeln!(stdout, "{}", block(&group))?;
    }
    Ok(())
}

/// Prints one line on stdout.
pub(crate) fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

/// A block: its title, a head, a line per measured thing, notes.
pub(super) fn block(group: &Group<'_>) -> String {
    let mut text = format!("{}: {}\n", group.scenario, group.params);
    text.push_str(&aligned(&lines(group)));
    for (of, note) in group.notes() {
        let of = if of.is_empty() { String::new() } else { format!("{}: ", of.join(", ")) };
        text.push_str(&format!("  {of}{note}\n"));
    }
    text
}

/// Every line of a group as cells, the head first; the page shows the same.
pub(super) fn lines(group: &Group<'_>) -> Vec<Vec<String>> {
    let results = &group.results;
    let line = |title: String, cell: &dyn Fn(&RunResult) -> Option<String>| {
        let cells = results.iter().map(|result| cell(result).unwrap_or_else(|| "–".to_owned()));
        std::iter::once(title).chain(cells).collect::<Vec<_>>()
    };
    let mut lines = vec![line(String::new(), &|result| Some(group.label(result)))];
    for name in names(results, |result| &result.figures) {
        lines.push(line(words(name), &|result| result.figures.get(name).map(spread)));
        if results.iter().any(|result| result.ratios.contains_key(name)) {
            lines.push(line("  × floor".to_owned(), &|result| result.ratios.get(name).map(spread)));
        }
    }
    for name in names(results, |result| &result.ratios) {
        if !results.iter().any(|result| result.figures.contains_key(name)) {
            lines.push(line(format!("{} × floor", words(name)), &|result| {
                result.ratios.get(name).map(spread)
            }));
        }
    }
    let mut latencies = names(results, |result| &result.latencies);
    latencies.sort_by_key(|name| stages::place(name));
    for name in latencies {
        // A stage is known by its buckets: further quantiles would be their bounds.
        let (quantiles, show): (_, fn(&Latency) -> String) = match stages::place(name) {
            None => ("p50/p99/p99.9/max", quantiles),
            Some(_) => ("p50/p99", |stage| [stage.p50_ms, stage.p99_ms].map(short).join(" / ")),
        };
        let title = format!("{} ms {quantiles}", words(name));
        lines.push(line(title, &|result| result.latencies.get(name).map(show)));
    }
    for name in names(results, |result| &result.cpu_us_per_message) {
        let title = format!("CPU µs per message: {name}");
        lines.push(line(title, &|result| result.cpu_us_per_message.get(name).map(|us| short(*us))));
    }
    lines.push(line("verdict".to_owned(), &|result| Some(verdict(&result.verdict))));
    lines
}

fn quantiles(latency: &Latency) -> String {
    let parts = [latency.p50_ms, latency.p99_ms, latency.p999_ms, latency.max_ms];
    parts.map(short).join(" / ")
}

/// `pass (1,000 delivered)`, or what went wrong.
pub(super) fn verdict(verdict: &Verdict) -> String {
    if verdict.is_pass() {
        return format!("pass, {} delivered", count(verdict.delivered));
    }
    let wrongs = [("lost", verdict.lost), ("twice", verdict.duplicated), ("out of order", verdict.reordered)];
    let wrongs: Vec<_> =
        wrongs.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{} {what}", count(*n))).collect();
    format!("FAIL: {} of {}", wrongs.join(", "), count(verdict.delivered + verdict.lost))
}

/// Columns two spaces apart, the first one left and the others right.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let cell = if column == 0 { format!("  {cell:<width$}") } else { format!("  {cell:>width$}") };
            text.push_str(&cell);
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}
