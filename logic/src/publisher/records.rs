//! Outbox rows as records of the bus.

use oort_api::bus::Record;
use oort_api::pb::oort::v1::OutboxBatch;
use prost::Message as _;

use crate::store::OutboxRow;

/// The records of a row, in order; `None` when it cannot be read.
pub(super) fn records(row: &OutboxRow) -> Option<Vec<Record>> {
    let batch = OutboxBatch::decode(row.payload.clone())
        .inspect_err(|cause| tracing::error!(outbox_id = row.id, %cause, "an outbox row cannot be read; its messages are in history only"))
        .ok()?;
    Some(
        batch
            .records
            .into_iter()
            .map(|record| Record {
                key: record.key,
                value: record.push_msg,
                traceparent: Some(record.traceparent).filter(|traceparent| !traceparent.is_empty()),
            })
            .collect(),
    )
}
