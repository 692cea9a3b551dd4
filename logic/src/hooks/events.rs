//! What one call tells of a conversation.

use oort_api::pb::oort::v1::{ChangeEvent, Message, MessageKind};

use crate::store::{ChangePage, HookPlace, Page};

/// Messages, then changes of messages that were told.
#[derive(Debug, PartialEq)]
pub(super) struct Events {
    pub(super) messages: Vec<Message>,
    pub(super) changes: Vec<ChangeEvent>,
    /// Up to where that is told then.
    pub(super) seq: i64,
    pub(super) change_seq: i64,
}

/// What is told next after a place. What the server itself says is passed over; a change waits until its message was
/// told, and those behind it with it, so that they come in their order.
pub(super) fn events(place: &HookPlace, page: Page, changes: ChangePage) -> Events {
    let Page { mut messages, has_more, head, .. } = page;
    let last = messages.last().map_or(place.seq, |last| last.seq);
    let seq = if has_more { last } else { last.max(head) };
    messages.retain(|message| message.kind() != MessageKind::System);
    let changes: Vec<ChangeEvent> =
        changes.changes.into_iter().take_while(|change| change.seq <= seq).collect();
    let change_seq = changes.last().map_or(place.change_seq, |last| last.change_seq);
    Events { messages, changes, seq, change_seq }
}

#[cfg(test)]
mod tests {
    use oort_api::ids::ConversationId;

    use super::*;

    const PLACE: (i64, i64) = (4, 2);

    fn told(messages: &[(i64, MessageKind)], has_more: bool, changes: &[(i64, i64)]) -> Events {
        let message =
            |&(seq, kind): &(i64, MessageKind)| Message { seq, kind: kind.into(), ..Message::default() };
        let head = messages.last().map_or(PLACE.0, |last| last.0) + i64::from(has_more);
        let messages = messages.iter().map(message).collect();
        let page = Page { messages, has_more, head, change_seq: 0 };
        let change =
            |&(change_seq, seq): &(i64, i64)| ChangeEvent { change_seq, seq, ..ChangeEvent::default() };
        let changes = ChangePage { changes: changes.iter().map(change).collect(), ..ChangePage::default() };
        let conversation = ConversationId::new(1).expect("positive");
        events(&HookPlace { conversation, seq: PLACE.0, change_seq: PLACE.1 }, page, changes)
    }

    #[test]
    fn changes_wait_for_their_message_in_their_order() {
        use MessageKind::{System, Text};
        let of = |told: &Events| {
            let messages: Vec<i64> = told.messages.iter().map(|message| message.seq).collect();
            let changes: Vec<i64> = told.changes.iter().map(|change| change.change_seq).collect();
            (messages, changes, told.seq, told.change_seq)
        };
        let all = told(&[(5, Text), (6, System), (7, Text)], false, &[(3, 1), (4, 7)]);
        assert_eq!(of(&all), (vec![5, 7], vec![3, 4], 7, 4));
        let some = told(&[(5, Text), (6, Text)], true, &[(3, 6), (4, 7), (5, 1)]);
        assert_eq!(of(&some), (vec![5, 6], vec![3], 6, 3));
        let server = told(&[(5, System)], false, &[]);
        assert_eq!(of(&server), (vec![], vec![], 5, 2), "nothing is told, and it goes on");
        assert_eq!(of(&told(&[], false, &[(3, 4)])), (vec![], vec![3], 4, 3));
    }
}
