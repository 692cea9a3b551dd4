//! The bodies of goim's own operations: the JSON of op 7, and the lists of
//! ops 14 and 16 (`internal/logic/conn.go`, `internal/comet/operation.go` of
//! goim at 1800484). The other bodies are plain text or one int32.

use std::fmt;

use serde::Deserialize;

use crate::ids::KEY_BYTES_MAX;

/// Most operations one connection can name, at authentication or in one list.
pub const OPS_MAX: usize = 256;
/// Longest platform name taken, bytes.
pub const PLATFORM_BYTES_MAX: usize = 64;
/// Longest token taken, bytes: what a body of goim's 4096 leaves room for.
pub const TOKEN_BYTES_MAX: usize = 4096;

/// The body of op 7. Absent and `null` fields have their default; unknown
/// fields are skipped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AuthBody {
    /// User id; 0 or less = no user.
    pub mid: i64,
    /// Connection id the client wants; empty = the server chooses.
    pub key: String,
    /// Room to be in, `type://id`; empty = none.
    pub room_id: String,
    /// Free text.
    pub platform: String,
    /// Operations the connection wants; empty = all.
    pub accepts: Vec<i32>,
    /// An access token. Not goim's: what makes `mid` believable.
    pub token: Option<String>,
}

impl fmt::Debug for AuthBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "<hidden>");
        f.debug_struct("AuthBody")
            .field("mid", &self.mid)
            .field("key", &self.key)
            .field("room_id", &self.room_id)
            .field("platform", &self.platform)
            .field("accepts", &self.accepts)
            .field("token", &token)
            .finish()
    }
}

/// Why a body is not what its operation needs. Never quotes the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The body of op 7 is not JSON, or a field has the wrong type.
    #[error("the body of op 7 cannot be read at byte {column}")]
    Auth {
        /// Where reading stopped, from 1.
        column: usize,
    },
    /// A text is longer than taken.
    #[error("{field} has {bytes} bytes, at most {bytes_max} are taken")]
    TooLong {
        /// Its name.
        field: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// More operations than [`OPS_MAX`].
    #[error("at most {OPS_MAX} operations are taken")]
    TooManyOps,
    /// An element of a list is not an int32 in decimal.
    #[error("element {index} of the list is not an operation")]
    NotAnOp {
        /// Its place, from 0.
        index: usize,
    },
}

/// As it stands in JSON; `null` counts as absent, as in Go.
#[derive(Deserialize)]
struct AuthJson {
    mid: Option<i64>,
    key: Option<String>,
    room_id: Option<String>,
    platform: Option<String>,
    accepts: Option<Vec<i32>>,
    token: Option<String>,
}

impl AuthBody {
    /// Reads the body of op 7.
    ///
    /// # Errors
    /// [`BodyError::Auth`], [`BodyError::TooLong`] or [`BodyError::TooManyOps`].
    pub fn parse(body: &[u8]) -> Result<Self, BodyError> {
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(BodyError::Auth { column: 1 });
        }
        let json: AuthJson =
            serde_json::from_slice(body).map_err(|error| BodyError::Auth { column: error.column() })?;
        let accepts = json.accepts.unwrap_or_default();
        if accepts.len() > OPS_MAX {
            return Err(BodyError::TooManyOps);
        }
        Ok(Self {
            mid: json.mid.unwrap_or_default(),
            key: bounded("key", json.key, KEY_BYTES_MAX)?.unwrap_or_default(),
            room_id: bounded("room_id", json.room_id, KEY_BYTES_MAX)?.unwrap_or_default(),
            platform: bounded("platform", json.platform, PLATFORM_BYTES_MAX)?.unwrap_or_default(),
            accepts,
            token: bounded("token", json.token, TOKEN_BYTES_MAX)?.filter(|token| !token.is_empty()),
        })
    }
}

fn bounded(field: &'static str, text: Option<String>, bytes_max: usize) -> Result<Option<String>, BodyError> {
    match text {
        Some(text) if text.len() > bytes_max => {
            Err(BodyError::TooLong { field, bytes: text.len(), bytes_max })
        }
        other => Ok(other),
    }
}

