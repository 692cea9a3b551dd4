//! The connection: made when first needed, made again when it broke.

use std::fmt;
use std::time::{Duration, Instant};

use ::redis::aio::{ConnectionLike, MultiplexedConnection};
use ::redis::cluster::ClusterClient;
use ::redis::cluster_async::ClusterConnection;
use ::redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use ::redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, RedisError, ServerErrorKind, Value};
use futures_util::StreamExt;
use parking_lot::Mutex;
use secrecy::ExposeSecret;

use super::scripts::Script;
use super::settings::Settings;
use crate::directory::Error;

/// One command of a call.
#[derive(Debug)]
pub(super) enum Op {
    Plain(Cmd),
    Script { script: &'static Script, key: String, args: Vec<String> },
}

impl Op {
    pub(super) fn plain(cmd: Cmd) -> Self {
        Self::Plain(cmd)
    }

    pub(super) fn script(script: &'static Script, key: String, args: Vec<String>) -> Self {
        Self::Script { script, key, args }
    }

    pub(super) fn get(key: &str) -> Self {
        Self::on_key("GET", key)
    }

    pub(super) fn hash(key: &str) -> Self {
        Self::on_key("HGETALL", key)
    }

    pub(super) fn hash_values(key: &str) -> Self {
        Self::on_key("HVALS", key)
    }

    pub(super) fn on_key(command: &str, key: &str) -> Self {
        let mut cmd = ::redis::cmd(command);
        cmd.arg(key);
        Self::Plain(cmd)
    }

    fn cmd(&self, scripts: Scripts) -> Cmd {
        match self {
            Self::Plain(cmd) => cmd.clone(),
            Self::Script { script, key, args } => {
                let mut cmd = match scripts {
                    Scripts::ByName => ::redis::cmd("EVALSHA"),
                    Scripts::Whole => ::redis::cmd("EVAL"),
                };
                match scripts {
                    Scripts::ByName => cmd.arg(script.sha1.as_str()),
                    Scripts::Whole => cmd.arg(script.code),
                };
                cmd.arg(1).arg(key).arg(args);
                cmd
            }
        }
    }
}

/// How scripts are sent: by name, or whole to a server that does not know
/// them (restarted, or flushed), which then does.
#[derive(Debug, Clone, Copy)]
enum Scripts {
    ByName,
    Whole,
}

/// The way to Redis.
pub(super) struct Link {
    backend: Backend,
    timeout: Duration,
    reconnect_after: Duration,
    pipeline_max: usize,
    /// The connection, and its number.
    current: Mutex<Option<(u64, Connection)>>,
    /// Held while connecting.
    connecting: tokio::sync::Mutex<Attempts>,
}

#[derive(Default)]
struct Attempts {
    made: u64,
    failed_at: Option<Instant>,
}

enum Backend {
    Single(Box<Client>),
    Cluster(Box<ClusterClient>),
}

#[derive(Clone)]
enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// How often the cluster's client follows a moved slot or a lost node within
/// one command.
const CLUSTER_RETRIES: u32 = 3;

/// Commands of one call under way at once in a cluster.
const CLUSTER_AT_ONCE: usize = 256;

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("cluster", &self.is_cluster()).finish_non_exhaustive()
    }
}

