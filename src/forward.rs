//! A comet's way to the HTTP API of the logic nodes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use oort_api::Code;
use oort_api::error::Refusal;
use oort_api::metrics::{Counter, Family, Registry};
use oort_comet::error_page;

use crate::config::Cluster;

/// Headers that concern one hop only (RFC 9110 §7.6.1).
const HOP_BY_HOP: &[HeaderName] = &[
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
];

/// A body that was read whole, or one that is passed on as it comes.
type Outgoing = Either<Full<Bytes>, Incoming>;

/// Beginning of the paths of files; what is sent there may be large.
const FILES_PATH: &str = "/api/files/";

/// Forwards to logic nodes in turn.
#[derive(Debug)]
pub(crate) struct Forward {
    targets: Vec<String>,
    next: AtomicUsize,
    client: Client<HttpConnector, Outgoing>,
    timeout: Duration,
    upload_timeout: Duration,
    body_bytes_max: usize,
    refused: Family<[(&'static str, &'static str); 1], Counter>,
}

impl Forward {
    /// To the addresses of `cluster.logic_http`.
    pub(crate) fn new(cluster: &Cluster, registry: &mut Registry) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(Duration::from_millis(cluster.forward_connect_timeout_ms)));
        connector.set_nodelay(true);
        let refused = Family::default();
        registry.register(
            "forward_refused",
            "Requests for the API not forwarded, by error code",
            refused.clone(),
        );
        let targets = cluster.logic_http.iter().map(|target| target.trim_end_matches('/').to_owned());
        Self {
            targets: targets.collect(),
            next: AtomicUsize::new(0),
            client: Client::builder(TokioExecutor::new()).build(connector),
            timeout: Duration::from_millis(cluster.forward_timeout_ms),
            upload_timeout: Duration::from_millis(cluster.forward_upload_timeout_ms),
            body_bytes_max: cluster.forward_body_bytes_max,
            refused,
        }
    }

    /// Whether it knows any logic node.
    pub(crate) fn has_targets(&self) -> bool {
        !self.targets.is_empty()
    }

    /// The answer of a logic node, or why there is none.
    pub(crate) async fn forward(&self, request: Request<Incoming>) -> Response {
        // Over the body as well, which a client may send as slowly as it likes.
        let is_upload = request.method() == Method::PATCH && request.uri().path().starts_with(FILES_PATH);
        let answer = if is_upload {
            tokio::time::timeout(self.upload_timeout, self.pass_on(request)).await
        } else {
            tokio::time::timeout(self.timeout, self.ask(request)).await
        };
        let unavailable = |text| Refusal::new(Code::Unavailable, text);
        answer
            .unwrap_or_else(|_| Err(unavailable("no answer in time; the request may have been done")))
            .unwrap_or_else(|refusal| {
                self.refused.get_or_create(&[("code", refusal.code.as_str())]).inc();
                error_page(&refusal).map(Body::new)
            })
    }

    async fn ask(&self, request: Request<Incoming>) -> Result<Response, Refusal> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, self.body_bytes_max).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                Refusal::new(Code::TooLarge, format!("the body is larger than {} bytes", self.body_bytes_max))
            } else {
                Refusal::new(Code::InvalidRequest, "the body could not be read")
            }
        })?;
        let body = body.to_bytes();
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        for attempt in 0..self.targets.len() {
            let target = &self.targets[(first + attempt) % self.targets.len()];
            let body = Either::Left(Full::new(body.clone()));
            let Some(request) = request_to(target, &head, body) else { continue };
            match self.client.request(request).await {
                Ok(response) => return Ok(answered(response)),
                // Nothing has reached that node, so the next may have it.
                Err(error) if error.is_connect() => tracing::warn!(target, "logic cannot be reached"),
                Err(error) => {
                    tracing::warn!(target, %error, "logic gave no answer");
                    break;
                }
            }
        }
        Err(no_answer())
    }

    /// Passes a body on as it comes, to one node: there is nothing to give to another. Its client goes on from what is
    /// stored.
    async fn pass_on(&self, request: Request<Incoming>) -> Result<Response, Refusal> {
        let (head, body) = request.into_parts();
        let index = self.next.fetch_add(1, Ordering::Relaxed) % self.targets.len().max(1);
        let target = self.targets.get(index).ok_or_else(no_answer)?;
        let request = request_to(target, &head, Either::Right(body)).ok_or_else(no_answer)?;
        match self.client.request(request).await {
            Ok(response) => Ok(answered(response)),
            Err(error) => {
                tracing::warn!(target, %error, "logic did not take a file");
                Err(no_answer())
            }
        }
    }
}

fn answered(response: http::Response<Incoming>) -> Response {
    let (mut head, body) = response.into_parts();
    head.headers = end_to_end(&head.headers);
    Response::from_parts(head, Body::new(body))
}

fn no_answer() -> Refusal {
    Refusal::new(Code::Unavailable, "no logic node answers; try again")
}

fn request_to(target: &str, head: &Parts, body: Outgoing) -> Option<Request<Outgoing>> {
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::new(body);
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = format!("{target}{path}").parse::<Uri>().ok()?;
    let headers = request.headers_mut();
    // With the host that the client named: logic holds the origin of a page against it.
    *headers = end_to_end(&head.headers);
    if let Some(client) = head.extensions.get::<SocketAddr>() {
        let address = HeaderValue::from_str(&client.ip().to_string());
        headers.append("x-forwarded-for", address.unwrap_or(HeaderValue::from_static("unknown")));
    }
    Some(request)
}

fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let named: Vec<_> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .collect();
    let mut kept = headers.clone();
    for name in HOP_BY_HOP.iter().chain(&named) {
        kept.remove(name);
    }
    kept.remove("keep-alive");
    kept
}
