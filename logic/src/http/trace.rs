//! W3C trace context: each request is part of a trace, the caller's or a new one.

use std::cell::RefCell;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;

use super::door::Door;

/// Name of the header in both directions.
pub(super) const TRACEPARENT: &str = "traceparent";

/// Place of a request in its trace, as a `traceparent` header has it.
#[derive(Debug, Clone)]
pub(super) struct Trace(pub(super) Arc<str>);

impl Trace {
    /// A span of the caller's trace if the header is valid, else of a new one.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let random = random();
        let (trace, span) = random.split_at(16);
        let given = headers.get(TRACEPARENT).and_then(|value| parse(value.to_str().ok()?));
        let mut text = String::with_capacity(55);
        text.push_str("00-");
        match given {
            Some((given, _)) => text.push_str(given),
            None => hex(trace, &mut text),
        }
        text.push('-');
        hex(span, &mut text);
        text.push('-');
        text.push_str(given.map_or("01", |(_, flags)| flags));
        Self(text.into())
    }

    /// The trace's id.
    pub(super) fn trace_id(&self) -> &str {
        self.0.get(3..35).unwrap_or_default()
    }
}

thread_local! {
    /// Random bytes that wait, so that not each request asks the kernel, and how many of them are used.
    static RANDOM: RefCell<([u8; RANDOM_BYTES], usize)> = const { RefCell::new(([0; RANDOM_BYTES], RANDOM_BYTES)) };
}

/// Random bytes asked for at a time: 42 requests' worth.
const RANDOM_BYTES: usize = 1008;

fn random() -> [u8; 24] {
    RANDOM.with_borrow_mut(|(bytes, used)| {
        // Without randomness requests share a trace; that is no reason to refuse them.
        if *used == RANDOM_BYTES {
            *used = match getrandom::fill(bytes) {
                Ok(()) => 0,
                Err(_) => return [1; 24],
            };
        }
        let next = bytes.get(*used..*used + 24).and_then(|next| next.try_into().ok()).unwrap_or([1; 24]);
        *used += 24;
        next
    })
}

impl FromRequestParts<Arc<Door>> for Trace {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Door>) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self::of(&parts.headers)))
    }
}

/// Trace id and flags (W3C Trace Context §3.2.2).
fn parse(text: &str) -> Option<(&str, &str)> {
    let mut fields = text.split('-');
    let (version, trace, parent, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let is_known = version == "00" && fields.next().is_none();
    // A later version may have more fields and the same first four.
    let is_later = version != "00" && version != "ff" && is_hex(version, 2);
    let fine = (is_known || is_later) && is_hex(trace, 32) && is_hex(parent, 16) && is_hex(flags, 2);
    let is_null = trace.bytes().all(|b| b == b'0') || parent.bytes().all(|b| b == b'0');
    (fine && !is_null).then_some((trace, flags))
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// In hexadecimal, two digits a byte.
fn hex(bytes: &[u8], text: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half & 15)]);
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]));
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn of(value: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_str(value).expect("a header"));
        Trace::of(&headers).0.to_string()
    }

    #[test]
    fn a_valid_trace_is_continued_by_a_span_of_ours() {
        let ours = of(GIVEN);
        assert!(ours.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && ours.ends_with("-01"), "{ours}");
        assert_ne!(ours, GIVEN);
        assert_eq!(parse(&ours).map(|(trace, _)| trace), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert!(of(&GIVEN.replacen("00", "cc", 1)).contains("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert!(of(&(GIVEN.replacen("00", "cc", 1) + "-more")).contains("4bf92f3577b34da6a3ce929d0e0e4736"));
    }

    #[test]
    fn an_invalid_one_is_replaced() {
        let bad = [
            "",
            "x",
            &GIVEN[..54],
            &(GIVEN.to_owned() + "-x"),
            &GIVEN.to_uppercase(),
            &GIVEN.replacen("00", "ff", 1),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        ];
        for bad in bad {
            let ours = of(bad);
            assert!(parse(&ours).is_some() && !ours.contains("4bf92f"), "{bad}: {ours}");
        }
    }
}
