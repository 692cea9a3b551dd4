//! Our reader beside tungstenite's, on the same bytes of a client. Used by the tests here and by the fuzz
//! target `ws_reader`.
//!
//! They must yield the same messages and agree on whether there is an error, but for this, which is intended:
//!
//! - we refuse a frame by its header, and text at its first bad byte; tungstenite waits for the whole frame;
//! - we refuse a close code that may not be sent; tungstenite takes it for 1002 "Protocol violation" and closes;
//! - we take 1014, which IANA registered after the RFC; tungstenite treats it as the codes above;
//! - we bound the number of fragments; tungstenite does not (the limit here is out of reach).

#![allow(clippy::panic, reason = "a test's way to fail")]

use std::io::{self, Cursor, ErrorKind, Read, Write};

use oort_comet::framing::{Event, Limits, Reader, Violation};
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

/// One event, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End<E> {
    /// A close frame.
    Closed,
    /// More bytes are needed.
    Starved,
    /// The bytes are refused.
    Refused(E),
}

/// What our reader makes of `reads`.
pub(crate) fn ours(reads: &[&[u8]], message_bytes_max: usize) -> (Vec<Seen>, End<Violation>) {
    let limits = Limits { message_bytes_max, fragments_max: u32::MAX };
    let mut reader = Reader::new();
    let mut seen = Vec::new();
    for read in reads {
        let mut scratch = read.to_vec();
        let mut events = reader.read(&mut scratch, &limits);
        loop {
            match events.next_event() {
                Ok(Some(event)) => seen.push(owned(event)),
                Ok(None) => break,
                Err(violation) => return (seen, End::Refused(violation)),
            }
        }
        assert!(events.unread().is_empty(), "a read must be used up");
    }
    let end = if reader.is_closed() { End::Closed } else { End::Starved };
    (seen, end)
}

fn owned(event: Event<'_>) -> Seen {
    match event {
        Event::Text(text) => Seen::Text(text.to_owned()),
        Event::Binary(bytes) => Seen::Binary(bytes.to_vec()),
        Event::Compressed { .. } => unreachable!("no extension was agreed"),
        Event::Ping(bytes) => Seen::Ping(bytes.to_vec()),
        Event::Pong(bytes) => Seen::Pong(bytes.to_vec()),
        Event::Close { code, reason } => Seen::Close(code.map(|code| (code, reason.to_owned()))),
    }
}

/// A socket with these bytes to read, which then has no more for now, and which takes what is written.
struct Wire(Cursor<Vec<u8>>);

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(ErrorKind::WouldBlock.into()),
            read => Ok(read),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What tungstenite makes of `bytes`; a refusal as the close code it would be.
pub(crate) fn theirs(bytes: &[u8], message_bytes_max: usize) -> (Vec<Seen>, End<u16>) {
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .max_message_size(Some(message_bytes_max))
        .max_frame_size(Some(message_bytes_max));
    let mut socket =
        WebSocket::from_raw_socket(Wire(Cursor::new(bytes.to_vec())), Role::Server, Some(config));
    let mut seen = Vec::new();
    loop {
        let end = match socket.read() {
            Ok(message) => {
                seen.push(converted(message));
                continue;
            }
            Err(Error::ConnectionClosed) => End::Closed,
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => End::Starved,
            Err(Error::Protocol(_)) => End::Refused(1002),
            Err(Error::Utf8(_)) => End::Refused(1007),
            Err(Error::Capacity(_)) => End::Refused(1009),
            Err(other) => panic!("tungstenite: {other}"),
        };
        return (seen, end);
    }
}

fn converted(message: Message) -> Seen {
    match message {
        Message::Text(text) => Seen::Text(text.as_str().to_owned()),
        Message::Binary(bytes) => Seen::Binary(bytes.to_vec()),
        Message::Ping(bytes) => Seen::Ping(bytes.to_vec()),
        Message::Pong(bytes) => Seen::Pong(bytes.to_vec()),
        Message::Close(close) => {
            Seen::Close(close.map(|close| (close.code.into(), close.reason.as_str().to_owned())))
        }
        Message::Frame(frame) => panic!("a raw frame is never read: {frame}"),
    }
}

/// Reads `bytes` with both, ours at once and in [`pieces`], and compares.
pub(crate) fn compare(bytes: &[u8], cuts: &[usize], message_bytes_max: usize) {
    let at_once = ours(&[bytes], message_bytes_max);
    let in_pieces = ours(&pieces(bytes, cuts), message_bytes_max);
    assert_eq!(at_once, in_pieces, "in one read against in pieces");
    let (our_seen, our_end) = at_once;
    let (mut their_seen, mut their_end) = theirs(bytes, message_bytes_max);
    if let (End::Refused(_), End::Starved) = (our_end, their_end) {
        // They wait for the rest of a frame that we refused: give them one.
        let mut padded = bytes.to_vec();
        padded.resize(bytes.len() + message_bytes_max + 256, 0);
        (their_seen, their_end) = theirs(&padded, message_bytes_max);
    }
    let replaced = Some(Seen::Close(Some((1002, "Protocol violation".to_owned()))));
    match (our_end, their_end) {
        (End::Refused(Violation::CloseCode), End::Closed) => {
            assert_eq!(their_seen.pop(), replaced, "a close code that may not be sent");
        }
        (End::Closed, End::Closed) if matches!(our_seen.last(), Some(Seen::Close(Some((1014, _))))) => {
            assert_eq!(their_seen.pop(), replaced, "the close code 1014");
            their_seen.extend(our_seen.last().cloned());
        }
        (End::Closed, End::Closed) | (End::Starved, End::Starved) => {}
        (End::Refused(violation), End::Refused(theirs)) => assert_reasons_fit(violation, theirs),
        (ours, theirs) => {
            panic!("we: {ours:?} after {our_seen:?}; tungstenite: {theirs:?} after {their_seen:?}")
        }
    }
    assert_eq!(our_seen, their_seen);
}

/// A frame can be wrong in several ways, of which the two may name different ones: we look at the header's
/// rules first, tungstenite at the length.
fn assert_reasons_fit(ours: Violation, theirs: u16) {
    let fits = match theirs {
        1007 => matches!(ours, Violation::Utf8 | Violation::CloseReason | Violation::CloseCode),
        1002 => ours.close_code() == 1002 || ours == Violation::MessageTooLong,
        _ => ours.close_code() != 1007,
    };
    assert!(fits, "we refuse for {ours:?}, tungstenite for {theirs}");
}

/// `bytes` in pieces that end at `cuts`, taken modulo the length.
pub(crate) fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut start = 0;
    ends.into_iter().map(|end| &bytes[std::mem::replace(&mut start, end)..end]).collect()
}

/// Compares bytes of a fuzzer: the first three say where our reads end, the rest is what a client sends.
pub(crate) fn check(data: &[u8]) {
    let Some((cuts, bytes)) = data.split_first_chunk::<3>() else { return };
    compare(bytes, &cuts.map(usize::from), 300);
}
