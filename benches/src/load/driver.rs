//! One thread of the load: all its connections on one epoll.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, bail};
use mio::{Events, Interest, Poll, Token};

use crate::clock::now_ns;

use super::http_sender::{HttpSender, Progress};
use super::push_sender::PushSender;
use super::receiver::Receiver;
use super::schedule::Schedule;
use super::socket::Socket;
use super::tag::Tag;
use super::tally::{Shared, Tally};
use super::timer::Timer;
use super::wire::Wire;

const TIMER: Token = Token(usize::MAX);
/// Longest sleep, so that the end of the run is noticed.
const SLEEP_MAX: Duration = Duration::from_millis(10);

/// A connection of the load.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) wire: Wire,
    pub(crate) role: Role,
}

/// What a connection is for.
#[derive(Debug)]
pub(crate) enum Role {
    Http(HttpSender),
    Socket(Box<Socket>),
    Push(Box<PushSender>),
    Receive(Receiver),
}

impl Role {
    /// Sends it would begin now.
    fn free(&self) -> usize {
        match self {
            Self::Http(sender) => 1 - sender.under_way(),
            Self::Socket(socket) => socket.free(),
            Self::Push(sender) => sender.free(),
            Self::Receive(_) => 0,
        }
    }

    fn under_way(&self) -> usize {
        match self {
            Self::Http(sender) => sender.under_way(),
            Self::Socket(socket) => socket.under_way(),
            Self::Push(sender) => sender.under_way(),
            Self::Receive(_) => 0,
        }
    }
}

/// What one thread has to do.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) schedule: Schedule,
    pub(crate) lines: Vec<Line>,
    /// Latencies of sends due in this time are recorded.
    pub(crate) measured: Range<u64>,
    /// Longest wait for answers, and then for deliveries, when nothing more is sent, ns.
    pub(crate) wait_ns: u64,
    /// How many sockets see each send.
    pub(crate) deliveries_per_send: usize,
    /// The first number of its sends; each thread has numbers of its own.
    pub(crate) first_number: u64,
}

/// Runs a thread's share of the load to its end.
pub(crate) fn drive(work: Work, shared: &Shared) -> anyhow::Result<Tally> {
    let mut driver = Driver::new(work, shared)?;
    let driven = driver.send().and_then(|()| driver.take_answers());
    // Also after a failure, or the other threads would wait for it.
    shared.done_sending(&driver.tally.acked);
    driven?;
    driver.take_deliveries()?;
    Ok(driver.finish())
}

struct Driver<'a> {
    shared: &'a Shared,
    poll: Poll,
    events: Events,
    timer: Timer,
    lines: Vec<Line>,
    /// Lines that would begin a send, each once, the one free for longest first.
    free: VecDeque<usize>,
    is_free: Vec<bool>,
    schedule: Schedule,
    tags: Vec<Tag>,
    number: u64,
    measured_end: u64,
    wait_ns: u64,
    deliveries_per_send: usize,
    tally: Tally,
}

impl<'a> Driver<'a> {
    fn new(work: Work, shared: &'a Shared) -> anyhow::Result<Self> {
        let poll = Poll::new()?;
        let timer = Timer::new(&poll, TIMER)?;
        let mut driver = Self {
            shared,
            events: Events::with_capacity(1024),
            timer,
            poll,
            free: VecDeque::new(),
            is_free: vec![false; work.lines.len()],
            lines: work.lines,
            schedule: work.schedule,
            tags: Vec::new(),
            number: work.first_number,
            measured_end: work.measured.end,
            wait_ns: work.wait_ns,
            deliveries_per_send: work.deliveries_per_send,
            tally: Tally::new(work.measured, shared.rooms.len()),
        };
        for index in 0..driver.lines.len() {
            driver.register(index)?;
            driver.offer(index);
            // What came right behind `hello` is in the inbox already.
            driver.read(index)?;
        }
        Ok(driver)
    }

