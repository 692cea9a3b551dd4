//! `oort migrate`: the store's schema and the bus's topics.

use std::process::ExitCode;

use anyhow::Context;
use oort_api::bus::kafka;

use crate::config::Config;
use crate::roles::backends;
use crate::say;

/// Brings both up to date, or (`check`) only tells what is missing.
pub(crate) async fn run(config: &Config, check: bool) -> anyhow::Result<ExitCode> {
    let store = backends::store_settings(config)?;
    let is_cluster = config.is_store_shared();
    if !is_cluster {
        std::fs::create_dir_all(&config.node.data_dir).context("node.data_dir")?;
    }
    if check {
        let plan = store.migration_plan().await.context("the store")?;
        let missing = plan.pending.len();
        say(&format!("schema: version {}, {missing} migration(s) to apply", plan.version));
        return Ok(if missing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let report = store.migrate().await.context("the store")?;
    say(&format!("schema: version {}, {} migration(s) applied", report.version, report.applied.len()));
    for line in store.placement().await.context("the store")? {
        say(&format!("shards: {line}"));
    }
    if is_cluster {
        kafka::ensure_topics(&config.bus)
            .await
            .with_context(|| format!("Kafka at {} (bus.brokers)", config.bus.brokers))?;
        say(&format!("topics: {} and {} are there", config.bus.topic, config.bus.dead_letter_topic));
    }
    Ok(ExitCode::SUCCESS)
}
