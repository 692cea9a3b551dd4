//! The admin port, for operators and orchestrators, never for clients:
//! `/healthz` (the process lives), `/readyz` (it can serve; names the failing
//! part), `/metrics` (Prometheus), `/trail/{conversation}/{seq}` (what this
//! process noted of a message's way).

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, header};
use oort_api::metrics::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::report::{self, Rings};

/// Longest time one readiness check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);

/// A part's readiness: its name and, when it is not ready, why.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Part {
    /// Stable name: `store`, `bus`, `directory`, `logic`, ...
    pub(crate) part: &'static str,
    /// Why it cannot serve; `None` = it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// What is wrong although it can serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) warning: Option<String>,
}

impl Part {
    /// A part that can serve exactly when it has no fault.
    pub(crate) fn new(part: &'static str, error: Option<String>) -> Self {
        Self { part, error, warning: None }
    }
}

/// Asks every part of this process.
pub(crate) type Checks = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Vec<Part>> + Send>> + Send + Sync>;

#[derive(Clone)]
struct Admin {
    registry: Arc<Registry>,
    checks: Checks,
    rings: Rings,
    stop: CancellationToken,
}

/// A bound admin port.
pub(crate) struct Server {
    listener: TcpListener,
}

impl Server {
    /// Binds the port.
    pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("the admin port {address} cannot be bound; is another oort running? Set admin.listen to a free one")
        })?;
        Ok(Self { listener })
    }

    /// The bound address.
    pub(crate) fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves until `end`; readiness turns off as soon as `stop` is cancelled.
    pub(crate) async fn run(
        self,
        registry: Arc<Registry>,
        checks: Checks,
        rings: Rings,
        stop: CancellationToken,
        end: CancellationToken,
    ) -> anyhow::Result<()> {
        let admin = Admin { registry, checks, rings, stop };
        let router = Router::new()
            .route("/healthz", get(async || "ok\n"))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .route("/trail/{conversation}/{seq}", get(trail))
            .with_state(admin);
        axum::serve(self.listener, router).with_graceful_shutdown(end.cancelled_owned()).await?;
        Ok(())
    }
}

async fn ready(State(admin): State<Admin>) -> Response {
    let mut parts = tokio::time::timeout(CHECK_TIMEOUT, (admin.checks)()).await.unwrap_or_else(|_| {
        vec![Part::new("checks", Some(format!("no answer within {} s", CHECK_TIMEOUT.as_secs())))]
    });
    if admin.stop.is_cancelled() {
        parts.push(Part::new("process", Some("draining".to_owned())));
    }
    let is_ready = parts.iter().all(|part| part.error.is_none());
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(serde_json::json!({ "ready": is_ready, "parts": parts }))).into_response()
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &admin.registry) {
        Ok(()) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn trail(State(admin): State<Admin>, Path((conversation, seq)): Path<(i64, i64)>) -> Response {
    let trail = report::trail(&admin.rings, conversation, seq);
    Json(serde_json::json!({ "hops": trail.hops, "sinceUs": trail.since_us })).into_response()
}
