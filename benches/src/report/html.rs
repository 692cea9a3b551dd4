//! `report.html`: everything of a run on one page that needs nothing else, light or dark as the reader's system is.

use std::fmt::Write as _;
use std::path::Path;

use super::bars::{Cluster, bars};
use super::curves::{Curve, latency, timeline};
use super::group::{Group, groups, names};
use super::growth;
use super::number::words;
use super::{RunResult, store, table};
use crate::stages;

/// Figures that get bars.
const BARRED: &[&str] = &[
    "cpu_us_per_message",
    "cpu_us_per_send",
    "cpu_us_per_handshake",
    "cpu_us_per_connection",
    "messages_per_s",
    "sends_per_s",
    "rss_bytes_per_connection",
    "bytes_per_connection",
];

/// The page over `results`, which lie in `folder`.
pub(super) fn page(folder: &Path, results: &[RunResult]) -> String {
    let title =
        folder.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned());
    let groups = groups(results);
    let mut body = format!("<h1>Oort: {}</h1>{}", escape(&title), machines(results));
    let mut scenarios: Vec<&str> = groups.iter().map(|group| group.scenario).collect();
    scenarios.dedup();
    for scenario in scenarios {
        let of_it: Vec<_> = groups.iter().filter(|group| group.scenario == scenario).collect();
        let _ = write!(body, "<section><h2 id=\"{0}\">{0}</h2><div class=\"plots\">", escape(scenario));
        body.push_str(&all_bars(&of_it));
        let of_them: Vec<_> = results.iter().filter(|result| result.scenario == scenario).collect();
        for plot in growth::plots(&of_them) {
            let _ = write!(body, "<figure>{plot}</figure>");
        }
        body.push_str("</div>");
        for group in of_it {
            body.push_str(&one(group));
        }
        body.push_str("</section>");
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>Oort: {}</title><style>{STYLE}</style><main>{body}</main></html>\n",
        escape(&title)
    )
}

/// What the runs ran on, each machine once.
fn machines(results: &[RunResult]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for result in results {
        let machine = &result.machine;
        let line = format!(
            "{} cores of {}, {} GiB, Linux {}",
            machine.cores,
            machine.cpu,
            machine.memory_bytes.div_ceil(1 << 30),
            machine.kernel
        );
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.iter().map(|line| format!("<p>{}</p>", escape(line))).collect()
}

fn all_bars(groups: &[&Group<'_>]) -> String {
    let mut html = String::new();
    for figure in BARRED {
        let clusters: Vec<_> = groups.iter().filter_map(|group| cluster(group, figure)).collect();
        if !clusters.is_empty() {
            let _ = write!(html, "<figure>{}</figure>", bars(&clusters, &words(figure)));
        }
    }
    html
}

fn cluster<'a>(group: &'a Group<'_>, figure: &str) -> Option<Cluster<'a>> {
    let bars: Vec<_> = group
        .results
        .iter()
        .filter_map(|result| Some((group.label(result), result.figures.get(figure)?)))
        .collect();
    (!bars.is_empty()).then_some(Cluster { heading: &group.params, bars })
}

/// One group: curves, figures, how to repeat it.
fn one(group: &Group<'_>) -> String {
    let mut html = format!("<h3>{}</h3><div class=\"plots\">", escape(&group.params));
    for name in names(&group.results, |result| &result.latencies) {
        let curves: Vec<_> = group
            .results
            .iter()
            .filter_map(|result| {
                let points = result.latencies.get(name)?.curve.as_slice();
                Some(Curve { name: group.label(result), points })
            })
            .filter(|curve| !curve.points.is_empty())
            .collect();
        if !curves.is_empty() && stages::place(name).is_none() {
            let _ =
                write!(html, "<figure>{}<figcaption>{}</figcaption></figure>", latency(&curves), words(name));
        }
    }
    let lines: Vec<_> = group
        .results
        .iter()
        .filter(|result| result.timeline.len() > 1)
        .map(|result| Curve { name: group.label(result), points: &result.timeline })
        .collect();
    if !lines.is_empty() {
        let _ = write!(
            html,
            "<figure>{}<figcaption>deliveries over time</figcaption></figure>",
            timeline(&lines)
        );
    }
    html.push_str("</div>");
    html.push_str(&figures(group));
    for (command, results) in commands(group) {
        let _ = write!(html, "<p class=\"run\"><code>{}</code> raw:", escape(command));
        for result in results {
            let _ = write!(
                html,
                " <a href=\"{}\">{}</a>",
                escape(&store::file_name(result)),
                escape(&group.label(result))
            );
        }
        html.push_str("</p>");
    }
    for (of, note) in group.notes() {
        let of = if of.is_empty() { String::new() } else { format!("{}: ", of.join(", ")) };
        let _ = write!(html, "<p class=\"run\">{}{}</p>", escape(&of), escape(note));
    }
    html
}

/// Each command once, with what it gave.
fn commands<'a>(group: &Group<'a>) -> Vec<(&'a str, Vec<&'a RunResult>)> {
    let mut commands: Vec<(&str, Vec<&RunResult>)> = Vec::new();
    for result in &group.results {
        match commands.iter_mut().find(|(known, _)| *known == result.command) {
            Some((_, results)) => results.push(result),
            None => commands.push((&result.command, vec![result])),
        }
    }
    commands
}

fn figures(group: &Group<'_>) -> String {
    let mut html = "<div class=\"wide\"><table>".to_owned();
    for (row, line) in table::lines(group).iter().enumerate() {
        html.push_str("<tr>");
        for (column, cell) in line.iter().enumerate() {
            let tag = if row == 0 || column == 0 { "th" } else { "td" };
            let class = if cell.starts_with("FAIL") { " class=\"fail\"" } else { "" };
            let _ = write!(html, "<{tag}{class}>{}</{tag}>", escape(cell));
        }
        html.push_str("</tr>");
    }
    html.push_str("</table></div>");
    html
}

/// Text that means nothing to HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Colours and fonts.
pub(super) const STYLE: &str = include_str!("report.css");
