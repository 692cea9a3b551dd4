//! `oort` without a command: a whole server in one process.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use oort_api::bus::memory::MemoryBus;
use oort_api::directory::Directory;
use oort_api::directory::memory::MemoryDirectory;
use oort_api::metrics::Registry;
use tokio_util::sync::CancellationToken;

use super::local_link::LocalDialer;
use super::{Ready, backends, comet, logic};
use crate::admin::Checks;
use crate::canary::Canary;
use crate::config::Config;
use crate::pages::{Api, pages};
use crate::report::Sink;
use crate::stages::Stages;

pub(super) async fn build(config: Config, stop: CancellationToken) -> anyhow::Result<Ready> {
    let data = config.node.data_dir.clone();
    std::fs::create_dir_all(&data)
        .with_context(|| format!("the data folder {} (node.data_dir) cannot be made", data.display()))?;
    let mut registry = Registry::with_prefix("oort");
    backends::store_settings(&config)?.migrate().await.context("the store's schema")?;
    let store = backends::open_store(&config, &mut registry).await?;
    let bus = MemoryBus::new(config.memory_bus.clone());
    let directory: Arc<dyn Directory> = Arc::new(MemoryDirectory::default());

    let mut settings = oort_logic::Config { http_listen: None, grpc_listen: None, ..config.logic };
    if settings.files.url.is_empty() {
        settings.files.url = format!("file:{}", data.join("files").display());
    }
    let reports = Sink::Directory(Arc::clone(&directory));
    let parts = oort_logic::service::Parts {
        store: Arc::clone(&store),
        producer: bus.producer(),
        directory: Arc::clone(&directory),
        dead_letters: bus.letters(),
    };
    let logic =
        oort_logic::Service::build(settings, parts, registry.sub_registry_with_prefix("logic")).await?;

    let scheme = if config.comet.tls.is_enabled() { "https" } else { "http" };
    let parts = oort_comet::Parts { logic: logic.grpc(), pages: pages(Api::Here(logic.router())) };
    let comet =
        oort_comet::Service::build(config.comet, parts, registry.sub_registry_with_prefix("comet")).await?;

    let parts = oort_job::Parts {
        consumer: bus.consumer(&config.bus.group),
        producer: bus.producer(),
        directory,
        dialer: Arc::new(LocalDialer(comet.handle())),
    };
    let job = oort_job::Service::build(config.job, parts, registry.sub_registry_with_prefix("job"))?;

    let addresses = comet::addresses(comet.addresses());
    let checks = both(logic::checks(logic.checks()), comet::checks(comet.handle()));
    let welcome = welcome(scheme, comet.addresses().http, &data.display().to_string());
    let rings = vec![logic.trail(), job.trail(), comet.handle().trail()];
    let mut stages = Stages::new(stop);
    if config.canary.enabled {
        let api = comet.addresses().http;
        let canary = Canary::new(config.canary, logic.app(), store, api, &mut registry);
        stages.add("canary", |stop| canary.run(stop));
    }
    // Clients are told first; what they sent is then committed and published,
    // and what is published is then pushed no more.
    stages.add("comet", |stop| comet.run(stop));
    stages.add("logic", |stop| logic.run(stop));
    stages.add("job", |stop| job.run(stop));
    Ok(Ready { registry, checks, addresses, reports, rings, stages, welcome })
}

fn both(first: Checks, second: Checks) -> Checks {
    Arc::new(move || {
        let (first, second) = (first(), second());
        Box::pin(async move {
            let (mut parts, more) = tokio::join!(first, second);
            parts.extend(more);
            parts
        })
    })
}

/// Three lines to copy.
fn welcome(scheme: &str, address: SocketAddr, data: &str) -> String {
    format!(
        "\nOort serves {scheme}://{address} (data in {data}). Open it in two browser windows, or copy:\n\n\
         for who in ann bob; do curl -fsS -c $who.cookies {scheme}://{address}/api/create-account -H 'content-type: application/json' \
         -d '{{\"username\":\"'$who'\",\"email\":\"'$who'@example.org\",\"password\":\"secret word\"}}'; done\n\
         curl -sN -b bob.cookies {scheme}://{address}/api/ws -H 'connection: Upgrade' -H 'upgrade: websocket' \
         -H 'sec-websocket-version: 13' -H 'sec-websocket-key: b29ydCBzYXlzIGhlbGxvIQ==' --output - &\n\
         curl -fsS -b ann.cookies {scheme}://{address}/api/conversations/1/messages -H 'content-type: application/json' \
         -d '{{\"clientMsgId\":\"first\",\"content\":\"Hello Bob\"}}'\n"
    )
}
