//! What travels to clients: a frame with its encodings, and frames that travel together.

use std::cell::OnceCell;
use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use oort_api::op;
use oort_api::pb::goim::protocol::Proto;
use smallvec::SmallVec;

use crate::compression::Encoder;
use crate::dialect::{self, Dialect, Unreadable};

/// What must be done when a session cannot be given a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// A committed message: it can be pulled by its seq.
    Message {
        /// Its conversation.
        conversation: i64,
        /// Its place there.
        seq: i64,
    },
    /// A change of the reader's conversations: a sync of all shows it.
    Event,
    /// How far somebody has got in a conversation, or a change of a message: a list of what changed shows it.
    Cursor {
        /// Where.
        conversation: i64,
    },
    /// Stored nowhere.
    Transient,
}

/// A frame for clients, encoded at most once per dialect, shared by all shards.
#[derive(Debug)]
pub(crate) struct Prepared {
    frame: Proto,
    /// The operation a goim client must accept to get it.
    operation: i32,
    encoder: Arc<Encoder>,
    encodings: [OnceLock<Bytes>; Dialect::COUNT],
}

impl Prepared {
    #[cfg(test)]
    pub(crate) fn new(frame: Proto) -> Arc<Self> {
        let operation = frame.op;
        Self::with_operation(frame, operation, &Arc::default())
    }

    /// `operation`: the frame's own, or that of the packets in a container.
    pub(crate) fn with_operation(frame: Proto, operation: i32, encoder: &Arc<Encoder>) -> Arc<Self> {
        let encoder = Arc::clone(encoder);
        Arc::new(Self { frame, operation, encoder, encodings: std::array::from_fn(|_| OnceLock::new()) })
    }

    pub(crate) fn operation(&self) -> i32 {
        self.operation
    }

    pub(crate) fn class(&self) -> Class {
        let Proto { conversation, message_seq, op, .. } = self.frame;
        match op {
            op::SEND_MESSAGE if conversation > 0 && message_seq > 0 => {
                Class::Message { conversation, seq: message_seq }
            }
            op::CONVERSATION | op::EVENT => Class::Event,
            op::CURSOR | op::CHANGE if conversation > 0 => Class::Cursor { conversation },
            _ => Class::Transient,
        }
    }

    /// The bytes for a dialect's socket; empty = its clients get nothing.
    pub(crate) fn bytes(&self, dialect: Dialect) -> &Bytes {
        self.encodings[dialect as usize].get_or_init(|| match dialect.inflated() {
            Some(inflated) => self.encoder.deflate(self.bytes(inflated)),
            None => dialect::encode(&self.frame, dialect).unwrap_or_else(|Unreadable| {
                self.encoder.unreadable.inc();
                Bytes::new()
            }),
        })
    }
}

/// Frames that travel to the same sessions in one piece.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    frames: SmallVec<[Arc<Prepared>; 1]>,
    encodings: [OnceCell<Bytes>; Dialect::COUNT],
}

impl Chunk {
    pub(crate) fn of(frame: Arc<Prepared>) -> Self {
        let mut chunk = Self::default();
        chunk.frames.push(frame);
        chunk
    }

    /// Adds a frame; only before the first call of [`Chunk::bytes`].
    pub(crate) fn push(&mut self, frame: Arc<Prepared>) {
        self.frames.push(frame);
    }

    pub(crate) fn frames(&self) -> &[Arc<Prepared>] {
        &self.frames
    }

    /// Whether another frame of this body keeps the piece below `bytes_max`.
    pub(crate) fn has_room_for(&self, frame: &Prepared, bytes_max: usize) -> bool {
        /// Envelope and header, for the estimate.
        const AROUND_BYTES: usize = 256;
        let estimate = |frame: &Prepared| frame.frame.body.len() + AROUND_BYTES;
        self.frames.iter().map(|held| estimate(held)).sum::<usize>() + estimate(frame) <= bytes_max
    }

    /// All frames as one piece for a dialect's socket.
    pub(crate) fn bytes(&self, dialect: Dialect) -> &Bytes {
        self.encodings[dialect as usize].get_or_init(|| match self.frames.as_slice() {
            [one] => one.bytes(dialect).clone(),
            frames => {
                let total = frames.iter().map(|frame| frame.bytes(dialect).len()).sum();
                let mut all = BytesMut::with_capacity(total);
                frames.iter().for_each(|frame| all.extend_from_slice(frame.bytes(dialect)));
                all.freeze()
            }
        })
    }
}
