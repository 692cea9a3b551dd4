//! Looks up in the history what was acknowledged.

use anyhow::Context;

use crate::system::{Account, Api};

use super::acked::Acked;
use super::tag::Tag;

/// What the look-up found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Acknowledged messages looked up.
    pub(crate) checked: u64,
    /// Of these, not stored under the seq that the ack named.
    pub(crate) missing: u64,
}

/// Looks up to `limit` acknowledged messages up, the same number in each conversation, from its first seq on.
pub(crate) async fn check(
    apis: &[Api],
    rooms: &[String],
    reader: impl Fn(usize) -> Account,
    acked: &Acked,
    limit: usize,
) -> anyhow::Result<Found> {
    let each = limit.div_ceil(rooms.len().max(1));
    let mut found = Found::default();
    for (room, id) in rooms.iter().enumerate() {
        let mut owed = acked.of(room).take(each).peekable();
        // From just before the first one on: earlier runs may have left much.
        let mut after = owed.peek().map_or(0, |(seq, _)| seq - 1);
        while owed.peek().is_some() {
            let api = &apis[room % apis.len()];
            let (page, more) =
                api.history(&reader(room), id, after).await.context("the history cannot be read")?;
            for stored in &page {
                let number = Tag::parse(&stored.client_msg_id).map(|tag| tag.number);
                while let Some((_, wanted)) = owed.next_if(|(seq, _)| *seq <= stored.seq) {
                    found.checked += 1;
                    found.missing += u64::from(number != Some(wanted));
                }
                after = stored.seq;
            }
            if !more {
                let rest = u64::try_from(owed.by_ref().count())?;
                found.checked += rest;
                found.missing += rest;
            }
        }
    }
    Ok(found)
}
