//! A whole run: rig, floor server, verdict, files.

use crate::harness::{assert_pass, run};

#[test]
fn the_floor_passes_in_every_mode_and_dialect() {
    let arguments =
        ["fanout", "--target", "floor", "--dialect", "packet-ws,packet-tcp,json", "--members", "50"];
    let short = ["--mode", "one,burst,batch,rate", "--rate", "50", "--seconds", "0.2", "--cycles", "1"];
    let results = run(&[&arguments[..], &short].concat());
    assert_eq!(results.len(), 3 * 4);
    for result in &results {
        assert_pass(result);
        let cpu_us = result["figures"]["cpu_us_per_message"]["samples"][0].as_f64().unwrap();
        assert!(cpu_us > 0.0, "{result}");
        assert!(result["latencies"]["delivered"]["count"].as_u64().unwrap() >= 50, "{result}");
    }
}

#[test]
fn pushes_reach_the_clients_they_are_for() {
    let short = ["--members", "50", "--rate", "500", "--seconds", "0.3", "--cycles", "2"];
    let results = run(&[&["push", "--target", "floor"], &short[..]].concat());
    assert_eq!(results.len(), 1);
    assert_pass(&results[0]);
    assert!(results[0]["verdict"]["delivered"].as_u64().unwrap() >= 200, "one client each: {}", results[0]);
}

#[test]
fn clients_come_in_and_come_back() {
    for scenario in ["handshake", "reconnect"] {
        let results = run(&[scenario, "--target", "floor", "--members", "200", "--cycles", "2"]);
        assert_pass(&results[0]);
        assert_eq!(results[0]["verdict"]["delivered"], 400, "{scenario}: one message to each, twice");
    }
}

#[test]
fn connections_are_spread_over_servers() {
    let results =
        run(&["idle", "--target", "floor", "--connections", "100", "--comets", "3", "--seconds", "0.1"]);
    assert_pass(&results[0]);
    assert_eq!(results[0]["verdict"]["delivered"], 100);
}
