//! Compressed messages (RFC 7692, `permessage-deflate`).
//!
//! Neither side keeps anything from one message to the next (`server_no_context_takeover`,
//! `client_no_context_takeover`, always): a compressed frame is the same bytes for all its receivers, and a connection
//! holds no compressor.

mod deflater;
mod inflater;

use http::HeaderMap;
use http::header::{HeaderValue, SEC_WEBSOCKET_EXTENSIONS};

pub use deflater::{Deflater, deflate_frames};
pub use inflater::Inflater;

/// The end of each compressed message, which is not sent (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// The window that everybody has unless told otherwise, as a power of two.
const WINDOW_BITS_MAX: u8 = 15;

/// What the first offer of a client that can be taken comes to; the header of the answer. `None`: nothing is compressed.
///
/// An offer with a parameter that is not known, malformed or there twice is passed over, as RFC 7692 §7.1 wants, and so is
/// one that asks for a smaller window of the server: frames are made for all receivers alike.
pub fn negotiate(headers: &HeaderMap) -> Option<HeaderValue> {
    headers
        .get_all(SEC_WEBSOCKET_EXTENSIONS)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(answer)
}

/// The answer to one offer.
fn answer(offer: &str) -> Option<HeaderValue> {
    let mut parts = offer.split(';').map(str::trim);
    if parts.next() != Some("permessage-deflate") {
        return None;
    }
    let mut seen = Vec::new();
    let mut names_window = false;
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(unquoted(value.trim_start()))),
            None => (part, None),
        };
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        match (name, value) {
            (
                "server_no_context_takeover" | "client_no_context_takeover" | "client_max_window_bits",
                None,
            ) => {}
            // A smaller window of the client's is its own affair: ours for reading is the largest.
            ("client_max_window_bits", Some(bits)) if window_bits(bits).is_some() => {}
            ("server_max_window_bits", Some(bits)) if window_bits(bits) == Some(WINDOW_BITS_MAX) => {
                names_window = true;
            }
            _ => return None,
        }
    }
    Some(HeaderValue::from_static(if names_window {
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15"
    } else {
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    }))
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// 8 to 15, without leading zeros (RFC 7692 §7.1.2.1).
fn window_bits(value: &str) -> Option<u8> {
    let bits = value.parse().ok().filter(|bits| (8..=WINDOW_BITS_MAX).contains(bits))?;
    (!value.starts_with(['0', '+'])).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_to(lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_str(line).unwrap());
        }
        negotiate(&headers).map(|value| value.to_str().unwrap().to_owned())
    }

    const TAKEN: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    #[test]
    fn what_browsers_offer_is_taken() {
        for offer in [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate;client_max_window_bits=9 ; server_no_context_takeover",
            "permessage-deflate; client_max_window_bits=\"12\"",
            "x-webkit-deflate-frame, permessage-deflate; client_no_context_takeover",
        ] {
            assert_eq!(answer_to(&[offer]).as_deref(), Some(TAKEN), "{offer}");
        }
        let named = answer_to(&["permessage-deflate; server_max_window_bits=15"]).unwrap();
        assert_eq!(named, format!("{TAKEN}; server_max_window_bits=15"));
    }

    #[test]
    fn what_cannot_be_taken_is_passed_over() {
        for offer in [
            "",
            "permessage-bzip2",
            "permessage-deflate; x",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; client_max_window_bits=7",
            "permessage-deflate; client_max_window_bits=08",
            "permessage-deflate; client_max_window_bits=",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            "permessage-deflate;",
        ] {
            assert_eq!(answer_to(&[offer]), None, "{offer}");
            assert_eq!(answer_to(&[offer, "permessage-deflate"]).as_deref(), Some(TAKEN), "after {offer}");
        }
    }
}
