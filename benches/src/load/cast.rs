//! Who takes part in a run: accounts, conversations and connections.

use std::collections::HashMap;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use anyhow::Context;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::system::{Account, System};

use super::connect;
use super::driver::{Line, Role};
use super::http::Requests;
use super::http_sender::HttpSender;
use super::options::{Kind, LoadOptions, Via};
use super::run::Terms;
use super::socket::{RoomIndex, Sends, Socket};
use super::wire::Wire;

/// Requests of the setting up that are under way at once.
const AT_ONCE: usize = 64;

/// Accounts and conversations.
#[derive(Debug)]
pub(crate) struct Cast {
    senders: Vec<Account>,
    members: Vec<Account>,
    /// Ids, in the order in which the run counts them. In groups number `n` the account that sends is number
    /// `n % senders`.
    pub(crate) rooms: Vec<String>,
    kind: Kind,
}

impl Cast {
    /// Makes them.
    pub(crate) async fn make(system: &System, options: &LoadOptions) -> anyhow::Result<Self> {
        let senders = accounts(system, options.sending_accounts()).await?;
        let following =
            if options.member_accounts == 0 { system.comets.len() } else { options.member_accounts };
        let members = accounts(system, options.members.min(following)).await?;
        let offline = accounts(system, options.offline).await?;
        let kind = options.kind();
        // In a group only its own account sends, so every account needs one.
        let count = if kind == Kind::Group { options.rooms.max(senders.len()) } else { options.rooms };
        let member_ids: Vec<_> = members.iter().chain(&offline).map(|member| member.id.as_str()).collect();
        let (senders_ref, member_ids) = (&senders, &member_ids);
        let rooms = stream::iter(0..count)
            .map(|number| async move {
                let api = &system.apis[number % system.apis.len()];
                let owner = &senders_ref[number % senders_ref.len()];
                match kind {
                    Kind::Room => api.room(owner).await,
                    Kind::Group => api.group(owner, member_ids).await,
                }
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
            .context("conversations cannot be made")?;
        Ok(Self { senders, members, rooms, kind })
    }

    /// An account that may read conversation `room`.
    pub(crate) fn reader(&self, room: usize) -> &Account {
        &self.senders[room % self.senders.len()]
    }

    /// Opens all connections: those that follow first, so that they miss nothing.
    pub(crate) fn connect(&self, system: &System, options: &LoadOptions) -> anyhow::Result<Vec<Line>> {
        let index: RoomIndex = Arc::new(self.rooms.iter().cloned().zip(0..).collect::<HashMap<_, _>>());
        let comets = resolve(&system.comets)?;
        let mut lines = Vec::new();
        let open = |number: usize| {
            connect::open(comets[number % comets.len()], &self.members[number % self.members.len()].token)
        };
        for opened in at_once(options.members, open) {
            let (wire, heads) = opened?;
            let socket = Socket::new(Arc::clone(&index), &heads, None);
            anyhow::ensure!(
                socket.follower.followed() == self.rooms.len(),
                "a member is in {} of {} conversations: does the server have other rooms already?",
                socket.follower.followed(),
                self.rooms.len()
            );
            lines.push(Line { wire, role: Role::Socket(Box::new(socket)) });
        }
        let content: Arc<str> = "x".repeat(options.content_bytes).into();
        let apis: Vec<_> = system.apis.iter().map(|api| api.address.clone()).collect();
        let addresses = resolve(&apis)?;
        for number in 0..options.senders {
            let account = number % self.senders.len();
            let token = &self.senders[account].token;
            let rooms = self.rooms_of(account);
            lines.push(match options.via {
                Via::Http => {
                    let at = number % apis.len();
                    let requests = Requests::new(&apis[at], token, options.content_bytes);
                    let sender = HttpSender::new(addresses[at], requests, rooms, number);
                    let wire = Wire::connect(addresses[at])
                        .with_context(|| format!("no connection to {}", apis[at]))?;
                    Line { wire, role: Role::Http(sender) }
                }
                Via::Ws => {
                    let (wire, heads) = connect::open(comets[number % comets.len()], token)?;
                    let (window, per_frame) = (options.window, options.per_frame);
                    let content = Arc::clone(&content);
                    let sends = Sends { rooms, turn: number, window, per_frame, content, under_way: 0 };
                    Line {
                        wire,
                        role: Role::Socket(Box::new(Socket::new(Arc::clone(&index), &heads, Some(sends)))),
                    }
                }
            });
        }
        Ok(lines)
    }

    /// A run of it.
    pub(crate) fn terms(&self, options: &LoadOptions) -> Terms {
        Terms {
            rooms: self.rooms.clone(),
            users: 0,
            deliveries_per_send: self.deliveries_per_send(options),
            rate: options.rate,
            warmup: options.warmup,
            seconds: options.seconds,
            wait: Duration::from_secs(options.wait),
            threads: options.threads,
        }
    }

    /// How many sockets see each send: the members, and of those that send the ones in the same conversation.
    fn deliveries_per_send(&self, options: &LoadOptions) -> usize {
        let senders = match (options.via, self.kind) {
            (Via::Http, _) => 0,
            (Via::Ws, Kind::Room) => options.senders,
            (Via::Ws, Kind::Group) => options.senders / self.senders.len(),
        };
        options.members + senders
    }

    /// Where an account sends to.
    fn rooms_of(&self, account: usize) -> Vec<usize> {
        match self.kind {
            Kind::Room => (0..self.rooms.len()).collect(),
            Kind::Group => (account..self.rooms.len()).step_by(self.senders.len()).collect(),
        }
    }
}

/// New accounts, made through all APIs.
pub(crate) async fn accounts(system: &System, count: usize) -> anyhow::Result<Vec<Account>> {
    let accounts = stream::iter(0..count).map(|number| system.apis[number % system.apis.len()].account());
    accounts.buffered(AT_ONCE).try_collect().await.context("accounts cannot be made")
}

pub(crate) fn resolve(addresses: &[String]) -> anyhow::Result<Vec<SocketAddr>> {
    let resolved = addresses.iter().map(|address| {
        let found = address.to_socket_addrs().with_context(|| format!("{address} is no host:port"))?.next();
        found.with_context(|| format!("{address} has no address"))
    });
    resolved.collect()
}

/// Does something for each number on a few threads: most of it is waiting. In the order of the numbers.
fn at_once<T: Send>(count: usize, each: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return done;
            }
            done.push((number, each(number)));
        }
    };
    let mut all: Vec<(usize, T)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE.min(count)).map(|_| scope.spawn(worker)).collect();
        let done =
            |worker: ScopedJoinHandle<'_, _>| worker.join().unwrap_or_else(|cause| resume_unwind(cause));
        workers.into_iter().flat_map(done).collect()
    });
    all.sort_unstable_by_key(|&(number, _)| number);
    all.into_iter().map(|(_, one)| one).collect()
}
