//! What a device is told: the newest message of a conversation, and how many are unread.

use oort_api::codec::envelope::name_of_kind;
use oort_api::pb::oort::v1::ConversationKind;
use serde::Serialize;

use crate::store::Due;

/// The data of a notification, as JSON, whatever carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notice {
    /// The same for every attempt, and for no other message: who gets it twice knows by it.
    pub(super) id: String,
    pub(super) user_id: String,
    pub(super) conversation_id: String,
    /// `direct` or `group`.
    pub(super) conversation_kind: &'static str,
    /// Of a group: its name; else who wrote. Empty when nothing is to be told.
    pub(super) title: String,
    /// The newest message of others.
    pub(super) seq: i64,
    /// Who sent it; empty when nothing is to be told.
    pub(super) sender: String,
    /// `text`, `image`, … of that message.
    pub(super) kind: &'static str,
    /// The beginning of its text; empty when there is none, or nothing is to be told.
    pub(super) text: String,
    /// Messages of others in the conversation that are not read.
    pub(super) unread: i64,
    /// When it was sent, ms since the epoch.
    pub(super) at_ms: i64,
}

impl Notice {
    /// Of a row of the queue, with so many characters of the message.
    pub(super) fn of(due: &Due, preview_chars: usize) -> Self {
        let is_told = preview_chars > 0;
        let text = match due.is_untold || due.is_hidden {
            true => String::new(),
            false => cut(&due.content, preview_chars),
        };
        let title = match due.kind {
            ConversationKind::Group => &due.name,
            _ => &due.sender_name,
        };
        Self {
            id: format!("{}-{}-{}", due.target.id, due.conversation, due.seq),
            user_id: due.target.user.to_string(),
            conversation_id: due.conversation.to_string(),
            conversation_kind: if due.kind == ConversationKind::Group { "group" } else { "direct" },
            title: if is_told { title.clone() } else { String::new() },
            seq: due.seq,
            sender: if is_told { due.sender_name.clone() } else { String::new() },
            kind: name_of_kind(due.message_kind),
            text,
            unread: due.unread,
            at_ms: due.sent_at_ms,
        }
    }

    /// The text under the title, where the system shows it and no app.
    pub(super) fn shown(&self) -> String {
        let text = match self.text.is_empty() {
            true if self.kind != "text" => format!("[{}]", self.kind),
            _ => self.text.clone(),
        };
        match self.conversation_kind {
            "group" => format!("{}: {text}", self.sender),
            _ => text,
        }
    }
}

/// At most so many characters; one that was cut ends with `…`.
fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some(_) if chars == 0 => String::new(),
        Some(_) => text.chars().take(chars - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::verdict::tests::due;
    use super::*;

    #[test]
    fn a_notice_says_what_it_may() {
        let whole = Notice::of(&due(), 100);
        assert_eq!((whole.id.as_str(), whole.title.as_str()), ("target-5-9", "team"));
        assert_eq!((whole.text.as_str(), whole.unread), ("Hello", 3));
        let again = Notice::of(&Due { attempts: 4, ..due() }, 100);
        assert_eq!(again, whole, "each attempt has the same id");
        let direct = Notice::of(&Due { kind: ConversationKind::Direct, ..due() }, 3);
        assert_eq!((direct.title.as_str(), direct.text.as_str()), ("bob", "He…"));
        let silent = Notice::of(&due(), 0);
        assert_eq!((silent.title, silent.sender, silent.text), Default::default());
        for gone in [Due { is_untold: true, ..due() }, Due { is_hidden: true, ..due() }] {
            assert_eq!(Notice::of(&gone, 100).text, "");
        }
        assert_eq!(cut("héé", 3), "héé");
    }
}
