//! Sans-I/O codecs of what clients speak. None of them reads a socket, waits,
//! or keeps more than it was handed.
//!
//! * [`packet`]: goim's binary packet, for TCP and binary WebSocket clients.
//! * [`goim`]: the bodies of goim's own operations.
//! * [`envelope`]: JSON text frames `{type, payload}`, for browsers.
//! * [`message_id`]: how a message is named to clients.

pub mod envelope;
pub mod goim;
pub mod message_id;
pub mod packet;
