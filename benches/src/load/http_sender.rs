//! A sender over one keep-alive HTTP connection: one request under way.

use std::net::SocketAddr;

use anyhow::bail;

use super::frames::{Refusal, Sent};
use super::http::{Requests, Response};
use super::tag::Tag;
use super::tally::{Shared, Tally};
use super::wire::Wire;

/// The state of one sender.
#[derive(Debug)]
pub(crate) struct HttpSender {
    pub(crate) address: SocketAddr,
    requests: Requests,
    /// Conversations it sends to in turn.
    rooms: Vec<usize>,
    turn: usize,
    under_way: Option<(usize, Tag)>,
    buffer: Vec<u8>,
}

/// What reading led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The answer is not all there.
    Waiting,
    /// Free for the next send.
    Free,
    /// Free, and the server closes the connection.
    FreeAndClosed,
}

impl HttpSender {
    /// Sends to `rooms` in turn, beginning with the one numbered `turn`.
    pub(crate) fn new(address: SocketAddr, requests: Requests, rooms: Vec<usize>, turn: usize) -> Self {
        Self { address, requests, rooms, turn, under_way: None, buffer: Vec::new() }
    }

    /// Sends under way.
    pub(crate) fn under_way(&self) -> usize {
        usize::from(self.under_way.is_some())
    }

    /// Begins a send.
    pub(crate) fn begin(&mut self, wire: &mut Wire, shared: &Shared, tag: Tag) -> anyhow::Result<()> {
        let room = self.rooms[self.turn % self.rooms.len()];
        self.turn += 1;
        self.under_way = Some((room, tag));
        self.write(wire, shared)
    }

    /// Repeats over a new connection what was under way on one that ended; whether there was something. The id makes
    /// it the same send.
    pub(crate) fn repeat(&mut self, wire: &mut Wire, shared: &Shared) -> anyhow::Result<bool> {
        if self.under_way.is_none() {
            return Ok(false);
        }
        self.write(wire, shared)?;
        Ok(true)
    }

    fn write(&mut self, wire: &mut Wire, shared: &Shared) -> anyhow::Result<()> {
        if let Some((room, tag)) = self.under_way {
            self.requests.write(&shared.rooms[room], tag, &mut self.buffer);
            wire.write(&self.buffer)?;
        }
        Ok(())
    }

    /// Reads the answer.
    pub(crate) fn read(
        &mut self,
        wire: &mut Wire,
        shared: &Shared,
        tally: &mut Tally,
        now_ns: u64,
    ) -> anyhow::Result<Progress> {
        let Some(response) = Response::read(wire.unread())? else { return Ok(Progress::Waiting) };
        let Some((room, tag)) = self.under_way.take() else { bail!("an HTTP answer to no request") };
        match response.status {
            200 => {
                let sent: Sent = serde_json::from_slice(response.body)?;
                tally.ack(shared, room, sent.seq, tag, now_ns);
            }
            429 | 503 => {
                let refusal: Refusal<'_> = serde_json::from_slice(response.body)?;
                tally.refuse(&refusal.code);
                tally.answer(tag.due_ns, now_ns);
            }
            status => bail!("a send was answered with {status}: {}", String::from_utf8_lossy(response.body)),
        }
        let (bytes, close) = (response.bytes, response.close);
        wire.consume(bytes);
        Ok(if close { Progress::FreeAndClosed } else { Progress::Free })
    }
}
