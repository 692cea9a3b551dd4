//! From whole frames to compressed ones.

use bytes::{BufMut, Bytes, BytesMut};
use flate2::{Compress, Compression, FlushCompress};

use super::TAIL;
use crate::framing::{Opcode, frame_header};

/// RSV1: the message is compressed (RFC 7692 §6).
const COMPRESSED: u8 = 0x40;
/// What compressing may add to a payload that does not shrink, with room to spare.
const GROWTH_BYTES: usize = 64;

/// Compresses message after message, each by itself. Holds about 370 KiB.
#[derive(Debug)]
pub struct Deflater {
    compress: Compress,
    level: u32,
    payload: Vec<u8>,
}

impl Deflater {
    /// `level`: 1 (quick) to 9 (small).
    #[must_use]
    pub fn new(level: u32) -> Self {
        Self { compress: Compress::new(Compression::new(level), false), level, payload: Vec::new() }
    }

    /// The level it was made for.
    #[must_use]
    pub fn level(&self) -> u32 {
        self.level
    }

    /// The compressed payload of one message; `None` when it would not be smaller.
    pub fn deflate(&mut self, payload: &[u8]) -> Option<&[u8]> {
        self.compress.reset();
        self.payload.clear();
        self.payload.reserve(payload.len() + GROWTH_BYTES);
        loop {
            let used = usize::try_from(self.compress.total_in()).ok()?;
            self.compress.compress_vec(&payload[used..], &mut self.payload, FlushCompress::Sync).ok()?;
            // Room that is left shows that nothing waits inside.
            if self.payload.len() < self.payload.capacity() {
                break;
            }
            self.payload.reserve(payload.len());
        }
        self.payload.strip_suffix(&TAIL).filter(|compressed| compressed.len() < payload.len())
    }
}

/// The same frames, with the payloads of at least `bytes_min` bytes compressed where that makes them smaller. `frames` are
/// whole frames of a server, each a whole message, as [`encode_frame`](crate::framing::encode_frame) makes them.
pub fn deflate_frames(frames: &Bytes, bytes_min: usize, deflater: &mut Deflater) -> Bytes {
    let mut out = BytesMut::new();
    let mut at = 0;
    // What was looked at and is to stay as it is.
    let mut plain_from = 0;
    while let Some(Frame { opcode, payload_at, end }) = frame(frames, at) {
        if let Some(opcode) = opcode.filter(|_| end - payload_at >= bytes_min)
            && let Some(payload) = deflater.deflate(&frames[payload_at..end])
        {
            out.put_slice(&frames[plain_from..at]);
            let head = frame_header(opcode, payload.len());
            let (first, rest) = head.as_bytes().split_at(1);
            out.put_u8(first[0] | COMPRESSED);
            out.put_slice(rest);
            out.put_slice(payload);
            plain_from = end;
        }
        at = end;
    }
    if plain_from == 0 {
        return frames.clone();
    }
    out.put_slice(&frames[plain_from..]);
    out.freeze()
}

struct Frame {
    /// Of a message; control frames are not compressed.
    opcode: Option<Opcode>,
    payload_at: usize,
    end: usize,
}

/// The frame at a place.
fn frame(frames: &[u8], at: usize) -> Option<Frame> {
    let bytes = frames.get(at..)?;
    let opcode = match bytes.first()? {
        0x81 => Some(Opcode::Text),
        0x82 => Some(Opcode::Binary),
        _ => None,
    };
    let (head, length) = match *bytes.get(1)? {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
        short => (2, usize::from(short)),
    };
    let payload_at = at + head;
    let end = payload_at.checked_add(length).filter(|end| *end <= frames.len())?;
    Some(Frame { opcode, payload_at, end })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::framing::{Inflater, close_frame, encode_frame};

    /// What any receiver makes of a compressed payload.
    fn reference(payload: &[u8]) -> Vec<u8> {
        let mut plain = Vec::with_capacity(1 << 20);
        let with_tail = [payload, &TAIL].concat();
        let mut inflate = flate2::Decompress::new(false);
        inflate.decompress_vec(&with_tail, &mut plain, flate2::FlushDecompress::Sync).unwrap();
        assert_eq!(inflate.total_in(), with_tail.len() as u64);
        plain
    }

    /// Payloads of the frames, decompressed where they say so, and how many do.
    fn read(mut frames: &[u8]) -> (Vec<Vec<u8>>, usize) {
        let (mut payloads, mut compressed) = (Vec::new(), 0);
        while !frames.is_empty() {
            let (first, is_compressed) = (frames[0] & !COMPRESSED, frames[0] & COMPRESSED != 0);
            let plain_first = [&[first], &frames[1..]].concat();
            let Frame { payload_at, end, .. } = frame(&plain_first, 0).unwrap();
            let payload = &frames[payload_at..end];
            payloads.push(if is_compressed { reference(payload) } else { payload.to_vec() });
            compressed += usize::from(is_compressed);
            frames = &frames[end..];
        }
        (payloads, compressed)
    }

    fn payload() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            "[a-d ]{0,400}".prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..2_000),
            (any::<u8>(), 0..100_000usize).prop_map(|(byte, count)| vec![byte; count]),
        ]
    }

    proptest! {
        #[test]
        fn frames_say_the_same_when_compressed(
            payloads in proptest::collection::vec(payload(), 1..5),
            bytes_min in 0..300usize,
            level in 1..=9u32,
        ) {
            let frames: Vec<Bytes> =
                payloads.iter().map(|payload| encode_frame(Opcode::Text, payload)).collect();
            let all = Bytes::from(frames.concat());
            let small = deflate_frames(&all, bytes_min, &mut Deflater::new(level));
            prop_assert!(small.len() <= all.len());
            prop_assert_eq!(read(&small).0, payloads);
        }

        #[test]
        fn the_inflater_is_the_inverse(payload in payload(), level in 1..=9u32) {
            let (mut deflater, mut inflater) = (Deflater::new(level), Inflater::default());
            if let Some(small) = deflater.deflate(&payload) {
                prop_assert_eq!(inflater.inflate(small, 1 << 20).unwrap(), &payload[..]);
                prop_assert_eq!(reference(small), payload);
            }
        }
    }

    #[test]
    fn only_messages_of_some_size_are_compressed() {
        let text = "x".repeat(200);
        let parts = [
            encode_frame(Opcode::Text, &text.as_bytes()[..99]),
            encode_frame(Opcode::Binary, text.as_bytes()),
            close_frame(1000, &text[..100]),
        ];
        let all = Bytes::from(parts.concat());
        let small = deflate_frames(&all, 100, &mut Deflater::new(1));
        let (payloads, compressed) = read(&small);
        assert_eq!((payloads.len(), compressed), (3, 1));
        assert_eq!(&small[..101], &parts[0][..]);
        assert_eq!(small[101], 0xc2);
        assert!(small.ends_with(&parts[2]));
        assert_eq!(deflate_frames(&all, 1_000, &mut Deflater::new(1)), all, "nothing to do");
    }
}
