//! The client's side of RFC 6455, as far as a server like ours uses it: unfragmented frames.

use anyhow::{Context, bail, ensure};

/// A frame from the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    /// A text message.
    Text(&'a [u8]),
    /// To be answered with a pong of the same bytes.
    Ping(&'a [u8]),
    /// The server ends the connection.
    Close { code: u16, reason: &'a [u8] },
    /// Binary messages and pongs.
    Other,
}

/// Opcode of a text frame.
pub(crate) const TEXT: u8 = 1;
/// Opcode of a pong.
pub(crate) const PONG: u8 = 10;

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
/// The key need not be a secret here: no proxy can be misled on the way to a server under test.
const KEY: [u8; 4] = [0x5a, 0x3c, 0xc3, 0xa5];

/// Appends one masked frame.
pub(crate) fn write(opcode: u8, payload: &[u8], to: &mut Vec<u8>) {
    to.push(FIN | opcode);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short), _) if short < 126 => to.push(MASKED | short),
        (_, Ok(middle)) => {
            to.push(MASKED | 126);
            to.extend(middle.to_be_bytes());
        }
        _ => {
            to.push(MASKED | 127);
            to.extend((payload.len() as u64).to_be_bytes());
        }
    }
    to.extend(KEY);
    to.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// The frame at the beginning of `buffer` and its length, `None` while it is not all there.
pub(crate) fn read(buffer: &[u8]) -> anyhow::Result<Option<(Frame<'_>, usize)>> {
    let [first, second, rest @ ..] = buffer else { return Ok(None) };
    ensure!(second & MASKED == 0, "a masked frame from the server");
    let (length, head) = match second & 0x7f {
        126 => match rest {
            [a, b, ..] => (usize::from(u16::from_be_bytes([*a, *b])), 4),
            _ => return Ok(None),
        },
        127 => match rest.first_chunk::<8>() {
            Some(length) => (usize::try_from(u64::from_be_bytes(*length)).context("a frame too long")?, 10),
            None => return Ok(None),
        },
        length => (usize::from(length), 2),
    };
    let end = head + length;
    let Some(payload) = buffer.get(head..end) else { return Ok(None) };
    ensure!(first & FIN != 0, "a fragmented message");
    let frame = match (first & 0x0f, payload) {
        (TEXT, payload) => Frame::Text(payload),
        (9, payload) => Frame::Ping(payload),
        (8, [a, b, reason @ ..]) => Frame::Close { code: u16::from_be_bytes([*a, *b]), reason },
        (8, _) => Frame::Close { code: 1005, reason: &[] },
        (2 | PONG, _) => Frame::Other,
        (opcode, _) => bail!("a frame with opcode {opcode}"),
    };
    Ok(Some((frame, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_length_form_arrive_in_any_pieces() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
            let payload = vec![b'a'; length];
            let mut masked = Vec::new();
            write(TEXT, &payload, &mut masked);
            // As the server would send it: the same without mask and key.
            let head = masked.len() - length - 4;
            let mut plain = masked[..head].to_vec();
            plain[1] &= !MASKED;
            plain.extend(masked[head + 4..].iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
            let whole = plain.len();
            for cut in [0, 1, 2, head, whole - 1].into_iter().filter(|cut| *cut < whole) {
                assert_eq!(read(&plain[..cut]).unwrap(), None, "{length}: {cut}");
            }
            plain.push(0x89);
            assert_eq!(read(&plain).unwrap(), Some((Frame::Text(&payload), whole)));
            assert!(read(&masked).is_err(), "a server does not mask");
        }
    }

    #[test]
    fn control_frames() {
        assert_eq!(read(&[0x89, 1, 7]).unwrap(), Some((Frame::Ping(&[7]), 3)));
        let close = [0x88, 4, 0x03, 0xf0, b'n', b'o'];
        assert_eq!(read(&close).unwrap(), Some((Frame::Close { code: 1008, reason: b"no" }, 6)));
        assert_eq!(read(&[0x88, 0]).unwrap(), Some((Frame::Close { code: 1005, reason: b"" }, 2)));
        assert!(read(&[0x01, 0]).is_err(), "fragmented");
    }
}
