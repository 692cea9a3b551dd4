//! Centrifugo as a target: published to by its HTTP API over connections that stay open.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{bail, ensure};
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Process, Publisher, Running, Target, Whom};
use crate::dialect::{Room, Who, centrifugo_channel};

/// Requests that may wait for one connection.
const QUEUE_REQUESTS: usize = 1024;

type Api = Client<HttpConnector, Full<Bytes>>;

pub(super) fn attach(running: &Running, api_key: &str, publishers: usize) -> Target {
    let state = Arc::new(Mutex::new(State::default()));
    let connection = |_| {
        let (requests, mut queue) = mpsc::channel::<(&'static str, Value)>(QUEUE_REQUESTS);
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let api: Api = Client::builder(TokioExecutor::new()).build(connector);
        let (address, key, state) = (running.publish, api_key.to_owned(), Arc::clone(&state));
        tokio::spawn(async move {
            while let Some((path, body)) = queue.recv().await {
                let answer = post(&api, &format!("http://{address}{path}"), &key, &body).await;
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                state.under_way -= 1;
                if let Err(error) = answer {
                    state.error = Some(error.to_string());
                }
            }
        });
        requests
    };
    let connections = (0..publishers.max(1)).map(connection).collect();
    Target {
        clients: running.clients,
        tls: None,
        publisher: Box::new(CentrifugoPublisher { connections, next: 0, state }),
        processes: vec![Process { name: "centrifugo".into(), pid: running.pid }],
        _children: Vec::new(),
    }
}

async fn post(api: &Api, uri: &str, key: &str, body: &Value) -> anyhow::Result<()> {
    let request = Request::post(uri)
        .header(header::CONTENT_TYPE, "application/json")
        .header("X-API-Key", key)
        .body(Full::new(Bytes::from(body.to_string())))?;
    let response = api.request(request).await?;
    let status = response.status();
    let bytes = response.into_body().collect().await?.to_bytes();
    let is_refused = bytes.windows(8).any(|part| part == b"\"error\":");
    ensure!(status.is_success() && !is_refused, "{status}: {}", String::from_utf8_lossy(&bytes));
    Ok(())
}

#[derive(Debug, Default)]
struct State {
    under_way: usize,
    error: Option<String>,
}

struct CentrifugoPublisher {
    connections: Vec<mpsc::Sender<(&'static str, Value)>>,
    next: usize,
    state: Arc<Mutex<State>>,
}

impl Publisher for CentrifugoPublisher {
    fn publish(&mut self, whom: Whom, bodies: &[Bytes]) -> anyhow::Result<()> {
        let channel = match whom {
            Whom::Room(room) => centrifugo_channel(room),
            Whom::Client(number) => Who { number, room: Room::Main }.key(),
        };
        let publication =
            |body: &Bytes| json!({ "channel": channel, "data": { "b": String::from_utf8_lossy(body) } });
        let request = match bodies {
            [one] => ("/api/publish", publication(one)),
            many => {
                let commands: Vec<_> =
                    many.iter().map(|body| json!({ "publish": publication(body) })).collect();
                ("/api/batch", json!({ "commands": commands }))
            }
        };
        self.next = (self.next + 1) % self.connections.len();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).under_way += 1;
        if self.connections[self.next].try_send(request).is_err() {
            bail!("too many publications are under way");
        }
        Ok(())
    }

    fn under_way(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).under_way
    }

    fn turn(&mut self) -> anyhow::Result<()> {
        if let Some(error) = &self.state.lock().unwrap_or_else(PoisonError::into_inner).error {
            bail!("Centrifugo refused a publication: {error}");
        }
        Ok(())
    }
}
