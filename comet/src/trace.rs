//! W3C trace context: each command of a client begins a trace, as a socket has
//! no header that could bring one.

/// A new `traceparent`, sampled.
pub(crate) fn begin() -> String {
    let trace = uuid::Uuid::new_v4().simple();
    // A parent id of zeros is invalid (W3C Trace Context §3.2.2.4).
    let span = uuid::Uuid::new_v4().as_u64_pair().1 | 1;
    format!("00-{trace}-{span:016x}-01")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_the_form_of_the_header_and_is_new() {
        let (one, other) = (begin(), begin());
        assert_ne!(one, other);
        let fields: Vec<_> = one.split('-').map(str::len).collect();
        assert_eq!(fields, [2, 32, 16, 2]);
        assert!(one.bytes().all(|b| b == b'-' || b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
    }
}
