//! The published table: the newest run for each row, in the README and in `docs/performance.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use serde::Deserialize;

use super::number::short;
use super::rows::{Cell, Quantile, ROWS, Row, Value};
use super::{RunResult, group, store, table};

/// Name of the markers around what is written here.
const MARKER: &str = "figures";

/// Options of `oort-bench readme`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder of the published runs. A run in it counts when a README.md lies beside its files.
    #[arg(default_value = "benches/results")]
    dir: PathBuf,
    /// Root of the repository.
    #[arg(long, default_value = ".")]
    repository: PathBuf,
    /// Change nothing, and fail when a page is not what the runs give.
    #[arg(long)]
    check: bool,
}

/// Rewrites the figures of the README and of `docs/performance.md`, or checks them.
///
/// # Errors
/// When a file cannot be read or written or has no markers; with `--check` when a page is out of date.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let stale = stale(&options.repository, &options.dir)?;
    if options.check {
        let names: Vec<_> = stale.iter().map(|(path, _)| path.display().to_string()).collect();
        ensure!(stale.is_empty(), "not what the results give: {}; run: oort-bench readme", names.join(", "));
        return table::say("README.md and docs/performance.md are what the results give");
    }
    for (path, text) in stale {
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        table::say(&format!("rewritten: {}", path.display()))?;
    }
    Ok(())
}

/// Pages that are not what the runs give, with what they should be.
fn stale(repository: &Path, runs: &Path) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let peers = Peers::read(&runs.join("peers.json"))?;
    let published = Published::read(runs)?;
    let rows: Vec<_> = ROWS.iter().map(|row| Line::of(row, &published, &peers)).collect();
    let pages = [
        ("README.md", short_table(&rows, "benches/results")),
        ("docs/performance.md", long_table(&rows, &peers.source, "../benches/results")),
    ];
    let mut stale = Vec::new();
    for (name, figures) in pages {
        let path = repository.join(name);
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let made = between_markers(&text, MARKER, &figures).with_context(|| format!("{}", path.display()))?;
        if made != text {
            stale.push((path, made));
        }
    }
    Ok(stale)
}

/// `page` with `made` between `<!-- name -->` and `<!-- /name -->`.
///
/// # Errors
/// When the markers are not there.
pub(crate) fn between_markers(page: &str, name: &str, made: &str) -> anyhow::Result<String> {
    let (begin_marker, end_marker) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let (Some(begin), Some(end)) = (page.find(&begin_marker), page.find(&end_marker)) else {
        bail!("the markers {begin_marker} and {end_marker} are missing");
    };
    ensure!(begin < end, "{end_marker} comes before {begin_marker}");
    Ok(format!("{}{begin_marker}\n{made}{}", &page[..begin], &page[end..]))
}

/// Figures of peers and floors that no run here gives.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Peers {
    /// Where they come from.
    source: String,
    /// By the id of the row.
    rows: BTreeMap<String, Cited>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cited {
    floor: String,
    goim: String,
    centrifugo: String,
}

impl Peers {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{}", path.display()))
    }
}

/// Every result of every published run, with its file relative to the folder of runs.
struct Published {
    results: Vec<(String, RunResult)>,
}

impl Published {
    fn read(runs: &Path) -> anyhow::Result<Self> {
        let mut results = Vec::new();
        for entry in std::fs::read_dir(runs).with_context(|| format!("cannot read {}", runs.display()))? {
            let folder = entry?.path();
            if !folder.join("README.md").is_file() {
                continue;
            }
            for (path, result) in store::read_files(&folder)? {
                let relative = path.strip_prefix(runs).unwrap_or(&path);
                results.push((relative.to_string_lossy().into_owned(), result));
            }
        }
        results.sort_by(|(a_path, a), (b_path, b)| (a.started_at_ms, a_path).cmp(&(b.started_at_ms, b_path)));
        Ok(Self { results })
    }

    /// The newest run's result of ours for a cell; of several in it the best.
    fn ours(&self, cell: &Cell) -> Option<&(String, RunResult)> {
        let fits = |(_, result): &&(String, RunResult)| result.target == "oort" && fits(cell, result);
        let newest = self.results.iter().rev().find(fits)?;
        let in_that_run =
            self.results.iter().filter(|(path, _)| folder(path) == folder(&newest.0)).filter(fits);
        in_that_run.reduce(|best, next| {
            let is_better = value(cell.value, &next.1)
                .zip(value(cell.value, &best.1))
                .is_some_and(|(next, best)| cell.limit.is_better(next, best));
            if is_better { next } else { best }
        })
    }

