//! HTTP on a shard, until it becomes a WebSocket: then hyper's part is over, and the socket is ours.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::{Future, poll_fn, ready};
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use oort_api::client_address::FORWARDED_FOR;
use oort_api::codec::envelope::Flavour;
use oort_api::error::{Code, Refusal};

use super::{Shard, socket_is_of, socket_left};
use crate::admission::QueuePlace;
use crate::device::Device;
use crate::dialect::Dialect;
use crate::framing::deflate;
use crate::framing::handshake::{self, Upgrade};
use crate::pages::{PageBody, error_page, page_body};
use crate::register::addresses::TooMuch;
use crate::session::{self, Credential};
use crate::transport::arrival::Arrival;

/// Where JSON clients connect.
const JSON_PATH: &str = "/api/ws";
/// Where goim's clients connect.
const PACKET_PATH: &str = "/sub";
/// Before a token in the list of sub-protocols: browsers cannot send headers.
const TOKEN_PROTOCOL: &str = "bearer.";
/// Most bytes read and dropped from a client that was answered before it had said everything.
const DROPPED_BYTES_MAX: usize = 4 << 20;

/// What a request becomes.
struct Agreed {
    dialect: Dialect,
    credential: Option<Credential>,
    /// The cursor of an earlier hello.
    since: Option<String>,
    /// What a JSON client is on.
    device: Device,
    /// Of a JSON client among those that are let in; `None` = it is to come again.
    place: Option<QueuePlace>,
    /// The client's, which is not the socket's behind a proxy.
    address: IpAddr,
}

struct Http {
    shard: Rc<Shard>,
    peer: SocketAddr,
    agreed: Rc<RefCell<Option<Agreed>>>,
    /// A request has come.
    is_used: Rc<Cell<bool>>,
}

type Answer = Response<PageBody>;

/// Serves one socket.
pub(crate) async fn serve(shard: Rc<Shard>, arrival: Arrival, peer: SocketAddr) {
    let agreed = Rc::new(RefCell::new(None));
    let service = Http { shard: Rc::clone(&shard), peer, agreed: Rc::clone(&agreed), is_used: Rc::default() };
    let is_used = Rc::clone(&service.is_used);
    let config = &shard.node.config;
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(config.header_timeout_ms))
        .max_buf_size(config.header_bytes_max)
        .serve_connection(TokioIo::new(arrival), service);
    let mut draining = pin!(shard.node.draining.cancelled());
    let mut is_told = false;
    let result = poll_fn(|context| {
        if !is_told && draining.as_mut().poll(context).is_ready() {
            is_told = true;
            if !is_used.get() {
                // A socket opened in advance: nobody waits for an answer on it.
                return Poll::Ready(Ok(()));
            }
            Pin::new(&mut connection).graceful_shutdown();
        }
        connection.poll_without_shutdown(context)
    })
    .await;
    let parts = connection.into_parts();
    let arrival = parts.io.into_inner();
    let agreed = agreed.borrow_mut().take();
    let address = agreed.as_ref().map_or(peer.ip(), |agreed| agreed.address);
    match (result, agreed) {
        (Ok(()), Some(Agreed { dialect, credential, since, device, place, .. })) => {
            let Some((connection, unread)) = shard.open(arrival, address, dialect) else { return };
            let early = [&parts.read_buf[..], &unread].concat();
            let asked = session::json::Asked { credential, since, device, place };
            let job = dialect.is_json().then(|| session::json::open(&shard, &connection, asked));
            shard.begin(&connection, early, job);
        }
        (result, _) => {
            if let Err(error) = &result {
                let kind = if error.is_timeout() { "header_timeout" } else { "http" };
                if error.is_timeout() || error.is_parse() || error.is_parse_too_large() {
                    shard.node.metrics.refuse(kind);
                }
                tracing::debug!(%error, "an HTTP connection ended");
            }
            say_goodbye(&arrival, Duration::from_millis(config.close_linger_ms)).await;
            socket_left(&shard.node, address);
        }
    }
}

