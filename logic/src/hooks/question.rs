//! What the hook before a send is asked.

use oort_api::codec::envelope::{name_of_conversation_kind, name_of_kind};
use oort_api::ids::{ConversationId, Seq};
use oort_api::pb::oort::v1::{ConversationKind, Details, User};
use prost::Message;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::store::NewMessage;

/// What a question has beside its text, about.
const QUESTION_BYTES: usize = 512;

/// A text that it is asked about.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    /// The same when the sender repeats it.
    id: String,
    conversation: ConversationId,
    kind: ConversationKind,
    sender: &'a User,
    /// It is another text for this message.
    edit_of: Option<Seq>,
    /// The sender's id for it; empty for an edit.
    client_msg_id: &'a str,
    content: &'a str,
    /// What it has beside the text.
    details: Option<&'a Details>,
}

impl<'a> Question<'a> {
    /// About a message.
    pub(crate) fn of(message: &'a NewMessage, kind: ConversationKind) -> Self {
        Self {
            id: id_of(message),
            conversation: message.conversation,
            kind,
            sender: &message.sender,
            edit_of: None,
            client_msg_id: &message.client_msg_id,
            content: &message.content,
            details: message.details.as_deref(),
        }
    }

    /// About another text for a message.
    pub(crate) fn of_edit(
        sender: &'a User,
        (conversation, seq): (ConversationId, Seq),
        kind: ConversationKind,
        content: &'a str,
    ) -> Self {
        let digest = short(&Sha256::digest(content.as_bytes()));
        let id = format!("edit-{conversation}-{seq}-{}-{digest}", sender.id);
        let edit_of = Some(seq);
        Self { id, conversation, kind, sender, edit_of, client_msg_id: "", content, details: None }
    }

    /// About so many bytes of a call.
    pub(super) fn bytes(&self) -> usize {
        let attachment = self.details.map_or(0, |details| details.attachment.len());
        QUESTION_BYTES + self.content.len() + attachment
    }

    /// It may have no text.
    pub(super) fn has_attachment(&self) -> bool {
        self.details.is_some_and(|details| !details.attachment.is_empty())
    }

    /// As the hook is told it.
    pub(super) fn told(&self) -> Value {
        let none = Details::default();
        let details = self.details.unwrap_or(&none);
        let mut told = json!({
            "id": self.id,
            "conversationId": self.conversation.to_string(),
            "conversationKind": name_of_conversation_kind(self.kind),
            "sender": { "id": self.sender.id.to_string(), "username": self.sender.username },
            "edit": self.edit_of.is_some(),
            "kind": name_of_kind(details.kind()),
            "content": self.content,
        });
        let mut also = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                told[key] = value;
            }
        };
        also("seq", self.edit_of.map(|seq| json!(seq.get())));
        also("clientMsgId", Some(json!(self.client_msg_id)).filter(|_| self.edit_of.is_none()));
        // What was validated is JSON.
        also("attachment", serde_json::from_str(&details.attachment).ok());
        also("replyTo", (details.reply_to > 0).then(|| json!(details.reply_to)));
        let mentions: Vec<String> = details.mentions.iter().map(ToString::to_string).collect();
        also("mentions", (!mentions.is_empty()).then(|| json!(mentions)));
        also("mentionsAll", details.mentions_all.then_some(Value::Bool(true)));
        let forwarded = details.forwarded.as_ref();
        also("forwarded", forwarded.map(|from| json!(format!("{}-{}", from.conversation, from.seq))));
        also("expiresInMs", (details.expires_in_ms > 0).then(|| json!(details.expires_in_ms)));
        told
    }
}

/// The same for the same text, when its sender repeats it, and for no other: an answer may be remembered by it.
fn id_of(message: &NewMessage) -> String {
    let mut digest = Sha256::new();
    digest.update(message.conversation.get().to_be_bytes());
    digest.update(message.content.len().to_be_bytes());
    digest.update(message.content.as_bytes());
    digest.update(message.details.as_deref().map(Message::encode_to_vec).unwrap_or_default());
    format!("{}-{}-{}", message.sender.id, message.client_msg_id, short(&digest.finalize()))
}

