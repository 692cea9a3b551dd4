//! A pair of clients of our own that measure, all the time, what people feel: from a send by the HTTP API to the frame at a comet's
//! socket, over the store, the bus and the job. Each comet has its turn.
//!
//! The messages are real ones, as nothing else goes the whole way. They stand in a conversation of the pair alone, of which
//! only the newest are kept ([`Store::prune`]).

mod listener;
mod metrics;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::metrics::Registry;
use oort_api::pb::oort::v1::User;
use oort_logic::accounts::{Registration, names, random_password};
use oort_logic::app::App;
use oort_logic::store::{NewDevice, Store};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use listener::Listener;
use metrics::{Metrics, Step};

/// User names of the pair: who sends, and who is connected.
const PAIR: [&str; 2] = ["oort-canary-1", "oort-canary-2"];
/// Messages deleted at a time; more than come in between.
const PRUNED_MAX: u32 = 1000;
/// How often the age of the last success is shown.
const AGE_SHOWN_EVERY: Duration = Duration::from_millis(500);

/// `[canary]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// It runs, in each logic node or the one process.
    pub(crate) enabled: bool,
    /// Time between two messages.
    pub(crate) interval_ms: u64,
    /// Longest time a message may take.
    pub(crate) timeout_ms: u64,
    /// Messages over one comet before it is the next one's turn.
    pub(crate) messages_per_comet: u32,
    /// Messages of the pair that are kept.
    pub(crate) messages_kept: u32,
}

impl Config {
    /// Everything that is wrong with it.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !(10..=3_600_000).contains(&self.interval_ms) || !(10..=600_000).contains(&self.timeout_ms) {
            faults.push("interval_ms must be 10 to 3600000, timeout_ms 10 to 600000".to_owned());
        }
        if self.messages_per_comet == 0 || !(1..=1_000_000).contains(&self.messages_kept) {
            faults.push("messages_per_comet must be at least 1, messages_kept 1 to 1000000".to_owned());
        }
        faults
    }
}

/// Where and why it failed.
#[derive(Debug)]
struct Failure(Step, anyhow::Error);

/// For `map_err`: what went wrong at a step.
fn at<E: Into<anyhow::Error>>(step: Step) -> impl FnOnce(E) -> Failure {
    move |error| Failure(step, error.into())
}

/// The pair of clients.
#[derive(Debug)]
pub(crate) struct Canary {
    config: Config,
    app: Arc<App>,
    store: Arc<dyn Store>,
    /// Where the HTTP API is served.
    api: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    metrics: Metrics,
}

/// The pair, logged in.
struct Pair {
    conversation: ConversationId,
    sender_token: String,
    receiver_token: String,
}

impl Canary {
    pub(crate) fn new(
        config: Config,
        app: Arc<App>,
        store: Arc<dyn Store>,
        api: SocketAddr,
        registry: &mut Registry,
    ) -> Self {
        let metrics = Metrics::register(registry.sub_registry_with_prefix("canary"));
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { config, app, store, api, client, metrics }
    }

