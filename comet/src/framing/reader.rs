//! From the bytes of a client to whole messages.

use std::ops::Range;

use super::frame::{
    ClientFrame, ControlKind, DataKind, Event, FrameKind, HEADER_BYTES_MAX, Limits, Violation, control_event,
};
use super::mask::unmask;
use super::message::{Message, admit};

/// The reading half of one connection: sixteen bytes, and a box only while a frame or message is partial.
#[derive(Debug, Default)]
pub struct Reader {
    partial: Option<Box<Partial>>,
    /// After a close frame or a violation; what still comes is not looked at.
    is_closed: bool,
    /// Clients may send compressed messages.
    may_compress: bool,
}

/// What is left over at the end of a read.
#[derive(Debug, Default)]
struct Partial {
    /// The beginning of a header.
    header: [u8; HEADER_BYTES_MAX],
    header_bytes: usize,
    /// The frame whose payload is not all here.
    frame: Option<OpenFrame>,
    /// What came of that frame's payload if it is a control frame.
    control: Vec<u8>,
    /// The message whose last fragment is not all here.
    message: Option<Message>,
}

#[derive(Debug, Clone, Copy)]
struct OpenFrame {
    kind: FrameKind,
    mask: [u8; 4],
    /// How much of the payload came; less than `payload_bytes`.
    taken_bytes: usize,
    payload_bytes: usize,
}

impl Reader {
    /// A reader at the start of a connection's frames.
    pub const fn new() -> Self {
        Self::inflating(false)
    }

    /// A reader of a connection for which `permessage-deflate` was agreed, if it was.
    pub const fn inflating(may_compress: bool) -> Self {
        Self { partial: None, is_closed: false, may_compress }
    }

    /// Reads the next bytes of the connection. `input` is the caller's scratch buffer, with exactly the
    /// bytes that came; it is unmasked in place. The events are pulled with [`Events::next_event`] until it
    /// returns `None`; by then all of `input` is used up and nothing of it is needed any more.
    pub fn read<'a>(&'a mut self, input: &'a mut [u8], limits: &'a Limits) -> Events<'a> {
        Events { reader: self, input, at: 0, limits, assembled: Vec::new() }
    }

    /// Whether nothing is partial, so that this reader holds no memory.
    pub fn is_idle(&self) -> bool {
        self.partial.is_none()
    }

    /// Whether a close frame or a violation was read; no event comes after it.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// The memory held for what is partial, in bytes; 0 when idle.
    pub fn held_bytes(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| {
            let message_bytes = partial.message.as_ref().map_or(0, Message::capacity_bytes);
            size_of::<Partial>() + partial.control.capacity() + message_bytes
        })
    }

    fn partial(&mut self) -> &mut Partial {
        self.partial.get_or_insert_default()
    }

    /// The message that the next data frame belongs to.
    fn message_of(&mut self, kind: DataKind, is_compressed: bool) -> &mut Message {
        self.partial().message.get_or_insert_with(|| Message::new(kind, is_compressed))
    }

    fn close(&mut self) {
        (self.partial, self.is_closed) = (None, true);
    }

    /// Gives the box back if nothing in it is partial any more.
    fn settle(&mut self) {
        self.partial.take_if(|partial| {
            partial.header_bytes == 0 && partial.frame.is_none() && partial.message.is_none()
        });
    }
}

/// The events in one read of a connection. Dropped early, what is left of the input is lost to the reader.
#[derive(Debug)]
#[must_use = "the input is read as the events are pulled"]
pub struct Events<'a> {
    reader: &'a mut Reader,
    input: &'a mut [u8],
    /// How much of `input` is used up.
    at: usize,
    limits: &'a Limits,
    /// The payload of the last event if it was in pieces.
    assembled: Vec<u8>,
}

/// Where a whole payload lies.
enum Payload {
    Input(Range<usize>),
    Assembled,
}

enum Whole {
    Text(Payload),
    Binary(Payload),
    Compressed { is_text: bool, payload: Payload },
    Control(ControlKind, Payload),
}

impl Whole {
    fn message(is_text: bool, is_compressed: bool, payload: Payload) -> Self {
        match (is_compressed, is_text) {
            (true, is_text) => Self::Compressed { is_text, payload },
            (false, true) => Self::Text(payload),
            (false, false) => Self::Binary(payload),
        }
    }
}

