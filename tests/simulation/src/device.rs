//! A client of the dialect `oort.v1`: it sends, comes and goes, loses connections, and keeps a log that must be whole in
//! the end. It does what docs/protocol.md asks of clients and no more: nothing of it repairs what it was not told of.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use oort_ledger::{Event, Log};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;

use crate::book::note;
use crate::comet::CometNode;
use crate::dice;
use crate::frames::{self, Answer, Heard};

/// Longest wait for `hello`.
const HELLO: Duration = Duration::from_secs(5);
/// After so long without a frame the server is asked whether it is there; after so long more it is not.
const SILENCE: Duration = Duration::from_secs(2);
const DEAF: Duration = Duration::from_secs(4);

/// What all devices see.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) comets: RefCell<Vec<Option<CometNode>>>,
    /// Ids of the conversations, by number.
    pub(crate) rooms: Vec<i64>,
    /// From then on nobody begins anything.
    pub(crate) quiet_from: Instant,
    pub(crate) over: CancellationToken,
    /// What each device has: conversations by number, the last place of each.
    pub(crate) has: RefCell<Vec<Vec<i64>>>,
    /// Sends that nobody answered yet.
    pub(crate) unanswered: Cell<usize>,
}

/// A device.
#[derive(Debug)]
pub(crate) struct Device {
    number: usize,
    sid: String,
    /// Conversations it is in, by number.
    own: Vec<usize>,
    crowd: Rc<Crowd>,
    log: Log,
    sent: usize,
    pending: BTreeMap<usize, (usize, String)>,
    /// Longest time a frame takes to it, ms.
    lag_ms: usize,
    /// A send was refused that may go through later.
    is_refused: bool,
    /// When it loses its connection shortly before all is quiet: what it misses then nothing repairs that follows.
    last_cut: Option<Instant>,
}

type Socket = WebSocketStream<UnixStream>;

enum End {
    /// It says goodbye.
    Left,
    /// Without a word; the server sees it at once.
    Cut,
    /// Without a word, and the server sees it only later.
    Lost,
    ByServer,
    Over,
}

impl Device {
    pub(crate) fn new(number: usize, sid: String, own: Vec<usize>, crowd: Rc<Crowd>) -> Self {
        let log = Log::new(crowd.rooms.len(), own.iter().map(|room| (*room, 0)));
        let mine = |room| if own.contains(&room) { 0 } else { i64::MAX };
        crowd.has.borrow_mut()[number] = (0..crowd.rooms.len()).map(mine).collect();
        let lag_ms = [0, 4, 40][dice::below(3)];
        let last_cut = dice::chance(500).then(|| crowd.quiet_from - dice::ms(0, 400));
        let pending = BTreeMap::new();
        Self { number, sid, own, crowd, log, sent: 0, pending, lag_ms, is_refused: false, last_cut }
    }

    /// Lives until the run is over.
    pub(crate) async fn live(mut self) {
        while !self.crowd.over.is_cancelled() {
            let Some((mut socket, heads)) = self.connect().await else {
                sleep(dice::ms(20, 150)).await;
                continue;
            };
            let end = self.session(&mut socket, heads).await;
            self.note(Event::Closed);
            match end {
                End::Over => break,
                End::Left => {
                    timeout(Duration::from_millis(100), socket.close(None)).await.ok();
                    drop(socket);
                    sleep(dice::ms(0, 400)).await;
                }
                End::Cut => drop(socket),
                End::Lost => {
                    let late = dice::ms(1, 3_000);
                    tokio::task::spawn_local(async move {
                        sleep(late).await;
                        drop(socket);
                    });
                }
                End::ByServer => sleep(dice::ms(1, 100)).await,
            }
        }
        for room in &self.own {
            if let Some((_, seq)) = self.log.span(*room) {
                self.note(Event::Whole { room: *room, seq });
            }
        }
    }

    fn note(&self, event: Event) {
        note(Some(self.number), event);
    }

    fn room(&self, id: i64) -> Option<usize> {
        self.crowd.rooms.iter().position(|room| *room == id).filter(|room| self.own.contains(room))
    }

    async fn connect(&self) -> Option<(Socket, Vec<(i64, i64)>)> {
        self.note(Event::Connecting);
        let stream = {
            let comets = self.crowd.comets.borrow();
            comets[dice::below(comets.len())].as_ref()?.connect(&self.sid)?
        };
        let stream = UnixStream::from_std(stream).expect("a socket");
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
        let hello = async {
            loop {
                match socket.next().await? {
                    Ok(Message::Text(text)) => match Heard::parse(text.as_str()) {
                        Heard::Hello(heads) => return Some(heads),
                        // It is told to come again.
                        Heard::Other => return None,
                        other => panic!("the server began with {other:?}"),
                    },
                    Ok(Message::Close(_)) | Err(_) => return None,
                    Ok(_) => {}
                }
            }
        };
        let heads = timeout(HELLO, hello).await.ok()??;
        Some((socket, heads))
    }

