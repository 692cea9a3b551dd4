//! Look-ups in the directory that do not give up: while it does not answer,
//! the partition waits and nothing is lost.

use std::sync::Arc;

use oort_api::directory::{self, CometRef, Directory, Routes};
use oort_api::ids::{RoomKey, SessionKey, UserId};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::backoff::Backoff;
use crate::config::{Config, ms};
use crate::links::{Links, Seen};
use crate::metrics::Metrics;
use crate::split::Lookups;

/// Asks the directory.
#[derive(Debug)]
pub(crate) struct Routing {
    directory: Arc<dyn Directory>,
    links: Arc<Links>,
    retry_min_ms: u64,
    retry_max_ms: u64,
    metrics: Metrics,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) routes: Routes,
    /// The live comets.
    pub(crate) comets: Arc<[CometRef]>,
    /// Comets that may hold what `routes` does not say: the directory lost
    /// their entries, or did not have all of them yet.
    pub(crate) unsettled: Vec<CometRef>,
}

impl Routing {
    pub(crate) fn new(
        directory: Arc<dyn Directory>,
        links: Arc<Links>,
        config: &Config,
        metrics: &Metrics,
    ) -> Self {
        Self {
            directory,
            links,
            retry_min_ms: config.retry_min_ms,
            retry_max_ms: config.retry_max_ms,
            metrics: metrics.clone(),
        }
    }

    /// Looks up everything in one call, and again until there is an answer.
    /// Then each comet named has its link, unless it is gone already.
    ///
    /// Cancel safe.
    pub(crate) async fn find(&self, lookups: Lookups) -> Arc<Found> {
        let (users, keys, rooms) = lookups.lists();
        let mut backoff = Backoff::new(ms(self.retry_min_ms), ms(self.retry_max_ms));
        let mut has_failed = false;
        loop {
            let asked_at = Instant::now();
            let found = self.look_up(&users, &keys, &rooms).await;
            self.metrics.route_seconds.observe(asked_at.elapsed().as_secs_f64());
            match found {
                Ok(found) => {
                    if has_failed {
                        info!("the directory answers again");
                    }
                    return Arc::new(found);
                }
                Err(error) => {
                    self.metrics.directory_failures.inc();
                    if !has_failed {
                        warn!(%error, "the directory does not answer; the partition waits");
                    }
                    has_failed = true;
                }
            }
            sleep(backoff.next()).await;
        }
    }

    async fn look_up(
        &self,
        users: &[UserId],
        keys: &[SessionKey],
        rooms: &[RoomKey],
    ) -> Result<Found, directory::Error> {
        let before = self.links.reading().await?;
        let lookup = self.directory.look_up(users, keys, rooms).await?;
        // After the routes: whatever was lost before they were read shows. A
        // broadcast needs the list as it is now, too: a comet that came since
        // the last look may already have sessions that read their heads.
        let after = match self.links.still_good(&lookup) {
            Some(reading) => reading,
            None => self.links.refresh().await?,
        };
        let Seen { comets, unsettled } = self.links.seen(&before, &after);
        Ok(Found { routes: lookup.routes, comets, unsettled })
    }
}
