//! One device: online or not, with a log that has to be whole in the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use oort_ledger::Log;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};

use crate::clock::now_ns;
use crate::ledger::Event;
use crate::load::frames::{self, ServerFrame};
use crate::load::tag::Tag;

use super::noted::{placed, shown, text};
use super::world::{World, count};

/// What a device is told to do.
#[derive(Debug)]
pub(crate) enum Command {
    Send {
        room: usize,
        tag: Tag,
    },
    /// Says goodbye and comes back after so long.
    Leave(Duration),
    /// The connection breaks without a word.
    Cut,
    /// Connects anew; only then the old connection breaks.
    Race,
    /// Reads the newest page of a conversation.
    Page(usize),
    /// Everything that came in a conversation is read.
    Read(usize),
}

/// The end of a run: what every device has to have, and until when.
pub(crate) type Finish = Option<(Arc<Vec<i64>>, Instant)>;

/// `requestId` of pages that are only read.
const READ: &str = "page";
/// `requestId` of cursors.
const MARK: &str = "mark";
/// Wait before a connection is tried again, and shortest wait before a refused send is.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest wait for a connection and its `hello`.
const HELLO: Duration = Duration::from_secs(5);
/// After so long without a frame the server is asked whether it is there.
const SILENCE: Duration = Duration::from_secs(2);
/// After so long without a frame it is not.
const DEAF: Duration = Duration::from_secs(6);

/// A device.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) number: usize,
    pub(crate) account: usize,
    pub(crate) world: Arc<World>,
    pub(crate) log: Log,
    pub(crate) online: Arc<AtomicBool>,
    /// It is offline because it wants to be.
    pub(crate) away: Arc<AtomicBool>,
    /// The seq up to which it has everything, by conversation, for those who wait for it.
    pub(crate) has: Arc<Vec<AtomicI64>>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) finish: watch::Receiver<Finish>,
    /// Sends that are not answered yet, by their number: they are sent again after a reconnect.
    pub(crate) pending: BTreeMap<u64, (usize, Tag)>,
    /// Connections that failed one after the other: each next one is tried elsewhere.
    pub(crate) failures: usize,
}

type Socket = WebSocketStream<TcpStream>;

/// How a session ended.
enum End {
    Away(Duration),
    Cut,
    Race,
    ByServer,
    Finished,
}

impl Device {
    /// Lives until the run is finished; returns what it has then.
    pub(crate) async fn live(mut self) -> anyhow::Result<Log> {
        let mut old: Option<Socket> = None;
        loop {
            let (mut socket, hello) = self.connect().await?;
            drop(old.take());
            count(&self.world.counts.connects);
            self.online.store(true, Ordering::Relaxed);
            let end = self.session(&mut socket, &hello).await;
            self.online.store(false, Ordering::Relaxed);
            self.world.note(Some(self.number), || Event::Closed);
            match end? {
                End::Finished => {
                    self.claim();
                    return Ok(self.log);
                }
                End::Cut => {}
                End::Race => old = Some(socket),
                End::ByServer => {
                    count(&self.world.counts.ended);
                    tokio::time::sleep(PAUSE).await;
                }
                End::Away(time) => {
                    // The server may be gone already.
                    drop(socket.close(None).await);
                    self.away.store(true, Ordering::Relaxed);
                    // Comes back earlier when the run ends.
                    drop(tokio::time::timeout(time, self.finish.wait_for(Option::is_some)).await);
                    self.away.store(false, Ordering::Relaxed);
                }
            }
        }
    }

    /// Tells what it has.
    fn tell(&self) {
        for (room, has) in self.has.iter().enumerate() {
            if let Some((_, last)) = self.log.span(room) {
                has.store(last, Ordering::Relaxed);
            }
        }
    }

    /// Says what it has in the end.
    fn claim(&self) {
        for room in 0..self.world.shared.rooms.len() {
            if let Some((_, seq)) = self.log.span(room) {
                self.world.note(Some(self.number), || Event::Whole { room, seq });
            }
        }
    }

