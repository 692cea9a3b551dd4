//! What the scenarios stand on: nodes, systems of nodes, and clients.

pub(crate) mod hook;
pub(crate) mod http;
pub(crate) mod node;
pub(crate) mod packets;
pub(crate) mod push_accounts;
pub(crate) mod receiver;
pub(crate) mod services;
#[path = "../../../logic/tests/it/support/smtp.rs"]
#[allow(dead_code, reason = "the tests of logic look at more of what comes")]
pub(crate) mod smtp;
pub(crate) mod socket;
pub(crate) mod system;
pub(crate) mod wire;

use std::time::Duration;

/// How long a condition may take before a test calls it failed. Generous: it
/// never decides a passing test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `probe` gives something, and returns that.
pub(crate) async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let give_up = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < give_up, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A name nobody else uses in this run or an earlier one.
pub(crate) fn unique(prefix: &str) -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("{prefix}{}", &id[..12])
}

/// Runs each scenario over a standalone process and over a cluster that all
/// scenarios share; so they must not disturb each other.
macro_rules! over_both_shapes {
    ($($scenario:ident),* $(,)?) => {
        mod standalone {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                super::$scenario($crate::harness::system::shared_standalone().await).await;
            })*
        }
        mod cluster {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                super::$scenario($crate::harness::system::shared_cluster().await).await;
            })*
        }
    };
}
pub(crate) use over_both_shapes;
