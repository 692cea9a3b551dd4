//! Requests that are no upgrade: whoever builds the comet says who answers them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use oort_api::error::{Code, Refusal};

/// Body of an answer.
pub type PageBody = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;
/// An answer under way.
pub type PageFuture = Pin<Box<dyn Future<Output = Response<PageBody>> + Send>>;
/// Answers every request that is not an upgrade: a page, an API in the same process, or a proxy to one. Runs on the runtime
/// that runs the comet, not on a shard. The client's `SocketAddr` is among the request's extensions.
pub type Pages = Arc<dyn Fn(Request<Incoming>) -> PageFuture + Send + Sync>;

/// A whole body.
#[must_use]
pub fn page_body(bytes: impl Into<Bytes>) -> PageBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// The one error shape of the HTTP API.
#[must_use]
pub fn error_page(refusal: &Refusal) -> Response<PageBody> {
    let body = serde_json::json!({ "code": refusal.code.as_str(), "message": refusal.message });
    let mut response = Response::new(page_body(body.to_string()));
    *response.status_mut() =
        StatusCode::from_u16(refusal.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(ms) = refusal.retry_after_ms {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1000)));
    }
    response
}

/// Pages of a comet that serves none.
#[must_use]
pub fn no_pages() -> Pages {
    Arc::new(|_| Box::pin(async { error_page(&Refusal::new(Code::NotFound, "there is no such page here")) }))
}
