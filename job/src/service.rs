//! The tier: one pipeline for each partition, one link for each comet.

use std::sync::Arc;
use std::time::Duration;

use oort_api::bus::{Consumer, Producer};
use oort_api::directory::Directory;
use oort_api::metrics::Registry;
use oort_api::trail::Ring;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::{Config, ms};
use crate::dead_letters::DeadLetters;
use crate::error::Error;
use crate::flight::Flights;
use crate::link::CometDialer;
use crate::links::Links;
use crate::metrics::Metrics;
use crate::pipeline::{Pipeline, Shared};
use crate::routing::Routing;

/// Time pipelines have beyond the drain to notice that it is over.
const DRAIN_GRACE: Duration = Duration::from_secs(1);

/// What the tier is built from.
#[derive(Debug)]
pub struct Parts {
    /// Its membership in the consumer group.
    pub consumer: Box<dyn Consumer>,
    /// Writes dead letters.
    pub producer: Arc<dyn Producer>,
    /// Says where users and rooms are.
    pub directory: Arc<dyn Directory>,
    /// Opens streams to comets.
    pub dialer: Arc<dyn CometDialer>,
}

/// The job tier.
#[derive(Debug)]
pub struct Service {
    consumer: Box<dyn Consumer>,
    shared: Arc<Shared>,
    handle: Handle,
}

/// Asks a running tier how it is. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle {
    producer: Arc<dyn Producer>,
    directory: Arc<dyn Directory>,
}

/// Readiness of one thing the tier depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Stable name: `bus` or `directory`.
    pub name: &'static str,
    /// Why it is not ready; `None` = it is.
    pub error: Option<String>,
}

impl Service {
    /// Checks the settings and puts the tier together; nothing runs yet.
    ///
    /// # Errors
    /// [`Error::Config`] with every fault.
    pub fn build(config: Config, parts: Parts, registry: &mut Registry) -> Result<Self, Error> {
        let faults = config.faults();
        if !faults.is_empty() {
            return Err(Error::Config(faults));
        }
        let Parts { consumer, producer, directory, dialer } = parts;
        let metrics = Metrics::register(registry);
        let trail = Arc::new(Ring::new(config.trail_entries));
        let links = Arc::new(Links::new(Arc::clone(&directory), dialer, &config, &metrics, &trail));
        let routing = Routing::new(Arc::clone(&directory), Arc::clone(&links), &config, &metrics);
        let dead_letters = DeadLetters::new(Arc::clone(&producer), &config, &metrics);
        let handle = Handle { producer, directory };
        Ok(Self {
            consumer,
            shared: Arc::new(Shared {
                config,
                links,
                routing,
                dead_letters,
                trail,
                flights: Flights::default(),
                metrics,
            }),
            handle,
        })
    }

    /// A handle that outlives [`Service::run`].
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Where it notes the hops of messages.
    #[must_use]
    pub fn trail(&self) -> Arc<Ring> {
        Arc::clone(&self.shared.trail)
    }

    /// See [`Handle::checks`].
    pub async fn checks(&self) -> Vec<Check> {
        self.handle.checks().await
    }

    /// Reads and pushes until `shutdown`; then stops reading, waits for the
    /// acks of what is under way (`drain_ms` at most), commits and leaves the
    /// group. Dropped before that, it commits nothing more: what was not
    /// committed is read again.
    ///
    /// # Errors
    /// [`Error::BusGone`] or [`Error::Task`] when it cannot go on.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), Error> {
        let stop = CancellationToken::new();
        let mut pipelines = JoinSet::new();
        let links = Arc::clone(&self.shared.links);
        let watch = links.watch();
        tokio::pin!(watch);
        let shared = Arc::clone(&self.shared);
        let aging = shared.flights.show_age(&shared.metrics);
        tokio::pin!(aging);
        let outcome = loop {
            tokio::select! {
                () = shutdown.cancelled() => break Ok(()),
                () = &mut aging => {}
                ended = &mut watch => break ended.and(Err(Error::Task("lease watch"))),
                partition = self.consumer.next_partition() => match partition {
                    Some(partition) => {
                        let pipeline = Pipeline::new(Arc::clone(&self.shared), partition, stop.clone());
                        pipelines.spawn(pipeline.run());
                    }
                    None => break Err(Error::BusGone),
                },
                Some(ended) = pipelines.join_next() => if ended.is_err() {
                    break Err(Error::Task("pipeline"));
                },
            }
        };
        info!(partitions = pipelines.len(), "draining");
        stop.cancel();
        let config = &self.shared.config;
        let bound = ms(config.drain_ms) + ms(config.pipeline.slow_comet_wait_ms) + DRAIN_GRACE;
        let all = async { while pipelines.join_next().await.is_some() {} };
        let is_drained = tokio::select! {
            drained = timeout(bound, all) => drained.is_ok(),
            // Comets may still go meanwhile, and their shares with them.
            _ = &mut watch, if outcome.is_ok() => false,
        };
        if !is_drained {
            warn!("pipelines did not end in time; what they had under way is read again");
            pipelines.shutdown().await;
        }
        if timeout(ms(config.close_ms), self.consumer.close()).await.is_err() {
            warn!("the consumer group was not left in time; what was not committed is read again");
        }
        links.close().await;
        outcome
    }
}

impl Handle {
    /// Asks the bus and the directory whether they answer.
    pub async fn checks(&self) -> Vec<Check> {
        let (bus, directory) = tokio::join!(self.producer.check(), self.directory.check());
        vec![
            Check { name: "bus", error: bus.err().map(|error| error.to_string()) },
            Check { name: "directory", error: directory.err().map(|error| error.to_string()) },
        ]
    }
}
