//! The opening handshake (RFC 6455 §4.2): pure functions over a request's parts.

use http::header::{
    ALLOW, CONNECTION, HOST, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, Method, StatusCode, Uri, Version};
use serde::{Deserialize, Serialize};
use tungstenite::handshake::derive_accept_key;

/// Why a request does not become a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The method is not GET.
    #[error("a WebSocket opens with GET")]
    Method,
    /// Older than HTTP/1.1, or HTTP/2, whose handshake is another one.
    #[error("a WebSocket opens with HTTP/1.1")]
    HttpVersion,
    /// `Upgrade` or `Connection` does not ask for it.
    #[error("the request does not ask for an upgrade to websocket")]
    NotAnUpgrade,
    /// `Sec-WebSocket-Version` is missing or not 13.
    #[error("the WebSocket version must be 13")]
    WebSocketVersion,
    /// `Sec-WebSocket-Key` is missing, there more than once, or not 16 bytes in base64.
    #[error("Sec-WebSocket-Key must be 16 bytes in base64")]
    Key,
    /// A browser sends it for a page that may not connect here.
    #[error("the page's origin may not connect")]
    Origin,
}

impl Refusal {
    /// The status to answer with.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::HttpVersion => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::NotAnUpgrade | Self::WebSocketVersion => StatusCode::UPGRADE_REQUIRED,
            Self::Key => StatusCode::BAD_REQUEST,
            Self::Origin => StatusCode::FORBIDDEN,
        }
    }

    /// The headers that tell the client how to do better; both of 426 name what to upgrade to.
    pub fn headers(self) -> HeaderMap {
        let pairs: &[(HeaderName, &'static str)] = match self {
            Self::Method => &[(ALLOW, "GET")],
            Self::NotAnUpgrade | Self::WebSocketVersion => {
                &[(UPGRADE, "websocket"), (CONNECTION, "Upgrade"), (SEC_WEBSOCKET_VERSION, "13")]
            }
            Self::HttpVersion | Self::Key | Self::Origin => &[],
        };
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    /// The value of a metric's label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::HttpVersion => "http_version",
            Self::NotAnUpgrade => "not_an_upgrade",
            Self::WebSocketVersion => "websocket_version",
            Self::Key => "key",
            Self::Origin => "origin",
        }
    }
}

/// A request that may become a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    accept: String,
}

impl Upgrade {
    /// Checks what RFC 6455 §4.2.1 asks of a request. The origin is checked apart, by
    /// [`OriginPolicy::check`].
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn of(method: &Method, version: Version, headers: &HeaderMap) -> Result<Self, Refusal> {
        if method != Method::GET {
            return Err(Refusal::Method);
        }
        if version != Version::HTTP_11 {
            return Err(Refusal::HttpVersion);
        }
        if !asks_for_upgrade(headers) {
            return Err(Refusal::NotAnUpgrade);
        }
        if only(headers, &SEC_WEBSOCKET_VERSION).is_none_or(|value| value.as_bytes() != b"13") {
            return Err(Refusal::WebSocketVersion);
        }
        let key = only(headers, &SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).ok_or(Refusal::Key)?;
        if !is_key(key) {
            return Err(Refusal::Key);
        }
        Ok(Self { accept: derive_accept_key(key) })
    }

    /// The value of `Sec-WebSocket-Accept`.
    pub fn accept_key(&self) -> &str {
        &self.accept
    }

    /// The headers of the answer, whose status is 101. `protocol` is what [`choose_protocol`] chose.
    pub fn response_headers(&self, protocol: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        if let Ok(accept) = HeaderValue::from_str(&self.accept) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        if let Some(protocol) = protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        }
        headers
    }
}

/// Whether a request asks to become a WebSocket, well or badly: what a router needs to know.
pub fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    has_token(headers, &UPGRADE, "websocket") && has_token(headers, &CONNECTION, "upgrade")
}

