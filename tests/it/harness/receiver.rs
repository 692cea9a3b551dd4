//! What notifications are sent to: webhooks, push services of browsers, FCM's
//! and Apple's, as far as they are documented. It shows the test what came.
//!
//! On a thread of its own, so that it outlives the runtime of the test that started it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{eventually, hook};

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// What it was answered with.
    pub(crate) status: StatusCode,
    /// HTTP/2.
    pub(crate) is_h2: bool,
    /// When it came.
    pub(crate) at: Instant,
}

impl Received {
    /// A header as text; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// How a path is answered.
#[derive(Debug, Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

#[derive(Debug, Default)]
struct State {
    received: Mutex<HashMap<String, Vec<Received>>>,
    answers: Mutex<HashMap<String, Answer>>,
}

/// A running one.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    /// HTTP/1.1.
    address: SocketAddr,
    /// HTTP/2 without TLS.
    h2_address: SocketAddr,
    state: Arc<State>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let state = Arc::new(State::default());
        let (told, addresses) = std::sync::mpsc::channel();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let bind = async || TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let (one, two) = (bind().await, bind().await);
                let address = |listener: &TcpListener| listener.local_addr().expect("an address");
                told.send((address(&one), address(&two))).expect("somebody waits");
                tokio::join!(serve(one, false, &shared), serve(two, true, &shared));
            });
        });
        let (address, h2_address) = addresses.recv().expect("it starts");
        Self { address, h2_address, state }
    }

    /// URL of a path, over HTTP/1.1.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The same over HTTP/2.
    pub(crate) fn h2_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.h2_address)
    }

    /// From now on the path is answered so; before it was 200.
    pub(crate) fn answer(&self, path: &str, status: u16, headers: &[(&'static str, &str)], body: &str) {
        let status = StatusCode::from_u16(status).expect("a status");
        let headers = headers
            .iter()
            .map(|&(name, value)| (http::HeaderName::from_static(name), value.parse().expect("a value")));
        let answer = Answer { status, headers: headers.collect(), body: body.to_owned() };
        self.state.answers.lock().insert(path.to_owned(), answer);
    }

    /// What came to a path.
    pub(crate) fn received(&self, path: &str) -> Vec<Received> {
        self.state.received.lock().get(path).cloned().unwrap_or_default()
    }

    /// What came to a path and was taken.
    pub(crate) fn taken(&self, path: &str) -> Vec<Received> {
        self.received(path).into_iter().filter(|one| one.status.is_success()).collect()
    }

    /// Waits until so many were taken.
    pub(crate) async fn wait_taken(&self, path: &str, count: usize) -> Vec<Received> {
        eventually(&format!("{count} at {path}"), async || {
            let taken = self.taken(path);
            (taken.len() >= count).then_some(taken)
        })
        .await
    }

    /// Waits until so many came, whatever they were answered with.
    pub(crate) async fn wait_received(&self, path: &str, count: usize) -> Vec<Received> {
        eventually(&format!("{count} attempts at {path}"), async || {
            let received = self.received(path);
            (received.len() >= count).then_some(received)
        })
        .await
    }
}

async fn serve(listener: TcpListener, is_h2: bool, state: &Arc<State>) {
    loop {
        let (stream, _) = listener.accept().await.expect("accepts");
        let state = Arc::clone(state);
        let answer = service_fn(move |request| answer(request, is_h2, Arc::clone(&state)));
        let io = TokioIo::new(stream);
        tokio::spawn(async move {
            if is_h2 {
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                drop(server.serve_connection(io, answer).await);
            } else {
                drop(hyper::server::conn::http1::Builder::new().serve_connection(io, answer).await);
            }
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    is_h2: bool,
    state: Arc<State>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let path = head.uri.path().to_owned();
    let answer = state.answers.lock().get(&path).cloned();
    let mut received =
        Received { headers: head.headers, body, status: StatusCode::OK, is_h2, at: Instant::now() };
    let mut is_held = false;
    let answer = answer.unwrap_or_else(|| {
        let (mut status, mut body) = (StatusCode::OK, String::new());
        if path == "/token" {
            body = json!({ "access_token": "granted", "expires_in": 3600 }).to_string();
        } else if path.starts_with(hook::BEFORE) {
            let earlier = state.received.lock().get(&path).cloned().unwrap_or_default();
            match hook::answer(&received, &earlier) {
                hook::Answer::Says(says) => body = says.to_string(),
                hook::Answer::Fails => status = StatusCode::INTERNAL_SERVER_ERROR,
                hook::Answer::Holds => is_held = true,
            }
        }
        Answer { status, headers: HeaderMap::new(), body }
    });
    received.status = answer.status;
    state.received.lock().entry(path).or_default().push(received);
    if is_held {
        // Until the caller has had enough.
        std::future::pending::<()>().await;
    }
    let mut response = Response::new(Full::new(answer.body.into()));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}
