//! `oort`: the whole server in one process, or one tier of a cluster.

mod admin;
mod canary;
mod cli;
mod config;
mod dlq;
mod doctor;
mod forward;
mod migrate;
mod operators;
mod pages;
mod replay;
mod report;
mod roles;
mod shutdown;
mod stages;
mod telemetry;
mod token;
mod trace;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use cli::{Cli, Command, PushCommand};
use config::{Config, Role};

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("oort: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let config = Config::load(cli.config.as_deref(), std::env::vars())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot start")?;
    let role = match cli.command {
        Some(Command::Config) => {
            say(&config::print(&config));
            return Ok(ExitCode::SUCCESS);
        }
        Some(Command::Doctor) => return runtime.block_on(doctor::run(&config)),
        Some(Command::Migrate { check }) => return runtime.block_on(migrate::run(&config, check)),
        Some(Command::Token { days }) => return runtime.block_on(token::run(&config, days)),
        Some(Command::Push(PushCommand::Keys)) => return push_keys(),
        Some(Command::Admin(command)) => return runtime.block_on(operators::run(&config, command)),
        Some(Command::Dlq(command)) => return runtime.block_on(dlq::run(&config, command)),
        Some(Command::Trace { conversation, seq }) => {
            return runtime.block_on(trace::run(&config, conversation, seq));
        }
        Some(Command::Replay(arguments)) => return runtime.block_on(replay::run(&config, arguments)),
        Some(Command::Comet) => Role::Comet,
        Some(Command::Logic) => Role::Logic,
        Some(Command::Job) => Role::Job,
        None => Role::Standalone,
    };
    telemetry::start(&config.log)?;
    runtime.block_on(roles::run(role, config))?;
    Ok(ExitCode::SUCCESS)
}

/// `oort push keys`: lines to be put into a settings file.
fn push_keys() -> anyhow::Result<ExitCode> {
    let (private, public) = oort_logic::notifications::generate_vapid_key().context("the key")?;
    say(&format!("[logic.notifications.webpush]\nprivate_key = \"{private}\"\n# Its public part: {public}"));
    Ok(ExitCode::SUCCESS)
}

/// To the person at the terminal, or the pipe that reads us. A closed pipe is
/// not our trouble.
pub(crate) fn say(text: &str) {
    if !text.is_empty() {
        drop(writeln!(std::io::stdout().lock(), "{text}"));
    }
}

fn complain(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}
