//! What a comet answers to requests that open no socket: the embedded page,
//! and the API, which is in this process or forwarded to a logic node.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, Request, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use oort_api::Code;
use oort_api::error::Refusal;
use oort_comet::{Pages, error_page};
use tower::ServiceExt;

use crate::forward::Forward;

/// Files of the page, by path.
const PAGE: &[(&str, &str, &str)] = &[
    ("/", "text/html; charset=utf-8", include_str!("../web/page/index.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("../web/page/page.css")),
    ("/page.js", "text/javascript; charset=utf-8", include_str!("../web/page/page.js")),
];

/// The page runs its own script and talks to its own server, nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Where the API is.
#[derive(Debug)]
pub(crate) enum Api {
    /// In this process.
    Here(Router),
    /// On logic nodes.
    There(Box<Forward>),
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
        Api::There(forward) if path.starts_with("/api/") && forward.has_targets() => {
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
