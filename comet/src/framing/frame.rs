//! What a client's bytes mean: one frame's header, the events they add up to, and the ways they can be wrong.

use std::io::Cursor;

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::writer::CONTROL_PAYLOAD_BYTES_MAX;

/// What one client may send in one message. A message beyond it is a [`Violation`] with close code 1009.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest message, in bytes of payload over all its fragments. Also bounds what a connection can
    /// make us hold.
    pub message_bytes_max: usize,
    /// The most frames of one message; without it, empty fragments could go on for ever.
    pub fragments_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { message_bytes_max: 64 * 1024, fragments_max: 64 }
    }
}

/// Something complete that a client sent. Its bytes live until the next event is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// A whole text message.
    Text(&'a str),
    /// A whole binary message.
    Binary(&'a [u8]),
    /// A whole message as it was compressed, to be given to an [`Inflater`](super::Inflater); only of a
    /// [`Reader::inflating`](super::Reader::inflating). What a text says is not known to be UTF-8.
    Compressed {
        /// Whether it is text.
        is_text: bool,
        /// The payload of all its frames.
        payload: &'a [u8],
    },
    /// A ping: to be answered with [`pong_frame`](super::pong_frame) of the same bytes (at most 125).
    Ping(&'a [u8]),
    /// A pong, asked for or not.
    Pong(&'a [u8]),
    /// The client closes; to be answered with [`close_reply`](super::close_reply). Nothing follows it.
    Close {
        /// The client's code, one of those that may be sent; `None` when it gave none.
        code: Option<u16>,
        /// The client's words, at most 123 bytes.
        reason: &'a str,
    },
}

/// A client that breaks the protocol or its limits. Nothing more can be read from it: send a close frame with
/// [`close_code`](Self::close_code), then drop the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Violation {
    /// RFC 6455 §5.1: all frames of a client are masked.
    #[error("a client's frame must be masked")]
    Unmasked,
    /// §5.2: no extension was agreed that would use them, or not in this frame.
    #[error("a reserved bit is set")]
    ReservedBits,
    /// §5.2: opcodes 3 to 7 and 11 to 15.
    #[error("the opcode is reserved")]
    ReservedOpcode,
    /// §5.5: a control frame is one frame.
    #[error("a control frame is fragmented")]
    FragmentedControl,
    /// §5.5: a control frame carries at most 125 bytes.
    #[error("a control frame is longer than 125 bytes")]
    ControlTooLong,
    /// §5.2: the highest bit of a 64-bit length is zero.
    #[error("the length has its highest bit set")]
    LengthTopBit,
    /// §5.4: a continuation without a beginning.
    #[error("a continuation continues nothing")]
    LoneContinuation,
    /// §5.4: a new message before the last fragment of the one before.
    #[error("a message began inside another")]
    InterleavedMessage,
    /// §5.5.1: the payload of a close frame is empty or begins with a code of two bytes.
    #[error("a close frame carries half a code")]
    ClosePayload,
    /// §7.4: a code that is never sent, or not defined.
    #[error("the close code may not be sent")]
    CloseCode,
    /// §5.5.1, §8.1: the reason of a close is UTF-8.
    #[error("the close reason is not UTF-8")]
    CloseReason,
    /// §8.1: a text message is UTF-8.
    #[error("a text message is not UTF-8")]
    Utf8,
    /// Longer than [`Limits::message_bytes_max`].
    #[error("the message is too long")]
    MessageTooLong,
    /// RFC 7692 §7.2.2: a compressed message cannot be decompressed.
    #[error("a compressed message cannot be decompressed")]
    Deflate,
    /// In more pieces than [`Limits::fragments_max`].
    #[error("the message has too many fragments")]
    TooManyFragments,
}

impl Violation {
    /// The close code to answer with: 1002 (protocol), 1007 (not UTF-8, not compressed) or 1009 (too big).
    pub fn close_code(self) -> u16 {
        match self {
            Self::CloseReason | Self::Utf8 | Self::Deflate => 1007,
            Self::MessageTooLong | Self::TooManyFragments => 1009,
            _ => 1002,
        }
    }

    /// The value of a metric's label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unmasked => "unmasked",
            Self::ReservedBits => "reserved_bits",
            Self::ReservedOpcode => "reserved_opcode",
            Self::FragmentedControl => "fragmented_control",
            Self::ControlTooLong => "control_too_long",
            Self::LengthTopBit => "length_top_bit",
            Self::LoneContinuation => "lone_continuation",
            Self::InterleavedMessage => "interleaved_message",
            Self::ClosePayload => "close_payload",
            Self::CloseCode => "close_code",
            Self::CloseReason => "close_reason",
            Self::Utf8 => "utf8",
            Self::Deflate => "deflate",
            Self::MessageTooLong => "message_too_long",
            Self::TooManyFragments => "too_many_fragments",
        }
    }
}

