//! W3C trace context: each request is part of a trace, the caller's or a new one.

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
        let mut random = [0; 24];
        // Without randomness requests share a trace; that is no reason to refuse them.
        if getrandom::fill(&mut random).is_err() {
            random = [1; 24];
        }
        let (trace, span) = random.split_at(16);
        let given = headers.get(TRACEPARENT).and_then(|value| parse(value.to_str().ok()?));
        Self(
            match given {
                Some((trace, flags)) => format!("00-{trace}-{}-{flags}", Hex(span)),
                None => format!("00-{}-{}-01", Hex(trace), Hex(span)),
            }
            .into(),
        )
    }

    /// The trace's id.
    pub(super) fn trace_id(&self) -> &str {
        self.0.get(3..35).unwrap_or_default()
    }
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

struct Hex<'a>(&'a [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
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