    async fn session(&mut self, socket: &mut Socket, heads: Vec<(i64, i64)>) -> End {
        let heads: Vec<_> = heads.into_iter().filter_map(|(id, head)| Some((self.room(id)?, head))).collect();
        self.note(Event::Hello { heads: heads.clone() });
        let pulls = self.log.connected(heads);
        let mut out: Vec<String> = pulls.into_iter().map(|(room, after)| self.pull(room, after)).collect();
        out.extend(self.resend());
        let (mut heard, mut asked) = (Instant::now(), false);
        let mut again: Option<Instant> = None;
        let mut next = Instant::now() + dice::ms(1, 400);
        loop {
            for text in out.drain(..) {
                if !matches!(timeout(DEAF, socket.send(Message::text(text))).await, Ok(Ok(()))) {
                    return End::ByServer;
                }
            }
            let is_quiet = next >= self.crowd.quiet_from;
            let silent = heard + if asked { DEAF } else { SILENCE };
            tokio::select! {
                biased;
                () = self.crowd.over.cancelled() => return End::Over,
                frame = socket.next() => {
                    (heard, asked) = (Instant::now(), false);
                    match frame {
                        Some(Ok(Message::Text(text))) => {
                            sleep(dice::ms(0, self.lag_ms)).await;
                            match self.take(Heard::parse(text.as_str())) {
                                Some(answer) => out = answer,
                                None => return End::ByServer,
                            }
                            if again.is_none() && self.is_refused {
                                again = Some(Instant::now() + dice::ms(100, 400));
                            }
                        }
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return End::ByServer,
                        Some(Ok(_)) => {}
                    }
                }
                () = sleep_until(again.unwrap_or(silent)), if again.is_some() => {
                    again = None;
                    self.is_refused = false;
                    out = self.resend();
                }
                () = sleep_until(next), if !is_quiet => {
                    next = Instant::now() + dice::ms(1, 500);
                    match dice::below(40) {
                        0 => return End::Left,
                        1 => return End::Cut,
                        2 | 3 => return End::Lost,
                        _ => out = self.say(),
                    }
                }
                () = sleep_until(self.last_cut.unwrap_or(silent)), if self.last_cut.is_some() => {
                    self.last_cut = None;
                    return End::Cut;
                }
                () = sleep_until(silent) => {
                    if asked {
                        return End::ByServer;
                    }
                    asked = true;
                    out.push(frames::ping());
                }
            }
        }
    }

    /// One new message, or a few that do not wait for each other.
    fn say(&mut self) -> Vec<String> {
        let count = if dice::chance(150) { 3 } else { 1 };
        let say = |_| {
            let room = self.own[dice::below(self.own.len())];
            let (number, id) = (self.sent, format!("d{}-{}", self.number, self.sent));
            self.sent += 1;
            self.pending.insert(number, (room, id));
            self.crowd.unanswered.set(self.crowd.unanswered.get() + 1);
            self.send(number)
        };
        (0..count).map(say).collect()
    }

    fn send(&self, number: usize) -> String {
        let (room, id) = &self.pending[&number];
        self.note(Event::Send { room: *room, id: id.clone() });
        frames::send(self.crowd.rooms[*room], id)
    }

    /// Every send that has no answer, again.
    fn resend(&self) -> Vec<String> {
        self.pending.keys().map(|number| self.send(*number)).collect()
    }

    fn pull(&self, room: usize, after: i64) -> String {
        self.note(Event::Asked { room, after: Some(after) });
        frames::pull(self.crowd.rooms[room], after)
    }

    /// Takes a frame; returns what is to be said because of it, `None` = connect anew.
    fn take(&mut self, heard: Heard) -> Option<Vec<String>> {
        let mut pulls = Vec::new();
        match heard {
            Heard::Messages { room, messages } => {
                let room = self.room(room)?;
                for message in messages {
                    let seq = message.seq;
                    self.note(Event::Live { room, message });
                    self.log.live(room, seq);
                }
                pulls.extend(self.log.missing());
            }
            Heard::Page { room, after, messages, more, head } => {
                let room = self.room(room)?;
                let seqs: Vec<i64> = messages.iter().map(|message| message.seq).collect();
                self.note(Event::Page { room, after: Some(after), messages, more, head });
                pulls.extend(self.log.page(room, seqs, more).map(|after| (room, after)));
            }
            Heard::Behind(rooms) => {
                let all = self.own.iter().map(|room| (*room, 0)).filter(|_| rooms.is_empty());
                let named = rooms.iter().filter_map(|(id, head)| Some((self.room(*id)?, *head)));
                let behind: Vec<(usize, i64)> = named.chain(all).collect();
                for (room, head) in behind {
                    self.note(Event::Behind { room, head });
                    pulls.extend(self.log.behind(room, head).map(|after| (room, after)));
                }
            }
            Heard::Acks { room, acks } => {
                let room = self.room(room)?;
                for (id, outcome) in acks {
                    self.answered(room, id, outcome);
                }
            }
            // A page could not be read now: a new connection asks for what is missing.
            Heard::Refused => return None,
            Heard::Hello(_) | Heard::Other => {}
        }
        let has: Vec<i64> = (0..self.crowd.rooms.len())
            .map(|room| self.log.span(room).map_or(i64::MAX, |(_, last)| last))
            .collect();
        self.crowd.has.borrow_mut()[self.number] = has;
        Some(pulls.into_iter().map(|(room, after)| self.pull(room, after)).collect())
    }

    fn answered(&mut self, room: usize, id: String, outcome: Answer) {
        let number = id.split('-').nth(1).and_then(|number| number.parse().ok()).unwrap_or(usize::MAX);
        match outcome {
            Ok(seq) => {
                self.note(Event::Ack { room, id, seq });
                if self.pending.remove(&number).is_some() {
                    self.crowd.unanswered.set(self.crowd.unanswered.get() - 1);
                }
            }
            Err((code, may_be_later)) => {
                assert!(may_be_later, "{id} was refused for good: {code}");
                self.note(Event::Refused { room, id, code });
                self.is_refused = true;
            }
        }
    }
}
