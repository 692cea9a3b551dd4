//! A crowd from its first device to the verdict.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oort_ledger::Log;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock::now_ns;
use crate::ledger::{self, Ledger};
use crate::load::cast;
use crate::load::tag::Tag;
use crate::load::tally::Tally;
use crate::report::{Progress, Verdict};
use crate::system::System;

use super::cutter::{Cutter, Handle};
use super::device::{Command, Device, Finish};
use super::draw::{Draw, Event};
use super::http_senders::{self, Order};
use super::options::CrowdOptions;
use super::world::{World, count};

/// Commands that may wait for a device.
const COMMANDS_MAX: usize = 64;
/// Longest wait for the first connection of every device.
const ONLINE: Duration = Duration::from_secs(60);
/// Groups made at once.
const AT_ONCE: usize = 8;

/// A crowd that is connected.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) world: Arc<World>,
    handles: Arc<Vec<Handle>>,
    finish: watch::Sender<Finish>,
    orders: mpsc::Sender<Order>,
    devices: JoinSet<anyhow::Result<Log>>,
    senders: JoinSet<anyhow::Result<()>>,
    draw: Draw,
    wait: Duration,
    number: u64,
}

impl Crowd {
    /// Makes accounts and groups, starts all devices and waits until they are online.
    pub(crate) async fn gather(
        system: &System,
        options: &CrowdOptions,
        ledger: Option<Ledger>,
    ) -> anyhow::Result<Self> {
        let accounts = cast::accounts(system, options.accounts).await?;
        let ids: Vec<_> = accounts.iter().map(|account| account.id.as_str()).collect();
        let (accounts_ref, ids) = (&accounts, &ids);
        let rooms: Vec<String> = stream::iter(0..options.groups)
            .map(|group| async move {
                let members: Vec<_> = options.members(group).map(|member| ids[member]).collect();
                let owner = &accounts_ref[group % options.accounts];
                system.apis[group % system.apis.len()].group(owner, &members).await
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
            .context("groups cannot be made")?;
        // What making a group wrote is no message of the run.
        let mut bases = HashMap::new();
        for (group, room) in rooms.iter().enumerate() {
            let reader = &accounts[group % options.accounts];
            let (page, _) = system.apis[0].history(reader, room, 0).await?;
            bases.insert(group, page.last().map_or(0, |message| message.seq));
        }
        let places = (system.comets.clone(), system.apis.clone());
        let world = Arc::new(World::new(rooms, accounts, places, options, ledger));
        for (room, base) in &bases {
            world.note(None, || ledger::Event::Conversation { room: *room, base: *base });
        }
        let (finish, finished) = watch::channel(None);
        let (orders, taken) = mpsc::channel(http_senders::WAITING_MAX);
        let mut senders = JoinSet::new();
        http_senders::start(&world, taken, &mut senders);
        let (mut handles, mut devices) = (Vec::new(), JoinSet::new());
        for number in 0..options.users {
            let account = number % options.accounts;
            let groups = options.groups_of(account);
            for room in &groups {
                world.note(Some(number), || ledger::Event::Member { room: *room });
            }
            let (commands, taken) = mpsc::channel(COMMANDS_MAX);
            let has: Arc<Vec<_>> = Arc::new(world.shared.rooms.iter().map(|_| AtomicI64::new(0)).collect());
            let (online, away) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
            let device = Device {
                number,
                account,
                world: Arc::clone(&world),
                log: Log::new(world.shared.rooms.len(), groups.iter().map(|group| (*group, bases[group]))),
                online: Arc::clone(&online),
                away: Arc::clone(&away),
                has: Arc::clone(&has),
                commands: taken,
                finish: finished.clone(),
                pending: BTreeMap::new(),
                failures: 0,
            };
            devices.spawn(device.live());
            handles.push(Handle { account, groups, online, away, commands, has });
        }
        let wait = Duration::from_secs(options.wait);
        let (draw, handles) = (Draw::new(options), Arc::new(handles));
        let mut crowd = Self { world, handles, finish, orders, devices, senders, draw, wait, number: 0 };
        crowd.wait_until_online().await?;
        Ok(crowd)
    }

    async fn wait_until_online(&mut self) -> anyhow::Result<()> {
        let give_up = Instant::now() + ONLINE;
        while !self.handles.iter().all(|handle| handle.online.load(Ordering::Relaxed)) {
            self.fail_early()?;
            ensure!(Instant::now() < give_up, "not all devices are online within {ONLINE:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// A device or sender that failed fails the run at once.
    fn fail_early(&mut self) -> anyhow::Result<()> {
        while let Some(ended) = self.senders.try_join_next() {
            ended??;
        }
        while let Some(ended) = self.devices.try_join_next() {
            ended?.context("a device failed")?;
        }
        Ok(())
    }

    /// Lets the crowd do what is drawn for it during `time`; latencies count from the end of `warmup` on.
    pub(crate) async fn live(
        &mut self,
        warmup: Duration,
        time: Duration,
        progress: &mut Progress,
    ) -> anyhow::Result<()> {
        let world = Arc::clone(&self.world);
        let begun = now_ns();
        let end = begun + u64::try_from(time.as_nanos())?;
        let measured = begun + u64::try_from(warmup.min(time).as_nanos())?..end;
        *world.tally() = Tally::new(measured, world.shared.rooms.len());
        let mut tell = |acked: u64| {
            let passed = Duration::from_nanos(now_ns() - begun).as_secs_f64();
            progress.tick(passed / time.as_secs_f64(), crate::load::run::ratio(acked, 1) / passed.max(0.001));
        };
        tokio::select! {
            lived = self.events(begun, end, &mut tell) => lived,
            never = world.keep_tokens() => match never {},
        }
    }

    /// Lets the crowd do what is drawn for it until `other` is done; returns what that returned. The crowd goes on while
    /// `other` blocks its thread.
    pub(crate) async fn live_until<T>(
        mut self,
        other: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<(Self, T)> {
        let world = Arc::clone(&self.world);
        let begun = now_ns();
        *world.tally() = Tally::new(0..0, world.shared.rooms.len());
        let (stop, stopped) = oneshot::channel::<()>();
        // A set, so that the crowd ends with this call.
        let mut life: JoinSet<anyhow::Result<Self>> = JoinSet::new();
        life.spawn(async move {
            let mut silent = |_| {};
            let lived = tokio::select! {
                _ = stopped => Ok(()),
                failed = async {
                    self.events(begun, u64::MAX, &mut silent).await?;
                    // With no events at all there is nothing to do but wait.
                    std::future::pending().await
                } => failed,
                never = world.keep_tokens() => match never {},
            };
            lived.map(|()| self)
        });
        let done = tokio::select! {
            done = other => done?,
            Some(ended) = life.join_next() => {
                drop(ended??);
                bail!("the crowd ended before its time");
            }
        };
        drop(stop);
        let crowd = life.join_next().await.context("the crowd is gone")???;
        Ok((crowd, done))
    }

    /// What is drawn, from `begun` to `end`, each event when it is due.
    async fn events(&mut self, begun: u64, end: u64, tell: &mut impl FnMut(u64)) -> anyhow::Result<()> {
        let mut due = begun;
        while let Some((after, event)) = self.draw.next() {
            due += after;
            if due >= end {
                break;
            }
            let wait = due.saturating_sub(now_ns());
            if wait > 0 {
                tokio::time::sleep(Duration::from_nanos(wait)).await;
            }
            self.fail_early()?;
            self.happen(event, due);
            tell(self.world.shared.acked.load(Ordering::Relaxed));
        }
        if end < u64::MAX {
            tokio::time::sleep(Duration::from_nanos(end.saturating_sub(now_ns()))).await;
        }
        Ok(())
    }

    /// To cut its connections with.
    pub(crate) fn cutter(&self) -> Cutter {
        Cutter { handles: Arc::clone(&self.handles) }
    }

    fn happen(&mut self, event: Event, due_ns: u64) {
        let first = self.draw.index(self.handles.len());
        // Whoever is drawn and offline leaves it to the next one who is online.
        let turn = (0..self.handles.len()).map(|step| (first + step) % self.handles.len());
        let online = turn.clone().find(|at| {
            let handle = &self.handles[*at];
            handle.online.load(Ordering::Relaxed) && !handle.groups.is_empty()
        });
        let Some(at) = online else { return };
        let group = self.draw.index(self.handles[at].groups.len());
        let handle = &self.handles[at];
        let room = handle.groups[group];
        self.number += 1;
        let tag = Tag { number: self.number, due_ns };
        let sends = matches!(event, Event::SendByHttp | Event::SendBySocket);
        if sends {
            count(&self.world.counts.under_way);
        }
        let goes = matches!(event, Event::Leave(_) | Event::Cut);
        if goes {
            // Nobody gives a send to a device that is about to go: it would wait until it is back. Before it is told:
            // afterwards it may be back already.
            handle.online.store(false, Ordering::Relaxed);
        }
        let taken = match event {
            Event::SendByHttp => self.orders.try_send(Order { account: handle.account, room, tag }).is_ok(),
            Event::SendBySocket => handle.commands.try_send(Command::Send { room, tag }).is_ok(),
            Event::Leave(ns) => handle.commands.try_send(Command::Leave(Duration::from_nanos(ns))).is_ok(),
            Event::Cut => handle.commands.try_send(Command::Cut).is_ok(),
            Event::Page => handle.commands.try_send(Command::Page(room)).is_ok(),
            Event::Read => handle.commands.try_send(Command::Read(room)).is_ok(),
        };
        if goes && !taken {
            handle.online.store(true, Ordering::Relaxed);
        }
        if sends && !taken {
            self.world.counts.under_way.fetch_sub(1, Ordering::Relaxed);
            self.world.tally().not_begun += 1;
        }
    }

    /// Waits until everything is answered and every device has everything; the verdict over all devices.
    pub(crate) async fn end(self) -> anyhow::Result<(Arc<World>, Verdict)> {
        let Self { world, finish, orders, mut devices, mut senders, wait, handles, .. } = self;
        let give_up = Instant::now() + wait;
        while world.counts.under_way.load(Ordering::Relaxed) > 0 && Instant::now() < give_up {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        world.tally().unanswered = world.counts.under_way.load(Ordering::Relaxed);
        let heads = world.acked_heads();
        drop(orders);
        finish.send_replace(Some((Arc::new(heads), Instant::now() + wait)));
        let mut verdict = Verdict::default();
        while let Some(log) = devices.join_next().await {
            let log = log?.context("a device failed")?;
            let tally = world.tally();
            let lost = (0..world.shared.rooms.len()).filter_map(|room| Some((room, log.span(room)?)));
            let lost = lost.map(|(room, (base, last))| {
                tally.acked.of(room).filter(|(seq, _)| *seq > base && *seq > last).count() as u64
            });
            verdict += Verdict {
                delivered: log.delivered,
                lost: lost.sum(),
                duplicated: log.duplicated,
                reordered: log.reordered,
            };
            drop(tally);
            world.tally().pulled += log.pulled;
        }
        drop(handles);
        while let Some(ended) = senders.join_next().await {
            ended??;
        }
        Ok((world, verdict))
    }
}