/// Of a call: the same for the same texts, so also when a sender repeats all of it.
pub(super) fn call_id(questions: &[Question<'_>]) -> String {
    let mut digest = Sha256::new();
    for question in questions {
        digest.update(question.id.as_bytes());
        digest.update([0]);
    }
    format!("before-{}", short(&digest.finalize()))
}

/// The first 16 bytes, hexadecimal.
fn short(digest: &[u8]) -> String {
    use std::fmt::Write as _;
    digest.iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
pub(super) mod tests {
    use oort_api::pb::oort::v1::{MessageKind, Origin};

    use super::*;

    /// Something Ann says in a group.
    pub(in crate::hooks) fn message(id: &str, content: &str) -> NewMessage {
        NewMessage {
            conversation: ConversationId::new(5).expect("positive"),
            sender: User { id: 1, username: "ann".to_owned() },
            client_msg_id: id.to_owned(),
            content: content.to_owned(),
            written: None,
            details: None,
            traceparent: String::new(),
        }
    }

    #[test]
    fn an_id_is_of_one_text_in_one_place() {
        let id = |message: &NewMessage| Question::of(message, ConversationKind::Group).id;
        let first = message("a", "Hello");
        let elsewhere =
            NewMessage { conversation: ConversationId::new(6).expect("positive"), ..first.clone() };
        let details = Details { reply_to: 1, ..Details::default() };
        let answer = NewMessage { details: Some(Box::new(details)), ..first.clone() };
        assert_eq!(id(&first), id(&message("a", "Hello")), "a repeat");
        for other in [message("a", "Hullo"), message("b", "Hello"), elsewhere, answer] {
            assert_ne!(id(&first), id(&other));
        }
    }

    #[test]
    fn a_message_is_told_with_all_it_has() {
        let plain = message("a", "Hello");
        let question = Question::of(&plain, ConversationKind::Group);
        assert!(question.id.starts_with("1-a-"), "{}", question.id);
        let expected = json!({
            "id": question.id, "conversationId": "5", "conversationKind": "group",
            "sender": { "id": "1", "username": "ann" }, "edit": false, "clientMsgId": "a",
            "kind": "text", "content": "Hello",
        });
        assert_eq!(question.told(), expected);
        let details = Details {
            kind: MessageKind::Image.into(),
            attachment: r#"{"fileId":"7"}"#.to_owned(),
            reply_to: 3,
            mentions: vec![2],
            mentions_all: true,
            forwarded: Some(Origin { conversation: 8, seq: 9, sender: None }),
            expires_in_ms: 60_000,
        };
        let rich = NewMessage { details: Some(Box::new(details)), ..plain };
        let question = Question::of(&rich, ConversationKind::Group);
        assert!(question.has_attachment());
        let told = question.told();
        for (key, expected) in [
            ("kind", json!("image")),
            ("attachment", json!({ "fileId": "7" })),
            ("replyTo", json!(3)),
            ("mentions", json!(["2"])),
            ("mentionsAll", json!(true)),
            ("forwarded", json!("8-9")),
            ("expiresInMs", json!(60_000)),
        ] {
            assert_eq!(told[key], expected, "{key}");
        }
    }

    #[test]
    fn an_edit_says_of_what_and_a_repeat_has_the_same_id() {
        let ann = User { id: 1, username: "ann".to_owned() };
        let place = (ConversationId::new(5).expect("positive"), Seq::new(9).expect("positive"));
        let edit = |text| Question::of_edit(&ann, place, ConversationKind::Room, text);
        let told = edit("Hello").told();
        assert_eq!(
            (&told["edit"], &told["seq"], &told["clientMsgId"]),
            (&json!(true), &json!(9), &Value::Null)
        );
        assert_eq!(call_id(&[edit("Hello")]), call_id(&[edit("Hello")]));
        assert_ne!(call_id(&[edit("Hello")]), call_id(&[edit("Hallo")]));
        let (one, other) = (message("a", "x"), message("b", "x"));
        let of = |message| Question::of(message, ConversationKind::Room);
        assert_ne!(call_id(&[of(&one)]), call_id(&[of(&one), of(&other)]));
        assert!(call_id(&[of(&one)]).len() < 64);
    }
}
