//! `oort logic`.

use std::collections::BTreeMap;
use std::sync::Arc;

use oort_api::metrics::Registry;
use oort_logic::checks::{Check, Checks as LogicChecks};
use oort_logic::service::{Parts, Service};
use tokio_util::sync::CancellationToken;

use super::{Ready, backends};
use crate::admin::{Checks, Part};
use crate::canary::Canary;
use crate::config::Config;
use crate::report::Sink;
use crate::stages::Stages;

pub(super) async fn build(config: Config, stop: CancellationToken) -> anyhow::Result<Ready> {
    let mut registry = Registry::with_prefix("oort");
    let store = backends::open_store(&config, &mut registry).await?;
    let producer = backends::warm_producer(&config).await?;
    let directory = backends::directory(&config)?;
    let reports = Sink::Directory(Arc::clone(&directory));
    let canary_store = Arc::clone(&store);
    let parts = Parts { store, producer, directory, dead_letters: backends::dead_letters(&config) };
    let service = Service::build(config.logic, parts, registry.sub_registry_with_prefix("logic")).await?;
    let bound = service.addresses();
    let addresses = BTreeMap::from_iter(
        [("http", bound.http), ("grpc", bound.grpc)]
            .into_iter()
            .filter_map(|(name, address)| Some((name, address?))),
    );
    let checks = checks(service.checks());
    let rings = vec![service.trail()];
    let mut stages = Stages::new(stop);
    let api = bound.http.filter(|_| config.canary.enabled);
    if let Some(api) = api {
        let canary = Canary::new(config.canary, service.app(), canary_store, api, &mut registry);
        stages.add("canary", |stop| canary.run(stop));
    }
    stages.add("logic", |stop| service.run(stop));
    Ok(Ready { registry, checks, addresses, reports, rings, stages, welcome: String::new() })
}

/// The tier's checks as the admin port asks them.
pub(super) fn checks(checks: LogicChecks) -> Checks {
    let checks = Arc::new(checks);
    Arc::new(move || {
        let checks = Arc::clone(&checks);
        Box::pin(async move {
            let part = |check: Check| {
                let (error, warning) = if check.is_vital { (check.fault, None) } else { (None, check.fault) };
                Part { part: check.name, error, warning }
            };
            checks.run().await.into_iter().map(part).collect()
        })
    })
}
