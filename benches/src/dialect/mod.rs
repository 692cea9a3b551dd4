//! The client's side of what servers speak, without I/O: what to send first, and what incoming bytes mean.

mod centrifugo;
mod inflate;
mod json;
mod packet;
#[cfg(test)]
mod tests;
mod ws;

use std::borrow::Cow;

use bytes::Bytes;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::mark::Mark;

pub(crate) use centrifugo::channel as centrifugo_channel;
pub(crate) use json::message;
pub(crate) use packet::PUSH;
pub(crate) use ws::accept_response;

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Dialect {
    /// goim's packets in binary WebSocket messages, path `/sub`.
    PacketWs,
    /// goim's packets in a byte stream.
    PacketTcp,
    /// Oort's JSON over WebSocket, sub-protocol `oort.v1`, path `/api/ws`.
    Json,
    /// The same, compressed (RFC 7692): `comet.deflate.enabled` has to be set.
    JsonDeflate,
    /// Centrifugo's JSON protocol over WebSocket, path `/connection/websocket`.
    Centrifugo,
}

/// Where clients are together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Room {
    /// Those that are measured.
    Main,
    /// Others, that only keep the server busy.
    Crowd,
}

impl Room {
    /// Numbers of clients from here on are in [`Room::Crowd`].
    pub(crate) const CROWD_FROM: u64 = 1_000_000_000;

    /// The room of a client.
    pub(crate) const fn of(number: u64) -> Self {
        if number < Self::CROWD_FROM { Self::Main } else { Self::Crowd }
    }

    /// Its number as a conversation.
    pub(crate) const fn conversation(self) -> i64 {
        match self {
            Self::Main => 1,
            Self::Crowd => 2,
        }
    }

    /// Its name where rooms have goim's names.
    pub(crate) fn goim_name(self) -> String {
        format!("live://{}", self.conversation())
    }
}

/// Who a client says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Who {
    /// Unique among the clients of a target.
    pub(crate) number: u64,
    /// The room it wants to be in.
    pub(crate) room: Room,
}

impl Who {
    /// The key by which it is pushed to; also its token.
    pub(crate) fn key(&self) -> String {
        format!("k{}", self.number)
    }

    /// The number that a key or token of [`Who::key`] names.
    pub(crate) fn number_of(key: &str) -> Option<u64> {
        key.strip_prefix('k')?.parse().ok()
    }
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Waits for the answer to its HTTP upgrade.
    Upgrading,
    /// Waits to be let in.
    Authenticating,
    /// In.
    Live,
}

