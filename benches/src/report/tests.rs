use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::*;

/// A result with nothing in it.
pub(super) fn result(scenario: &str, target: &str) -> RunResult {
    RunResult {
        scenario: scenario.to_owned(),
        target: target.to_owned(),
        params: BTreeMap::new(),
        figures: BTreeMap::new(),
        ratios: BTreeMap::new(),
        latencies: BTreeMap::new(),
        timeline: Vec::new(),
        cpu_us_per_message: BTreeMap::new(),
        verdict: Verdict { delivered: 1000, ..Verdict::default() },
        command: format!("oort-bench {scenario} --target {target}"),
        started_at_ms: 0,
        machine: Machine::default(),
        notes: Vec::new(),
    }
}

/// A result as a fan-out gives it; `us` of CPU per message, latencies around `ms`.
fn fanout(target: &str, members: u64, us: f64, ms: f64) -> RunResult {
    let mut result = result("fanout", target);
    result.params = [("members".to_owned(), members.into()), ("mode".to_owned(), "one".into())].into();
    let samples = |scale: f64| Figure { samples: vec![us * scale, us * scale * 1.02, us * scale * 0.97] };
    result.figures = [
        ("cpu_us_per_message".to_owned(), samples(1.0)),
        ("messages_per_s".to_owned(), Figure { samples: vec![1e6 / us, 1.03e6 / us] }),
    ]
    .into();
    if target != "floor" {
        result.ratios = [("cpu_us_per_message".to_owned(), samples(1.0 / 2.6))].into();
    }
    let mut histogram = Histogram::new_with_bounds(1, 3_600_000_000_000, 3).expect("3 digits are allowed");
    for step in 0..20_000_u32 {
        let tail = 1.0 / (1.0 - f64::from(step) / 20_001.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few seconds in ns")]
        histogram.saturating_record((ms * 1e6 * tail.powf(0.4)) as u64);
    }
    result.latencies = [("delivered".to_owned(), Latency::of_ns(&histogram))].into();
    result.timeline =
        (0..20).map(|second| (f64::from(second), 1e6 / us * (1.0 + 0.05 * f64::from(second % 3)))).collect();
    result.machine =
        Machine { cores: 2, cpu: "a <CPU>".to_owned(), kernel: "6.18".to_owned(), memory_bytes: 24 << 30 };
    result
}

fn several() -> Vec<RunResult> {
    vec![
        fanout("centrifugo", 1000, 5.1, 8.1),
        fanout("floor", 1000, 2.6, 2.2),
        fanout("oort", 1000, 2.7, 2.3),
        fanout("goim", 1000, 4.1, 6.4),
        fanout("oort", 10_000, 4.2, 23.0),
        fanout("floor", 10_000, 4.1, 22.0),
    ]
}

#[test]
fn what_is_written_is_read_again_and_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    keep(&several(), folder.path()).expect("kept");
    let read = store::read(folder.path()).expect("readable");
    assert_eq!(read.len(), 6);
    assert!(folder.path().join("fanout-oort-members-1000-mode-one.json").is_file());
    let page = std::fs::read_to_string(folder.path().join("report.html")).expect("a page");
    for wanted in
        ["<svg", "polyline", "c-centrifugo", "prefers-color-scheme", "fanout-goim-members-1000-mode-one.json"]
    {
        assert!(page.contains(wanted), "{wanted} is missing");
    }
    for foreign in ["http://", "https://", "<script", "@import", "url("] {
        assert!(!page.contains(foreign), "the page must need nothing else: {foreign}");
    }
    assert!(!page.contains("NaN") && !page.contains("inf"), "every place in a plot is a number");
    assert!(page.contains("a &lt;CPU&gt;"));
}

#[test]
fn a_loss_of_ours_fails_and_one_of_a_peer_does_not() {
    let mut results = several();
    results[3].verdict.lost = 5;
    judge(&results).expect("a peer's loss is no failure");
    results[2].verdict.reordered = 2;
    let error = judge(&results).expect_err("ours is").to_string();
    assert!(
        error.starts_with("FAIL: fanout (members 1000, mode one): 0 lost, 0 duplicated, 2 reordered"),
        "{error}"
    );
}

#[test]
fn the_table_has_a_column_per_target() {
    let results = several();
    let groups = group::groups(&results);
    assert_eq!(groups.len(), 2);
    let lines = table::lines(&groups[0]);
    assert_eq!(lines[0], ["", "oort", "floor", "centrifugo", "goim"]);
    assert!(
        lines.iter().any(|line| line[0] == "  × floor" && line[1].starts_with("1.04 [") && line[2] == "–"),
        "{lines:#?}"
    );
    assert!(lines.iter().all(|line| line.len() == 5));
    assert_eq!(lines.last().expect("a verdict")[1], "pass, 1,000 delivered");
}

#[test]
fn a_long_name_is_cut_and_stays_its_own() {
    let mut one = result("send", "oort");
    one.params = [("servers".to_owned(), "127.0.0.1:8080,".repeat(20).into())].into();
    let mut other = one.clone();
    other.params.insert("x".to_owned(), 1.into());
    let (one, other) = (store::file_name(&one), store::file_name(&other));
    assert!(one.len() <= 130 && one != other, "{one} {other}");
}

#[test]
fn a_result_without_anything_is_shown_too() {
    let results = [result("idle", "oort")];
    assert!(table::block(&group::groups(&results)[0]).contains("pass"));
    assert!(html::page(std::path::Path::new("x"), &results).contains("idle"));
}
