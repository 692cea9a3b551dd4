//! WebSocket as far as a load tool needs it (RFC 6455): an upgrade with a fixed key, whole frames, fixed masks.

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::Broken;

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// The key of RFC 6455 §1.3, and what a server has to answer.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// Masks need not be secret here: nothing lies between client and server.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
/// Compression of each message by itself (RFC 7692), as it is offered and agreed to.
pub(crate) const DEFLATE: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
/// Longest head of an answer to an upgrade.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// A frame from a server; these servers send none in fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) opcode: u8,
    pub(crate) is_compressed: bool,
    pub(crate) payload: &'a [u8],
}

/// The request that begins a WebSocket.
pub(crate) fn upgrade_request(path: &str, protocols: Option<&str>, extension: Option<&str>) -> Vec<u8> {
    let protocols = protocols.map(|names| format!("Sec-WebSocket-Protocol: {names}\r\n")).unwrap_or_default();
    let extension = extension.map(|name| format!("Sec-WebSocket-Extensions: {name}\r\n")).unwrap_or_default();
    format!(
        "GET {path} HTTP/1.1\r\nHost: oort-bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{protocols}{extension}\r\n"
    )
    .into_bytes()
}

/// The length of a head that ends in `bytes`.
fn head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// Reads the answer to an upgrade, which has to agree to the extension: the bytes it took; `None` while it is incomplete.
pub(crate) fn upgrade_response(input: &[u8], extension: Option<&str>) -> Result<Option<usize>, Broken> {
    let Some(head_bytes) = head(input) else {
        return if input.len() > HEAD_BYTES_MAX {
            Err(Broken::Unreadable("an endless head"))
        } else {
            Ok(None)
        };
    };
    let head = &input[..head_bytes];
    if !head.starts_with(b"HTTP/1.1 101 ") {
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        return Err(Broken::Refused(String::from_utf8_lossy(line).into_owned()));
    }
    if !head.windows(ACCEPT.len()).any(|part| part == ACCEPT) {
        return Err(Broken::Unreadable("Sec-WebSocket-Accept is wrong"));
    }
    let is_agreed = |name: &str| head.windows(name.len()).any(|part| part == name.as_bytes());
    if !extension.is_none_or(is_agreed) {
        return Err(Broken::Unreadable("compression is not agreed to: set comet.deflate.enabled"));
    }
    Ok(Some(head_bytes))
}

/// The answer to an upgrade that `request` asks for, the sub-protocol chosen and the bytes taken; `None` while it is
/// incomplete. For a server that checks nothing but the key.
pub(crate) fn accept_response(request: &[u8]) -> Option<(Vec<u8>, Option<&str>, usize)> {
    let head_bytes = head(request)?;
    let head = std::str::from_utf8(&request[..head_bytes]).ok()?;
    let value = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let accept = derive_accept_key(value("sec-websocket-key").unwrap_or_default().as_bytes());
    let protocols = value("sec-websocket-protocol");
    let chosen = protocols.and_then(|names| names.split(',').next()).map(str::trim);
    let chosen = chosen.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n")).unwrap_or_default();
    let extension = value("sec-websocket-extensions");
    let extension = extension.map(|name| format!("Sec-WebSocket-Extensions: {name}\r\n")).unwrap_or_default();
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{chosen}{extension}\r\n"
    );
    Some((response.into_bytes(), protocols, head_bytes))
}

/// Reads one frame of a server and the bytes it took; `None` while it is incomplete.
pub(crate) fn frame(input: &[u8]) -> Result<Option<(Frame<'_>, usize)>, Broken> {
    let [first, second, rest @ ..] = input else { return Ok(None) };
    if first & 0xb0 != 0x80 {
        return Err(Broken::Unreadable("a frame in fragments, or with reserved bits"));
    }
    if second & 0x80 != 0 {
        return Err(Broken::Unreadable("a masked frame from a server"));
    }
    let (length, header) = match second {
        126 => match rest.first_chunk() {
            Some(length) => (u64::from(u16::from_be_bytes(*length)), 4),
            None => return Ok(None),
        },
        127 => match rest.first_chunk() {
            Some(length) => (u64::from_be_bytes(*length), 10),
            None => return Ok(None),
        },
        short => (u64::from(*short), 2),
    };
    let end =
        usize::try_from(length).map_err(|_| Broken::Unreadable("an endless frame"))?.saturating_add(header);
    let Some(payload) = input.get(header..end) else { return Ok(None) };
    Ok(Some((Frame { opcode: first & 0x0f, is_compressed: first & 0x40 != 0, payload }, end)))
}

/// Why a server closed, from the payload of its close frame.
pub(crate) fn closed(payload: &[u8]) -> Broken {
    let (code, reason) = payload
        .split_first_chunk()
        .map_or((1005, &[][..]), |(code, reason)| (u16::from_be_bytes(*code), reason));
    Broken::Closed { code, reason: String::from_utf8_lossy(reason).into_owned() }
}

fn header(opcode: u8, payload_bytes: usize, mask_bit: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload_bytes + 14);
    out.push(0x80 | opcode);
    match (u8::try_from(payload_bytes), u16::try_from(payload_bytes)) {
        (Ok(short), _) if short < 126 => out.push(mask_bit | short),
        (_, Ok(length)) => {
            out.push(mask_bit | 126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(mask_bit | 127);
            out.extend_from_slice(&(payload_bytes as u64).to_be_bytes());
        }
    }
    out
}

/// A frame as a client sends it.
pub(crate) fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = header(opcode, payload.len(), 0x80);
    out.extend_from_slice(&MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

/// A frame as a server sends it.
pub(crate) fn unmasked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = header(opcode, payload.len(), 0);
    out.extend_from_slice(payload);
    out
}

/// The payload of a short frame that [`masked`] made, if it is complete.
pub(crate) fn unmask(input: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = match *input {
        [_, second, ref rest @ ..] if second & 0x7f < 126 => (usize::from(second & 0x7f), rest),
        [_, _, high, low, ref rest @ ..] => (usize::from(u16::from_be_bytes([high, low])), rest),
        _ => return None,
    };
    let (mask, payload) = rest.split_first_chunk::<4>()?;
    Some(payload.get(..length)?.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect())
}
