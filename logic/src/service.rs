//! The tier as a whole: built, run, drained.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use oort_api::bus::{DeadLetters, Producer};
use oort_api::directory::Directory;
use oort_api::metrics::Registry;
use oort_api::pb::oort::v1::logic_server::Logic;
use oort_api::trail::Ring;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::accounts::{self, Accounts};
use crate::app::App;
use crate::checks::Checks;
use crate::config::Config;
use crate::contacts::{self, Contacts};
use crate::conversations::{self, Conversations};
use crate::departures::{self, Departures};
use crate::error::Error;
use crate::events::Events;
use crate::expiry::{self, Expiry};
use crate::exports::Exports;
use crate::failpoint::Failpoints;
use crate::files::{self, Files};
use crate::grpc::LogicService;
use crate::hooks::{self, Hooks};
use crate::http;
use crate::keys::{self, Keys};
use crate::kicks::Kicks;
use crate::lanes::Lanes;
use crate::mail::{self, Mailer};
use crate::messages::{self, Messages};
use crate::metrics::Metrics;
use crate::moderation::{self, Moderation};
use crate::notifications::{self, Notifications};
use crate::online::Online;
use crate::operators::Operators;
use crate::presence::{self, Presence};
use crate::profiles::Profiles;
use crate::pushes::Pushes;
use crate::rates::Rates;
use crate::reads::{self, Reads};
use crate::receipts::Receipts;
use crate::replays::Replays;
use crate::search::{self, Indexer, Searches};
use crate::seen::Seen;
use crate::store::Store;
use crate::trails::Trails;
use crate::transactions::Transactions;
use crate::users::Users;
use crate::words::{self, Words};

mod lanes;
mod run;

/// What the tier is given: the seams that differ between one process and a cluster.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Everything durable.
    pub store: Arc<dyn Store>,
    /// The bus, to write.
    pub producer: Arc<dyn Producer>,
    /// Where users and rooms are connected.
    pub directory: Arc<dyn Directory>,
    /// Records of the bus given up on, to be looked at.
    pub dead_letters: Arc<dyn DeadLetters>,
}

/// The logic tier.
#[derive(Debug)]
pub struct Service {
    config: Config,
    parts: Parts,
    app: Arc<App>,
    logic: Arc<LogicService>,
    router: axum::Router,
    lanes: Arc<Lanes>,
    trail: Arc<Ring>,
    tasks: TaskTracker,
    http: Option<TcpListener>,
    grpc: Option<TcpListener>,
    metrics: Metrics,
}

/// Where the tier listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// The HTTP API.
    pub http: Option<SocketAddr>,
    /// The gRPC service.
    pub grpc: Option<SocketAddr>,
}

impl Service {
    /// Binds, reads keys, and takes the outbox lease.
    ///
    /// # Errors
    /// Every fault of the settings at once; an address that is not free; a
    /// store that does not answer.
    pub async fn build(config: Config, parts: Parts, registry: &mut Registry) -> Result<Self, Error> {
        let faults = config.faults();
        if !faults.is_empty() {
            return Err(Error::Config(faults));
        }
        let http = listen(config.http_listen).await?;
        let grpc = listen(config.grpc_listen).await?;
        let outboxes = Arc::clone(&parts.store).outboxes();
        let of_lanes = Metrics::register_lanes(registry, outboxes.len());
        // All lanes share the counters.
        let metrics = of_lanes[0].clone();
        let owner: Arc<str> = uuid::Uuid::new_v4().to_string().into();
        let trail = Arc::new(Ring::new(config.trail_entries));
        let indexer = Arc::new(Indexer::new(
            config.search.clone(),
            Arc::clone(&parts.store),
            Arc::clone(&owner),
            search::IndexMetrics::register(registry),
        ));
        let mut all = Vec::new();
        for (outbox, metrics) in outboxes.into_iter().zip(of_lanes) {
            let lane = lanes::Parts {
                owner: Arc::clone(&owner),
                store: Arc::clone(&parts.store),
                outbox,
                producer: Arc::clone(&parts.producer),
                indexer: Arc::clone(&indexer),
                trail: Arc::clone(&trail),
                failpoints: failpoints(&config)?,
                metrics,
            };
            let lane = lane.build(&config);
            lane.relay.renew().await?;
            all.push(lane);
        }
        let lanes = Arc::new(Lanes::new(Arc::clone(&parts.store), all));
        let tasks = TaskTracker::new();
        let with = reads::Parts {
            store: Arc::clone(&parts.store),
            open_rooms_max: config.limits.open_rooms_max,
            tasks: tasks.clone(),
            metrics: metrics.clone(),
        };
        let transactions = Transactions {
            owner,
            store: Arc::clone(&parts.store),
            lanes: Arc::clone(&lanes),
            tasks: tasks.clone(),
        };
        let words = Words::new(&config.words, words::Metrics::register(registry));
        let words = Arc::new(words.map_err(|fault| Error::Config(vec![format!("words: {fault}")]))?);
        let hooks =
            Hooks::new(&config.hooks, &config.limits, &parts.store, &hooks::Metrics::register(registry));
        let hooks = hooks.map_err(|fault| Error::Config(vec![format!("hooks: {fault}")]))?;
        let conversations = conversations::Parts {
            store: Arc::clone(&parts.store),
            reads: Arc::new(Reads::new(&config.reads, &with)),
            rates: Arc::new(Rates::new(&config.rates, &metrics)),
            words,
            before: hooks.before.clone(),
            listing: config.listing.clone(),
            transactions: Arc::new(transactions),
            metrics: metrics.clone(),
        };
        let counters = Counters {
            accounts: accounts::Metrics::register(registry),
            departures: departures::Metrics::register(registry),
            expiry: expiry::Metrics::register(registry),
            files: files::Metrics::register(registry),
            keys: keys::Metrics::register(registry),
            moderation: moderation::Metrics::register(registry),
            mail: mail::Metrics::register(registry),
            search: search::Metrics::register(registry),
            notifications: notifications::Metrics::register(registry),
        };
        let app = Box::pin(app(&config, &parts, (conversations, indexer, hooks), counters)).await?;
        let router = http::router(Arc::clone(&app), config.http.clone(), http::Metrics::register(registry));
        let logic = Arc::new(LogicService::new(Arc::clone(&app), &config));
        Ok(Self { config, parts, app, logic, router, lanes, trail, tasks, http, grpc, metrics })
    }

