//! The links to all comets, and the watch over the comets' leases.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use oort_api::directory::{self, Census, CometInfo, CometRef, Directory};
use oort_api::trail::Ring;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::comet_link::CometLink;
use crate::config::{Config, LinkConfig, ms};
use crate::error::Error;
use crate::flight::Flight;
use crate::link::CometDialer;
use crate::metrics::Metrics;

/// Incarnations remembered as given over for dead. Beyond it any of them is
/// forgotten; it matters only for one that comes back to life.
const DEAD_REMEMBERED_MAX: usize = 1024;

/// A link for each comet that lives.
#[derive(Debug)]
pub(crate) struct Links {
    directory: Arc<dyn Directory>,
    dialer: Arc<dyn CometDialer>,
    config: LinkConfig,
    lease_poll_ms: u64,
    lease_gone_after_ms: u64,
    metrics: Metrics,
    trail: Arc<Ring>,
    state: Mutex<State>,
    tasks: Mutex<JoinSet<()>>,
    recheck: Arc<Notify>,
    stop: CancellationToken,
}

/// Comets whose entries were complete when the directory was read, and how
/// often each had announced everything by then.
pub(crate) type Settled = HashMap<CometRef, i64>;

/// The comets, as the directory and their streams show them.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Those that live, and those that do by their open stream though the
    /// directory lost them.
    pub(crate) comets: Arc<[CometRef]>,
    /// Those that may hold more than the directory says.
    pub(crate) unsettled: Vec<CometRef>,
}

#[derive(Debug, Default)]
struct State {
    links: HashMap<CometRef, Arc<CometLink>>,
    absent_since: HashMap<CometRef, Instant>,
    /// Given over for dead with what they were owed: should one come back to
    /// life, it owes its sessions a resync.
    dead: HashSet<CometRef>,
    /// As last read; `None` = never yet.
    settled: Option<Arc<Settled>>,
    /// The comets when they were last read, if each had a link and all of its
    /// entries in the directory: good for as long as the census is the same.
    calm: Option<(Census, Arc<[CometRef]>)>,
}

impl Links {
    pub(crate) fn new(
        directory: Arc<dyn Directory>,
        dialer: Arc<dyn CometDialer>,
        config: &Config,
        metrics: &Metrics,
        trail: &Arc<Ring>,
    ) -> Self {
        Self {
            directory,
            dialer,
            config: config.link.clone(),
            lease_poll_ms: config.lease_poll_ms,
            lease_gone_after_ms: config.lease_gone_after_ms,
            metrics: metrics.clone(),
            trail: Arc::clone(trail),
            state: Mutex::default(),
            tasks: Mutex::default(),
            recheck: Arc::new(Notify::new()),
            stop: CancellationToken::new(),
        }
    }

    /// The link to a comet that was alive when the directory was last read.
    pub(crate) fn get(&self, comet: &CometRef) -> Option<Arc<CometLink>> {
        self.state.lock().links.get(comet).map(Arc::clone)
    }

    /// Reads the live comets: links to new ones are opened, those whose
    /// incarnation is gone end. Answers with the live ones.
    pub(crate) async fn refresh(&self) -> Result<Vec<CometInfo>, directory::Error> {
        // Before the list: a change in between shows at the next look.
        let (_, census) = self.directory.look_up(&[], &[], &[]).await?;
        let live = self.directory.comets().await?;
        let now = Instant::now();
        let settled = live.iter().filter(|info| !info.announcing);
        let settled = settled.map(|info| (info.comet.clone(), info.announcements)).collect();
        let gone = {
            let mut state = self.state.lock();
            state.settled = Some(Arc::new(settled));
            for info in &live {
                self.ensure(&mut state, info);
            }
            let gone = self.absent(&mut state, &live, now);
            let is_calm = state.links.len() == live.len() && !live.iter().any(|info| info.announcing);
            let comets = || live.iter().map(|info| info.comet.clone()).collect();
            state.calm = census.filter(|_| is_calm).map(|census| (census, comets()));
            gone
        };
        for (comet, link) in gone {
            if link.abandon() {
                let mut state = self.state.lock();
                state.links.remove(&comet);
                state.absent_since.remove(&comet);
                if state.dead.len() < DEAD_REMEMBERED_MAX {
                    state.dead.insert(comet);
                }
            }
        }
        Ok(live)
    }

    /// The comets whose entries were complete at the last read, which is made
    /// now if there was none.
    pub(crate) async fn settled(&self) -> Result<Arc<Settled>, directory::Error> {
        let settled = self.state.lock().settled.clone();
        if let Some(settled) = settled {
            return Ok(settled);
        }
        self.refresh().await?;
        Ok(self.state.lock().settled.clone().unwrap_or_default())
    }

