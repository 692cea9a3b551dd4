//! The one shape of every refusal: `{code, message, details?}`.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use oort_api::Code;
use oort_api::error::Refusal;
use serde::{Serialize, Serializer};
use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A refusal on its way to a client.
#[derive(Debug)]
pub(super) struct Refused(pub(super) Refusal);

impl Refused {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Refusal::new(code, message))
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(refusal) = self;
        let mut response = (status(refusal.code), headers(&refusal)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.extensions_mut().insert(refusal.code);
        let body = ErrorBody { code: ErrorCode(refusal.code), message: refusal.message, details: None };
        *response.body_mut() = serde_json::to_vec(&body).unwrap_or_default().into();
        response
    }
}

/// The status a code is answered with.
pub(super) fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// When to come back, and by which scheme to log in.
pub(super) fn headers(refusal: &Refusal) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(ms) = refusal.retry_after_ms {
        // The header has whole seconds; sooner than asked would be refused again.
        headers.insert(RETRY_AFTER, HeaderValue::from(ms.div_ceil(1000).max(1)));
    }
    if refusal.code.http_status() == 401 {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    headers
}

/// What every refusal looks like.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Error)]
pub(super) struct ErrorBody {
    /// What programs match on.
    code: ErrorCode,
    /// What people read; its wording may change.
    message: String,
    /// More for programs, by code.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Value>,
}

/// A stable error code.
#[derive(Debug, Clone, Copy)]
struct ErrorCode(Code);

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl PartialSchema for ErrorCode {
    fn schema() -> RefOr<Schema> {
        let codes = Code::ALL.iter().map(|code| code.as_str());
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .description(Some("A stable error code."))
            .enum_values(Some(codes))
            .into()
    }
}

impl ToSchema for ErrorCode {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_up() {
        for (ms, seconds) in [(1, "1"), (1000, "1"), (1001, "2"), (0, "1"), (59_500, "60")] {
            let refusal = Refusal { retry_after_ms: Some(ms), ..Refusal::new(Code::RateLimited, "") };
            let response = Refused(refusal).into_response();
            assert_eq!(response.headers()[RETRY_AFTER], seconds, "{ms}");
        }
    }

    #[test]
    fn every_code_has_its_status() {
        for &code in Code::ALL {
            assert_eq!(Refused::new(code, "").into_response().status().as_u16(), code.http_status());
        }
    }
}
