//! The server side of WebSocket framing (RFC 6455), without I/O and without a buffer while a connection is
//! idle.
//!
//! A connection keeps a [`Reader`] of sixteen bytes. Bytes are read into a scratch buffer that all
//! connections of a shard use in turn, unmasked where they lie, and handed out as slices of it; only what
//! stays partial at the end of a read is kept, in a box of its own. Frames to clients carry no mask, so
//! [`encode_frame`] makes one that all receivers share.

pub mod deflate;
mod frame;
pub mod handshake;
mod mask;
mod message;
mod reader;
mod writer;

pub use deflate::{Deflater, Inflater, deflate_frames};
pub use frame::{Event, Limits, Violation};
pub use mask::unmask;
pub use reader::{Events, Reader};
pub use writer::{
    CONTROL_PAYLOAD_BYTES_MAX, FrameHead, Opcode, close_frame, close_reply, encode_frame, frame_header,
    ping_frame, pong_frame,
};