    /// Measures until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.measure() => {}
            () = self.show_age() => {}
        }
        Ok(())
    }

    async fn measure(&self) {
        let mut turn = 0;
        loop {
            if let Err(Failure(step, error)) = self.visit(turn).await {
                self.metrics.failed(step);
                tracing::debug!(?step, error = format!("{error:#}"), "the canary did not come through");
            }
            turn += 1;
            sleep(self.interval()).await;
        }
    }

    async fn show_age(&self) {
        loop {
            self.metrics.show_age();
            sleep(AGE_SHOWN_EVERY).await;
        }
    }

    fn interval(&self) -> Duration {
        Duration::from_millis(self.config.interval_ms)
    }

    /// Some messages over one comet.
    async fn visit(&self, turn: usize) -> Result<(), Failure> {
        let pair = self.log_in().await.map_err(|error| Failure(Step::LogIn, error))?;
        let outcome = self.send_over_one(turn, &pair).await;
        for token in [&pair.sender_token, &pair.receiver_token] {
            // What cannot be ended now ends by itself.
            if let Ok(identity) = self.app.accounts.authenticate_bearer(token).await
                && let Ok(user) = identity.user_id()
            {
                drop(self.app.accounts.end(user, &identity.login_id).await);
            }
        }
        outcome
    }

    async fn send_over_one(&self, turn: usize, pair: &Pair) -> Result<(), Failure> {
        let patience = Duration::from_millis(self.config.timeout_ms);
        let comets = self.app.directory.comets().await.map_err(at(Step::Comet))?;
        let mut addresses: Vec<&str> = comets
            .iter()
            .filter(|comet| !comet.draining && !comet.ws_address.is_empty())
            .map(|comet| comet.ws_address.as_str())
            .collect();
        addresses.sort_unstable();
        let none = || Failure(Step::Comet, anyhow::anyhow!("no comet serves WebSocket clients"));
        let address = addresses.get(turn % addresses.len().max(1)).ok_or_else(none)?;
        let connecting = timeout(patience, Listener::connect(address, &pair.receiver_token)).await;
        let mut listener = connecting.map_err(at(Step::Connect))?.map_err(at(Step::Connect))?;
        for _ in 0..self.config.messages_per_comet {
            let seq =
                timeout(patience, self.send_one(pair, &mut listener)).await.map_err(at(Step::Receive))??;
            self.prune(pair.conversation, seq).await;
            sleep(self.interval()).await;
        }
        Ok(())
    }

    /// One message, there and back; returns its seq.
    async fn send_one(&self, pair: &Pair, listener: &mut Listener) -> Result<i64, Failure> {
        let id = uuid::Uuid::new_v4().to_string();
        let began = Instant::now();
        let sending = async {
            let seq = self.post(pair, &id).await.map_err(at(Step::Send))?;
            self.metrics.answer.observe(began.elapsed().as_secs_f64());
            Ok::<_, Failure>(seq)
        };
        let receiving = async {
            listener.wait_for(&id).await.map_err(at(Step::Receive))?;
            Ok::<_, Failure>(began.elapsed())
        };
        let (seq, took) = tokio::try_join!(sending, receiving)?;
        self.metrics.came_through(took);
        Ok(seq)
    }

    async fn post(&self, pair: &Pair, id: &str) -> anyhow::Result<i64> {
        let path = format!("http://{}/api/conversations/{}/messages", self.api, pair.conversation);
        let body = json!({ "clientMsgId": id, "content": "canary" }).to_string();
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", pair.sender_token))
            .body(Full::new(Bytes::from(body)))?;
        let response = self.client.request(request).await?;
        anyhow::ensure!(response.status().is_success(), "the API answers {}", response.status());
        let body = http_body_util::Limited::new(response.into_body(), 1 << 16);
        let bytes = http_body_util::BodyExt::collect(body).await.map_err(|error| anyhow::anyhow!(error))?;
        let sent: Sent = serde_json::from_slice(&bytes.to_bytes())?;
        Ok(sent.seq)
    }

    /// What is older goes. A failure is made up for the next time.
    async fn prune(&self, conversation: ConversationId, newest: i64) {
        let Some(below) = Seq::new(newest - i64::from(self.config.messages_kept) + 1) else { return };
        if let Err(error) = self.store.prune(conversation, below, PRUNED_MAX).await {
            tracing::debug!(%error, "the canary's messages were not pruned");
        }
    }

    async fn log_in(&self) -> anyhow::Result<Pair> {
        let sender = self.user(PAIR[0]).await?;
        let receiver = self.user(PAIR[1]).await?;
        let peer = UserId::new(receiver.id).ok_or_else(|| anyhow::anyhow!("the store gave no user id"))?;
        let conversation = self.app.conversations.direct(&sender, peer).await?.id;
        let device = NewDevice { name: "canary".to_owned(), ..NewDevice::default() };
        let sender = self.app.accounts.begin_own_session(sender, &device).await?;
        let receiver = self.app.accounts.begin_own_session(receiver, &device).await?;
        Ok(Pair { conversation, sender_token: sender.access_token, receiver_token: receiver.access_token })
    }

    /// The account, made when there is none. Nobody knows its password.
    async fn user(&self, name: &str) -> anyhow::Result<User> {
        if let Some(found) = self.store.credentials_by_name(&names::fold_username(name)).await? {
            return Ok(found.user);
        }
        let registration =
            Registration { username: name.to_owned(), email: None, password: random_password()? };
        Ok(self.app.accounts.register(registration).await?)
    }
}

/// The answer to a send.
#[derive(Deserialize)]
struct Sent {
    seq: i64,
}
