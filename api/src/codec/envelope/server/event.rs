//! The payload of `event`.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::pb::oort::v1::UserEvent;

#[derive(Serialize)]
pub(super) struct UserEventJson<'a> {
    seq: i64,
    at: i64,
    kind: &'a str,
    data: &'a RawValue,
}

impl<'a> UserEventJson<'a> {
    /// `None`: its data is no JSON.
    pub(super) fn new(event: &'a UserEvent) -> Option<Self> {
        let data = serde_json::from_str(&event.data).ok()?;
        Some(Self { seq: event.seq, at: event.at_ms, kind: &event.kind, data })
    }
}
