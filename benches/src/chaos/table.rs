//! The tables of a run, for the terminal and for `benches/results`.

use std::fmt::Write as _;

use crate::ledger::Summary;

use super::flat::Flatness;
use super::outcome::Outcome;

/// Markdown: one row for each fault, and what the ledger proves.
pub(crate) fn faults(title: &str, outcomes: &[Outcome], summary: &Summary, command: &str) -> String {
    let mut text = format!("# {title}\n\n`{command}`\n\n");
    text.push_str(
        "| fault | lasted, s | acked | lost | twice at the client | out of order | refused for now | repeats dropped by seq \
         | all delivered after its end, s | slowest message, s | longest gap at a client, s |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let lost = if summary.violations == 0 { "0" } else { "see below" };
    for outcome in outcomes {
        let Outcome { fault, acked, refused, repeated, .. } = outcome;
        let seconds = |ms: u64| format!("{}.{}", ms / 1000, ms % 1000 / 100);
        let (lasted, recovered) = (seconds(outcome.lasted_ms), seconds(outcome.recovered_ms));
        let (slowest, gap) = (seconds(outcome.slowest_ms), seconds(outcome.gap_ms));
        let _ = writeln!(
            text,
            "| {fault} | {lasted} | {acked} | {lost} | {lost} | {lost} | {refused} | {repeated} | {recovered} | {slowest} | {gap} |"
        );
    }
    let _ = writeln!(text, "\n{}", summary.text());
    for violation in &summary.first {
        let _ = writeln!(text, "- {violation}");
    }
    text
}

/// Markdown: one row for each process, and whether its memory is flat.
pub(crate) fn memory(processes: &[Flatness]) -> String {
    let mut text = "\nResident memory, MiB: medians of the first and the last quarter of the last life, without the first third of it.\n\n\
         | process | starts | last life, min | first | last | growth, % | peak of the run | |\n\
         |---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for process in processes {
        let Flatness {
            process: name,
            starts,
            life_s,
            before_mib,
            after_mib,
            growth_percent,
            peak_mib,
            verdict,
        } = process;
        let life_min = life_s / 60.0;
        let _ = writeln!(
            text,
            "| {name} | {starts} | {life_min:.1} | {before_mib:.1} | {after_mib:.1} | {growth_percent:.1} | {peak_mib:.1} | {} |",
            verdict.text()
        );
    }
    text
}
