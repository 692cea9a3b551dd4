//! Small runs against a whole server, the `oort` beside the tool: does the tool still speak what the server speaks, and does
//! the server lose nothing?

use std::path::Path;

use serde_json::Value;

use crate::harness::{assert_pass, run};

/// Runs a scenario that starts `oort` by itself.
fn measured(arguments: &[&str]) -> Value {
    let oort = Path::new(env!("CARGO_BIN_EXE_oort-bench")).with_file_name("oort");
    assert!(
        oort.is_file(),
        "there is no {}: build the server first (cargo build; make test does it)",
        oort.display()
    );
    let mut results = run(arguments);
    assert_eq!(results.len(), 1);
    assert_pass(&results[0]);
    results.remove(0)
}

fn figure(result: &Value, name: &str) -> f64 {
    result["figures"][name]["samples"][0].as_f64().unwrap_or_else(|| panic!("no {name}: {result}"))
}

#[test]
fn durable_sends_arrive_and_their_stages_are_timed() {
    for via in ["http", "ws"] {
        let result = measured(&[
            "send",
            "--via",
            via,
            "--rate",
            "200",
            "--senders",
            "8",
            "--rooms",
            "8",
            "--seconds",
            "1",
            "--warmup",
            "0",
        ]);
        assert!(figure(&result, "sends_per_s") > 0.0);
        for stage in ["queue", "transaction", "publish", "bus", "route", "push", "record", "socket"] {
            let timed = result["latencies"][format!("stage_{stage}")]["count"].as_u64();
            assert!(timed.is_some_and(|count| count > 0), "{via}: {stage} was not timed: {result}");
        }
    }
}

#[test]
fn pushes_arrive_singly_and_in_batches() {
    for batch in ["1", "16"] {
        let result = measured(&[
            "pushes",
            "--batch",
            batch,
            "--senders",
            "4",
            "--receivers",
            "3",
            "--seconds",
            "1",
            "--warmup",
            "0",
        ]);
        assert!(figure(&result, "pushes_per_s") > 0.0);
    }
}

#[test]
fn a_crowd_comes_and_goes() {
    let result = measured(&[
        "mixed",
        "--users",
        "12",
        "--accounts",
        "4",
        "--groups",
        "6",
        "--group-size",
        "3",
        "--sends",
        "50",
        "--seconds",
        "2",
        "--warmup",
        "0",
    ]);
    assert!(figure(&result, "connects") > 0.0);
}