impl Link {
    pub(super) fn new(settings: &Settings) -> Result<Self, Error> {
        let faults = settings.faults();
        if !faults.is_empty() {
            return Err(Error::Config(faults.join("; ")));
        }
        let unusable = |error: RedisError| Error::Config(error.to_string());
        let timeout = Duration::from_millis(settings.timeout_ms.into());
        let mut urls = settings.urls.iter().map(ExposeSecret::expose_secret);
        let backend = if settings.is_cluster() {
            let builder = ClusterClient::builder(urls)
                .connection_timeout(timeout)
                .response_timeout(timeout)
                .retries(CLUSTER_RETRIES);
            Backend::Cluster(Box::new(builder.build().map_err(unusable)?))
        } else {
            Backend::Single(Box::new(Client::open(urls.next().unwrap_or_default()).map_err(unusable)?))
        };
        Ok(Self {
            backend,
            timeout,
            reconnect_after: Duration::from_millis(settings.reconnect_ms.into()),
            pipeline_max: usize::try_from(settings.pipeline_max).unwrap_or(usize::MAX),
            current: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
        })
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.backend, Backend::Cluster(_))
    }

    /// Runs all and returns the answers in order. When it fails, any of it may
    /// have been done: every script can be repeated.
    pub(super) async fn run(&self, ops: Vec<Op>) -> Result<Vec<Value>, Error> {
        let mut answers = Vec::with_capacity(ops.len());
        for part in ops.chunks(self.pipeline_max) {
            let cmds = part.iter().map(|op| op.cmd(Scripts::ByName)).collect();
            let mut got = self.bounded(|connection| send(connection, cmds)).await?;
            // Only those again that were not run: the answer of one that was
            // tells what it found.
            let unknown: Vec<usize> =
                (0..got.len()).filter(|&place| got[place].as_ref().is_err_and(is_no_script)).collect();
            if !unknown.is_empty() {
                let cmds = unknown.iter().map(|&place| part[place].cmd(Scripts::Whole)).collect();
                let again = self.bounded(|connection| send(connection, cmds)).await?;
                for (place, answer) in unknown.into_iter().zip(again) {
                    got[place] = answer;
                }
            }
            for answer in got {
                answers.push(answer.map_err(|error| unavailable(&error))?);
            }
        }
        Ok(answers)
    }

    /// Runs a command on the primary that holds a slot of the cluster.
    pub(super) async fn run_at(&self, slot: u16, cmd: Cmd) -> Result<Value, Error> {
        let answers = self.bounded(|connection| async move {
            let answer = match connection {
                Connection::Single(mut connection) => connection.req_packed_command(&cmd).await,
                Connection::Cluster(mut connection) => {
                    let node = SingleNodeRoutingInfo::SpecificNode(Route::new(slot, SlotAddr::Master));
                    connection.route_command(cmd, RoutingInfo::SingleNode(node)).await
                }
            };
            Ok(vec![answer.and_then(Value::extract_error)])
        });
        let answer = answers.await?.pop().unwrap_or(Ok(Value::Nil));
        answer.map_err(|error| unavailable(&error))
    }

    /// Does the work within the timeout, connecting included, and gives the
    /// connection up when it is of no more use.
    async fn bounded<F: Future<Output = Result<Answers, RedisError>> + Send>(
        &self,
        work: impl FnOnce(Connection) -> F + Send,
    ) -> Result<Answers, Error> {
        let mut number = None;
        let attempt = async {
            let (made, connection) = self.connection().await?;
            number = Some(made);
            work(connection).await.map_err(|error| unavailable(&error))
        };
        let result = tokio::time::timeout(self.timeout, attempt).await.unwrap_or_else(|_| {
            Err(Error::Unavailable(format!("no answer in {} ms", self.timeout.as_millis())))
        });
        let is_broken = match &result {
            Err(_) => true,
            Ok(answers) => answers.iter().any(|answer| answer.as_ref().is_err_and(needs_new_connection)),
        };
        if let Some(number) = number.filter(|_| is_broken) {
            self.give_up(number);
        }
        result
    }

    async fn connection(&self) -> Result<(u64, Connection), Error> {
        if let Some(current) = self.current.lock().clone() {
            return Ok(current);
        }
        let mut attempts = self.connecting.lock().await;
        if let Some(current) = self.current.lock().clone() {
            return Ok(current);
        }
        if attempts.failed_at.is_some_and(|at| at.elapsed() < self.reconnect_after) {
            return Err(Error::Unavailable("no connection; the last attempt just failed".to_owned()));
        }
        attempts.made += 1;
        // Cut off by the caller's timeout, the attempt failed as well.
        attempts.failed_at = Some(Instant::now());
        match self.connect().await {
            Ok(connection) => {
                attempts.failed_at = None;
                let current = (attempts.made, connection);
                *self.current.lock() = Some(current.clone());
                Ok(current)
            }
            Err(error) => {
                attempts.failed_at = Some(Instant::now());
                Err(unavailable(&error))
            }
        }
    }

    async fn connect(&self) -> Result<Connection, RedisError> {
        match &self.backend {
            Backend::Single(client) => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(self.timeout))
                    .set_response_timeout(Some(self.timeout));
                let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
                Ok(Connection::Single(connection))
            }
            Backend::Cluster(client) => Ok(Connection::Cluster(client.get_async_connection().await?)),
        }
    }

    fn give_up(&self, number: u64) {
        let mut current = self.current.lock();
        if current.as_ref().is_some_and(|(made, _)| *made == number) {
            tracing::warn!("directory connection given up");
            *current = None;
        }
    }
}

/// An answer for each command.
type Answers = Vec<Result<Value, RedisError>>;

async fn send(connection: Connection, cmds: Vec<Cmd>) -> Result<Answers, RedisError> {
    match connection {
        Connection::Single(mut connection) => {
            let mut pipeline = Pipeline::with_capacity(cmds.len());
            let count = cmds.len();
            for cmd in cmds {
                pipeline.add_command(cmd);
            }
            let answers = connection.req_packed_commands(&pipeline, 0, count).await?;
            Ok(answers.into_iter().map(Value::extract_error).collect())
        }
        // A pipeline of the cluster's client is for one slot, but what is sent
        // at the same time shares the connections to its nodes.
        Connection::Cluster(connection) => {
            let sends = cmds.into_iter().map(|cmd| {
                let mut connection = connection.clone();
                async move { connection.req_packed_command(&cmd).await.and_then(Value::extract_error) }
            });
            Ok(futures_util::stream::iter(sends).buffered(CLUSTER_AT_ONCE).collect().await)
        }
    }
}

fn is_no_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// The connection broke, or leads to what is no longer the primary.
fn needs_new_connection(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_unrecoverable_error()
        || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

fn unavailable(error: &RedisError) -> Error {
    Error::Unavailable(error.to_string())
}
