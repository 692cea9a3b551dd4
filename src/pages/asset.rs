//! One embedded file, and the answer that carries it.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::encoding::{Encoding, preferred};

/// A file of the client, known at build time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asset {
    /// Where it is served; a page ends with `/`.
    pub(super) path: &'static str,
    /// Its media type.
    pub(super) kind: &'static str,
    /// A weak entity tag, one for all encodings; a file without one is sent anew each time.
    pub(super) tag: Option<&'static str>,
    /// What the page may do; only pages have one.
    pub(super) policy: Option<&'static str>,
    /// The path names the content, so that it may be kept for ever.
    pub(super) is_immutable: bool,
    pub(super) identity: &'static [u8],
    pub(super) brotli: Option<&'static [u8]>,
    pub(super) gzip: Option<&'static [u8]>,
}

/// What a file that is no page may do when it is opened by itself, or runs as a worker.
const POLICY_OF_PARTS: &str =
    "default-src 'none'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'";

/// Headers of every file.
const ALWAYS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), \
         midi=(), payment=(), serial=(), usb=()",
    ),
];

impl Asset {
    /// The answer to a GET or HEAD with these headers.
    pub(super) fn answer(&self, status: StatusCode, method: &Method, request: &HeaderMap) -> Response {
        let (encoding, bytes) = self.choose(request);
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        for (name, value) in ALWAYS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let policy = self.policy.unwrap_or(POLICY_OF_PARTS);
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        let lifetime = if self.is_immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(lifetime));
        if let Some(tag) = self.tag {
            headers.insert(header::ETAG, HeaderValue::from_static(tag));
        }
        if self.brotli.is_some() || self.gzip.is_some() {
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        if status == StatusCode::OK && self.is_known_to(request) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        if let Some(name) = encoding.name() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        *response.status_mut() = status;
        if method != Method::HEAD {
            *response.body_mut() = Body::from(Bytes::from_static(bytes));
        }
        response
    }

    fn choose(&self, request: &HeaderMap) -> (Encoding, &'static [u8]) {
        let copies = [
            (Encoding::Brotli, self.brotli),
            (Encoding::Gzip, self.gzip),
            (Encoding::Identity, Some(self.identity)),
        ];
        let there: Vec<_> =
            copies.into_iter().filter_map(|(encoding, bytes)| Some((encoding, bytes?))).collect();
        let accepted = request.get_all(header::ACCEPT_ENCODING).iter();
        let accepted: Vec<_> = accepted.filter_map(|value| value.to_str().ok()).collect();
        let wanted = preferred(&accepted, there.iter().map(|(encoding, _)| *encoding));
        there
            .into_iter()
            .find(|(encoding, _)| *encoding == wanted)
            .unwrap_or((Encoding::Identity, self.identity))
    }

    /// Whether the client has this very file already (RFC 9110 §13.1.2).
    fn is_known_to(&self, request: &HeaderMap) -> bool {
        let Some(own) = self.tag.map(opaque) else { return false };
        request
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .any(|tag| tag == "*" || opaque(tag) == own)
    }
}

/// What a weak comparison looks at.
fn opaque(tag: &str) -> &str {
    tag.trim_start_matches("W/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: Asset = Asset {
        path: "/a.js",
        kind: "text/javascript; charset=utf-8",
        tag: Some("W/\"abc\""),
        policy: None,
        is_immutable: true,
        identity: b"plain",
        brotli: Some(b"br"),
        gzip: Some(b"gz"),
    };

    fn asked(headers: &[(HeaderName, &'static str)]) -> HeaderMap {
        headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    fn header<'a>(response: &'a Response, name: &str) -> &'a str {
        response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    #[test]
    fn the_encoding_follows_the_request() {
        for (accepted, encoding, length) in [("gzip, br", "br", "2"), ("gzip", "gzip", "2"), ("", "", "5")] {
            let response =
                SCRIPT.answer(StatusCode::OK, &Method::GET, &asked(&[(header::ACCEPT_ENCODING, accepted)]));
            assert_eq!(header(&response, "content-encoding"), encoding, "{accepted:?}");
            assert_eq!(header(&response, "content-length"), length, "{accepted:?}");
            assert_eq!(header(&response, "vary"), "accept-encoding");
        }
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        for known in ["W/\"abc\"", "\"abc\"", "\"x\", W/\"abc\"", "*"] {
            let response =
                SCRIPT.answer(StatusCode::OK, &Method::GET, &asked(&[(header::IF_NONE_MATCH, known)]));
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(header(&response, "etag"), "W/\"abc\"");
            assert_eq!(header(&response, "content-length"), "");
        }
        let response =
            SCRIPT.answer(StatusCode::OK, &Method::GET, &asked(&[(header::IF_NONE_MATCH, "\"ab\"")]));
        assert_eq!(response.status(), StatusCode::OK);
    }

    #[test]
    fn an_error_page_is_never_not_modified() {
        let response =
            SCRIPT.answer(StatusCode::NOT_FOUND, &Method::GET, &asked(&[(header::IF_NONE_MATCH, "*")]));
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn hashed_names_are_kept_and_pages_asked_for_each_time() {
        let lifetime = |asset: Asset| {
            let response = asset.answer(StatusCode::OK, &Method::GET, &HeaderMap::new());
            header(&response, "cache-control").to_owned()
        };
        assert_eq!(lifetime(SCRIPT), "public, max-age=31536000, immutable");
        assert_eq!(lifetime(Asset { is_immutable: false, ..SCRIPT }), "no-cache");
    }

    #[test]
    fn every_file_carries_its_guards() {
        let page = Asset { policy: Some("default-src 'self'"), ..SCRIPT };
        let response = page.answer(StatusCode::OK, &Method::HEAD, &HeaderMap::new());
        assert_eq!(header(&response, "content-security-policy"), "default-src 'self'");
        for (name, value) in ALWAYS {
            assert_eq!(header(&response, name.as_str()), value);
        }
    }
}
