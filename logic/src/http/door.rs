//! What every handler has at hand.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;
use http::{HeaderValue, Request};
use oort_api::client_address::{FORWARDED_FOR, TrustedProxies};
use tokio::sync::Semaphore;

use super::metrics::{Codes, RouteMetrics};
use super::{Config, Metrics};
use crate::app::App;

/// State of the router.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) app: Arc<App>,
    pub(super) config: Config,
    pub(super) metrics: Metrics,
    pub(super) routes: RouteMetrics,
    pub(super) codes: Codes,
    /// One permit per request under way.
    pub(super) slots: Semaphore,
}

/// Address of the client, for limits; absent when the server does not know it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientAddress(pub(super) Option<IpAddr>);

impl ClientAddress {
    /// Of the socket, or as proxies that are believed tell.
    pub(super) fn of<B>(request: &Request<B>, proxies: &TrustedProxies) -> Self {
        let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() else {
            return Self(None);
        };
        let lines = request.headers().get_all(FORWARDED_FOR).iter();
        Self(Some(proxies.client(peer.ip(), lines.map(HeaderValue::as_bytes))))
    }
}

impl FromRequestParts<Arc<Door>> for ClientAddress {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Door>) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(Self(None)))
    }
}
