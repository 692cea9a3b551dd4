//! The pair of clients that measures all the time.

use serde_json::Value;

use crate::harness::eventually;
use crate::harness::http::Account;
use crate::harness::system::{System, shared_cluster};

const QUICK: [(&str, &str); 4] = [
    ("OORT_CANARY__ENABLED", "true"),
    ("OORT_CANARY__INTERVAL_MS", "20"),
    ("OORT_CANARY__MESSAGES_PER_COMET", "3"),
    ("OORT_CANARY__MESSAGES_KEPT", "5"),
];

/// Waits until operators see what it measured.
async fn operators_see_it(system: &System, operator: &Account) {
    eventually("it is on the operator's page", async || {
        let nodes = system.api(0).get("/api/admin/nodes", &operator.token).await.ok();
        let nodes = nodes["nodes"].as_array().expect("nodes").clone();
        let has = |node: &Value, name: &str| node["metrics"][name].as_f64() > Some(0.0);
        nodes.iter().any(|node| has(node, "canaryMs") && has(node, "canaryAgeMs")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_measures_one_process_and_keeps_few_messages() {
    let system = System::standalone(&QUICK);
    let ann = system.operator().await;
    eventually("it came through", async || {
        (system.counted("oort_canary_delivery_seconds_count", "").await >= 12.0).then_some(())
    })
    .await;
    assert!(system.counted("oort_canary_last_delivery_seconds", "").await > 0.0);
    operators_see_it(&system, &ann).await;
    // At the start there may be no comet yet.
    assert!(system.counted("oort_canary_failures_total", "receive").await < 1.0);
    let database = rusqlite::Connection::open_with_flags(
        system.folder.path().join("data/oort.db"),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    )
    .expect("the file");
    let (rows, head): (i64, i64) = database
        .query_row("SELECT COUNT(*), MAX(seq) FROM messages", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("read");
    // One more may have come before the older ones go.
    assert!(rows <= 6 && head >= 12, "{rows} rows, head {head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_measures_a_cluster_over_each_comet() {
    let system = shared_cluster().await;
    let ann = system.operator().await;
    let mut logic = system.start_logic(&QUICK);
    eventually("it came through", async || {
        let text = crate::harness::http::Http::new(logic.address("admin")).get("/metrics", "").await.bytes;
        let text = String::from_utf8_lossy(&text).into_owned();
        let line = text
            .lines()
            .find(|line| line.starts_with("oort_canary_delivery_seconds_count"))
            .map(str::to_owned);
        let count: f64 = line?.rsplit(' ').next()?.parse().ok()?;
        (count >= 12.0).then_some(())
    })
    .await;
    operators_see_it(system, &ann).await;
    assert!(logic.terminate().success());
}
