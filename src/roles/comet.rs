//! `oort comet`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use oort_api::metrics::Registry;
use oort_api::pb::oort::v1::logic_server::Logic;
use oort_comet::{Addresses, Handle, Parts, RemoteLogic, Service};
use tokio_util::sync::CancellationToken;

use super::Ready;
use crate::admin::{Checks, Part};
use crate::config::Config;
use crate::forward::Forward;
use crate::pages::{Api, pages};
use crate::report::Sink;
use crate::stages::Stages;

pub(super) async fn build(config: Config, stop: CancellationToken) -> anyhow::Result<Ready> {
    let mut registry = Registry::with_prefix("oort");
    let timeout = Duration::from_millis(config.comet.rpc_timeout_ms);
    let logic: Arc<dyn Logic> = Arc::new(RemoteLogic::new(
        config.cluster.logic_grpc.clone(),
        timeout,
        config.cluster_token().as_ref(),
    )?);
    let reports = Sink::Logic(Arc::clone(&logic));
    let forward = Forward::new(&config.cluster, &mut registry);
    let parts = Parts { logic, pages: pages(Api::There(Box::new(forward))) };
    let service = Service::build(config.comet, parts, registry.sub_registry_with_prefix("comet")).await?;
    let addresses = addresses(service.addresses());
    let checks = checks(service.handle());
    let rings = vec![service.handle().trail()];
    let mut stages = Stages::new(stop);
    stages.add("comet", |stop| service.run(stop));
    Ok(Ready { registry, checks, addresses, reports, rings, stages, welcome: String::new() })
}

/// Bound addresses by name.
pub(super) fn addresses(bound: Addresses) -> BTreeMap<&'static str, std::net::SocketAddr> {
    let named = [("http", Some(bound.http)), ("tcp", bound.tcp), ("grpc", bound.grpc)];
    named.into_iter().filter_map(|(name, address)| Some((name, address?))).collect()
}

/// A comet is ready when logic knows it.
pub(super) fn checks(handle: Handle) -> Checks {
    Arc::new(move || {
        let error =
            (!handle.is_ready()).then(|| "logic has not answered yet (cluster.logic_grpc)".to_owned());
        Box::pin(async move { vec![Part::new("logic", error)] })
    })
}
