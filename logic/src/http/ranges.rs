//! Which bytes are asked for (RFC 9110 §14).

use std::ops::Range;

use http::header::{IF_NONE_MATCH, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue};

/// What is to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it, 200.
    All,
    /// Some of it, 206.
    Some(Range<u64>),
    /// Nothing of it is in there, 416.
    None,
    /// The asker has it already, 304.
    Nothing,
}

/// What the headers ask for, of so many bytes known by this tag. What cannot be read, and several ranges at once, are
/// answered with all of it, as the RFC allows.
pub(super) fn wanted(headers: &HeaderMap, size: u64, etag: &str) -> Wanted {
    let text = |value: Option<&HeaderValue>| value.and_then(|value| value.to_str().ok().map(str::to_owned));
    if let Some(known) = text(headers.get(IF_NONE_MATCH)) {
        let is_known =
            known.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag);
        if is_known {
            return Wanted::Nothing;
        }
    }
    let Some(range) = text(headers.get(RANGE)) else { return Wanted::All };
    // A date is no proof that the bytes are the same.
    if headers.contains_key(IF_RANGE) && text(headers.get(IF_RANGE)).as_deref() != Some(etag) {
        return Wanted::All;
    }
    parse(&range, size)
}

fn parse(range: &str, size: u64) -> Wanted {
    let Some((unit, one)) = range.split_once('=') else { return Wanted::All };
    if !unit.trim().eq_ignore_ascii_case("bytes") || one.contains(',') {
        return Wanted::All;
    }
    let Some((first, last)) = one.trim().split_once('-') else { return Wanted::All };
    let (first, last) = (first.trim(), last.trim());
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        // More than fits is more than there is.
        true => Some(text.parse::<u64>().unwrap_or(u64::MAX)),
        false => None,
    };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(count)) if first.is_empty() => match count {
            0 => return Wanted::None,
            count => size.saturating_sub(count)..size,
        },
        _ => return Wanted::All,
    };
    if range.start >= size { Wanted::None } else { Wanted::Some(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (range, expected) in [
            ("bytes=0-0", Wanted::Some(0..1)),
            ("bytes=2-4", Wanted::Some(2..5)),
            ("bytes=2-", Wanted::Some(2..10)),
            ("bytes=-3", Wanted::Some(7..10)),
            ("bytes=-99", Wanted::Some(0..10)),
            ("bytes=9-99", Wanted::Some(9..10)),
            ("Bytes = 0-99999999999999999999999", Wanted::Some(0..10)),
            ("bytes=10-", Wanted::None),
            ("bytes=99999999999999999999999-", Wanted::None),
            ("bytes=-0", Wanted::None),
            ("bytes=4-2", Wanted::All),
            ("bytes=0-1,3-4", Wanted::All),
            ("bytes=-", Wanted::All),
            ("bytes=a-b", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("lines=0-1", Wanted::All),
            ("bytes", Wanted::All),
        ] {
            assert_eq!(parse(range, 10), expected, "{range}");
        }
    }

    #[test]
    fn a_tag_says_whether_the_bytes_are_the_same() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs
                .iter()
                .map(|&(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value)))
                .collect::<HeaderMap>()
        };
        let wanted = |pairs: &[_]| wanted(&headers(pairs), 10, "\"a\"");
        assert_eq!(wanted(&[]), Wanted::All);
        assert_eq!(wanted(&[("if-none-match", "\"b\", W/\"a\"")]), Wanted::Nothing);
        assert_eq!(wanted(&[("if-none-match", "\"b\"")]), Wanted::All);
        assert_eq!(wanted(&[("range", "bytes=1-"), ("if-range", "\"a\"")]), Wanted::Some(1..10));
        for other in ["\"b\"", "W/\"a\"", "Sun, 22 Nov 2026 07:00:00 GMT"] {
            let found = headers(&[("range", "bytes=1-")]);
            let mut found = found;
            found.insert(IF_RANGE, HeaderValue::from_static(other));
            assert_eq!(super::wanted(&found, 10, "\"a\""), Wanted::All, "{other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_answered_is_there(range in "(bytes)?=?[0-9]{0,3}-?[0-9]{0,3}", size in 1..200_u64) {
            if let Wanted::Some(found) = parse(&range, size) {
                proptest::prop_assert!(found.start < found.end && found.end <= size);
            }
        }
    }
}
