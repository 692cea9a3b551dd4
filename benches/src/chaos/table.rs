//! The table of a run, for the terminal and for `docs`.

use std::fmt::Write as _;

use crate::ledger::Summary;

use super::outcome::Outcome;

/// Markdown: one row for each fault, and what the ledger proves.
pub(crate) fn markdown(title: &str, outcomes: &[Outcome], summary: &Summary, command: &str) -> String {
    let mut text = format!("# {title}\n\n`{command}`\n\n");
    text.push_str(
        "| fault | lasted, s | acked | lost | twice at the client | out of order | refused for now | repeats dropped by seq \
         | all delivered after its end, s | slowest message, s |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let lost = if summary.violations == 0 { "0" } else { "see below" };
    for outcome in outcomes {
        let Outcome { fault, acked, refused, repeated, .. } = outcome;
        let seconds = |ms: u64| format!("{}.{}", ms / 1000, ms % 1000 / 100);
        let (lasted, recovered, slowest) =
            (seconds(outcome.lasted_ms), seconds(outcome.recovered_ms), seconds(outcome.slowest_ms));
        let _ = writeln!(
            text,
            "| {fault} | {lasted} | {acked} | {lost} | {lost} | {lost} | {refused} | {repeated} | {recovered} | {slowest} |"
        );
    }
    let _ = writeln!(text, "\n{}", summary.text());
    for violation in &summary.first {
        let _ = writeln!(text, "- {violation}");
    }
    text
}