/// The first sub-protocol of the client's list that the server speaks (`supported`), as the server writes
/// it. `None`: the client named none, or none of ours; it then decides whether to go on (RFC 6455 §4.2.2).
/// Names are compared exactly.
pub fn choose_protocol(headers: &HeaderMap, supported: &[&'static str]) -> Option<&'static str> {
    tokens(headers, &SEC_WEBSOCKET_PROTOCOL)
        .find_map(|offered| supported.iter().copied().find(|known| *known == offered))
}

/// Whose pages may connect. It guards against a foreign page that uses its visitor's browser; a client that
/// is no browser sends no `Origin`, or what it likes, and is stopped by authentication alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OriginPolicy {
    /// Origins that may connect, such as `https://chat.example.org`; `*` allows all, `null` those without a
    /// name.
    pub allowed: Vec<String>,
    /// Whether pages of the host that the request itself is for may connect, be it by http or https.
    pub same_host: bool,
}

impl Default for OriginPolicy {
    fn default() -> Self {
        Self { allowed: Vec::new(), same_host: true }
    }
}

impl OriginPolicy {
    /// Checks the origin of a request. No `Origin` is allowed: it is no browser.
    ///
    /// # Errors
    /// [`Refusal::Origin`].
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if !headers.contains_key(ORIGIN) || self.allowed.iter().any(|allowed| allowed == "*") {
            return Ok(());
        }
        let origin = only(headers, &ORIGIN).and_then(|value| value.to_str().ok()).ok_or(Refusal::Origin)?;
        if self.allows(origin) || (self.same_host && is_same_host(origin, headers)) {
            return Ok(());
        }
        Err(Refusal::Origin)
    }

    /// What is wrong with this configuration: every entry that no origin can match.
    pub fn faults(&self) -> Vec<String> {
        let is_origin = |entry: &str| matches!(entry, "*" | "null") || Origin::parse(entry).is_some();
        self.allowed
            .iter()
            .filter(|entry| !is_origin(entry))
            .map(|entry| format!("allowed origin {entry:?} is not scheme://host or scheme://host:port"))
            .collect()
    }

    fn allows(&self, origin: &str) -> bool {
        let parsed = Origin::parse(origin);
        self.allowed.iter().any(|entry| match (&parsed, Origin::parse(entry)) {
            (Some(origin), Some(entry)) => *origin == entry,
            _ => entry == origin,
        })
    }
}

/// An origin in comparable form (RFC 6454 §5).
#[derive(Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
        let has_more = text.ends_with('/') || uri.path().len() > 1 || uri.query().is_some();
        if has_more || authority.as_str().contains('@') {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let port = authority.port_u16().or_else(|| default_port(&scheme));
        Some(Self { host: authority.host().to_ascii_lowercase(), port, scheme })
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// Whether `origin` names the host and port of the request. A request without a port is for the default one
/// of the page's scheme: behind a proxy that ends TLS the request does not show it.
fn is_same_host(origin: &str, headers: &HeaderMap) -> bool {
    let host = only(headers, &HOST).and_then(|value| value.to_str().ok());
    let (Some(page), Some(host)) = (Origin::parse(origin), host) else { return false };
    if default_port(&page.scheme).is_none() {
        return false;
    }
    Origin::parse(&format!("{}://{host}", page.scheme)).is_some_and(|request| request == page)
}

/// The value of a header that is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

/// The elements of a header that is a list, over all its lines.
fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|token| token.trim_matches([' ', '\t']))
        .filter(|token| !token.is_empty())
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|found| found.eq_ignore_ascii_case(token))
}

/// Whether `key` is the base64 of 16 bytes: 22 characters and two of padding, where the last character has
/// four bits that are no part of the sixteen bytes and zero (RFC 4648 §3.5).
fn is_key(key: &[u8]) -> bool {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    match key {
        [body @ .., last, b'=', b'='] => {
            body.len() == 21 && body.iter().all(is_base64) && matches!(last, b'A' | b'Q' | b'g' | b'w')
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
