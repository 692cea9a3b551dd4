//! Clients that come back by themselves, as Oort's own client does: what they are told to wait they wait, else a random
//! time that grows; and they show the cursor of their last greeting.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::ensure;
use mio::{Events, Interest, Poll, Token};

use super::client::Client;
use super::open::{begin, source};
use super::wire::Wire;
use super::{EVENTS_MAX, SCRATCH_BYTES};
use crate::dialect::{Dialect, Event, Room, Who};
use crate::histogram::Recorder;

/// A first wait without a hint is up to this long, each further one up to twice the one before.
const BACKOFF_MIN: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// Longest rest when there is nothing to do.
const REST: Duration = Duration::from_millis(20);

/// What the clients met on their way back.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Met {
    /// Live connections that ended.
    pub(crate) lost: u64,
    /// Connections that ended before the client was live.
    pub(crate) failed: u64,
    /// Times a client was told when to come again.
    pub(crate) turned_away: u64,
    /// Bytes that came.
    pub(crate) bytes: u64,
}

#[derive(Debug)]
struct Returner {
    client: Client,
    token: usize,
    cursor: Option<String>,
    /// Which comet it tries.
    comet: usize,
    attempts: u32,
    /// What it was told to wait.
    told: Option<Duration>,
    /// Its place in the heap of those that wait is of this number; others are old.
    wait: u32,
}

/// The clients.
#[derive(Debug)]
pub(crate) struct Returning {
    comets: Vec<SocketAddr>,
    tokens: Vec<String>,
    /// Whether a client that lost its comet tries the next one.
    goes_elsewhere: bool,
    poll: Poll,
    clients: Vec<Returner>,
    waiting: BinaryHeap<Reverse<(Instant, usize, u32)>>,
    scratch: Vec<u8>,
    live: usize,
    dice: u64,
    met: Met,
    complaint: Option<String>,
    /// When the last cut was, for the times of those that are back.
    cut_at: Instant,
    back: Recorder,
}

impl Returning {
    /// Clients of these comets, all of the first one; each uses a token in turn.
    pub(crate) fn new(
        comets: Vec<SocketAddr>,
        tokens: Vec<String>,
        (clients, goes_elsewhere): (usize, bool),
    ) -> io::Result<Self> {
        let returner = |number: usize| Returner {
            client: Client::new(),
            token: number % tokens.len().max(1),
            cursor: None,
            comet: 0,
            attempts: 0,
            told: None,
            wait: 0,
        };
        Ok(Self {
            clients: (0..clients).map(returner).collect(),
            comets,
            tokens,
            goes_elsewhere,
            poll: Poll::new()?,
            waiting: BinaryHeap::new(),
            scratch: vec![0; SCRATCH_BYTES],
            live: 0,
            dice: 0x9e37_79b9_7f4a_7c15,
            met: Met::default(),
            complaint: None,
            cut_at: Instant::now(),
            back: Recorder::new(),
        })
    }

    /// Clients that are live.
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// What they met since [`Returning::begin`], and the times they took from then on.
    pub(crate) fn met(&self) -> (Met, &Recorder) {
        (self.met.clone(), &self.back)
    }

    /// Begins to count anew.
    pub(crate) fn begin(&mut self) {
        (self.met, self.cut_at) = (Met::default(), Instant::now());
        self.back.clear();
    }

    /// Lets all clients in for the first time, so many per second.
    pub(crate) fn open(&mut self, per_second: u32, limit: Duration) -> anyhow::Result<()> {
        let began = Instant::now();
        for number in 0..self.clients.len() {
            let at = began
                + Duration::from_secs(1) / per_second.max(1) * u32::try_from(number).unwrap_or(u32::MAX);
            self.waiting.push(Reverse((at, number, 0)));
        }
        let give_up = began + limit;
        while self.live < self.clients.len() {
            self.turn()?;
            let why = || self.complaint.as_deref().unwrap_or("no answer");
            ensure!(Instant::now() < give_up, "only {} clients are in: {}", self.live, why());
        }
        Ok(())
    }