    /// The HTTP API, for a process that serves it at an address of its own.
    pub fn router(&self) -> axum::Router {
        self.router.clone()
    }

    /// The gRPC service, for a comet in the same process.
    #[must_use]
    pub fn grpc(&self) -> Arc<dyn Logic> {
        Arc::clone(&self.logic) as Arc<dyn Logic>
    }

    /// What both doors answer from.
    #[must_use]
    pub fn app(&self) -> Arc<App> {
        Arc::clone(&self.app)
    }

    /// Where it notes the hops of messages.
    #[must_use]
    pub fn trail(&self) -> Arc<Ring> {
        Arc::clone(&self.trail)
    }

    /// Where the tier listens.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        let address = |listener: &Option<TcpListener>| {
            listener.as_ref().and_then(|listener| listener.local_addr().ok())
        };
        Addresses { http: address(&self.http), grpc: address(&self.grpc) }
    }

    /// What readiness asks.
    #[must_use]
    pub fn checks(&self) -> Checks {
        Checks {
            store: Arc::clone(&self.parts.store),
            producer: Arc::clone(&self.parts.producer),
            directory: Arc::clone(&self.parts.directory),
        }
    }
}

/// Counters of parts of the [`App`] that have their own.
struct Counters {
    accounts: accounts::Metrics,
    departures: departures::Metrics,
    expiry: expiry::Metrics,
    files: files::Metrics,
    keys: keys::Metrics,
    moderation: moderation::Metrics,
    mail: mail::Metrics,
    search: search::Metrics,
    notifications: notifications::Metrics,
}