impl Events<'_> {
    /// The next event, or `None` when the input is used up.
    ///
    /// # Errors
    /// The first [`Violation`]; the reader is closed by it.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, Violation> {
        let whole = match self.next_whole() {
            Ok(Some(whole)) => whole,
            Ok(None) => return Ok(None),
            Err(violation) => {
                self.reader.close();
                return Err(violation);
            }
        };
        let bytes = |payload: Payload| match payload {
            Payload::Input(range) => &self.input[range],
            Payload::Assembled => &self.assembled[..],
        };
        let event = match whole {
            Whole::Binary(payload) => Ok(Event::Binary(bytes(payload))),
            Whole::Text(payload) => {
                simdutf8::basic::from_utf8(bytes(payload)).map(Event::Text).map_err(|_| Violation::Utf8)
            }
            Whole::Compressed { is_text, payload } => {
                Ok(Event::Compressed { is_text, payload: bytes(payload) })
            }
            Whole::Control(kind, payload) => control_event(kind, bytes(payload)),
        };
        if matches!(event, Err(_) | Ok(Event::Close { .. })) {
            self.reader.close();
        }
        event.map(Some)
    }

    /// Whether a whole text message in one frame lies next, so that the next event is of it, or a violation.
    pub fn is_text_next(&self) -> bool {
        if self.reader.is_closed || !self.reader.is_idle() {
            return false;
        }
        let rest = self.unread();
        let Ok(Some((frame, used))) = ClientFrame::parse(rest, self.reader.may_compress) else {
            return false;
        };
        let is_text = matches!(frame.kind, FrameKind::Data { kind: DataKind::Text, is_final: true, .. });
        is_text && frame.payload_bytes <= rest.len() - used
    }

    /// The bytes of the input that are not used up, as they came.
    pub fn unread(&self) -> &[u8] {
        &self.input[self.at..]
    }

    fn next_whole(&mut self) -> Result<Option<Whole>, Violation> {
        self.assembled = Vec::new();
        if self.reader.is_closed {
            self.at = self.input.len();
        }
        while self.at < self.input.len() {
            let open_frame = self.reader.partial.as_ref().and_then(|partial| partial.frame);
            let whole = match open_frame {
                Some(frame) => self.continue_frame(frame)?,
                None => self.begin_frame()?,
            };
            if whole.is_some() {
                return Ok(whole);
            }
        }
        Ok(None)
    }

    /// Takes a header and as much of its payload as there is.
    fn begin_frame(&mut self) -> Result<Option<Whole>, Violation> {
        let Some(frame) = self.take_header()? else { return Ok(None) };
        if let FrameKind::Data { kind, .. } = frame.kind {
            let message = self.reader.partial.as_ref().and_then(|partial| partial.message.as_ref());
            admit(message, kind, frame.payload_bytes, self.limits)?;
        }
        if frame.payload_bytes <= self.input.len() - self.at {
            let range = self.take_payload(frame.payload_bytes, frame.mask, 0);
            return self.whole_frame(frame.kind, range);
        }
        if let FrameKind::Data { kind, is_compressed, .. } = frame.kind {
            self.reader.message_of(kind, is_compressed).begin_fragment();
        }
        let ClientFrame { kind, mask, payload_bytes } = frame;
        let open = OpenFrame { kind, mask, taken_bytes: 0, payload_bytes };
        self.reader.partial().frame = Some(open);
        self.continue_frame(open)
    }

    /// The header at the start of the input; one that is cut off is kept, and one that was kept is completed.
    fn take_header(&mut self) -> Result<Option<ClientFrame>, Violation> {
        let rest = &self.input[self.at..];
        let may_compress = self.reader.may_compress;
        if self.reader.partial.is_none()
            && let Some((frame, used)) = ClientFrame::parse(rest, may_compress)?
        {
            self.at += used;
            return Ok(Some(frame));
        }
        let partial = self.reader.partial();
        let begun = partial.header_bytes;
        let header_bytes = HEADER_BYTES_MAX.min(begun + rest.len());
        partial.header[begun..header_bytes].copy_from_slice(&rest[..header_bytes - begun]);
        let Some((frame, used)) = ClientFrame::parse(&partial.header[..header_bytes], may_compress)? else {
            partial.header_bytes = header_bytes;
            self.at = self.input.len();
            return Ok(None);
        };
        partial.header_bytes = 0;
        self.at += used - begun;
        self.reader.settle();
        Ok(Some(frame))
    }

    /// Unmasks the next `length` bytes of the input where they lie.
    fn take_payload(&mut self, length: usize, mask: [u8; 4], offset: usize) -> Range<usize> {
        let range = self.at..self.at + length;
        unmask(&mut self.input[range.clone()], mask, offset);
        self.at = range.end;
        range
    }

    /// A frame that lies in the input as a whole.
    fn whole_frame(&mut self, kind: FrameKind, range: Range<usize>) -> Result<Option<Whole>, Violation> {
        let (kind, is_final, is_compressed) = match kind {
            FrameKind::Control(kind) => return Ok(Some(Whole::Control(kind, Payload::Input(range)))),
            FrameKind::Data { kind, is_final, is_compressed } => (kind, is_final, is_compressed),
        };
        if is_final && kind != DataKind::Continuation {
            return Ok(Some(Whole::message(kind == DataKind::Text, is_compressed, Payload::Input(range))));
        }
        let message = self.reader.message_of(kind, is_compressed);
        message.begin_fragment();
        message.push(&self.input[range], self.limits)?;
        Ok(if is_final { self.take_message() } else { None })
    }

    /// More of the payload of a frame that is not complete, perhaps its end.
    fn continue_frame(&mut self, mut frame: OpenFrame) -> Result<Option<Whole>, Violation> {
        let length = (frame.payload_bytes - frame.taken_bytes).min(self.input.len() - self.at);
        let range = self.take_payload(length, frame.mask, frame.taken_bytes);
        frame.taken_bytes += length;
        let is_complete = frame.taken_bytes == frame.payload_bytes;
        let partial = self.reader.partial();
        partial.frame = (!is_complete).then_some(frame);
        match frame.kind {
            FrameKind::Control(kind) => {
                partial.control.extend_from_slice(&self.input[range]);
                if is_complete {
                    self.assembled = std::mem::take(&mut partial.control);
                    self.reader.settle();
                    return Ok(Some(Whole::Control(kind, Payload::Assembled)));
                }
            }
            FrameKind::Data { is_final, .. } => {
                if let Some(message) = &mut partial.message {
                    message.push(&self.input[range], self.limits)?;
                }
                if is_complete && is_final {
                    return Ok(self.take_message());
                }
            }
        }
        Ok(None)
    }

    /// Takes the message that just got its last fragment.
    fn take_message(&mut self) -> Option<Whole> {
        let (bytes, is_text, is_compressed) = self.reader.partial().message.take()?.into_parts();
        self.reader.settle();
        self.assembled = bytes;
        Some(Whole::message(is_text, is_compressed, Payload::Assembled))
    }
}

#[cfg(test)]
mod tests;