    /// A connection and its `hello`; tried again until it works, at each comet in turn.
    async fn connect(&mut self) -> anyhow::Result<(Socket, Utf8Bytes)> {
        let give_up = Instant::now() + self.world.patience;
        loop {
            self.world.note(Some(self.number), || Event::Connecting);
            let error = match tokio::time::timeout(HELLO, self.try_connect()).await {
                Ok(Ok(connected)) => return Ok(connected),
                Ok(Err(error)) => error,
                Err(_) => anyhow!("no hello within {HELLO:?}"),
            };
            self.failures += 1;
            if Instant::now() > give_up {
                return Err(error.context(format!("no connection for {:?}", self.world.patience)));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn try_connect(&self) -> anyhow::Result<(Socket, Utf8Bytes)> {
        let comet = &self.world.comets[(self.number + self.failures) % self.world.comets.len()];
        let tcp = TcpStream::connect(comet).await.with_context(|| format!("no connection to {comet}"))?;
        tcp.set_nodelay(true)?;
        let mut request = format!("ws://{comet}/api/ws").into_client_request()?;
        let protocols = format!("oort.v1, bearer.{}", self.world.account(self.account).token);
        request.headers_mut().insert("sec-websocket-protocol", protocols.parse()?);
        let (mut socket, _) = tokio_tungstenite::client_async(request, tcp).await?;
        loop {
            match socket.next().await.context("the connection ended before hello")?? {
                Message::Text(hello)
                    if matches!(ServerFrame::parse(hello.as_bytes())?, ServerFrame::Hello(_)) =>
                {
                    return Ok((socket, hello));
                }
                // A comet that began to drain meanwhile sends it elsewhere.
                Message::Text(other) => bail!("instead of hello: {other}"),
                Message::Close(frame) => bail!("closed before hello: {frame:?}"),
                _ => {}
            }
        }
    }

    async fn session(&mut self, socket: &mut Socket, hello: &Utf8Bytes) -> anyhow::Result<End> {
        let mut out = self.begin(hello)?;
        let (mut heard, mut asked) = (Instant::now(), false);
        let mut again: Option<Instant> = None;
        loop {
            for json in out.drain(..) {
                let text = Message::Text(Utf8Bytes::try_from(Bytes::from(json)).context("JSON is UTF-8")?);
                // A server that stands still takes nothing.
                if !matches!(tokio::time::timeout(DEAF, socket.send(text)).await, Ok(Ok(()))) {
                    self.failures += 1;
                    return Ok(End::ByServer);
                }
            }
            let finish = self.finish.borrow_and_update().clone();
            let deadline = finish.as_ref().map_or_else(Instant::now, |(_, deadline)| *deadline);
            if finish.as_ref().is_some_and(|(heads, _)| self.pending.is_empty() && self.has(heads)) {
                return Ok(End::Finished);
            }
            let silent = heard + if asked { DEAF } else { SILENCE };
            tokio::select! {
                message = socket.next() => {
                    (heard, asked) = (Instant::now(), false);
                    match message {
                        Some(Ok(Message::Text(text))) => {
                            let Some(taken) = self.take(text.as_bytes(), now_ns())? else { return Ok(End::ByServer) };
                            out = taken.out;
                            self.tell();
                            if let Some(wait) = taken.again {
                                again = Some(again.unwrap_or(heard + wait.max(PAUSE)));
                            }
                        }
                        Some(Ok(Message::Close(_)) | Err(_)) | None => {
                            self.failures += 1;
                            return Ok(End::ByServer);
                        }
                        Some(Ok(_)) => {}
                    }
                }
                Some(command) = self.commands.recv() => match command {
                    Command::Send { room, tag } => {
                        self.pending.insert(tag.number, (room, tag));
                        out.push(self.send(room, tag));
                    }
                    Command::Page(room) => {
                        let mut json = Vec::new();
                        frames::request_newest(&self.world.shared.rooms[room], READ, &mut json);
                        self.world.note(Some(self.number), || Event::Asked { room, after: None });
                        out.push(json);
                    }
                    Command::Read(room) => if let Some((_, last)) = self.log.span(room) {
                        let mut json = Vec::new();
                        frames::cursor(&self.world.shared.rooms[room], last, MARK, &mut json);
                        out.push(json);
                    },
                    Command::Leave(time) if finish.is_none() => return Ok(End::Away(time)),
                    Command::Cut if finish.is_none() => return Ok(End::Cut),
                    Command::Race if finish.is_none() => return Ok(End::Race),
                    Command::Leave(_) | Command::Cut | Command::Race => {}
                },
                Ok(()) = self.finish.changed() => {}
                () = tokio::time::sleep_until(again.unwrap_or(silent)), if again.is_some() => {
                    again = None;
                    out = self.resend();
                }
                () = tokio::time::sleep_until(silent) => {
                    if asked {
                        self.failures += 1;
                        return Ok(End::ByServer);
                    }
                    asked = true;
                    let mut json = Vec::new();
                    frames::ping(&mut json);
                    out.push(json);
                }
                () = tokio::time::sleep_until(deadline), if finish.is_some() => return Ok(End::Finished),
            }
        }
    }

    fn has(&self, heads: &[i64]) -> bool {
        heads.iter().enumerate().all(|(room, head)| self.log.has(room, *head))
    }

    /// What is to be sent at the beginning of a session: pulls of what was missed, and sends without an answer.
    fn begin(&mut self, hello: &Utf8Bytes) -> anyhow::Result<Vec<Vec<u8>>> {
        let ServerFrame::Hello(hello) = ServerFrame::parse(hello.as_bytes())? else {
            bail!("the server began with: {hello}");
        };
        let rooms: Vec<_> = hello
            .rooms
            .iter()
            .filter_map(|room| Some((*self.world.index.get(room.id.as_ref())?, room)))
            .collect();
        let heads: Vec<_> = rooms.iter().map(|(index, room)| (*index, room.head)).collect();
        self.world.note(Some(self.number), || Event::Hello { heads: heads.clone() });
        for (index, room) in rooms {
            self.told_unread(index, room.read_seq, room.head, room.unread);
        }
        let pulls = self.log.connected(heads);
        let mut out: Vec<_> = pulls.into_iter().map(|(room, after)| self.pull(room, after)).collect();
        out.extend(self.resend());
        Ok(out)
    }

    fn told_unread(&self, room: usize, read: i64, head: i64, unread: i64) {
        let account = self.account;
        self.world.note(Some(self.number), || Event::Unread { room, account, read, head, unread });
    }

    /// Every send that has no answer, again.
    fn resend(&self) -> Vec<Vec<u8>> {
        self.world.tally().resent += self.pending.len() as u64;
        self.pending.values().map(|(room, tag)| self.send(*room, *tag)).collect()
    }

    fn send(&self, room: usize, tag: Tag) -> Vec<u8> {
        self.world.note(Some(self.number), || Event::Send { room, id: text(tag) });
        let mut json = Vec::new();
        frames::client_messages(&self.world.shared.rooms[room], &[tag], &self.world.content, &mut json);
        json
    }

    fn pull(&self, room: usize, after: i64) -> Vec<u8> {
        self.world.note(Some(self.number), || Event::Asked { room, after: Some(after) });
        let mut json = Vec::new();
        frames::request_history(&self.world.shared.rooms[room], after, &mut json);
        json
    }

    /// Takes a frame; returns what is to be done because of it, `None` = connect anew.
    fn take(&mut self, text: &[u8], now_ns: u64) -> anyhow::Result<Option<Taken>> {
        let world = Arc::clone(&self.world);
        let me = Some(self.number);
        let index = |id: &str| world.index.get(id).copied();
        let mut again = None;
        let mut pulls = Vec::new();
        match ServerFrame::parse(text)? {
            ServerFrame::Messages(batch) => {
                let Some(room) = index(&batch.room_id) else { return Ok(Some(Taken::default())) };
                for message in &batch.messages {
                    world.note(me, || Event::Live { room, message: placed(message) });
                    if self.log.live(room, message.seq) {
                        world.tally().deliver(&message.client_msg_id, now_ns);
                    }
                }
                pulls.extend(self.log.missing());
            }
            ServerFrame::History(page) if page.request_id == READ => {
                count(&world.counts.pages);
                let mut seqs = page.messages.iter().map(|message| message.seq);
                let first = seqs.next().unwrap_or_default();
                if seqs.zip(1..).any(|(seq, below)| seq != first - below) {
                    count(&world.counts.bad_pages);
                }
                if let Some(room) = index(&page.room_id) {
                    world.note(me, || shown(room, None, page.messages.iter().rev(), &page));
                }
            }
            ServerFrame::History(page) => {
                let Some(room) = index(&page.room_id) else { return Ok(Some(Taken::default())) };
                world.note(me, || shown(room, page.request_id.parse().ok(), page.messages.iter(), &page));
                let seqs = page.messages.iter().map(|message| message.seq);
                pulls.extend(self.log.page(room, seqs, page.has_more_messages).map(|after| (room, after)));
            }
            ServerFrame::Behind(behind) => {
                world.tally().behind += 1;
                let all = 0..if behind.rooms.is_empty() { world.shared.rooms.len() } else { 0 };
                let named = behind.rooms.iter().filter_map(|room| Some((index(&room.room_id)?, room.head)));
                for (room, head) in named.chain(all.map(|room| (room, 0))) {
                    world.note(me, || Event::Behind { room, head });
                    pulls.extend(self.log.behind(room, head).map(|after| (room, after)));
                }
            }
            ServerFrame::Ack(ack) => {
                let Some(room) = index(&ack.room_id) else { return Ok(Some(Taken::default())) };
                for result in &ack.results {
                    let Some(tag) = Tag::parse(&result.client_msg_id) else { continue };
                    let Some(error) = &result.error else {
                        world.note(me, || Event::Ack {
                            room,
                            id: result.client_msg_id.to_string(),
                            seq: result.seq,
                        });
                        // A repeat is answered twice when the first attempt had arrived.
                        if self.pending.remove(&tag.number).is_some() {
                            world.answered(room, tag, Ok(result.seq), now_ns);
                        }
                        continue;
                    };
                    let (id, code) = (result.client_msg_id.to_string(), error.code.to_string());
                    world.note(me, || Event::Refused { room, id, code });
                    match error.retry_after_ms {
                        Some(ms) => again = Some(Duration::from_millis(ms)),
                        None if self.pending.remove(&tag.number).is_some() => {
                            world.answered(room, tag, Err(error), now_ns);
                        }
                        None => {}
                    }
                }
            }
            // Of somebody else's reading only the place is told.
            ServerFrame::Cursor(cursor) => {
                if let (Some(room), Some(head), Some(unread)) =
                    (index(&cursor.room_id), cursor.head, cursor.unread)
                {
                    self.told_unread(room, cursor.read_seq, head, unread);
                }
            }
            // The next one says how far it is read then.
            ServerFrame::Error(refusal) if refusal.request_id == MARK && refusal.retry_after_ms.is_some() => {
            }
            // A page could not be read now: a new connection asks for what is missing.
            ServerFrame::Error(refusal) if refusal.retry_after_ms.is_some() => return Ok(None),
            ServerFrame::Error(refusal) => {
                bail!("the server refused a frame: {} ({})", refusal.code, refusal.message)
            }
            // It closes by itself then.
            ServerFrame::Reconnect | ServerFrame::Hello(_) | ServerFrame::Push(_) | ServerFrame::Other => {}
        }
        let out = pulls.into_iter().map(|(room, after)| self.pull(room, after)).collect();
        Ok(Some(Taken { out, again }))
    }
}

/// What a frame asks for.
#[derive(Debug, Default)]
struct Taken {
    /// To be sent.
    out: Vec<Vec<u8>>,
    /// Sends were refused that may go through after so long.
    again: Option<Duration>,
}
