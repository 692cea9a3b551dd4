//! `oort job`.

use std::collections::BTreeMap;
use std::sync::Arc;

use oort_api::metrics::Registry;
use oort_job::{GrpcDialer, Handle, Parts, Service};
use tokio_util::sync::CancellationToken;

use super::{Ready, backends};
use crate::admin::{Checks, Part};
use crate::config::Config;
use crate::report::Sink;
use crate::stages::Stages;

pub(super) async fn build(config: Config, stop: CancellationToken) -> anyhow::Result<Ready> {
    let mut registry = Registry::with_prefix("oort");
    let dialer = GrpcDialer::new(config.job.grpc.clone(), config.cluster_token().as_ref())?;
    let directory = backends::directory(&config)?;
    let reports = Sink::Directory(Arc::clone(&directory));
    let parts = Parts {
        consumer: backends::consumer(&config).await?,
        producer: backends::producer(&config)?,
        directory,
        dialer: Arc::new(dialer),
    };
    let service = Service::build(config.job, parts, registry.sub_registry_with_prefix("job"))?;
    let checks = checks(service.handle());
    let rings = vec![service.trail()];
    let mut stages = Stages::new(stop);
    stages.add("job", |stop| service.run(stop));
    Ok(Ready { registry, checks, addresses: BTreeMap::new(), reports, rings, stages, welcome: String::new() })
}

fn checks(handle: Handle) -> Checks {
    Arc::new(move || {
        let handle = handle.clone();
        Box::pin(async move {
            handle.checks().await.into_iter().map(|check| Part::new(check.name, check.error)).collect()
        })
    })
}
