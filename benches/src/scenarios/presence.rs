//! `presence`: many people connect within seconds, and each watches many others who do as well.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use uuid::Uuid;

use super::cost::{self, Meter, Person};
use crate::clock;
use crate::histogram::Recorder;
use crate::limits;
use crate::load::run::ratio;
use crate::report::{Latency, OutputOptions, Progress, RunResult};
use crate::system::{Services, Shape, System, SystemOptions, block_on};

/// Longest wait for one connection and what it asks for.
const PATIENCE: Duration = Duration::from_secs(60);
/// After so long whose connection ended without a word comes again.
const AGAIN: Duration = Duration::from_secs(1);
/// So long without a frame, and all that was to be told is.
const QUIET: Duration = Duration::from_secs(3);

/// Options of `oort-bench presence`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// People who connect, each with one WebSocket.
    #[arg(long, default_value_t = 10_000)]
    users: usize,
    /// People whom each of them watches; at most `comet.watch.users_max`.
    #[arg(long, default_value_t = 100)]
    contacts: usize,
    /// Seconds over which they connect, evenly.
    #[arg(long, default_value_t = 10)]
    within: u64,
    /// Longest wait for what is told, seconds.
    #[arg(long, default_value_t = 60)]
    wait: u64,
    #[command(flatten)]
    system: SystemOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// What all connections count together.
#[derive(Debug, Default)]
struct Counts {
    connected: AtomicU64,
    /// Frames with presence that nobody had asked for, and people in them who are online.
    told: AtomicU64,
    came: AtomicU64,
    /// Connections that ended before they were answered, and were opened anew.
    again: AtomicU64,
    /// When the last of them came, ns after the first connected.
    last_ns: AtomicU64,
}

/// Runs the scenario.
pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<RunResult>> {
    ensure!(options.users > 1 && options.contacts > 0, "users is at least 2, contacts at least 1");
    ensure!(options.contacts < options.users, "contacts is less than users");
    limits::raise_open_files();
    // Log-ins are another scenario: here they only take time.
    let mut options = options.clone();
    for cheap in ["logic.accounts.argon2_memory_kib=64", "logic.accounts.argon2_passes=1"] {
        options.system.settings.push(cheap.to_owned());
    }
    Ok(vec![block_on(measure(&options))?])
}