/// What incoming bytes mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// To be sent to the server.
    Reply(Cow<'a, [u8]>),
    /// The client is in.
    Ready,
    /// A published message, with the place that the server gave it in its conversation, where it tells one.
    Message {
        /// The publisher's mark.
        mark: Mark,
        /// The server's seq.
        server_seq: Option<u64>,
    },
    /// The server withholds messages because this client reads too slowly.
    Behind,
    /// The cursor of a greeting, to be shown when it connects again.
    Cursor(&'a str),
    /// The server has no room, or sends its clients away: the client is to connect anew after this time.
    ComeAgain {
        /// ms.
        after_ms: u64,
    },
}

/// Why a connection is of no use any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    /// The server said good-bye.
    #[error("the server closed the connection with {code}: {reason}")]
    Closed {
        /// Of WebSocket.
        code: u16,
        /// The server's words.
        reason: String,
    },
    /// The server does not let it in.
    #[error("refused: {0}")]
    Refused(String),
    /// Not what the dialect is like.
    #[error("not understood: {0}")]
    Unreadable(&'static str),
}

impl Dialect {
    /// Where a connection begins.
    pub(crate) const fn first_stage(self) -> Stage {
        if self.is_websocket() { Stage::Upgrading } else { Stage::Authenticating }
    }

    /// Whether it is framed by WebSocket.
    pub(crate) const fn is_websocket(self) -> bool {
        !matches!(self, Self::PacketTcp)
    }

    /// Whether clients are shown messages as Oort's JSON.
    pub(crate) const fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::JsonDeflate)
    }

    /// What a client sends when it has connected.
    pub(crate) fn opening(self, who: &Who) -> Vec<u8> {
        let bearer = || format!("oort.v1, bearer.{}", who.key());
        match self {
            Self::PacketWs => ws::upgrade_request("/sub", None, None),
            Self::PacketTcp => packet::auth(who),
            Self::Json => ws::upgrade_request("/api/ws", Some(&bearer()), None),
            Self::JsonDeflate => ws::upgrade_request("/api/ws", Some(&bearer()), Some(ws::DEFLATE)),
            Self::Centrifugo => ws::upgrade_request("/connection/websocket", None, None),
        }
    }

    /// What a client of Oort's JSON sends with a token, and the cursor of an earlier greeting.
    pub(crate) fn opening_with(token: &str, cursor: Option<&str>) -> Vec<u8> {
        let path = cursor.map_or_else(|| "/api/ws".into(), |cursor| format!("/api/ws?since={cursor}"));
        ws::upgrade_request(&path, Some(&format!("oort.v1, bearer.{token}")), None)
    }

    /// Reads what came: tells what it means, and how many bytes of `input` are done with. The rest is the beginning of
    /// something, and comes again with more behind it.
    pub(crate) fn read(
        self,
        stage: &mut Stage,
        who: impl Fn() -> Who,
        input: &[u8],
        take: &mut impl FnMut(Event<'_>),
    ) -> Result<usize, Broken> {
        if self == Self::PacketTcp {
            return packet::read_stream(stage, input, take);
        }
        let mut done = 0;
        if *stage == Stage::Upgrading {
            let extension = (self == Self::JsonDeflate).then_some(ws::DEFLATE);
            let Some(head) = ws::upgrade_response(input, extension)? else { return Ok(0) };
            done = head;
            *stage = Stage::Authenticating;
            match self {
                Self::PacketWs => take(Event::Reply(ws::masked(ws::BINARY, &packet::auth(&who())).into())),
                Self::Centrifugo => {
                    take(Event::Reply(ws::masked(ws::TEXT, &centrifugo::opening(&who())).into()))
                }
                Self::Json | Self::JsonDeflate | Self::PacketTcp => {}
            }
        }
        while let Some((frame, bytes)) = ws::frame(&input[done..])? {
            done += bytes;
            match frame.opcode {
                ws::PING => take(Event::Reply(ws::masked(ws::PONG, frame.payload).into())),
                ws::PONG => {}
                ws::CLOSE => return Err(ws::closed(frame.payload)),
                _ => match self {
                    Self::PacketWs | Self::PacketTcp => packet::read_message(stage, frame.payload, take)?,
                    Self::Json => json::read(stage, frame.payload, take),
                    Self::JsonDeflate if frame.is_compressed => {
                        inflate::whole(frame.payload, |text| json::read(stage, text, take))?
                    }
                    Self::JsonDeflate => json::read(stage, frame.payload, take),
                    Self::Centrifugo => centrifugo::read(stage, frame.payload, take)?,
                },
            }
        }
        Ok(done)
    }

    /// A client's sign of life, where the dialect wants one that the server does not ask for.
    pub(crate) fn heartbeat(self) -> Option<Vec<u8>> {
        match self {
            Self::PacketWs => Some(ws::masked(ws::BINARY, &packet::heartbeat())),
            Self::PacketTcp => Some(packet::heartbeat()),
            Self::Json | Self::JsonDeflate | Self::Centrifugo => None,
        }
    }

    /// The bytes with which a server lets a client in, after the upgrade.
    pub(crate) fn welcome(self) -> Vec<u8> {
        match self {
            Self::PacketWs => ws::unmasked(ws::BINARY, &packet::auth_reply()),
            Self::PacketTcp => packet::auth_reply(),
            Self::Json | Self::JsonDeflate => ws::unmasked(ws::TEXT, json::HELLO),
            Self::Centrifugo => ws::unmasked(ws::TEXT, centrifugo::WELCOME),
        }
    }

    /// The bytes by which Oort shows these bodies to a client: what a server that does nothing else has to send.
    /// `first_seq`: of the first body in its conversation.
    pub(crate) fn shown(self, bodies: &[Bytes], first_seq: u64) -> Vec<u8> {
        let mut out = Vec::new();
        for (seq, body) in (first_seq..).zip(bodies) {
            match self {
                Self::PacketWs => out.extend(ws::unmasked(ws::BINARY, &packet::push(body, true))),
                Self::PacketTcp => out.extend(packet::push(body, false)),
                Self::Json | Self::JsonDeflate => {
                    out.extend(ws::unmasked(ws::TEXT, &json::messages(seq, body)))
                }
                Self::Centrifugo => out.extend(ws::unmasked(ws::TEXT, &centrifugo::publication(body))),
            }
        }
        out
    }

    /// Whether a client that sends these bytes to a server after the upgrade asks to be let in, and as which number;
    /// with the bytes they take. For a server that checks nothing.
    pub(crate) fn asked_in(self, input: &[u8]) -> Option<u64> {
        match self {
            Self::PacketTcp => packet::number_of(input),
            Self::PacketWs => packet::number_of(&ws::unmask(input)?),
            Self::Json | Self::JsonDeflate => None,
            Self::Centrifugo => centrifugo::number_of(&ws::unmask(input)?),
        }
    }
}
