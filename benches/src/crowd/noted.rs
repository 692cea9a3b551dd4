//! What frames say, as the ledger writes it down.

use crate::ledger::{Event, Placed};
use crate::load::frames;
use crate::load::tag::Tag;

/// The client message id of a send.
pub(crate) fn text(tag: Tag) -> String {
    String::from_utf8_lossy(&tag.text()).into_owned()
}

/// A message at its place.
pub(crate) fn placed(message: &frames::Message<'_>) -> Placed {
    Placed { seq: message.seq, id: message.client_msg_id.to_string() }
}

/// A page, whose messages come oldest first.
pub(crate) fn shown<'a>(
    room: usize,
    after: Option<i64>,
    oldest_first: impl Iterator<Item = &'a frames::Message<'a>>,
    page: &frames::Messages<'_>,
) -> Event {
    let messages = oldest_first.map(placed).collect();
    Event::Page { room, after, messages, more: page.has_more_messages, head: page.head }
}
