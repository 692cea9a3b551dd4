//! A WebSocket of `oort.v1`: follows its conversations, and sends when it is a sender.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::bail;

use super::follower::Follower;
use super::frames::{self, ServerFrame};
use super::tag::Tag;
use super::tally::{Shared, Tally};
use super::websocket::{self, Frame};
use super::wire::Wire;

/// Which conversation of the run an id names.
pub(crate) type RoomIndex = Arc<HashMap<String, usize>>;

/// The state of one socket.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) follower: Follower,
    index: RoomIndex,
    sends: Option<Sends>,
    json: Vec<u8>,
    frame: Vec<u8>,
}

/// What a socket that sends needs beside.
#[derive(Debug)]
pub(crate) struct Sends {
    /// Conversations it sends to in turn.
    pub(crate) rooms: Vec<usize>,
    pub(crate) turn: usize,
    /// Most sends under way.
    pub(crate) window: usize,
    /// Most messages in one frame.
    pub(crate) per_frame: usize,
    pub(crate) content: Arc<str>,
    pub(crate) under_way: usize,
}

impl Socket {
    /// Follows the conversations of the run among `heads`.
    pub(crate) fn new(index: RoomIndex, heads: &[(String, i64)], sends: Option<Sends>) -> Self {
        let mut follower = Follower::new(index.len());
        for (id, head) in heads {
            if let Some(room) = index.get(id) {
                follower.follow(*room, *head);
            }
        }
        Self { follower, index, sends, json: Vec::new(), frame: Vec::new() }
    }

    /// How many messages it would take in one frame now.
    pub(crate) fn free(&self) -> usize {
        let free = |sends: &Sends| sends.per_frame.min(sends.window.saturating_sub(sends.under_way));
        self.sends.as_ref().map_or(0, free)
    }

    /// Sends under way.
    pub(crate) fn under_way(&self) -> usize {
        self.sends.as_ref().map_or(0, |sends| sends.under_way)
    }

    /// Sends these messages in one frame.
    pub(crate) fn begin(&mut self, wire: &mut Wire, shared: &Shared, tags: &[Tag]) -> anyhow::Result<()> {
        let Some(sends) = &mut self.sends else { bail!("a member does not send") };
        let room = sends.rooms[sends.turn % sends.rooms.len()];
        sends.turn += 1;
        sends.under_way += tags.len();
        frames::client_messages(&shared.rooms[room], tags, &sends.content, &mut self.json);
        self.write(wire)
    }

    /// Reads everything that is there whole.
    pub(crate) fn read(
        &mut self,
        wire: &mut Wire,
        shared: &Shared,
        tally: &mut Tally,
        now_ns: u64,
    ) -> anyhow::Result<()> {
        let mut answers = Answers::default();
        let mut used = 0;
        while let Some((frame, bytes)) = websocket::read(&wire.unread()[used..])? {
            match frame {
                Frame::Text(text) => self.take(text, shared, tally, now_ns, &mut answers)?,
                Frame::Ping(payload) => answers.pongs.push(payload.to_vec()),
                Frame::Close { code, reason } => {
                    bail!("the server closed a WebSocket with {code}: {}", String::from_utf8_lossy(reason))
                }
                Frame::Other => {}
            }
            used += bytes;
        }
        wire.consume(used);
        for payload in answers.pongs {
            self.frame.clear();
            websocket::write(websocket::PONG, &payload, &mut self.frame);
            wire.write(&self.frame)?;
        }
        for (room, after) in answers.pulls {
            frames::request_history(&shared.rooms[room], after, &mut self.json);
            self.write(wire)?;
        }
        Ok(())
    }

    fn write(&mut self, wire: &mut Wire) -> anyhow::Result<()> {
        self.frame.clear();
        websocket::write(websocket::TEXT, &self.json, &mut self.frame);
        Ok(wire.write(&self.frame)?)
    }

    fn take(
        &mut self,
        text: &[u8],
        shared: &Shared,
        tally: &mut Tally,
        now_ns: u64,
        answers: &mut Answers,
    ) -> anyhow::Result<()> {
        match ServerFrame::parse(text)? {
            ServerFrame::Messages(batch) => {
                let Some(&room) = self.index.get(batch.room_id.as_ref()) else { return Ok(()) };
                for message in &batch.messages {
                    if self.follower.saw(room, message.seq) {
                        tally.deliver(&message.client_msg_id, now_ns);
                    }
                }
            }
            ServerFrame::Ack(ack) => {
                let Some(&room) = self.index.get(ack.room_id.as_ref()) else { return Ok(()) };
                let Some(sends) = &mut self.sends else { return Ok(()) };
                sends.under_way = sends.under_way.saturating_sub(ack.results.len());
                for result in &ack.results {
                    let Some(tag) = Tag::parse(&result.client_msg_id) else { continue };
                    match &result.error {
                        None => tally.ack(shared, room, result.seq, tag, now_ns),
                        Some(refusal) => {
                            tally.refuse(&refusal.code);
                            tally.answer(tag.due_ns, now_ns);
                        }
                    }
                }
            }
            ServerFrame::Behind(behind) => {
                tally.behind += 1;
                let named =
                    behind.rooms.iter().filter_map(|room| self.index.get(room.room_id.as_ref()).copied());
                // No rooms at all: any of them may lack something.
                let all = 0..if behind.rooms.is_empty() { self.index.len() } else { 0 };
                for room in named.chain(all) {
                    answers.pulls.extend(self.follower.behind(room).map(|after| (room, after)));
                }
            }
            ServerFrame::History(page) => {
                let Some(&room) = self.index.get(page.room_id.as_ref()) else { return Ok(()) };
                for message in &page.messages {
                    if self.follower.pulled(room, message.seq) {
                        tally.pulled += 1;
                        tally.deliver(&message.client_msg_id, now_ns);
                    }
                }
                match page.messages.last() {
                    Some(last) if page.has_more_messages => answers.pulls.push((room, last.seq)),
                    _ => self.follower.pulled_all(room),
                }
            }
            ServerFrame::Error(refusal) => {
                bail!("the server refused a frame: {} ({})", refusal.code, refusal.message)
            }
            ServerFrame::Reconnect => bail!("the server sends its clients away: is it stopping?"),
            ServerFrame::Hello(_) | ServerFrame::Push(_) | ServerFrame::Cursor(_) | ServerFrame::Other => {}
        }
        Ok(())
    }
}

/// What has to be written once everything was read.
#[derive(Debug, Default)]
struct Answers {
    pongs: Vec<Vec<u8>>,
    /// (conversation, seq to pull from).
    pulls: Vec<(usize, i64)>,
}