async fn measure(options: &Options) -> anyhow::Result<RunResult> {
    let shape = options.system.shape.name();
    let mut progress = Progress::new(&options.output, format!("presence, {shape}, {}", options.users));
    progress.phase("starting the system");
    let system = System::start(&options.system).await?;
    progress.phase("making users");
    let name = Uuid::new_v4().simple().to_string();
    let (people, _) = cost::people(&system, &name[..8], options.users, 64).await?;
    let people = Arc::new(people);
    let params = vec![
        ("shape", json!(shape)),
        ("users", json!(options.users)),
        ("contacts", json!(options.contacts)),
        ("within_s", json!(options.within)),
    ];
    let mut result = cost::result("presence", params, Vec::new());

    progress.phase("connecting");
    let redis = redis_of(&options.system)?;
    let commands = commands(redis.as_deref()).await?;
    let counts = Arc::new(Counts::default());
    let (end, ended) = watch::channel(false);
    let meter = Meter::begin(&system)?;
    let (begun, begun_ns) = (Instant::now(), clock::now_ns());
    let mut devices = JoinSet::new();
    for number in 0..options.users {
        let within = Duration::from_secs(options.within);
        let due = begun + within.mul_f64(ratio(number as u64, options.users as u64));
        let comet = system.comets[number % system.comets.len()].clone();
        let (people, counts) = (Arc::clone(&people), Arc::clone(&counts));
        let device = Device { number, contacts: options.contacts, comet, people, counts, begun_ns };
        devices.spawn(device.live(due, ended.clone()));
    }
    let all = options.users as u64;
    let give_up = begun + Duration::from_secs(options.within + options.wait);
    while counts.connected.load(Ordering::Relaxed) < all {
        if let Some(failed) = devices.try_join_next() {
            failed??;
        }
        ensure!(Instant::now() < give_up, "only {} connected", counts.connected.load(Ordering::Relaxed));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let connected_s = begun.elapsed().as_secs_f64();
    progress.phase("waiting until nothing more is told");
    loop {
        let before = counts.told.load(Ordering::Relaxed);
        tokio::time::sleep(QUIET).await;
        if counts.told.load(Ordering::Relaxed) == before || Instant::now() > give_up {
            break;
        }
    }
    let used = meter.end(&system)?;
    let commands = commands_since(redis.as_deref(), commands).await?;
    end.send_replace(true);
    let (mut connects, mut missing) = (Recorder::new(), 0);
    while let Some(device) = devices.join_next().await {
        let (ns, lacks) = device??;
        connects.record(ns);
        missing += lacks;
    }
    let whole = |count: &AtomicU64| ratio(count.load(Ordering::Relaxed), 1);
    let last_s = Duration::from_nanos(counts.last_ns.load(Ordering::Relaxed)).as_secs_f64();
    let figures = [
        ("all_connected_s", connected_s),
        ("last_told_s", last_s),
        ("presence_frames", whole(&counts.told)),
        ("people_told_online", whole(&counts.came)),
        ("connections_opened_anew", whole(&counts.again)),
        ("redis_commands", commands),
        ("redis_commands_per_user", commands / ratio(all, 1)),
    ];
    cost::put(&mut result, figures.map(|(name, value)| (name.to_owned(), value)));
    cost::put(&mut result, used.figures());
    result.cpu_us_per_message = used.cpu_us_each(all);
    result.latencies.insert("connected".to_owned(), Latency::of_ns(connects.histogram()));
    result.verdict.delivered = counts.came.load(Ordering::Relaxed);
    result.verdict.lost = missing;
    if redis.is_none() {
        result
            .notes
            .push("one process: its directory is in memory, so there are no Redis commands".to_owned());
    }
    drop(progress);
    system.stop();
    Ok(result)
}

/// One person's device.
struct Device {
    number: usize,
    contacts: usize,
    comet: String,
    people: Arc<Vec<Person>>,
    counts: Arc<Counts>,
    /// When the first connected.
    begun_ns: u64,
}

type Socket = WebSocketStream<TcpStream>;

/// What became of a connection.
enum Opened {
    /// With the contacts who are online.
    Answered(Box<Socket>, HashSet<String>),
    Later(Duration),
}

impl Device {
    /// Connects when it is due, watches its contacts and counts what it is told; how long the answer took, ns, and how many
    /// contacts it was never told to be online.
    async fn live(self, due: Instant, mut ended: watch::Receiver<bool>) -> anyhow::Result<(u64, u64)> {
        sleep_until(due).await;
        let begun = clock::now_ns();
        let opened = timeout(PATIENCE, self.insist()).await;
        let (mut socket, mut online) = opened.context("no answer to a watch in time")??;
        let took = clock::now_ns() - begun;
        self.counts.connected.fetch_add(1, Ordering::Relaxed);
        loop {
            tokio::select! {
                _ = ended.wait_for(|ended| *ended) => break,
                message = socket.next() => match message.context("the connection ended")?? {
                    Message::Text(text) => {
                        for id in self.told(&text)? {
                            online.insert(id);
                        }
                    }
                    Message::Close(frame) => bail!("the server closed a connection: {frame:?}"),
                    _ => {}
                },
            }
        }
        Ok((took, self.contacts.saturating_sub(online.len()) as u64))
    }

    /// The contacts: those around it, in a ring.
    fn watched(&self) -> Vec<&str> {
        let all = self.people.len();
        (1..=self.contacts).map(|step| self.people[(self.number + step) % all].id.as_str()).collect()
    }

    /// Opens until it is let in: a server that has too much to do tells when to come again.
    async fn insist(&self) -> anyhow::Result<(Socket, HashSet<String>)> {
        loop {
            match self.open().await? {
                Opened::Answered(socket, online) => return Ok((*socket, online)),
                Opened::Later(after) => {
                    self.counts.again.fetch_add(1, Ordering::Relaxed);
                    sleep(after).await;
                }
            }
        }
    }

    async fn open(&self) -> anyhow::Result<Opened> {
        let tcp = TcpStream::connect(&self.comet)
            .await
            .with_context(|| format!("no connection to {}", self.comet))?;
        tcp.set_nodelay(true)?;
        let mut request = format!("ws://{}/api/ws", self.comet).into_client_request()?;
        let protocols = format!("oort.v1, bearer.{}", self.people[self.number].token);
        request.headers_mut().insert("sec-websocket-protocol", protocols.parse()?);
        let (mut socket, _) = tokio_tungstenite::client_async(request, tcp).await?;
        let (mut is_greeted, mut known) = (false, HashSet::new());
        loop {
            let text = match socket.next().await {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(Opened::Later(AGAIN)),
                Some(Ok(_)) => continue,
            };
            let frame: Value = serde_json::from_str(&text)?;
            match frame["type"].as_str() {
                Some("hello") if !is_greeted => {
                    is_greeted = true;
                    let payload = json!({ "userIds": self.watched(), "requestId": "w" });
                    let watch = json!({ "type": "watch", "payload": payload }).to_string();
                    socket.send(Message::text(watch)).await?;
                }
                Some("presence") => {
                    // A change may be told before the answer that does not know of it.
                    known.extend(online(&frame));
                    if frame["payload"]["requestId"] == "w" {
                        return Ok(Opened::Answered(Box::new(socket), known));
                    }
                }
                Some("reconnect") => {
                    let after_ms = frame["payload"]["afterMs"].as_u64().context("a time")?;
                    return Ok(Opened::Later(Duration::from_millis(after_ms)));
                }
                Some("error") => bail!("instead of presence: {text}"),
                _ => {}
            }
        }
    }

    fn told(&self, text: &str) -> anyhow::Result<Vec<String>> {
        let frame: Value = serde_json::from_str(text)?;
        if frame["type"] != "presence" {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = online(&frame).collect();
        self.counts.told.fetch_add(1, Ordering::Relaxed);
        self.counts.came.fetch_add(ids.len() as u64, Ordering::Relaxed);
        self.counts.last_ns.fetch_max(clock::now_ns().saturating_sub(self.begun_ns), Ordering::Relaxed);
        Ok(ids)
    }
}

/// Those whom a frame tells to be online.
fn online(frame: &Value) -> impl Iterator<Item = String> {
    let users = frame["payload"]["users"].as_array().cloned().unwrap_or_default();
    users
        .into_iter()
        .filter(|user| user["online"] == true)
        .filter_map(|user| user["id"].as_str().map(str::to_owned))
}

/// `host:port` of the Redis of a cluster.
fn redis_of(options: &SystemOptions) -> anyhow::Result<Option<String>> {
    if options.shape == Shape::Standalone {
        return Ok(None);
    }
    let url = Services::of(options)?.redis;
    let address = url.strip_prefix("redis://").context("a redis:// URL")?;
    Ok(Some(address.split('/').next().unwrap_or_default().to_owned()))
}

/// Commands that it has processed so far, those of scripts not counted by themselves.
async fn commands(redis: Option<&str>) -> anyhow::Result<f64> {
    let Some(redis) = redis else { return Ok(0.0) };
    let mut stream = TcpStream::connect(redis).await.with_context(|| format!("no connection to {redis}"))?;
    stream.write_all(b"INFO stats\r\nQUIT\r\n").await?;
    let mut said = String::new();
    stream.read_to_string(&mut said).await?;
    let count = said.lines().find_map(|line| line.strip_prefix("total_commands_processed:"));
    Ok(count.context("Redis does not tell how many commands it processed")?.trim().parse()?)
}

async fn commands_since(redis: Option<&str>, before: f64) -> anyhow::Result<f64> {
    Ok(commands(redis).await? - before)
}