/// Ends a socket so that the last answer arrives: what the client still sends is read and dropped, for a while.
async fn say_goodbye(arrival: &Arrival, linger: Duration) {
    if !arrival.finish() {
        return;
    }
    let stream = arrival.stream();
    let mut dropped = 0;
    let mut scratch = [0; 2048];
    let drop_all = async {
        while dropped < DROPPED_BYTES_MAX && stream.readable().await.is_ok() {
            match stream.try_read(&mut scratch) {
                Ok(0) => return,
                Ok(count) => dropped += count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    };
    // Whether the client was quick or not, the socket is closed now.
    let _ = tokio::time::timeout(linger, drop_all).await;
}

impl Service<Request<Incoming>> for Http {
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>>>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.is_used.set(true);
        match request.uri().path() {
            JSON_PATH => Box::pin(ready(Ok(self.upgrade(&request, true)))),
            PACKET_PATH => Box::pin(ready(Ok(self.upgrade(&request, false)))),
            _ => {
                request.extensions_mut().insert(self.peer);
                let shard = Rc::clone(&self.shard);
                let answer = (shard.node.pages)(request);
                Box::pin(async move {
                    let fault = || error_page(&Refusal::new(Code::Internal, "internal error"));
                    Ok(shard.node.logic.elsewhere(answer).await.unwrap_or_else(fault))
                })
            }
        }
    }
}

impl Http {
    fn upgrade(&self, request: &Request<Incoming>, is_json: bool) -> Answer {
        let node = &self.shard.node;
        let headers = request.headers();
        let upgrade = node
            .config
            .origins
            .check(headers)
            .and_then(|()| Upgrade::of(request.method(), request.version(), headers));
        let upgrade = match upgrade {
            Ok(upgrade) => upgrade,
            Err(refusal) => return self.refuse_upgrade(refusal),
        };
        if node.draining.is_cancelled() {
            node.metrics.refuse("draining");
            return error_page(&Refusal::new(Code::Draining, "this server is shutting down; try another"));
        }
        if self.shard.has_too_many_opening() {
            return self.refuse_for_now();
        }
        let place = is_json.then(|| node.admission.place()).flatten();
        let (protocol, flavour) =
            if is_json { session::json::negotiate(headers) } else { (None, Flavour::Classic) };
        // A page cannot read the answer to an upgrade: clients that understand it are told on the socket.
        if is_json && place.is_none() && flavour != Flavour::V1 {
            return self.refuse_for_now();
        }
        // Counted as the client's from here on: nothing refuses it any more.
        let address = match self.client(headers) {
            Ok(address) => address,
            Err(refusal) => return error_page(&refusal),
        };
        let agreed = if is_json {
            let dialect = if flavour == Flavour::V1 { Dialect::V1 } else { Dialect::Classic };
            let since = if flavour == Flavour::V1 { since(request) } else { None };
            let device = Device::of_query(request.uri().query().unwrap_or_default());
            Agreed { dialect, credential: credential(request), since, device, place, address }
        } else {
            let dialect = Dialect::PacketWebSocket;
            let device = Device::default();
            Agreed { dialect, credential: None, since: None, device, place: None, address }
        };
        let deflate = node.config.deflate.enabled.then(|| deflate::negotiate(headers)).flatten();
        let agreed = match deflate {
            Some(_) => Agreed { dialect: agreed.dialect.deflated(), ..agreed },
            None => agreed,
        };
        *self.agreed.borrow_mut() = Some(agreed);
        let mut response = Response::new(page_body(""));
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = upgrade.response_headers(protocol);
        if let Some(deflate) = deflate {
            response.headers_mut().insert(header::SEC_WEBSOCKET_EXTENSIONS, deflate);
        }
        response
    }

    /// There is no room for those who come now.
    fn refuse_for_now(&self) -> Answer {
        let refusal = Refusal::new(Code::Overloaded, "too many clients are connecting now; come again later");
        let retry_after_ms = Some(self.shard.node.admission.retry_after_ms());
        error_page(&Refusal { retry_after_ms, ..refusal })
    }

    /// Whose socket it is, and counted as theirs.
    fn client(&self, headers: &HeaderMap) -> Result<IpAddr, Refusal> {
        let (node, peer) = (&self.shard.node, self.peer.ip());
        let proxies = &node.config.trusted_proxies;
        if !proxies.trusts(peer) {
            return Ok(peer);
        }
        let lines = headers.get_all(FORWARDED_FOR).iter();
        let client = proxies.client(peer, lines.map(HeaderValue::as_bytes));
        socket_is_of(node, client, peer).map_err(|too_much| {
            node.metrics.refuse(too_much.label());
            let wait_ms = match too_much {
                TooMuch::Open => 5_000,
                TooMuch::Fast(wait) => u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1),
            };
            let text = "too many connections from your address; try again later";
            Refusal { retry_after_ms: Some(wait_ms), ..Refusal::new(Code::RateLimited, text) }
        })?;
        Ok(client)
    }

    fn refuse_upgrade(&self, refusal: handshake::Refusal) -> Answer {
        self.shard.node.metrics.refuse(refusal.label());
        let code = if refusal == handshake::Refusal::Origin { Code::Forbidden } else { Code::InvalidRequest };
        let mut response = error_page(&Refusal::new(code, refusal.to_string()));
        *response.status_mut() = refusal.status();
        response.headers_mut().extend(refusal.headers());
        response
    }
}

