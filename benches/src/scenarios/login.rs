//! `login`: what the log-ins of many accounts cost: password hashes, two of which never are the same work.

use std::sync::Arc;

use anyhow::ensure;
use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::cost::{self, Meter};
use crate::load::run::ratio;
use crate::report::{OutputOptions, Progress, RunResult};
use crate::system::{System, SystemOptions, block_on};

/// Options of `oort-bench login`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Accounts that are made, and log in once each.
    #[arg(long, default_value_t = 10_000)]
    accounts: usize,
    /// Requests under way at the same time; what hashing threads do not take at once waits for them.
    #[arg(long, default_value_t = 64)]
    at_once: usize,
    #[command(flatten)]
    system: SystemOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// Runs the scenario.
pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<RunResult>> {
    ensure!(options.accounts > 0 && options.at_once > 0, "accounts and at-once are at least 1");
    Ok(vec![block_on(measure(options))?])
}

async fn measure(options: &Options) -> anyhow::Result<RunResult> {
    let shape = options.system.shape.name();
    let mut progress = Progress::new(&options.output, format!("login, {shape}, {}", options.accounts));
    progress.phase("starting the system");
    let system = System::start(&options.system).await?;
    let params = vec![
        ("shape", json!(shape)),
        ("accounts", json!(options.accounts)),
        ("at_once", json!(options.at_once)),
    ];
    let mut result = cost::result("login", params, Vec::new());
    let count = options.accounts as u64;

    progress.phase("signing up");
    let name = Uuid::new_v4().simple().to_string();
    let meter = Meter::begin(&system)?;
    let (people, signed_up) = cost::people(&system, &name[..8], options.accounts, options.at_once).await?;
    let used = meter.end(&system)?;
    let rate = ratio(count, 1) / used.seconds;
    cost::put(&mut result, [("sign_ups_per_s".to_owned(), rate)]);
    result.latencies.insert("signed_up".to_owned(), signed_up.shown());

    progress.phase("logging in");
    let people = Arc::new(people);
    let meter = Meter::begin(&system)?;
    let logged_in = cost::log_ins(&system, &people, options.at_once).await?;
    let used = meter.end(&system)?;
    result.latencies.insert("logged_in".to_owned(), logged_in.shown());
    result.cpu_us_per_message = used.cpu_us_each(count);
    let rate = ratio(count, 1) / used.seconds;
    cost::put(&mut result, [("logins_per_s".to_owned(), rate)]);
    cost::put(&mut result, [("logins_refused".to_owned(), ratio(logged_in.refused, 1))]);
    cost::put(&mut result, used.figures());
    if logged_in.refused > 0 {
        result.notes.push(format!(
            "{} log-ins were refused for now, as too many waited for a hashing thread, and tried again",
            logged_in.refused
        ));
    }
    result.verdict.delivered = count;
    drop(progress);
    system.stop();
    Ok(result)
}
