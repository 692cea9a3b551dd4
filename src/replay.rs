//! `oort replay`: messages delivered once more.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use oort_api::metrics::Registry;
use oort_logic::Metrics;
use oort_logic::operators::Operators;
use oort_logic::replays::{Order, Replayed, Replays, Scope};

use crate::cli::ReplayArguments;
use crate::config::Config;
use crate::roles::backends;
use crate::say;

/// Whom the audit names for what is done here.
const COMMAND_LINE: i64 = 0;

/// Gives them to the bus of a cluster.
pub(crate) async fn run(config: &Config, arguments: ReplayArguments) -> anyhow::Result<ExitCode> {
    if !config.is_store_shared() {
        bail!(
            "a standalone process has its bus in memory: use POST /api/admin/replay, or the operator's page"
        );
    }
    let order = order(arguments)?;
    let store = backends::open_store(config, &mut Registry::default()).await?;
    let operators = Operators {
        store: Arc::clone(&store),
        directory: backends::directory(config)?,
        dead_letters: backends::dead_letters(config),
        page_max: config.logic.limits.page_max,
    };
    let replays = Replays {
        config: config.logic.replays.clone(),
        store,
        producer: backends::producer(config)?,
        metrics: Metrics::register(&mut Registry::default()),
    };
    let replayed = replays.run(&operators, COMMAND_LINE, order, "").await.context("the replay")?;
    let Replayed { messages, conversations, has_more, next_seq } = replayed;
    say(&format!("{messages} messages of {conversations} conversations"));
    match next_seq {
        Some(seq) => say(&format!("there are more; go on with --from-seq {seq}")),
        None if has_more => {
            say("there are more than logic.replays.messages_max; go on with single conversations")
        }
        None => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn order(arguments: ReplayArguments) -> anyhow::Result<Order> {
    let ReplayArguments { conversation, from_seq, to_seq, user, since_ms, to_all_clients } = arguments;
    let scope = match (conversation, user, since_ms) {
        (Some(id), user, None) => {
            let from = from_seq.context("--conversation needs --from-seq")?;
            Scope::Conversation { id, from, to: to_seq, user }
        }
        (None, Some(user), Some(since_ms)) => Scope::User { user, since_ms },
        _ => bail!("give --conversation with --from-seq, or --user with --since-ms"),
    };
    Ok(Order { scope, to_all_clients })
}