    /// A peer in the run that `ours` is from, under the same parameters, with clients that speak the same where it has
    /// such; of several the best.
    fn beside(&self, cell: &Cell, ours: &(String, RunResult), target: &str) -> Option<Beside> {
        let of_run: Vec<&RunResult> = self
            .results
            .iter()
            .filter(|(path, _)| folder(path) == folder(&ours.0))
            .map(|(_, result)| result)
            .filter(|result| result.target == target && group::is_same_run(result, &ours.1))
            .collect();
        let has_same = of_run.iter().any(|result| group::speaks_same(result, &ours.1));
        of_run
            .into_iter()
            .filter(|result| !has_same || group::speaks_same(result, &ours.1))
            .filter_map(|result| {
                Some(Beside { value: value(cell.value, result)?, is_right: result.verdict.is_pass() })
            })
            .reduce(|best, next| if cell.limit.is_better(next.value, best.value) { next } else { best })
    }
}

/// A value of a peer.
struct Beside {
    value: f64,
    /// Nothing was lost, twice or out of order.
    is_right: bool,
}

impl Beside {
    fn shown(&self) -> String {
        let mark = if self.is_right { "" } else { " ‡" };
        format!("{}{mark}", short(self.value))
    }
}

fn folder(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}

fn fits(cell: &Cell, result: &RunResult) -> bool {
    let has = |(name, wanted): &(&str, &str)| match result.params.get(*name) {
        Some(value) => group::plain(value) == *wanted,
        None => wanted.is_empty(),
    };
    result.scenario == cell.scenario && cell.params.iter().all(has) && value(cell.value, result).is_some()
}

fn value(value: Value, result: &RunResult) -> Option<f64> {
    match value {
        Value::Figure(name) => result.figures.get(name).map(super::Figure::median),
        Value::Ratio(name) => result.ratios.get(name).map(super::Figure::median),
        Value::Ms(name, quantile) => result.latencies.get(name).map(|latency| match quantile {
            Quantile::P50 => latency.p50_ms,
            Quantile::P99 => latency.p99_ms,
        }),
    }
}

/// A row as it is printed.
struct Line {
    what: &'static str,
    floor: String,
    goim: String,
    centrifugo: String,
    ours: Vec<Option<Ours>>,
    goal: &'static str,
    verdict: &'static str,
}

/// One measured value of ours.
struct Ours {
    value: f64,
    file: String,
    command: String,
}

impl Line {
    fn of(row: &Row, published: &Published, peers: &Peers) -> Self {
        let found: Vec<_> = row.cells.iter().map(|cell| published.ours(cell)).collect();
        let beside = |target: &str, cited: &str| {
            let values: Option<Vec<Beside>> = row
                .cells
                .iter()
                .zip(&found)
                .map(|(cell, ours)| published.beside(cell, (*ours)?, target))
                .collect();
            match values {
                Some(values) => joined(values.iter().map(Beside::shown)),
                None if cited.is_empty() || cited == "–" => "–".to_owned(),
                None => format!("{cited} †"),
            }
        };
        let none = Cited::default();
        let cited = peers.rows.get(row.id).unwrap_or(&none);
        let ours: Vec<_> = row
            .cells
            .iter()
            .zip(&found)
            .map(|(cell, found)| {
                let (file, result) = (*found)?;
                Some(Ours {
                    value: value(cell.value, result)?,
                    file: file.clone(),
                    command: result.command.clone(),
                })
            })
            .collect();
        Self {
            what: row.what,
            floor: beside("floor", &cited.floor),
            goim: beside("goim", &cited.goim),
            centrifugo: beside("centrifugo", &cited.centrifugo),
            verdict: verdict(row, &found, &ours),
            ours,
            goal: row.goal,
        }
    }

    /// Our values, each a link to its raw file.
    fn linked(&self, base: &str) -> String {
        joined(self.ours.iter().map(|ours| match ours {
            Some(ours) => format!("[{}]({base}/{})", short(ours.value), ours.file),
            None => "not measured".to_owned(),
        }))
    }
}

fn verdict(row: &Row, found: &[Option<&(String, RunResult)>], ours: &[Option<Ours>]) -> &'static str {
    let passes =
        |found: &Option<&(String, RunResult)>| found.is_none_or(|(_, result)| result.verdict.is_pass());
    if !found.iter().all(passes) {
        return "**FAIL**: messages lost, repeated or out of order";
    }
    let met: Option<Vec<bool>> = row
        .cells
        .iter()
        .zip(ours)
        .map(|(cell, ours)| Some(cell.limit.is_met(ours.as_ref()?.value)))
        .collect();
    match met {
        None => "not measured",
        Some(met) if met.iter().all(|met| *met) => "reached",
        Some(_) => "missed",
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    let mut parts: Vec<_> = parts.collect();
    if parts.iter().all(|part| part == "not measured") {
        parts.truncate(1);
    }
    parts.join(" / ")
}