    /// What a look-up can be trusted with that ended with this census: all,
    /// if nothing of the comets has changed since they were last read.
    pub(crate) fn calm(&self, census: Option<&Census>) -> Option<Seen> {
        let state = self.state.lock();
        let (read, comets) = state.calm.as_ref()?;
        (Some(read) == census).then(|| Seen { comets: Arc::clone(comets), unsettled: Vec::new() })
    }

    /// What a look-up can be trusted with that was made after `before` was
    /// read and before `live` was.
    ///
    /// The directory said all of a comet in between if its entries were
    /// complete both times and it announced nothing meanwhile. Of others it
    /// may know nothing, although they are online.
    pub(crate) fn seen(&self, before: &Settled, live: &[CometInfo]) -> Seen {
        let state = self.state.lock();
        let by_id: HashMap<&str, &CometInfo> =
            live.iter().map(|info| (info.comet.id.as_str(), info)).collect();
        let (mut comets, mut unsettled) = (Vec::new(), Vec::new());
        for (comet, link) in &state.links {
            match by_id.get(comet.id.as_str()).filter(|info| info.comet.epoch >= comet.epoch) {
                Some(info) if info.comet.epoch > comet.epoch => {}
                Some(info) if !info.announcing && before.get(comet) == Some(&info.announcements) => {}
                Some(_) => unsettled.push(comet.clone()),
                None if link.is_connected() => {
                    unsettled.push(comet.clone());
                    comets.push(comet.clone());
                }
                None => link.owe_resync(),
            }
        }
        comets.extend(live.iter().map(|info| info.comet.clone()));
        Seen { comets: comets.into(), unsettled }
    }

    /// Reads the live comets again and again until stopped.
    pub(crate) async fn watch(&self) -> Result<(), Error> {
        let mut is_answering = true;
        loop {
            let outcome = self.refresh().await;
            if let Err(error) = &outcome {
                self.metrics.directory_failures.inc();
                if is_answering {
                    warn!(%error, "comets cannot be read; those known stay");
                }
            }
            is_answering = outcome.is_ok();
            self.reap()?;
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                () = self.recheck.notified() => {}
                () = sleep(ms(self.lease_poll_ms)) => {}
            }
        }
    }

    /// Gives up the comets that owe something to this partition's reader,
    /// until they answer; with `unreachable_only` only those that cannot be reached.
    pub(crate) fn give_up(&self, flight: &Arc<Flight>, unreachable_only: bool) {
        let links: Vec<_> = self.state.lock().links.values().map(Arc::clone).collect();
        for link in links.iter().filter(|link| link.owes(flight, unreachable_only)) {
            link.give_up();
        }
    }

    /// Ends all streams and waits for their tasks.
    pub(crate) async fn close(&self) {
        self.stop.cancel();
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        while tasks.join_next().await.is_some() {}
    }

    fn ensure(&self, state: &mut State, info: &CometInfo) {
        state.absent_since.remove(&info.comet);
        if let Some(link) = state.links.get(&info.comet) {
            link.update(info);
            return;
        }
        let owes_resync = state.dead.remove(&info.comet);
        state.dead.retain(|dead| dead.id != info.comet.id || dead.epoch > info.comet.epoch);
        let link = CometLink::new(info.clone(), &self.config, &self.metrics, &self.trail, owes_resync);
        let link = Arc::new(link);
        state.links.insert(info.comet.clone(), Arc::clone(&link));
        let task = link.run(Arc::clone(&self.dialer), Arc::clone(&self.recheck), self.stop.clone());
        self.tasks.lock().spawn(task);
    }

    /// Links whose incarnation is gone: replaced by a newer one, refused at
    /// its own address, or without a lease for long enough.
    fn absent(&self, state: &mut State, live: &[CometInfo], now: Instant) -> Vec<(CometRef, Arc<CometLink>)> {
        let live: HashMap<&str, i64> =
            live.iter().map(|info| (info.comet.id.as_str(), info.comet.epoch)).collect();
        let State { links, absent_since, .. } = state;
        links
            .iter()
            .filter(|(comet, link)| match live.get(comet.id.as_str()) {
                Some(&epoch) if epoch == comet.epoch => false,
                Some(&epoch) if epoch > comet.epoch => true,
                _ => {
                    let since = *absent_since.entry((*comet).clone()).or_insert(now);
                    link.is_refused() || now >= since + ms(self.lease_gone_after_ms)
                }
            })
            .map(|(comet, link)| (comet.clone(), Arc::clone(link)))
            .collect()
    }

    fn reap(&self) -> Result<(), Error> {
        let mut tasks = self.tasks.lock();
        while let Some(ended) = tasks.try_join_next() {
            if ended.is_err() {
                return Err(Error::Task("link"));
            }
        }
        Ok(())
    }
}