async fn app(
    config: &Config,
    parts: &Parts,
    (conversations, indexer, hooks): (conversations::Parts, Arc<Indexer>, Hooks),
    counters: Counters,
) -> Result<Arc<App>, Error> {
    let metrics = conversations.metrics.clone();
    let (directory, producer) = (Arc::clone(&parts.directory), Arc::clone(&parts.producer));
    let store = Arc::clone(&parts.store);
    let kicks = Arc::new(Kicks::new(config.kicks.clone(), store, directory, producer, metrics.clone()));
    let seen = Arc::new(Seen::new(config.seen.clone(), Arc::clone(&parts.store), metrics.clone()));
    let mailer = Mailer::new(&config.mail, counters.mail).map_err(|fault| Error::Config(vec![fault]))?;
    let transactions = Arc::clone(&conversations.transactions);
    let with = accounts::Parts {
        store: Arc::clone(&parts.store),
        reads: Arc::clone(&conversations.reads),
        seen: Arc::clone(&seen),
        kicks: Arc::clone(&kicks),
        directory: Arc::clone(&parts.directory),
        mailer: Arc::new(mailer),
        tasks: conversations.transactions.tasks.clone(),
        client_keys_kept_ms: config.limits.client_keys_kept_ms,
    };
    let accounts = Accounts::new(with, config.accounts.clone(), counters.accounts)
        .await
        .map_err(|refusal| Error::Accounts(refusal.to_string()))?;
    let users = Arc::new(Users::new(Arc::clone(&parts.store), config.users_cached_max));
    let with = contacts::Parts {
        transactions: Arc::clone(&conversations.transactions),
        rates: Arc::clone(&conversations.rates),
        found_max: config.accounts.users_found_max,
    };
    let contacts = Contacts::new(config.contacts.clone(), with);
    let with = presence::Parts {
        directory: Arc::clone(&parts.directory),
        producer: Arc::clone(&parts.producer),
        store: Arc::clone(&parts.store),
        seen: Arc::clone(&seen),
        users: Arc::clone(&users),
        metrics: metrics.clone(),
    };
    let (store, reads) = (Arc::clone(&parts.store), Arc::clone(&conversations.reads));
    let events = Arc::new(Events::new(config.events.clone(), store, reads, metrics.clone()));
    let (rooms_max, logins_max) = (config.limits.open_rooms_max, config.accounts.logins_listed_max);
    let messages = messages::Parts {
        store: Arc::clone(&parts.store),
        transactions: Arc::clone(&conversations.transactions),
        rates: Arc::clone(&conversations.rates),
        words: Arc::clone(&conversations.words),
        before: hooks.before.clone(),
    };
    let keys_kept_ms = config.limits.client_keys_kept_ms;
    let files = Files::new(config.files.clone(), Arc::clone(&parts.store), keys_kept_ms, counters.files)
        .map_err(|fault| Error::Config(vec![fault]))?;
    let (store, directory) = (Arc::clone(&parts.store), Arc::clone(&parts.directory));
    let notifications =
        Notifications::new(config.notifications.clone(), store, directory, counters.notifications)
            .map_err(|fault| Error::Config(vec![format!("notifications: {fault}")]))?;
    Ok(Arc::new(App {
        accounts,
        profiles: Profiles::new(config.profiles.clone(), Arc::clone(&transactions)),
        keys: Keys::new(config.keys.clone(), Arc::clone(&parts.store), counters.keys),
        moderation: Moderation::new(Arc::clone(&transactions), Arc::clone(&kicks), counters.moderation),
        departures: Departures::new(config.departures.clone(), transactions, counters.departures),
        expiry: Expiry::new(config.expiry.clone(), Arc::clone(&parts.store), counters.expiry),
        exports: Exports::new(config.exports.clone(), Arc::clone(&parts.store), rooms_max, logins_max),
        files,
        contacts,
        events,
        rates: Arc::clone(&conversations.rates),
        conversations: Conversations::new(config.limits.clone(), conversations),
        messages: Messages::new(config.messages.clone(), config.limits.clone(), messages),
        searches: Searches::new(config.search.clone(), Arc::clone(&parts.store), rooms_max, counters.search),
        indexer,
        hooks,
        notifications: Arc::new(notifications),
        pushes: Pushes::new(config.pushes.clone(), Arc::clone(&parts.producer), metrics.clone()),
        receipts: Receipts::new(config.receipts.clone(), Arc::clone(&parts.store), metrics.clone()),
        presence: Arc::new(Presence::new(config.presence.clone(), with)),
        kicks,
        seen,
        online: Online::new(config.online.clone(), Arc::clone(&parts.directory)),
        operators: Operators {
            store: Arc::clone(&parts.store),
            directory: Arc::clone(&parts.directory),
            dead_letters: Arc::clone(&parts.dead_letters),
            page_max: config.limits.page_max,
        },
        trails: Trails {
            store: Arc::clone(&parts.store),
            directory: Arc::clone(&parts.directory),
            wait: Duration::from_millis(config.trail_wait_ms),
        },
        replays: Replays {
            config: config.replays.clone(),
            store: Arc::clone(&parts.store),
            producer: Arc::clone(&parts.producer),
            metrics: metrics.clone(),
        },
        users,
        directory: Arc::clone(&parts.directory),
        metrics,
    }))
}

async fn listen(address: Option<SocketAddr>) -> Result<Option<TcpListener>, Error> {
    let Some(address) = address else { return Ok(None) };
    TcpListener::bind(address).await.map(Some).map_err(|source| Error::Bind { address, source })
}

#[cfg(feature = "failpoints")]
fn failpoints(config: &Config) -> Result<Failpoints, Error> {
    Failpoints::armed(&config.failpoints).map_err(|fault| Error::Config(vec![fault]))
}

#[cfg(not(feature = "failpoints"))]
#[allow(clippy::unnecessary_wraps, reason = "the same signature with and without the feature")]
fn failpoints(_config: &Config) -> Result<Failpoints, Error> {
    Ok(Failpoints)
}
