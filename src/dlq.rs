//! `oort dlq`: records of the bus that were given up on.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use oort_api::bus::{DeadLetter, LetterPlace};

use crate::cli::DlqCommand;
use crate::config::Config;
use crate::roles::backends;
use crate::say;

/// Letters asked for at once.
const PAGE: usize = 500;
/// Longest wait for the bus to take a page.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lists or publishes again.
pub(crate) async fn run(config: &Config, command: DlqCommand) -> anyhow::Result<ExitCode> {
    if !config.is_store_shared() {
        bail!("a standalone process keeps its dead letters in memory: see GET /api/admin/dead-letters");
    }
    match command {
        DlqCommand::List { after, limit } => {
            each_page(config, after, limit, async |letters| {
                letters.iter().for_each(|letter| say(&line(letter)));
                Ok(())
            })
            .await?;
        }
        DlqCommand::Replay { after, limit } => {
            let producer = backends::producer(config)?;
            let (count, last) = each_page(config, after, limit, async |letters| {
                let records = letters.iter().map(|letter| letter.record.clone()).collect();
                producer.publish(records, PATIENCE).await.context("some may have been published")
            })
            .await?;
            match last {
                Some(place) => say(&format!("{count} published again; go on with --after {place}")),
                None => say("there is nothing to publish"),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Hands out pages until `limit`; returns how many letters, and the place of the last.
async fn each_page(
    config: &Config,
    mut after: Option<LetterPlace>,
    limit: usize,
    mut take: impl AsyncFnMut(&[DeadLetter]) -> anyhow::Result<()>,
) -> anyhow::Result<(usize, Option<LetterPlace>)> {
    let log = backends::dead_letters(config);
    let (mut count, mut last) = (0, None);
    while count < limit {
        let page = log.read(after, PAGE.min(limit - count)).await;
        let page = page.with_context(|| format!("Kafka at {} (bus.brokers)", config.bus.brokers))?;
        let Some(newest) = page.letters.last() else { break };
        last = Some(newest.place);
        take(&page.letters)
            .await
            .with_context(|| format!("from {:?} on", after.map(|place| place.to_string())))?;
        count += page.letters.len();
        after = last;
        if !page.has_more {
            break;
        }
    }
    Ok((count, last))
}

fn line(letter: &DeadLetter) -> String {
    let DeadLetter { place, at_ms, reason, record } = letter;
    format!("{place}\t{at_ms}\t{}\t{} bytes\t{reason}", record.key, record.value.len())
}
