//! Messages whose time ends: what is left of them then, for whoever shows one.
//!
//! Asked wherever a message leaves the server, so that nobody waits for the sweep that erases it.

use crate::pb::oort::v1::message_extra::Gone;
use crate::pb::oort::v1::{ChangeEvent, Message, MessageExtra};

/// Whether a time is over; 0 = it never is.
#[must_use]
pub const fn is_over(at_ms: i64, now_ms: i64) -> bool {
    at_ms > 0 && at_ms <= now_ms
}

/// When a message ends that is written then: after its own time or that of its conversation, whichever is shorter. 0 = none.
#[must_use]
pub fn deadline(created_at_ms: i64, own_in_ms: i64, conversation_in_ms: i64) -> i64 {
    let times = [own_in_ms, conversation_in_ms].into_iter().filter(|&in_ms| in_ms > 0);
    times.min().map_or(0, |in_ms| created_at_ms.saturating_add(in_ms))
}

/// Leaves of a message what may be shown at that time, and of the message that it quotes.
pub fn hide(message: &mut Message, now_ms: i64) {
    let Some(extra) = &mut message.extra else { return };
    if is_ended(extra, now_ms) {
        message.content.clear();
        *extra = remains(extra);
    } else if let Some(quote) = &mut extra.quote
        && is_over(quote.expires_at_ms, now_ms)
    {
        quote.content.clear();
    }
}

/// Leaves of a change what may be shown at that time.
pub fn hide_of_change(change: &mut ChangeEvent, now_ms: i64) {
    if is_over(change.expires_at_ms, now_ms) {
        change.content.clear();
        change.count = 0;
    }
}

/// Whether a message has ended that was not taken back before.
#[must_use]
pub fn is_ended(extra: &MessageExtra, now_ms: i64) -> bool {
    extra.gone() == Gone::NotGone && is_over(extra.expires_at_ms, now_ms)
}

/// What is left beside the text of a message that ended.
#[must_use]
pub fn remains(extra: &MessageExtra) -> MessageExtra {
    MessageExtra {
        gone: Gone::Expired.into(),
        expires_at_ms: extra.expires_at_ms,
        change_seq: extra.change_seq,
        ..MessageExtra::default()
    }
}

/// When something of a message is to be erased next: all of it, or what it quotes. `None`: never.
#[must_use]
pub fn next_ms(extra: &MessageExtra) -> Option<i64> {
    if extra.gone() != Gone::NotGone {
        return None;
    }
    let quoted = extra.quote.as_ref().filter(|quote| !quote.content.is_empty());
    let times = [extra.expires_at_ms, quoted.map_or(0, |quote| quote.expires_at_ms)];
    times.into_iter().filter(|&at_ms| at_ms > 0).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::oort::v1::{Details, Quote, Reaction};

    fn message(expires_at_ms: i64, quoted_until_ms: i64) -> Message {
        let quote = Quote {
            seq: 1,
            content: "before".to_owned(),
            expires_at_ms: quoted_until_ms,
            ..Quote::default()
        };
        let reaction = Reaction { emoji: "+".to_owned(), count: 1, mine: false };
        let extra = MessageExtra {
            details: Some(Details { mentions_all: true, ..Details::default() }),
            quote: Some(quote),
            change_seq: 3,
            reactions: vec![reaction],
            expires_at_ms,
            ..MessageExtra::default()
        };
        Message { content: "now".to_owned(), extra: Some(extra), ..Message::default() }
    }

    fn shown(mut message: Message, now_ms: i64) -> (String, MessageExtra) {
        hide(&mut message, now_ms);
        (message.content, message.extra.unwrap_or_default())
    }

    #[test]
    fn from_the_deadline_on_nothing_is_left_but_the_place() {
        let before = message(100, 0);
        assert_eq!(shown(before.clone(), 99).0, "now");
        let (content, extra) = shown(before, 100);
        let left = MessageExtra {
            gone: Gone::Expired.into(),
            expires_at_ms: 100,
            change_seq: 3,
            ..MessageExtra::default()
        };
        assert_eq!((content.as_str(), extra), ("", left));
        assert_eq!(shown(message(0, 0), i64::MAX).0, "now", "one without an end stays");
    }

    #[test]
    fn what_is_quoted_ends_by_itself() {
        let quoted = |now_ms| shown(message(0, 100), now_ms).1.quote.unwrap_or_default().content;
        assert_eq!((quoted(99).as_str(), quoted(100).as_str()), ("before", ""));
    }

    #[test]
    fn what_was_taken_back_stays_so() {
        let mut recalled = message(100, 0);
        recalled.extra = Some(MessageExtra { gone: Gone::Recalled.into(), ..MessageExtra::default() });
        assert_eq!(shown(recalled, 200).1.gone(), Gone::Recalled);
    }

    #[test]
    fn the_shorter_time_counts() {
        for (own, conversation, at) in [(0, 0, 0), (5, 0, 1_005), (0, 7, 1_007), (5, 7, 1_005), (9, 7, 1_007)]
        {
            assert_eq!(deadline(1_000, own, conversation), at);
        }
        assert_eq!(deadline(1_000, i64::MAX, 0), i64::MAX);
    }

    #[test]
    fn what_is_erased_first_comes_first() {
        let next = |message: &Message| next_ms(message.extra.as_ref().expect("has one"));
        assert_eq!(next(&message(0, 0)), None);
        assert_eq!(next(&message(100, 0)), Some(100));
        assert_eq!(next(&message(100, 50)), Some(50));
        assert_eq!(next(&message(50, 100)), Some(50));
        let mut trimmed = message(100, 50);
        hide(&mut trimmed, 60);
        assert_eq!(next(&trimmed), Some(100), "what it quoted is gone");
        hide(&mut trimmed, 100);
        assert_eq!(next(&trimmed), None);
    }
}
