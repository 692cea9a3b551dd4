//! What a process can be. Each role wires the tiers it runs to the store, bus
//! and directory that fit.

pub(crate) mod backends;
mod comet;
mod job;
mod local_link;
mod logic;
mod standalone;

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use oort_api::metrics::Registry;
use tokio_util::sync::CancellationToken;

use crate::admin::{self, Checks};
use crate::config::{Config, Role};
use crate::report::{Reporter, Rings, Sink};
use crate::shutdown;
use crate::stages::Stages;
use crate::telemetry::Format;

/// A role that is bound and ready to run.
pub(crate) struct Ready {
    /// What `/metrics` shows.
    registry: Registry,
    /// What `/readyz` asks.
    checks: Checks,
    /// Bound addresses by name.
    addresses: BTreeMap<&'static str, SocketAddr>,
    /// Who is told how this process fares.
    reports: Sink,
    /// What its tiers noted of messages.
    rings: Rings,
    /// The parts, in the order in which they stop.
    stages: Stages,
    /// Said to the person at the terminal once it serves.
    welcome: String,
}

/// Runs a role until it is told to stop.
pub(crate) async fn run(role: Role, config: Config) -> anyhow::Result<()> {
    config.check_role(role)?;
    let stop = CancellationToken::new();
    let admin = admin::Server::bind(config.admin.listen).await?;
    let admin_address = admin.address()?;
    let (name, report_every) = (config.node.name.clone(), Duration::from_millis(config.admin.report_ms));
    // What reads JSON expects nothing else.
    let is_read_by_people = config.log.format == Format::Text;
    let (exit_on_stdin_close, addresses_file) =
        (config.run.exit_on_stdin_close, config.run.addresses_file.clone());
    let build: Pin<Box<dyn Future<Output = anyhow::Result<Ready>>>> = match role {
        Role::Standalone => Box::pin(standalone::build(config, stop.clone())),
        Role::Comet => Box::pin(comet::build(config, stop.clone())),
        Role::Logic => Box::pin(logic::build(config, stop.clone())),
        Role::Job => Box::pin(job::build(config, stop.clone())),
    };
    let ready = build.await?;
    let Ready { mut registry, checks, mut addresses, reports, rings, stages, welcome } = ready;
    addresses.insert("admin", admin_address);

    let end = CancellationToken::new();
    let reporter = Reporter::new(role, &name, &addresses, reports, report_every, &mut registry);
    let reporter = reporter.answering(rings.clone());
    let registry = Arc::new(registry);
    let reporting = tokio::spawn(reporter.run(Arc::clone(&registry), stop.clone(), end.clone()));
    let admin = tokio::spawn(admin.run(registry, checks, rings, stop.clone(), end.clone()));
    tracing::info!(?role, ?addresses, "serving");
    if !addresses_file.is_empty() {
        write_addresses(&addresses_file, &addresses)?;
    }
    if is_read_by_people {
        crate::say(&welcome);
    }
    let result = tokio::select! {
        result = stages.run() => result,
        result = shutdown::watch(stop.clone(), exit_on_stdin_close) => result,
    };
    end.cancel();
    reporting.await.context("the reports")?;
    admin.await.context("the admin port")??;
    result
}

/// Tells whoever started the process where it serves. Written aside and
/// renamed, so that a reader never sees half of it.
fn write_addresses(file: &str, addresses: &BTreeMap<&'static str, SocketAddr>) -> anyhow::Result<()> {
    let aside = format!("{file}.new");
    std::fs::write(&aside, serde_json::to_vec(addresses)?)
        .and_then(|()| std::fs::rename(&aside, file))
        .with_context(|| format!("run.addresses_file {file} cannot be written"))
}
