//! What a comet answers to requests that open no socket: the embedded client,
//! and the API, which is in this process or forwarded to a logic node.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use oort_api::Code;
use oort_api::error::Refusal;
use oort_comet::{Pages, error_page};
use tower::ServiceExt;

use crate::forward::Forward;

mod asset;
mod client;
mod encoding;

use client::Found;

/// Beginnings of paths that are the API's, whatever the client has.
const API_PATHS: [&str; 3] = ["/api/", "/push/", "/goim/"];

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
    if !client::is_built() {
        tracing::warn!(
            "the web client was not built into this binary (make web); / leads to the small page /mini/"
        );
    }
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
    if !API_PATHS.iter().any(|beginning| path.starts_with(beginning)) {
        return file(&request);
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

fn file<B>(request: &Request<B>) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    if method != Method::GET && method != Method::HEAD {
        let mut response = refuse(&Refusal::new(Code::MethodNotAllowed, "only GET and HEAD are served here"));
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match client::find(path) {
        Found::File(asset) => asset.answer(StatusCode::OK, method, request.headers()),
        Found::Elsewhere(page) => redirect(page, request.uri()),
        Found::Nothing => match client::not_found_page() {
            // A path with a dot was meant to be a file, and nobody looks at its answer.
            Some(page) if !path.contains('.') => {
                page.answer(StatusCode::NOT_FOUND, method, request.headers())
            }
            _ => refuse(&Refusal::new(Code::NotFound, "there is nothing at this path")),
        },
    }
}

/// To a page of ours, with the query of the request.
fn redirect(page: &str, asked: &Uri) -> Response {
    let query = asked.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut response = Response::new(Body::empty());
    // What has been checked as an address is good as a header.
    if let Ok(target) = HeaderValue::try_from(format!("{page}{query}")) {
        *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
        response.headers_mut().insert(header::LOCATION, target);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        return response;
    }
    refuse(&Refusal::new(Code::NotFound, "there is nothing at this path"))
}

fn refuse(refusal: &Refusal) -> Response {
    error_page(refusal).map(Body::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: Method, path: &'static str) -> Response {
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = Uri::from_static(path);
        file(&request)
    }

    #[test]
    fn a_redirect_keeps_the_query_and_stays_here() {
        let response = asked(Method::GET, "/mini?a=1&b=/%0d%0aSet-Cookie");
        assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(response.headers()[header::LOCATION], "/mini/?a=1&b=/%0d%0aSet-Cookie");
        assert_eq!(asked(Method::GET, "//example.org").status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn files_are_only_read() {
        for method in [Method::POST, Method::DELETE, Method::OPTIONS] {
            let response = asked(method, "/mini/");
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(response.headers()[header::ALLOW], "GET, HEAD");
        }
        assert_eq!(asked(Method::HEAD, "/mini/").status(), StatusCode::OK);
    }

    #[test]
    fn a_missing_file_is_never_answered_with_a_page() {
        let response = asked(Method::GET, "/_next/static/gone.js");
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    }
}
