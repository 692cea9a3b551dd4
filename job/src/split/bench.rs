//! What the micro-benchmark of routing reaches; no part of the API.

use oort_api::directory::{Directory, Error};
use oort_api::pb::goim::logic::PushMsg;

use super::{Found, Lookups, split};
use crate::decode::Audience;
use crate::decode::Record;

/// Looks `records` up as one poll does and splits each by comet. Returns the deliveries.
///
/// # Errors
/// When the directory does not answer.
pub async fn route(directory: &dyn Directory, records: &[PushMsg]) -> Result<usize, Error> {
    let records: Vec<_> = records.iter().filter_map(record).collect();
    let mut lookups = Lookups::default();
    records.iter().for_each(|record| lookups.add(&record.audience));
    let (users, keys, rooms) = lookups.lists();
    let routes = directory.route(&users, &keys, &rooms).await?;
    let found = Found { routes, ..Found::default() };
    Ok(records.iter().map(|record| split(record, &found).deliveries.len()).sum())
}

fn record(push: &PushMsg) -> Option<Record> {
    let audience = match push.room.is_empty() {
        false => Audience::Room(oort_api::RoomKey::new(&push.room).ok()?),
        true => {
            let users = push.user_ids.iter().filter_map(|&id| oort_api::UserId::new(id)).collect();
            Audience::Sessions { users, keys: Vec::new() }
        }
    };
    Some(Record { offset: 0, push: push.clone(), audience, is_fence: false, was_pushed: false })
}
