//! `oort token`: a token for servers that push.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use oort_logic::accounts::{self, Scope};

use crate::config::Config;
use crate::roles::backends;
use crate::say;

/// Signs a token with the keys in the store and prints it. A standalone
/// server may be running meanwhile.
pub(crate) async fn run(config: &Config, days: u32) -> anyhow::Result<ExitCode> {
    let candidate = accounts::fresh_signing_key()?;
    let keys =
        backends::store_settings(config)?.signing_keys(&candidate).await.context("the signing keys")?;
    let valid = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    say(&accounts::server_token(&config.logic.accounts, &keys, &[Scope::Push], valid).context("the token")?);
    Ok(ExitCode::SUCCESS)
}
