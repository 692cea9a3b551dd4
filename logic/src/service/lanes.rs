//! A lane, put together.

use std::sync::Arc;

use oort_api::bus::Producer;
use oort_api::trail::Ring;

use crate::batcher::{self, Batcher};
use crate::commits::Commits;
use crate::config::Config;
use crate::cursors::{self, Cursors};
use crate::failpoint::Failpoints;
use crate::lanes::Lane;
use crate::metrics::Metrics;
use crate::published::Published;
use crate::publisher::{self, Publisher};
use crate::relay::{Lease, Relay};
use crate::search::Indexer;
use crate::store::{Outbox, Store};

/// What a lane is made of.
pub(super) struct Parts {
    pub(super) owner: Arc<str>,
    pub(super) store: Arc<dyn Store>,
    pub(super) outbox: Arc<dyn Outbox>,
    pub(super) producer: Arc<dyn Producer>,
    pub(super) indexer: Arc<Indexer>,
    pub(super) trail: Arc<Ring>,
    pub(super) failpoints: Failpoints,
    pub(super) metrics: Metrics,
}

impl Parts {
    pub(super) fn build(self, config: &Config) -> Lane {
        let Self { owner, store, outbox, producer, indexer, trail, failpoints, metrics } = self;
        let (published, lease) = (Arc::new(Published::default()), Arc::new(Lease::default()));
        let publisher = Arc::new(Publisher::new(
            config.publisher.clone(),
            publisher::Parts {
                owner: Arc::clone(&owner),
                outbox: Arc::clone(&outbox),
                producer,
                published: Arc::clone(&published),
                lease: Arc::clone(&lease),
                trail,
                metrics: metrics.clone(),
            },
        ));
        let relay = Relay {
            config: config.relay.clone(),
            owner: Arc::clone(&owner),
            outbox: Arc::clone(&outbox),
            lease,
            publisher: Arc::clone(&publisher),
            metrics: metrics.clone(),
        };
        let commits = Arc::new(Commits::new(Arc::clone(&publisher), metrics.clone()));
        let batcher = Arc::new(Batcher::new(
            config.batch.clone(),
            batcher::Parts {
                owner: Arc::clone(&owner),
                store: Arc::clone(&store),
                outbox: Arc::clone(&outbox),
                commits: Arc::clone(&commits),
                published: Arc::clone(&published),
                indexer,
                failpoints,
                metrics: metrics.clone(),
            },
        ));
        let cursors = Arc::new(Cursors::new(
            config.cursors.clone(),
            cursors::Parts { owner, store, commits: Arc::clone(&commits), metrics: metrics.clone() },
        ));
        Lane { commits, batcher, cursors, publisher, published, relay, outbox, metrics }
    }
}
