//! As much of HTTP/1.1 as one kind of request over one connection needs: bytes made once, and answers read by their
//! status and length.

use anyhow::{Context, bail};

use super::tag::{TAG_BYTES, Tag};

/// The `sendMessage` requests of one account; only conversation and id differ from send to send.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    after_room: Vec<u8>,
    tag_at: usize,
}

impl Requests {
    /// To the API at `host`, each with a text of `content_bytes`.
    pub(crate) fn new(host: &str, token: &str, content_bytes: usize) -> Self {
        let content = "x".repeat(content_bytes);
        let body = format!(r#"{{"clientMsgId":"{}","content":"{content}"}}"#, ".".repeat(TAG_BYTES));
        let head = format!(
            "/messages HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let tag_at = head.len() + r#"{"clientMsgId":""#.len();
        Self { after_room: (head + &body).into_bytes(), tag_at }
    }

    /// Writes the request that sends `tag` to conversation `room`.
    pub(crate) fn write(&self, room: &str, tag: Tag, to: &mut Vec<u8>) {
        to.clear();
        to.extend_from_slice(b"POST /api/conversations/");
        to.extend_from_slice(room.as_bytes());
        let rest = to.len();
        to.extend_from_slice(&self.after_room);
        to[rest + self.tag_at..rest + self.tag_at + TAG_BYTES].copy_from_slice(&tag.text());
    }
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response<'a> {
    /// As in 200.
    pub(crate) status: u16,
    /// All of the body.
    pub(crate) body: &'a [u8],
    /// Bytes of the whole answer.
    pub(crate) bytes: usize,
    /// The server closes after it.
    pub(crate) close: bool,
}

/// Longest head of an answer, bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

impl<'a> Response<'a> {
    /// The answer at the beginning of `buffer`, `None` while it is not all there.
    pub(crate) fn read(buffer: &'a [u8]) -> anyhow::Result<Option<Self>> {
        let Some(head_end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
            if buffer.len() > HEAD_BYTES_MAX {
                bail!("an HTTP head of more than {HEAD_BYTES_MAX} bytes");
            }
            return Ok(None);
        };
        let head = buffer.get(..head_end).unwrap_or_default();
        let head = std::str::from_utf8(head).context("an HTTP head that is not text")?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
        let status = status.with_context(|| format!("no HTTP/1.1 status in {head:?}"))?;
        let (mut length, mut close) = (None, false);
        for line in lines {
            let Some((name, value)) = line.split_once(':') else { continue };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse::<usize>().ok();
            } else if name.eq_ignore_ascii_case("connection") {
                close = value.trim().eq_ignore_ascii_case("close");
            }
        }
        // RFC 9110 §6.4.1: these have no body.
        let length = if status == 204 { Some(0) } else { length };
        let length = length.with_context(|| format!("no content-length in {head:?}"))?;
        let bytes = head_end + 4 + length;
        Ok(buffer.get(head_end + 4..bytes).map(|body| Self { status, body, bytes, close }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_and_takes_each_tag() {
        let requests = Requests::new("h:1", "t", 3);
        let mut bytes = b"what was there".to_vec();
        for number in [1, 2] {
            let tag = Tag { number, due_ns: 9 };
            requests.write("7", tag, &mut bytes);
            let text = std::str::from_utf8(&bytes).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(
                head.starts_with("POST /api/conversations/7/messages HTTP/1.1\r\nhost: h:1\r\n"),
                "{head}"
            );
            assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(Tag::parse(body["clientMsgId"].as_str().unwrap()), Some(tag));
            assert_eq!(body["content"], "xxx");
        }
    }

    #[test]
    fn answers_arrive_in_any_pieces() {
        let stream = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 503 Busy\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        for cut in 0..40 {
            assert_eq!(Response::read(&stream[..cut]).unwrap(), None, "{cut}");
        }
        let first = Response::read(stream).unwrap().unwrap();
        assert_eq!(first, Response { status: 200, body: b"ok", bytes: 40, close: false });
        let second = Response::read(&stream[40..]).unwrap().unwrap();
        let empty = Response::read(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap();
        assert_eq!((empty.status, empty.bytes), (204, 27));
        assert_eq!((second.status, second.bytes, second.close), (503, stream.len() - 40, true));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        assert!(Response::read(b"SSH-2.0\r\n\r\n").is_err());
        assert!(Response::read(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(Response::read(&[b'a'; HEAD_BYTES_MAX + 1]).is_err());
    }
}
