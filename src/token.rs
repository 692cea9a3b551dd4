//! `oort token`: a token for servers that push.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use oort_api::metrics::Registry;
use oort_logic::accounts::{self, Accounts, Scope};

use crate::config::Config;
use crate::{roles, say};

/// Signs a token with the keys in the store and prints it.
pub(crate) async fn run(config: &Config, days: u32) -> anyhow::Result<ExitCode> {
    let mut registry = Registry::default();
    let store = roles::open_store(config, &mut registry).await?;
    let metrics = accounts::Metrics::register(&mut registry);
    let accounts = Accounts::new(store, config.logic.accounts.clone(), metrics).await.context("the signing keys")?;
    let valid = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    let token = accounts.issue_server_token(&[Scope::Push], valid).context("the token")?;
    say(&token);
    Ok(ExitCode::SUCCESS)
}
