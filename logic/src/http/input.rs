//! Extractors that refuse in our shape whatever cannot be read.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Path as AxumPath, Query as AxumQuery, Request};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;
use oort_api::Code;
use serde::de::DeserializeOwned;

use super::door::Door;
use super::refused::Refused;

/// A JSON body, declared as such.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Door>> for Json<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, door: &Arc<Door>) -> Result<Self, Refused> {
        if !is_json(request.headers()) {
            return Err(Refused::new(
                Code::InvalidRequest,
                "the body must be sent as content-type: application/json",
            ));
        }
        let Body(body) = Body::from_request(request, door).await?;
        parse(&body).map(Self)
    }
}

/// Reads JSON whatever it was declared as.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| Refused::new(Code::InvalidRequest, format!("body: {error}")))
}

/// Whether the body is declared as JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = declared.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// A body that is too large is read to this many times the limit all the same:
/// a connection closed with unread bytes is reset, and the refusal lost with it.
const READ_TO_REFUSE: usize = 4;

/// Any body, within the limit.
pub(super) struct Body(pub(super) Bytes);

impl FromRequest<Arc<Door>> for Body {
    type Rejection = Refused;

    async fn from_request(request: Request, door: &Arc<Door>) -> Result<Self, Refused> {
        check_plain(request.headers())?;
        let bytes_max = door.config.body_bytes_max;
        let mut body = request.into_body();
        let (mut bytes, mut read) = (BytesMut::new(), 0_usize);
        while let Some(frame) = body.frame().await {
            let frame =
                frame.map_err(|_| Refused::new(Code::InvalidRequest, "the body could not be read"))?;
            let Ok(data) = frame.into_data() else { continue };
            read = read.saturating_add(data.len());
            if read <= bytes_max {
                bytes.extend_from_slice(&data);
            } else if read / READ_TO_REFUSE > bytes_max {
                break;
            }
        }
        if read > bytes_max {
            return Err(Refused::new(Code::TooLarge, format!("the body is larger than {bytes_max} bytes")));
        }
        Ok(Self(bytes.freeze()))
    }
}

/// Nothing is unpacked here: a few bytes could become very many.
pub(super) fn check_plain(headers: &HeaderMap) -> Result<(), Refused> {
    let is_plain = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get_all(CONTENT_ENCODING).iter().all(is_plain) {
        return Ok(());
    }
    Err(Refused::new(Code::InvalidRequest, "the body must be sent as it is, without content-encoding"))
}

/// A query string.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Door>> for Query<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, door: &Arc<Door>) -> Result<Self, Refused> {
        match AxumQuery::from_request_parts(parts, door).await {
            Ok(AxumQuery(query)) => Ok(Self(query)),
            Err(rejection) => {
                Err(Refused::new(Code::InvalidRequest, format!("query: {}", rejection.body_text())))
            }
        }
    }
}

/// Parameters of a path, each a text that must parse.
pub(super) struct Path<T>(pub(super) T);

impl<T: FromStr + Send> FromRequestParts<Arc<Door>> for Path<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, door: &Arc<Door>) -> Result<Self, Refused> {
        let text = AxumPath::<String>::from_request_parts(parts, door).await;
        let parsed = text.ok().and_then(|AxumPath(text)| text.parse().ok());
        parsed.map(Self).ok_or_else(bad_id)
    }
}

/// Two parameters of a path.
pub(super) struct Path2<A, B>(pub(super) A, pub(super) B);

impl<A: FromStr + Send, B: FromStr + Send> FromRequestParts<Arc<Door>> for Path2<A, B> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, door: &Arc<Door>) -> Result<Self, Refused> {
        let texts = AxumPath::<(String, String)>::from_request_parts(parts, door).await;
        let AxumPath((a, b)) = texts.map_err(|_| bad_id())?;
        let (Ok(a), Ok(b)) = (a.parse(), b.parse()) else { return Err(bad_id()) };
        Ok(Self(a, b))
    }
}

/// Three parameters of a path.
pub(super) struct Path3<A, B, C>(pub(super) A, pub(super) B, pub(super) C);

impl<A, B, C> FromRequestParts<Arc<Door>> for Path3<A, B, C>
where
    A: FromStr + Send,
    B: FromStr + Send,
    C: FromStr + Send,
{
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, door: &Arc<Door>) -> Result<Self, Refused> {
        let texts = AxumPath::<(String, String, String)>::from_request_parts(parts, door).await;
        let AxumPath((a, b, c)) = texts.map_err(|_| bad_id())?;
        let (Ok(a), Ok(b), Ok(c)) = (a.parse(), b.parse(), c.parse()) else { return Err(bad_id()) };
        Ok(Self(a, b, c))
    }
}

/// The client's own name for its request, from the header.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Refused> {
    let key = headers.get("idempotency-key").map(HeaderValue::to_str).transpose();
    key.map_err(|_| Refused::new(Code::InvalidField, "idempotency-key: is not ASCII"))
}

fn bad_id() -> Refused {
    Refused::new(Code::InvalidField, "path: an id is a positive decimal number")
}
