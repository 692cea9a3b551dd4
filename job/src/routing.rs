//! Look-ups in the directory that do not give up: while it does not answer,
//! the partition waits and nothing is lost.

use std::sync::Arc;

use oort_api::directory::{self, CometRef, Directory, Routes};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::backoff::Backoff;
use crate::config::{Config, ms};
use crate::links::Links;
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
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) routes: Arc<Routes>,
    /// The live comets, if they were asked for.
    pub(crate) comets: Vec<CometRef>,
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
    pub(crate) async fn find(&self, lookups: Lookups) -> Found {
        let needs_comets = lookups.needs_comets;
        let is_empty = lookups.is_empty();
        let (users, keys, rooms) = lookups.lists();
        let mut backoff = Backoff::new(ms(self.retry_min_ms), ms(self.retry_max_ms));
        let mut has_failed = false;
        loop {
            let asked_at = Instant::now();
            let routed = match is_empty {
                true => Ok(Routes::default()),
                false => self.directory.route(&users, &keys, &rooms).await,
            };
            let found = match routed {
                Ok(routes) => self.with_links(routes, needs_comets).await,
                Err(error) => Err(error),
            };
            self.metrics.route_seconds.observe(asked_at.elapsed().as_secs_f64());
            match found {
                Ok(found) => {
                    if has_failed {
                        info!("the directory answers again");
                    }
                    return found;
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

    async fn with_links(&self, routes: Routes, needs_comets: bool) -> Result<Found, directory::Error> {
        let has_unknown = self.names_unknown(&routes);
        // A broadcast needs the list as it is now: a comet that came since
        // the last look may already have sessions that read their heads.
        let comets = match needs_comets || has_unknown {
            true => self.links.refresh().await?,
            false => Vec::new(),
        };
        Ok(Found { routes: Arc::new(routes), comets })
    }

    fn names_unknown(&self, routes: &Routes) -> bool {
        let lists = routes.users.values().chain(routes.rooms.values());
        routes.keys.values().chain(lists.flatten()).any(|comet| self.links.get(comet).is_none())
    }
}
