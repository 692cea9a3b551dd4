//! What every handler has at hand.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use http::HeaderMap;
use http::request::Parts;
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

/// Address of the client, for limits; empty when the server does not know it.
pub(super) struct ClientAddress(pub(super) String);

impl FromRequestParts<Arc<Door>> for ClientAddress {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, door: &Arc<Door>) -> Result<Self, Self::Rejection> {
        let forwarded = if door.config.trust_forwarded_for { forwarded_for(&parts.headers) } else { None };
        let peer = || parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        Ok(Self(forwarded.or_else(peer).map(network).unwrap_or_default()))
    }
}

/// The proxy appends whom it saw, so the last element is the only one not made up by the client.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?;
    last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}

/// One client has a whole /64 of IPv6 to itself.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_the_last_forwarded_address_counts() {
        let mut headers = HeaderMap::new();
        assert_eq!(forwarded_for(&headers), None);
        headers.append("x-forwarded-for", HeaderValue::from_static("9.9.9.9"));
        headers.append("x-forwarded-for", HeaderValue::from_static("8.8.8.8, 10.0.0.1"));
        assert_eq!(forwarded_for(&headers), Some(IpAddr::from([10, 0, 0, 1])));
    }

    #[test]
    fn addresses_of_one_client_are_one() {
        let of = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(of("::ffff:10.0.0.1"), "10.0.0.1");
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2::9"));
        assert_ne!(of("2001:db8:1:2::4"), of("2001:db8:1:3::4"));
    }
}