    /// Does what there is to do, or waits a little.
    pub(crate) fn turn(&mut self) -> io::Result<()> {
        let now = Instant::now();
        while let Some(Reverse((at, number, wait))) = self.waiting.peek().copied() {
            if at > now {
                break;
            }
            self.waiting.pop();
            if self.clients[number].wait == wait && self.clients[number].client.is_closed() {
                self.connect(number)?;
            }
        }
        let next =
            self.waiting.peek().map_or(REST, |Reverse((at, ..))| at.saturating_duration_since(now).min(REST));
        let mut events = Events::with_capacity(EVENTS_MAX);
        match self.poll.poll(&mut events, Some(next)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        for event in &events {
            let Token(number) = event.token();
            if event.is_writable() {
                self.write(number);
            }
            if event.is_readable() || event.is_read_closed() || event.is_error() {
                self.read(number, event.is_read_closed());
            }
        }
        Ok(())
    }

    fn connect(&mut self, number: usize) -> io::Result<()> {
        let returner = &mut self.clients[number];
        let stream = begin(self.comets[returner.comet % self.comets.len()], source(number))?;
        returner.client.begin(Wire::new(mio::net::TcpStream::from_std(stream), None)?);
        let Some(stream) = returner.client.stream_mut() else { return Ok(()) };
        self.poll.registry().register(stream, Token(number), Interest::READABLE | Interest::WRITABLE)
    }

    fn write(&mut self, number: usize) {
        let Some(returner) = self.clients.get_mut(number) else { return };
        let (token, cursor) = (&self.tokens[returner.token], returner.cursor.as_deref());
        let opening = || Dialect::opening_with(token, cursor);
        if let Err(reason) = returner.client.write(Dialect::Json.first_stage(), opening) {
            self.lose(number, reason);
        }
    }

    fn read(&mut self, number: usize, is_to_the_end: bool) {
        let Some(Returner { client, cursor, told, attempts, .. }) = self.clients.get_mut(number) else {
            return;
        };
        let nobody = || Who { number: 0, room: Room::Main };
        let (mut is_ready, mut is_turned_away) = (false, false);
        let taken =
            client.read(Dialect::Json, nobody, (&mut self.scratch, is_to_the_end), |_, event| match event {
                Event::Ready => is_ready = true,
                Event::Cursor(shown) => *cursor = Some(shown.to_owned()),
                Event::ComeAgain { after_ms } => {
                    *told = Some(Duration::from_millis(after_ms));
                    is_turned_away = true;
                }
                Event::Message { .. } | Event::Behind | Event::Reply(_) => {}
            });
        if is_ready {
            (*attempts, *told) = (0, None);
            self.live += 1;
            self.back.record(u64::try_from(self.cut_at.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
        self.met.turned_away += u64::from(is_turned_away);
        match taken {
            Ok(taken) => self.met.bytes += taken.bytes,
            Err(reason) => self.lose(number, reason),
        }
    }

    /// The connection ended: it will come back.
    fn lose(&mut self, number: usize, reason: String) {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        let returner = &mut self.clients[number];
        if returner.client.is_live() {
            self.live -= 1;
            self.met.lost += 1;
            returner.comet += usize::from(self.goes_elsewhere);
        } else {
            self.met.failed += 1;
        }
        returner.client.close();
        let grown = (BACKOFF_MIN * 2_u32.pow(returner.attempts.min(8))).min(BACKOFF_MAX);
        let share = u32::try_from(self.dice >> 48).unwrap_or_default();
        let random = grown / (1 << 16) * share;
        let wait = returner.told.take().unwrap_or(random);
        (returner.attempts, returner.wait) = (returner.attempts + 1, returner.wait + 1);
        self.waiting.push(Reverse((Instant::now() + wait, number, returner.wait)));
        self.complaint = Some(reason);
    }
}
