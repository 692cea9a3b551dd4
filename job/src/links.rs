//! The links to all comets, and the watch over the comets' leases.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use oort_api::directory::{self, Census, CometInfo, CometRef, Directory, Lookup};
use oort_api::trail::Ring;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
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
    /// Streams that may be opened at the same time.
    turns: Arc<Semaphore>,
    stop: CancellationToken,
}

/// The list of comets, as it was read at one time.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// Read before the list: while a look-up ends with the same, only leases
    /// have ended since.
    census: Option<Census>,
    comets: Arc<[CometRef]>,
    by_id: HashMap<String, Listed>,
    /// Each had a link, nobody else had, and all entries were complete.
    is_calm: bool,
}

#[derive(Debug)]
struct Listed {
    epoch: i64,
    /// How often it had announced everything; `None` while it is at it, and
    /// its entries are not complete.
    announced: Option<i64>,
}

impl Reading {
    fn new(census: Option<Census>, live: &[CometInfo]) -> Self {
        let listed = |info: &CometInfo| {
            let announced = (!info.announcing).then_some(info.announcements);
            (info.comet.id.clone(), Listed { epoch: info.comet.epoch, announced })
        };
        let comets = live.iter().map(|info| info.comet.clone()).collect();
        Self { census, comets, by_id: live.iter().map(listed).collect(), is_calm: false }
    }

    fn holds(&self, comet: &CometRef) -> bool {
        self.by_id.get(&comet.id).is_some_and(|listed| listed.epoch == comet.epoch)
    }

    /// How often a comet had announced everything, if its entries were complete.
    fn announced(&self, comet: &CometRef) -> Option<i64> {
        self.by_id.get(&comet.id).filter(|listed| listed.epoch == comet.epoch)?.announced
    }
}

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
    /// The comets as last read; `None` = never yet.
    reading: Option<Arc<Reading>>,
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
            turns: Arc::new(Semaphore::new(config.link.opening_max as usize)),
            stop: CancellationToken::new(),
        }
    }

    /// The link to a comet that was alive when the directory was last read.
    pub(crate) fn get(&self, comet: &CometRef) -> Option<Arc<CometLink>> {
        self.state.lock().links.get(comet).map(Arc::clone)
    }

    /// Reads the live comets: links to new ones are opened, those whose
    /// incarnation is gone end. Answers with what was read.
    pub(crate) async fn refresh(&self) -> Result<Arc<Reading>, directory::Error> {
        // Before the list: a change in between shows at the next look.
        let Lookup { census, .. } = self.directory.look_up(&[], &[], &[]).await?;
        let live = self.directory.comets().await?;
        let now = Instant::now();
        let mut reading = Reading::new(census, &live);
        let (reading, gone) = {
            let mut state = self.state.lock();
            for info in &live {
                self.ensure(&mut state, info);
            }
            let gone = self.absent(&mut state, &reading, now);
            reading.is_calm = state.links.len() == live.len() && !live.iter().any(|info| info.announcing);
            let reading = Arc::new(reading);
            state.reading = Some(Arc::clone(&reading));
            (reading, gone)
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
        Ok(reading)
    }

    /// The comets as they were last read, which is done now if never yet.
    pub(crate) async fn reading(&self) -> Result<Arc<Reading>, directory::Error> {
        let reading = self.state.lock().reading.clone();
        match reading {
            Some(reading) => Ok(reading),
            None => self.refresh().await,
        }
    }

    /// The last reading, if the list would be read the same after this
    /// look-up: nothing has changed since but leases that ended, and none of
    /// those that have is among what was looked up.
    pub(crate) fn still_good(&self, lookup: &Lookup) -> Option<Arc<Reading>> {
        let reading = self.state.lock().reading.clone()?;
        let is_good = reading.census.is_some() && reading.census == lookup.census;
        (is_good && !lookup.lapsed.iter().any(|comet| reading.holds(comet))).then_some(reading)
    }

    /// What a look-up can be trusted with that was made after `before` was
    /// read and before `after` was, or might have been.
    ///
    /// The directory said all of a comet in between if its entries were
    /// complete both times and it announced nothing meanwhile. Of others it
    /// may know nothing, although they are online.
    pub(crate) fn seen(&self, before: &Arc<Reading>, after: &Arc<Reading>) -> Seen {
        if after.is_calm && Arc::ptr_eq(before, after) {
            return Seen { comets: Arc::clone(&after.comets), unsettled: Vec::new() };
        }
        let state = self.state.lock();
        let (mut lost, mut unsettled) = (Vec::new(), Vec::new());
        for (comet, link) in &state.links {
            match after.by_id.get(&comet.id).filter(|listed| listed.epoch >= comet.epoch) {
                Some(listed) if listed.epoch > comet.epoch => {}
                Some(listed) if listed.announced.is_some() && before.announced(comet) == listed.announced => {
                }
                Some(_) => unsettled.push(comet.clone()),
                None if link.is_connected() => {
                    unsettled.push(comet.clone());
                    lost.push(comet.clone());
                }
                None => link.owe_resync(),
            }
        }
        let comets = match &lost[..] {
            [] => Arc::clone(&after.comets),
            lost => lost.iter().chain(&*after.comets).cloned().collect(),
        };
        Seen { comets, unsettled }
    }

    /// Looks at the live comets again and again until stopped.
    pub(crate) async fn watch(&self) -> Result<(), Error> {
        let mut is_answering = true;
        loop {
            let outcome = self.look().await;
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

    /// Reads the live comets if any may have come or gone. While each is
    /// reached and the census is the same, none has.
    async fn look(&self) -> Result<(), directory::Error> {
        if self.is_each_reached() {
            let lookup = self.directory.look_up(&[], &[], &[]).await?;
            if self.still_good(&lookup).is_some() {
                return Ok(());
            }
        }
        self.refresh().await.map(drop)
    }

    fn is_each_reached(&self) -> bool {
        let state = self.state.lock();
        let is_calm = state.reading.as_ref().is_some_and(|reading| reading.is_calm);
        is_calm && state.links.values().all(|link| link.is_connected())
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
        let task = link.run(
            Arc::clone(&self.dialer),
            Arc::clone(&self.turns),
            Arc::clone(&self.recheck),
            self.stop.clone(),
        );
        self.tasks.lock().spawn(task);
    }

    /// Links whose incarnation is gone: replaced by a newer one, refused at
    /// its own address, or without a lease for long enough.
    fn absent(&self, state: &mut State, read: &Reading, now: Instant) -> Vec<(CometRef, Arc<CometLink>)> {
        let State { links, absent_since, .. } = state;
        links
            .iter()
            .filter(|(comet, link)| match read.by_id.get(&comet.id) {
                Some(listed) if listed.epoch == comet.epoch => false,
                Some(listed) if listed.epoch > comet.epoch => true,
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
