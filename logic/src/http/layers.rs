//! What happens around every handler: a trace, limits, headers and counts.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Method};
use oort_api::Code;
use tokio::time::timeout;
use tracing::Instrument;

use super::door::{ClientAddress, Door};
use super::files::CONTENT_PATH;
use super::refused::Refused;
use super::trace::{TRACEPARENT, Trace};

/// Paths of people, whose number of requests is limited by address. The others are of servers, which have tokens.
const API_PATH: &str = "/api/";

/// The outermost layer.
pub(super) async fn observe(State(door): State<Arc<Door>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let trace = Trace::of(request.headers());
    let path = request.extensions().get::<MatchedPath>().cloned();
    let route = path.as_ref().map(MatchedPath::as_str);
    let observed = door.routes.of(request.method(), route).clone();
    let span = tracing::info_span!(
        "http",
        method = %request.method(),
        route = route.unwrap_or_default(),
        trace_id = trace.trace_id()
    );
    request.extensions_mut().insert(trace.clone());
    let address = ClientAddress::of(&request, &door.config.trusted_proxies);
    request.extensions_mut().insert(address);
    let is_counted = request.uri().path().starts_with(API_PATH);
    let admitted = if is_counted { door.app.rates.request(address.0) } else { Ok(()) };
    let mut response = match admitted.map(|()| door.slots.try_acquire()) {
        Err(refusal) => Refused(refusal).into_response(),
        Ok(Ok(_slot)) => {
            let _under_way = UnderWay::new(&door);
            answer(&door, request, next).instrument(span).await
        }
        Ok(Err(_)) => {
            Refused::new(Code::Overloaded, "too many requests at the moment; try again").into_response()
        }
    };
    if let Some(&code) = response.extensions().get::<Code>() {
        door.codes.inc(code);
    }
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&trace.0) {
        headers.insert(HeaderName::from_static(TRACEPARENT), value);
    }
    observed.record(response.status(), started.elapsed().as_secs_f64());
    response
}

async fn answer(door: &Door, request: Request, next: Next) -> Response {
    if let Ok(response) = timeout(longest(door, &request), next.run(request)).await {
        return response;
    }
    door.metrics.timeouts.inc();
    tracing::warn!("a request took too long");
    // A send is in the writer's hands by now: it may be stored, and a repeat stores it once.
    Refused::new(
        Code::Unavailable,
        "this took too long and may still happen; repeat it with the same clientMsgId or look first",
    )
    .into_response()
}

/// How long a request may last: one that uploads lasts as long as its bytes take, and has its own bounds.
fn longest(door: &Door, request: &Request) -> Duration {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    if request.method() == Method::PATCH && path == Some(CONTENT_PATH) {
        Duration::from_millis(door.app.files.upload_timeout_ms())
    } else {
        door.config.request_timeout()
    }
}

/// Counts a request under way, also when its client goes away.
struct UnderWay<'a>(&'a Door);

impl<'a> UnderWay<'a> {
    fn new(door: &'a Door) -> Self {
        door.metrics.under_way.inc();
        Self(door)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.metrics.under_way.dec();
    }
}

/// What a handler that panicked answers. The panic's text may hold anything,
/// so only the log has it.
pub(super) fn panicked(door: &Door, panic: &(dyn Any + Send)) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("of no text");
    tracing::error!(panic = text, "a handler panicked");
    door.metrics.panics.inc();
    Refused::new(Code::Internal, "internal error").into_response()
}

/// No such path.
pub(super) async fn not_found() -> Refused {
    Refused::new(Code::NotFound, "there is nothing at this path")
}

/// The path exists, the method does not.
pub(super) async fn method_not_allowed() -> Refused {
    Refused::new(Code::MethodNotAllowed, "this path has other methods")
}