/// The longest header a client can send: two bytes, a 64-bit length, a mask.
pub(super) const HEADER_BYTES_MAX: usize = 14;

/// What a data frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DataKind {
    /// The rest of a message.
    Continuation,
    /// A text message or its beginning.
    Text,
    /// A binary message or its beginning.
    Binary,
}

/// What a control frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ControlKind {
    Close,
    Ping,
    Pong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameKind {
    Data { kind: DataKind, is_final: bool, is_compressed: bool },
    Control(ControlKind),
}

/// A client frame's header after all checks that need nothing but the header.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientFrame {
    pub(super) kind: FrameKind,
    pub(super) mask: [u8; 4],
    pub(super) payload_bytes: usize,
}

impl ClientFrame {
    /// Parses the header at the start of `bytes`: the frame and the header's length, or `None` when more
    /// bytes are needed. With `may_compress`, the first frame of a message may have RSV1 (RFC 7692 §6).
    pub(super) fn parse(bytes: &[u8], may_compress: bool) -> Result<Option<(Self, usize)>, Violation> {
        let mut cursor = Cursor::new(bytes);
        // A read from memory cannot fail, so all that can be wrong is the opcode.
        let Some((header, length)) =
            FrameHeader::parse(&mut cursor).map_err(|_| Violation::ReservedOpcode)?
        else {
            return Ok(None);
        };
        let used = usize::try_from(cursor.position()).unwrap_or(HEADER_BYTES_MAX);
        if (header.rsv1 && !may_compress) || header.rsv2 || header.rsv3 {
            return Err(Violation::ReservedBits);
        }
        let mask = header.mask.ok_or(Violation::Unmasked)?;
        let kind = kind_of(header.opcode, header.is_final, header.rsv1)?;
        if let FrameKind::Control(_) = kind {
            if !header.is_final {
                return Err(Violation::FragmentedControl);
            }
            if length > CONTROL_PAYLOAD_BYTES_MAX as u64 {
                return Err(Violation::ControlTooLong);
            }
        }
        if length >> 63 != 0 {
            return Err(Violation::LengthTopBit);
        }
        let payload_bytes = usize::try_from(length).map_err(|_| Violation::MessageTooLong)?;
        Ok(Some((Self { kind, mask, payload_bytes }, used)))
    }
}

fn kind_of(opcode: OpCode, is_final: bool, is_compressed: bool) -> Result<FrameKind, Violation> {
    Ok(match opcode {
        OpCode::Data(Data::Text) => FrameKind::Data { kind: DataKind::Text, is_final, is_compressed },
        OpCode::Data(Data::Binary) => FrameKind::Data { kind: DataKind::Binary, is_final, is_compressed },
        OpCode::Data(Data::Continue) | OpCode::Control(Control::Close | Control::Ping | Control::Pong)
            if is_compressed =>
        {
            return Err(Violation::ReservedBits);
        }
        OpCode::Data(Data::Continue) => {
            FrameKind::Data { kind: DataKind::Continuation, is_final, is_compressed }
        }
        OpCode::Control(Control::Close) => FrameKind::Control(ControlKind::Close),
        OpCode::Control(Control::Ping) => FrameKind::Control(ControlKind::Ping),
        OpCode::Control(Control::Pong) => FrameKind::Control(ControlKind::Pong),
        OpCode::Data(Data::Reserved(_)) | OpCode::Control(Control::Reserved(_)) => {
            return Err(Violation::ReservedOpcode);
        }
    })
}

/// The event of a whole control frame.
pub(super) fn control_event(kind: ControlKind, payload: &[u8]) -> Result<Event<'_>, Violation> {
    match (kind, payload) {
        (ControlKind::Ping, _) => Ok(Event::Ping(payload)),
        (ControlKind::Pong, _) => Ok(Event::Pong(payload)),
        (ControlKind::Close, []) => Ok(Event::Close { code: None, reason: "" }),
        (ControlKind::Close, [_]) => Err(Violation::ClosePayload),
        (ControlKind::Close, [high, low, reason @ ..]) => {
            let code = u16::from_be_bytes([*high, *low]);
            if !may_be_sent(code) {
                return Err(Violation::CloseCode);
            }
            let reason = simdutf8::basic::from_utf8(reason).map_err(|_| Violation::CloseReason)?;
            Ok(Event::Close { code: Some(code), reason })
        }
    }
}

/// Whether a close frame may carry `code`: RFC 6455 §7.4 and the IANA registry of close codes (1012 to 1014
/// were added later; 1004, 1005, 1006 and 1015 are never sent).
pub(super) fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
