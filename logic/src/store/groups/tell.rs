//! What a change of a group publishes.

use bytes::Bytes;
use oort_api::pb::oort::v1::Message;

use super::{GroupOrder, Verdict, Write};
use crate::outbox::{self, Audience};
use crate::store::events;

/// Payload of a change: whoever comes enters first and whoever goes leaves first, then everybody gets the message, and
/// what the group shows when that changed. `message`: as it was appended.
pub(in crate::store) fn tell(order: &GroupOrder, verdict: &Verdict, message: Option<&Message>) -> Bytes {
    let group = &verdict.group;
    let at_ms = message.map_or(order.now_ms, |message| message.created_at_ms);
    let mut records = Vec::new();
    for write in &verdict.writes {
        match write {
            Write::Insert(added) => records.push(events::joined(group, &order.actor, added.clone(), at_ms)),
            Write::Delete(member) => records.push(events::left(&group.info, &order.actor, *member, at_ms)),
            Write::KeepMute(..) | Write::Update(..) => {}
        }
    }
    records.extend(message.map(|message| outbox::message_record(message, &Audience::Room, "")));
    if verdict.is_changed {
        let head = message.map_or(group.info.head, |message| message.seq);
        records.push(events::changed(group, head, &order.actor, at_ms));
    }
    outbox::encode(records)
}
