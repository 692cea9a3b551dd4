//! Frames to clients. They carry no mask (RFC 6455 §5.1), so one encoded frame is the same bytes for all
//! receivers.

use bytes::{BufMut, Bytes, BytesMut};

use super::frame::may_be_sent;

/// The longest payload of a control frame, in bytes (RFC 6455 §5.5).
pub const CONTROL_PAYLOAD_BYTES_MAX: usize = 125;

/// The longest header of a server's frame: two bytes and a 64-bit length.
const HEAD_BYTES_MAX: usize = 10;

/// What a server's frame is (RFC 6455 §5.2). Messages go out whole, so there is no continuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// A text message; the payload is UTF-8.
    Text = 1,
    /// A binary message.
    Binary = 2,
    /// The end of the connection.
    Close = 8,
    /// A question whether the client is there.
    Ping = 9,
    /// The answer to a ping.
    Pong = 10,
}

/// The header of a frame, to be written before the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHead {
    bytes: [u8; HEAD_BYTES_MAX],
    used: u8,
}

impl FrameHead {
    /// The header's bytes: 2, 4 or 10.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.used)]
    }
}

impl AsRef<[u8]> for FrameHead {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// The header of a final, unmasked frame whose payload has `payload_bytes` bytes.
pub fn frame_header(opcode: Opcode, payload_bytes: usize) -> FrameHead {
    let mut bytes = [0; HEAD_BYTES_MAX];
    bytes[0] = 0x80 | opcode as u8;
    let used = match (u8::try_from(payload_bytes), u16::try_from(payload_bytes)) {
        (Ok(short @ ..=125), _) => {
            bytes[1] = short;
            2
        }
        (_, Ok(middle)) => {
            bytes[1] = 126;
            bytes[2..4].copy_from_slice(&middle.to_be_bytes());
            4
        }
        _ => {
            bytes[1] = 127;
            bytes[2..].copy_from_slice(&(payload_bytes as u64).to_be_bytes());
            10
        }
    };
    FrameHead { bytes, used }
}

/// One whole frame, to be shared by all its receivers. A text frame's payload must be UTF-8 and a control
/// frame's at most 125 bytes: [`close_frame`], [`ping_frame`] and [`pong_frame`] see to it.
pub fn encode_frame(opcode: Opcode, payload: &[u8]) -> Bytes {
    let head = frame_header(opcode, payload.len());
    let mut frame = BytesMut::with_capacity(head.as_bytes().len() + payload.len());
    frame.put_slice(head.as_bytes());
    frame.put_slice(payload);
    frame.freeze()
}

/// A close frame. A code that may not be sent (such as 1005) makes an empty one; `reason` is cut to 123
/// bytes, at the end of a character.
pub fn close_frame(code: u16, reason: &str) -> Bytes {
    if !may_be_sent(code) {
        return encode_frame(Opcode::Close, &[]);
    }
    let reason = &reason[..reason.floor_char_boundary(CONTROL_PAYLOAD_BYTES_MAX - 2)];
    let head = frame_header(Opcode::Close, 2 + reason.len());
    let mut frame = BytesMut::with_capacity(head.as_bytes().len() + 2 + reason.len());
    frame.put_slice(head.as_bytes());
    frame.put_u16(code);
    frame.put_slice(reason.as_bytes());
    frame.freeze()
}

/// The answer to a client's close: its own code, without a reason.
pub fn close_reply(code: Option<u16>) -> Bytes {
    code.map_or_else(|| Bytes::from_static(&[0x88, 0]), |code| close_frame(code, ""))
}

/// A ping; `payload` is cut to 125 bytes.
pub fn ping_frame(payload: &[u8]) -> Bytes {
    encode_frame(Opcode::Ping, cut(payload))
}

/// The answer to a ping, with its payload; a longer one than 125 bytes, which no ping has, is cut.
pub fn pong_frame(payload: &[u8]) -> Bytes {
    encode_frame(Opcode::Pong, cut(payload))
}

fn cut(payload: &[u8]) -> &[u8] {
    &payload[..payload.len().min(CONTROL_PAYLOAD_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use tungstenite::protocol::frame::FrameHeader;
    use tungstenite::protocol::frame::coding::OpCode;

    #[test]
    fn headers_are_those_of_tungstenite() {
        for opcode in [Opcode::Text, Opcode::Binary, Opcode::Close, Opcode::Ping, Opcode::Pong] {
            for length in [0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, 1 << 31] {
                let theirs = FrameHeader { opcode: OpCode::from(opcode as u8), ..FrameHeader::default() };
                let mut expected = Vec::new();
                theirs.format(length as u64, &mut expected).unwrap();
                assert_eq!(frame_header(opcode, length).as_bytes(), expected, "{opcode:?} {length}");
            }
        }
    }

    #[test]
    fn a_frame_is_its_header_and_its_payload() {
        assert_eq!(&encode_frame(Opcode::Text, b"hi")[..], b"\x81\x02hi");
        let long = vec![7; 70_000];
        let frame = encode_frame(Opcode::Binary, &long);
        assert_eq!(&frame[..10], [0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
        assert_eq!(&frame[10..], long);
    }

    #[test]
    fn a_close_keeps_to_125_bytes_and_to_whole_characters() {
        assert_eq!(&close_frame(1000, "bye")[..], b"\x88\x05\x03\xe8bye");
        let frame = close_frame(1008, &"é".repeat(100));
        assert_eq!(frame[1], 124, "61 characters of two bytes, and the code");
        assert!(std::str::from_utf8(&frame[4..]).is_ok());
        assert_eq!(frame.len(), 126);
    }

    #[test]
    fn a_code_that_is_never_sent_is_left_out() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
            assert_eq!(&close_frame(code, "x")[..], [0x88, 0], "{code}");
        }
        assert_eq!(&close_reply(None)[..], [0x88, 0]);
        assert_eq!(&close_reply(Some(3000))[..], [0x88, 2, 0x0b, 0xb8]);
    }

    #[test]
    fn pings_and_pongs_keep_to_125_bytes() {
        assert_eq!(&pong_frame(b"abc")[..], b"\x8a\x03abc");
        assert_eq!(ping_frame(&[1; 300]).len(), 2 + 125);
    }
}
