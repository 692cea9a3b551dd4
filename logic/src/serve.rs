//! HTTP/1 connections: bounded in number, and in the time and size of their
//! request heads.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::metrics::Metrics;

/// Largest request head, bytes; a larger one is answered with 431.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// Pause after a connection could not be accepted: the process is out of
/// files, and trying at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What bounds a server's connections.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    pub(crate) connections_max: usize,
    pub(crate) header_timeout: Duration,
}

/// Serves until `stop`, then finishes the requests under way. Dropping it
/// ends every connection.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    stop: CancellationToken,
    metrics: Metrics,
) {
    let slots = Arc::new(Semaphore::new(bounds.connections_max));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &slots) => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Some((stream, peer, slot)) = accepted else {
            metrics.http_accept_failures.inc();
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let connection = connection(stream, peer, router.clone(), bounds.header_timeout, stop.clone());
        let metrics = metrics.clone();
        connections.spawn(async move {
            metrics.http_connections.inc();
            connection.await;
            metrics.http_connections.dec();
            drop(slot);
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

type Slot = tokio::sync::OwnedSemaphorePermit;

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> Option<(TcpStream, SocketAddr, Slot)> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    let (stream, peer) =
        listener.accept().await.inspect_err(|cause| tracing::warn!(%cause, "accept failed")).ok()?;
    stream.set_nodelay(true).ok();
    Some((stream, peer, slot))
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    header_timeout: Duration,
    stop: CancellationToken,
) {
    let service = service_fn(move |request: http::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let router = router.clone();
        async move { Ok::<_, Infallible>(router.oneshot(request).await.unwrap_or_else(|never| match never {})) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(cause) = ended {
        tracing::debug!(%cause, "an HTTP connection ended");
    }
}