    fn register(&mut self, index: usize) -> anyhow::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut self.lines[index].wire.stream, Token(index), interest)?;
        Ok(())
    }

    /// The line waits for its turn when it would begin a send.
    fn offer(&mut self, index: usize) {
        if !self.is_free[index] && self.lines[index].role.free() > 0 {
            self.is_free[index] = true;
            self.free.push_back(index);
        }
    }

    fn send(&mut self) -> anyhow::Result<()> {
        loop {
            let now = now_ns();
            if self.schedule.is_over(now) {
                break;
            }
            self.begin_due(now)?;
            if let (false, Some(next)) = (self.free.is_empty(), self.schedule.next_ns()) {
                self.timer.set(next)?;
            }
            self.poll_once()?;
        }
        let end = self.measured_end;
        // Each waited at least until the end.
        let missed: Vec<_> = self.schedule.not_begun().collect();
        for due in missed {
            self.tally.not_begin(due, end, self.deliveries_per_send);
        }
        Ok(())
    }

    /// Hands the sends that are due to the lines that are free.
    fn begin_due(&mut self, now: u64) -> anyhow::Result<()> {
        while let Some(index) = self.free.pop_front() {
            let line = &mut self.lines[index];
            self.tags.clear();
            while self.tags.len() < line.role.free()
                && let Some(due_ns) = self.schedule.take(now)
            {
                self.number += 1;
                self.tags.push(Tag { number: self.number, due_ns });
            }
            let Some(first) = self.tags.first() else {
                self.free.push_front(index);
                return Ok(());
            };
            match &mut line.role {
                Role::Http(sender) => sender.begin(&mut line.wire, self.shared, *first)?,
                Role::Socket(socket) => socket.begin(&mut line.wire, self.shared, &self.tags)?,
                Role::Push(sender) => sender.begin(&mut line.wire, &self.tags)?,
                Role::Receive(_) => bail!("a receiver does not send"),
            }
            self.is_free[index] = false;
            if line.wire.ended {
                self.read(index)?;
            }
            self.offer(index);
        }
        Ok(())
    }

    fn take_answers(&mut self) -> anyhow::Result<()> {
        let give_up = now_ns() + self.wait_ns;
        loop {
            let under_way: usize = self.lines.iter().map(|line| line.role.under_way()).sum();
            if under_way == 0 || now_ns() > give_up {
                self.tally.unanswered = u64::try_from(under_way).unwrap_or(u64::MAX);
                return Ok(());
            }
            self.poll_once()?;
        }
    }

    fn take_deliveries(&mut self) -> anyhow::Result<()> {
        let give_up = now_ns() + self.wait_ns;
        while !self.has_everything() && now_ns() < give_up {
            self.poll_once()?;
        }
        Ok(())
    }

    fn has_everything(&self) -> bool {
        let has = |line: &Line| match &line.role {
            Role::Http(_) | Role::Push(_) => true,
            Role::Receive(receiver) => receiver.has_all(self.shared),
            Role::Socket(socket) => {
                let heads = self.shared.heads.iter().enumerate();
                heads.into_iter().all(|(room, head)| socket.follower.has(room, head.load(Ordering::Relaxed)))
            }
        };
        self.shared.sending.load(Ordering::Acquire) == 0 && self.lines.iter().all(has)
    }

    fn poll_once(&mut self) -> anyhow::Result<()> {
        match self.poll.poll(&mut self.events, Some(SLEEP_MAX)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        let ready: Vec<_> = self
            .events
            .iter()
            .map(|event| (event.token(), event.is_readable(), event.is_writable()))
            .collect();
        for (Token(index), readable, writable) in ready.into_iter().filter(|(token, ..)| *token != TIMER) {
            let line = &mut self.lines[index];
            if writable {
                line.wire.flush()?;
            }
            if readable || line.wire.ended {
                line.wire.fill()?;
                self.read(index)?;
                self.offer(index);
            }
        }
        Ok(())
    }

    /// Takes what a line has read.
    fn read(&mut self, index: usize) -> anyhow::Result<()> {
        let Line { wire, role } = &mut self.lines[index];
        let now = now_ns();
        let progress = match role {
            Role::Socket(socket) => {
                socket.read(wire, self.shared, &mut self.tally, now)?;
                None
            }
            Role::Receive(receiver) => {
                receiver.read(wire, &mut self.tally, now)?;
                None
            }
            Role::Http(_) | Role::Push(_) if wire.unread().is_empty() => Some(Progress::Waiting),
            Role::Http(sender) => Some(sender.read(wire, self.shared, &mut self.tally, now)?),
            Role::Push(sender) => Some(sender.read(wire, self.shared, &mut self.tally, now)?),
        };
        match progress {
            None if wire.ended => bail!("a WebSocket ended without a close frame"),
            Some(progress) if wire.ended || progress == Progress::FreeAndClosed => self.reconnect(index),
            _ => Ok(()),
        }
    }

    /// A server may end an idle connection at any time, also just when a request is on its way.
    fn reconnect(&mut self, index: usize) -> anyhow::Result<()> {
        let line = &mut self.lines[index];
        let address = match &line.role {
            Role::Http(sender) => sender.address,
            Role::Push(sender) => sender.address,
            Role::Socket(_) | Role::Receive(_) => return Ok(()),
        };
        self.poll.registry().deregister(&mut line.wire.stream)?;
        line.wire = Wire::connect(address).with_context(|| format!("{address} takes no more connections"))?;
        let repeated = match &mut line.role {
            Role::Http(sender) => sender.repeat(&mut line.wire, self.shared)?,
            Role::Push(sender) => sender.repeat(&mut line.wire)?,
            Role::Socket(_) | Role::Receive(_) => false,
        };
        self.tally.resent += u64::from(repeated);
        self.register(index)
    }

    fn finish(mut self) -> Tally {
        // Verdicts need the acks of all threads: what the lines saw and sent travels in the tallies.
        for line in self.lines {
            line.wire.end();
            match line.role {
                Role::Http(_) => {}
                Role::Socket(socket) => self.tally.followers.push(socket.follower),
                Role::Push(sender) => self.tally.ledgers.push(sender.into_ledger()),
                Role::Receive(receiver) => self.tally.receivers.push(receiver),
            }
        }
        self.tally
    }
}