/// What a client shows of itself: a token in the list of sub-protocols, a header or the query; else the `sid` cookie.
fn credential(request: &Request<Incoming>) -> Option<Credential> {
    let headers = request.headers();
    let token = protocol_token(headers)
        .or_else(|| header_token(headers))
        .or_else(|| query_token(request.uri().query().unwrap_or_default()));
    match token {
        Some(token) => Some(Credential::Bearer(token.to_owned())),
        None => sid(headers).map(|sid| Credential::Sid(sid.to_owned())),
    }
}

/// Longest cursor of a list of conversations, bytes.
const SINCE_BYTES_MAX: usize = 64;

/// The cursor a client has of an earlier hello. One that cannot be is none: then everything comes.
fn since(request: &Request<Incoming>) -> Option<String> {
    query_since(request.uri().query().unwrap_or_default()).map(str::to_owned)
}

fn query_since(query: &str) -> Option<&str> {
    let is_fine = |since: &&str| {
        (1..=SINCE_BYTES_MAX).contains(&since.len())
            && since.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    query.split('&').find_map(|pair| pair.strip_prefix("since=")).filter(is_fine)
}

fn values<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
}

fn protocol_token(headers: &HeaderMap) -> Option<&str> {
    values(headers, &header::SEC_WEBSOCKET_PROTOCOL)
        .flat_map(|value| value.split(','))
        .find_map(|protocol| protocol.trim().strip_prefix(TOKEN_PROTOCOL))
}

fn header_token(headers: &HeaderMap) -> Option<&str> {
    values(headers, &header::AUTHORIZATION).find_map(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    })
}

fn query_token(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("access_token=")).filter(|token| !token.is_empty())
}

fn sid(headers: &HeaderMap) -> Option<&str> {
    values(headers, &header::COOKIE)
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix("sid="))
        .filter(|sid| !sid.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_found_where_clients_put_them() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; sid=s1; c=d"));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("bearer  t1"));
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("oort.v1, bearer.t2"));
        assert_eq!(sid(&headers), Some("s1"));
        assert_eq!(header_token(&headers), Some("t1"));
        assert_eq!(protocol_token(&headers), Some("t2"));
        assert_eq!(query_token("x=1&access_token=t3"), Some("t3"));
        assert_eq!(query_token("x=1&access_token="), None);
    }

    #[test]
    fn a_cursor_is_found_when_it_can_be_one() {
        assert_eq!(query_since("access_token=t&since=AQ-_9z"), Some("AQ-_9z"));
        let long = format!("since={}", "A".repeat(65));
        for none in ["", "since=", "since=%41", "sinc=A", &long] {
            assert_eq!(query_since(none), None, "{none}");
        }
    }
}