fn short_table(rows: &[Line], base: &str) -> String {
    let mut text = "| what | goim | Centrifugo | Oort | goal |\n|---|---|---|---|---|\n".to_owned();
    for row in rows {
        let reached =
            if row.verdict == "not measured" { String::new() } else { format!(": {}", row.verdict) };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {}{reached} |",
            row.what,
            row.goim,
            row.centrifugo,
            row.linked(base),
            row.goal
        );
    }
    text
}

fn long_table(rows: &[Line], source: &str, base: &str) -> String {
    let mut text = "| what | floor | goim | Centrifugo | Oort (raw file) | goal | verdict |\n|---|---|---|---|---|---|---|\n".to_owned();
    for row in rows {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            row.what,
            row.floor,
            row.goim,
            row.centrifugo,
            row.linked(base),
            row.goal,
            row.verdict
        );
    }
    let _ = writeln!(text, "\n† {source}");
    let mut commands: Vec<&str> =
        rows.iter().flat_map(|row| &row.ours).flatten().map(|ours| ours.command.as_str()).collect();
    commands.sort_unstable();
    commands.dedup();
    if !commands.is_empty() {
        let _ = writeln!(text, "\nThe commands that gave them:\n\n```sh\n{}\n```", commands.join("\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
    }

    #[test]
    fn the_pages_are_what_the_published_runs_give() {
        let stale =
            stale(&repository(), &repository().join("benches/results")).expect("pages and runs are readable");
        let names: Vec<_> = stale.into_iter().map(|(path, _)| path).collect();
        assert!(names.is_empty(), "run: cargo run -p oort-bench -- readme; out of date: {names:?}");
    }

    #[test]
    fn what_stands_around_the_markers_stays() {
        let page = "before\n<!-- x -->\nold\n<!-- /x -->\nafter\n";
        assert_eq!(between_markers(page, "x", "new\n").unwrap(), page.replace("old", "new"));
        assert!(between_markers(page, "y", "new").is_err());
    }

    #[test]
    fn every_row_cites_its_peers() {
        let peers = Peers::read(&repository().join("benches/results/peers.json")).unwrap();
        let ids: Vec<_> = ROWS.iter().map(|row| row.id).collect();
        for id in &ids {
            assert!(peers.rows.contains_key(*id), "{id} is missing in peers.json");
        }
        assert_eq!(peers.rows.len(), ids.len(), "peers.json has rows that no table has");
    }

    fn ratio(target: &str, members: u64, value: f64, started_at_ms: u64) -> RunResult {
        let mut result = super::super::tests::result("fanout", target);
        result.params = [
            ("mode".to_owned(), "one".into()),
            ("members".to_owned(), members.into()),
            ("dialect".to_owned(), "packet-ws".into()),
        ]
        .into();
        result.ratios = [("cpu_us_per_message".to_owned(), super::super::Figure::once(value))].into();
        result.started_at_ms = started_at_ms;
        result
    }

    fn line(results: Vec<(&str, RunResult)>) -> Line {
        let results = results.into_iter().map(|(path, result)| (path.to_owned(), result)).collect();
        let peers = Peers {
            source: String::new(),
            rows: [(
                "fanout_one".to_owned(),
                Cited { floor: "1".into(), goim: "1.6".into(), centrifugo: "2.25".into() },
            )]
            .into(),
        };
        Line::of(&ROWS[0], &Published { results }, &peers)
    }

    #[test]
    fn the_newest_run_counts_and_peers_of_the_same_run() {
        let line = line(vec![
            ("a/1.json", ratio("oort", 1000, 1.4, 1)),
            ("b/1.json", ratio("oort", 1000, 1.04, 2)),
            ("b/2.json", ratio("oort", 10_000, 1.02, 2)),
            ("b/3.json", ratio("goim", 1000, 1.7, 2)),
            ("b/4.json", ratio("goim", 10_000, 2.9, 2)),
        ]);
        assert_eq!(line.linked("r"), "[1.04](r/b/1.json) / [1.02](r/b/2.json)");
        assert_eq!(line.goim, "1.70 / 2.90");
        assert_eq!(line.centrifugo, "2.25 †", "cited where the run has none");
        assert_eq!(line.verdict, "reached");
    }

    #[test]
    fn a_loss_is_worse_than_a_missed_goal() {
        let mut lossy = ratio("oort", 1000, 1.0, 1);
        lossy.verdict.lost = 1;
        let line = line(vec![("a/1.json", lossy), ("a/2.json", ratio("oort", 10_000, 1.0, 1))]);
        assert!(line.verdict.contains("FAIL"));
    }

    #[test]
    fn half_a_row_is_not_measured() {
        let line = line(vec![("a/1.json", ratio("oort", 1000, 1.0, 1))]);
        assert_eq!(line.verdict, "not measured");
        assert_eq!(line.linked("r"), "[1.00](r/a/1.json) / not measured");
    }
}
