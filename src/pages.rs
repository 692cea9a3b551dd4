//! What a comet answers to requests that open no socket: the embedded page,
//! and the API, which is in this process or forwarded to a logic node.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use oort_api::Code;
use oort_api::error::Refusal;
use oort_comet::{Pages, error_page};
use tower::ServiceExt;

/// Files of the page, by path.
const PAGE: &[(&str, &str, &str)] = &[
    ("/", "text/html; charset=utf-8", include_str!("../web/page/index.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("../web/page/page.css")),
    ("/page.js", "text/javascript; charset=utf-8", include_str!("../web/page/page.js")),
];

/// The page runs its own script and talks to its own server, nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Largest request body that is forwarded; logic's own limit is lower.
const FORWARDED_BODY_BYTES_MAX: usize = 4 << 20;
/// Longest wait for logic's answer; logic's own timeout is shorter.
const FORWARD_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for a connection to one logic.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

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

/// Where the API is.
#[derive(Debug)]
pub(crate) enum Api {
    /// In this process.
    Here(Router),
    /// On logic nodes.
    There(Box<Forward>),
}

/// Forwards to logic nodes in turn.
#[derive(Debug)]
pub(crate) struct Forward {
    targets: Vec<String>,
    next: AtomicUsize,
    client: Client<HttpConnector, http_body_util::Full<bytes::Bytes>>,
}

impl Forward {
    /// To these addresses: `http://host:port`.
    pub(crate) fn new(targets: Vec<String>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let targets = targets.into_iter().map(|target| target.trim_end_matches('/').to_owned()).collect();
        Self { targets, next: AtomicUsize::new(0), client }
    }

    async fn forward(&self, request: Request<Incoming>) -> Response {
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, FORWARDED_BODY_BYTES_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => {
                return refuse(&Refusal::new(Code::TooLarge, "the body is larger than the server takes"));
            }
        };
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        for attempt in 0..self.targets.len() {
            let target = &self.targets[(first + attempt) % self.targets.len()];
            let Ok(uri) = format!("{target}{path}").parse::<Uri>() else { continue };
            let mut request = Request::builder().method(head.method.clone()).uri(uri);
            if let Some(headers) = request.headers_mut() {
                *headers = end_to_end(&head.headers);
                headers.remove(header::HOST);
                if let Some(client) = head.extensions.get::<SocketAddr>() {
                    let address = HeaderValue::from_str(&client.ip().to_string());
                    headers.append("x-forwarded-for", address.unwrap_or(HeaderValue::from_static("unknown")));
                }
            }
            let Ok(request) = request.body(http_body_util::Full::new(body.clone())) else { continue };
            match tokio::time::timeout(FORWARD_TIMEOUT, self.client.request(request)).await {
                Ok(Ok(response)) => {
                    let (mut head, body) = response.into_parts();
                    head.headers = end_to_end(&head.headers);
                    return Response::from_parts(head, Body::new(body));
                }
                // Nothing has reached that node, so the next may have it.
                Ok(Err(error)) if error.is_connect() => tracing::warn!(target, "logic cannot be reached"),
                Ok(Err(error)) => {
                    tracing::warn!(target, %error, "logic gave no answer");
                    break;
                }
                Err(_) => break,
            }
        }
        refuse(&Refusal::new(Code::Unavailable, "no logic node answers; try again"))
    }
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

/// What a comet calls for everything that is not a socket.
pub(crate) fn pages(api: Api) -> Pages {
    let api = Arc::new(api);
    Arc::new(move |request| {
        let api = Arc::clone(&api);
        Box::pin(
            async move { respond(&api, request).await.map(|body| body.map_err(Into::into).boxed_unsync()) },
        )
    })
}

async fn respond(api: &Api, request: Request<Incoming>) -> Response {
    let path = request.uri().path();
    if let Some((_, kind, text)) = PAGE.iter().find(|(known, _, _)| *known == path) {
        return page(request.method(), kind, text);
    }
    match api {
        Api::Here(router) => {
            let mut request = request.map(Body::new);
            if let Some(client) = request.extensions().get::<SocketAddr>().copied() {
                request.extensions_mut().insert(ConnectInfo(client));
            }
            // A router's own error type has no values.
            router.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
        }
        Api::There(forward) if path.starts_with("/api/") && !forward.targets.is_empty() => {
            forward.forward(request).await
        }
        Api::There(_) => refuse(&Refusal::new(Code::NotFound, "there is nothing at this path")),
    }
}

fn page(method: &Method, kind: &'static str, text: &'static str) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return refuse(&Refusal::new(Code::MethodNotAllowed, "only GET is served here"));
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, text).into_response()
}

fn refuse(refusal: &Refusal) -> Response {
    error_page(refusal).map(Body::new)
}
