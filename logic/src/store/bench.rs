//! What the micro-benchmark of a transaction's plan reaches; no part of the API.

use oort_api::pb::oort::v1::ConversationKind;

use super::NewMessage;
use super::plan::{Blocked, Head, Known, plan};

/// Plans `batch` into open rooms that all exist: seqs, rows, the encoded outbox row. Returns the row's bytes.
#[must_use]
pub fn plan_rooms(batch: &[NewMessage], now_ms: i64) -> usize {
    let head = Head {
        kind: ConversationKind::Room,
        last_seq: 1000,
        last_at_ms: now_ms,
        pair: None,
        blocked: Blocked::default(),
        is_muted_all: false,
        is_dissolved: false,
        expires_in_ms: 0,
    };
    let heads = batch.iter().map(|message| (message.conversation.get(), head.clone())).collect();
    let known = Known { heads, ..Known::default() };
    plan(batch, known, now_ms).payload.map_or(0, |payload| payload.len())
}
