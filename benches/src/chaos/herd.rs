//! Idle connections beside the crowd: they say nothing and belong to no group. Cut off at once, all come back at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::StreamExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::load::cast;
use crate::system::{Account, Api, System};

/// Connections of one account.
const PER_ACCOUNT: usize = 250;
/// Longest wait for a connection and its greeting.
const HELLO: Duration = Duration::from_secs(60);
/// Wait before a connection is tried again, times one to two; doubled with each failure, as clients do.
const PAUSE: Duration = Duration::from_millis(500);
const DOUBLINGS_MAX: u32 = 4;
/// From one to the next when they come for the first time: the storm is for later.
const STEP: Duration = Duration::from_millis(2);
/// How often each account gets a new token: well within the life of one.
const REFRESH_EVERY: Duration = Duration::from_secs(240);
/// Longest wait for all of them.
const ALL: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(50);
/// They hardly read.
const BUFFER_BYTES: usize = 1024;

/// All of them.
#[derive(Debug)]
pub(crate) struct Herd {
    size: usize,
    live: Arc<AtomicUsize>,
    /// Raised to cut all connections.
    cut: watch::Sender<u64>,
    // They end with it.
    _members: JoinSet<()>,
}

impl Herd {
    /// So many, over all comets; returns when they are connected.
    pub(crate) async fn gather(system: &System, size: usize) -> anyhow::Result<Self> {
        crate::limits::raise_open_files();
        let accounts = cast::accounts(system, size.div_ceil(PER_ACCOUNT)).await?;
        let live = Arc::new(AtomicUsize::new(0));
        let (cut, told) = watch::channel(0);
        let mut members = JoinSet::new();
        let comets: Arc<[String]> = system.comets.clone().into();
        let accounts: Arc<[Mutex<Account>]> = accounts.into_iter().map(Mutex::new).collect();
        members.spawn(keep_tokens(Arc::clone(&accounts), system.apis.clone()));
        for number in 0..size {
            let member = Member {
                number,
                comets: Arc::clone(&comets),
                accounts: Arc::clone(&accounts),
                live: Arc::clone(&live),
            };
            members.spawn(member.live(told.clone()));
        }
        let herd = Self { size, live, cut, _members: members };
        herd.wait_until_whole().await?;
        Ok(herd)
    }

    /// Every connection ends, and is made anew.
    pub(crate) fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Whether all are connected.
    pub(crate) fn is_whole(&self) -> bool {
        self.live.load(Ordering::Relaxed) == self.size
    }

    /// Waits until all are connected.
    pub(crate) async fn wait_until_whole(&self) -> anyhow::Result<()> {
        let give_up = Instant::now() + ALL;
        while !self.is_whole() {
            let live = self.live.load(Ordering::Relaxed);
            ensure!(Instant::now() < give_up, "{live} of {} idle connections after {ALL:?}", self.size);
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

struct Member {
    number: usize,
    comets: Arc<[String]>,
    accounts: Arc<[Mutex<Account>]>,
    live: Arc<AtomicUsize>,
}

fn lock(account: &Mutex<Account>) -> MutexGuard<'_, Account> {
    account.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whoever has to come back needs a token that is good then.
async fn keep_tokens(accounts: Arc<[Mutex<Account>]>, apis: Vec<Api>) {
    loop {
        tokio::time::sleep(REFRESH_EVERY).await;
        for (number, account) in accounts.iter().enumerate() {
            let old = lock(account).clone();
            // Each may be down.
            for turn in 0..apis.len() {
                if let Ok(new) = apis[(number + turn) % apis.len()].refresh(&old).await {
                    *lock(account) = new;
                    break;
                }
            }
        }
    }
}

impl Member {
    async fn live(self, mut cut: watch::Receiver<u64>) {
        tokio::time::sleep(STEP * u32::try_from(self.number).unwrap_or_default()).await;
        let mut failures = 0;
        for attempt in 0.. {
            let comet = &self.comets[(self.number + attempt) % self.comets.len()];
            cut.mark_unchanged();
            if let Ok(Ok(mut socket)) = tokio::time::timeout(HELLO, self.connect(comet)).await {
                failures = 0;
                self.live.fetch_add(1, Ordering::Relaxed);
                loop {
                    tokio::select! {
                        message = socket.next() => if !matches!(message, Some(Ok(_))) { break },
                        changed = cut.changed() => {
                            if changed.is_err() {
                                return;
                            }
                            break;
                        }
                    }
                }
                self.live.fetch_sub(1, Ordering::Relaxed);
            } else {
                // Those who were refused do not come back as one.
                let part = u32::try_from(self.number % 16).unwrap_or_default();
                let pause = PAUSE * (1 << DOUBLINGS_MAX.min(failures));
                failures += 1;
                tokio::time::sleep(pause + pause * part / 16).await;
            }
        }
    }

    async fn connect(&self, comet: &str) -> anyhow::Result<tokio_tungstenite::WebSocketStream<TcpStream>> {
        let tcp = TcpStream::connect(comet).await?;
        let mut request = format!("ws://{comet}/api/ws").into_client_request()?;
        let protocols = format!("oort.v1, bearer.{}", lock(&self.accounts[self.number / PER_ACCOUNT]).token);
        request.headers_mut().insert("sec-websocket-protocol", protocols.parse()?);
        let config = WebSocketConfig::default().read_buffer_size(BUFFER_BYTES).write_buffer_size(0);
        let (mut socket, _) = tokio_tungstenite::client_async_with_config(request, tcp, Some(config)).await?;
        loop {
            if let Message::Text(_) = socket.next().await.context("closed before hello")?? {
                return Ok(socket);
            }
        }
    }
}