/// Reads the body of ops 14 and 16: int32s in decimal with commas between.
/// An empty body is an empty list.
///
/// # Errors
/// [`BodyError::NotAnOp`] or [`BodyError::TooManyOps`].
pub fn parse_ops(body: &[u8]) -> Result<Vec<i32>, BodyError> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let mut ops = Vec::new();
    for (index, element) in body.split(|&byte| byte == b',').enumerate() {
        if index == OPS_MAX {
            return Err(BodyError::TooManyOps);
        }
        let op = std::str::from_utf8(element).ok().and_then(|text| text.parse().ok());
        ops.push(op.ok_or(BodyError::NotAnOp { index })?);
    }
    Ok(ops)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The body goim's own clients send (`examples/javascript/client.js`).
    #[test]
    fn goims_own_body_parses() {
        let body = br#"{"mid":123, "room_id":"live://1000", "platform":"web", "accepts":[1000,1001,1002]}"#;
        let auth = AuthBody::parse(body).expect("parses");
        let expected = AuthBody {
            mid: 123,
            room_id: "live://1000".into(),
            platform: "web".into(),
            accepts: vec![1000, 1001, 1002],
            ..AuthBody::default()
        };
        assert_eq!(auth, expected);
    }

    #[test]
    fn absent_null_and_unknown_fields_are_fine() {
        let body = br#"{"mid":null,"accepts":null,"token":"","colour":{"a":[1]}}"#;
        assert_eq!(AuthBody::parse(body), Ok(AuthBody::default()));
        assert_eq!(AuthBody::parse(b"{}"), Ok(AuthBody::default()));
    }

    #[test]
    fn only_an_object_will_do() {
        for bad in ["", " ", "[1,\"k\",\"\",\"\",[],\"\"]", "null", "7", "{", "{}x"] {
            assert!(matches!(AuthBody::parse(bad.as_bytes()), Err(BodyError::Auth { .. })), "{bad:?}");
        }
    }

    #[test]
    fn bounds_hold() {
        let long = |field: &str, bytes: usize| format!(r#"{{"{field}":"{}"}}"#, "x".repeat(bytes));
        for (field, bytes_max) in [("key", 128), ("room_id", 128), ("platform", 64), ("token", 4096)] {
            assert!(AuthBody::parse(long(field, bytes_max).as_bytes()).is_ok());
            let error = AuthBody::parse(long(field, bytes_max + 1).as_bytes());
            assert_eq!(error, Err(BodyError::TooLong { field, bytes: bytes_max + 1, bytes_max }));
        }
        let ops = vec!["1"; OPS_MAX + 1].join(",");
        assert_eq!(parse_ops(ops.as_bytes()), Err(BodyError::TooManyOps));
        assert_eq!(
            AuthBody::parse(format!(r#"{{"accepts":[{ops}]}}"#).as_bytes()),
            Err(BodyError::TooManyOps)
        );
    }

    #[test]
    fn errors_and_debug_keep_secrets() {
        let error = AuthBody::parse(br#"{"mid":"s3cret"}"#).expect_err("wrong type");
        assert!(!error.to_string().contains("s3cret"));
        let auth = AuthBody::parse(br#"{"token":"s3cret"}"#).expect("parses");
        assert!(!format!("{auth:?}").contains("s3cret"));
    }

    #[test]
    fn op_lists() {
        assert_eq!(parse_ops(b"1000,1001,-5"), Ok(vec![1000, 1001, -5]));
        assert_eq!(parse_ops(b""), Ok(vec![]));
        for (bad, index) in [("1,", 1), (",1", 0), ("1, 2", 1), ("x", 0), ("1,2147483648", 1), ("1\u{0}", 0)]
        {
            assert_eq!(parse_ops(bad.as_bytes()), Err(BodyError::NotAnOp { index }), "{bad:?}");
        }
        assert_eq!(parse_ops(&[0xff, b',']), Err(BodyError::NotAnOp { index: 0 }));
    }

    proptest! {
        #[test]
        fn arbitrary_bodies_never_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            _ = AuthBody::parse(&body);
            _ = parse_ops(&body);
        }

        #[test]
        fn op_lists_round_trip(ops in proptest::collection::vec(any::<i32>(), 0..OPS_MAX)) {
            let text = ops.iter().map(i32::to_string).collect::<Vec<_>>().join(",");
            prop_assert_eq!(parse_ops(text.as_bytes()), Ok(ops));
        }
    }
}
