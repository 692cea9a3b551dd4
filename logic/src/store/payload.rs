//! What a message is compared by, when its sender sends it again: what was sent, also when that was changed since.

use bytes::Bytes;
use oort_api::pb::oort::v1::{Details, Message, MessageExtra, Origin};
use prost::Message as _;
use sha2::{Digest, Sha256};

use super::NewMessage;

/// What was stored under an identity.
#[derive(Debug, Clone, Default)]
pub(super) struct Payload {
    /// As it is now.
    pub(super) content: String,
    pub(super) extra: Option<MessageExtra>,
}

impl Payload {
    /// Whether this is what was sent.
    pub(super) fn is_of(&self, message: &NewMessage) -> bool {
        let details = message.details.as_deref();
        if let Some(origin) = details.and_then(|details| details.forwarded.as_ref()) {
            // A copy, whatever became of what it was copied from.
            let earlier = self.extra.as_ref().and_then(|extra| extra.details.as_ref());
            let earlier = earlier.and_then(|details| details.forwarded.as_ref());
            return earlier.is_some_and(|earlier| is_same_origin(earlier, origin))
                || self.extra.as_ref().is_some_and(|extra| extra.sent_digest == digest("", details));
        }
        match &self.extra {
            None => details.is_none() && self.content == written(message),
            Some(extra) if extra.sent_digest.is_empty() => {
                extra.details.as_ref() == details && self.content == written(message)
            }
            Some(extra) => extra.sent_digest == digest(written(message), details),
        }
    }
}

/// Whether two messages that were not stored yet are the same.
pub(super) fn is_same(one: &NewMessage, other: &NewMessage) -> bool {
    let origin = |message: &NewMessage| message.details.as_ref()?.forwarded.clone();
    match (origin(one), origin(other)) {
        (Some(one), Some(other)) => is_same_origin(&one, &other),
        _ => one.details == other.details && written(one) == written(other),
    }
}

fn is_same_origin(one: &Origin, other: &Origin) -> bool {
    (one.conversation, one.seq) == (other.conversation, other.seq)
}

/// What its sender wrote.
fn written(message: &NewMessage) -> &str {
    message.written.as_deref().unwrap_or(&message.content)
}

/// What a message is compared by from the start, where not what was written is stored.
pub(super) fn written_digest(message: &NewMessage) -> Option<Bytes> {
    message.written.as_deref().map(|written| digest(written, message.details.as_deref()))
}

/// Remembers what was sent before it is changed for the first time.
pub(super) fn keep_digest(message: &Message, extra: &mut MessageExtra) {
    if extra.sent_digest.is_empty() {
        extra.sent_digest = digest(&message.content, extra.details.as_ref());
    }
}

fn digest(content: &str, details: Option<&Details>) -> Bytes {
    if let Some(origin) = details.and_then(|details| details.forwarded.as_ref()) {
        let place = Origin { sender: None, ..origin.clone() };
        let mut digest = Sha256::new_with_prefix([0xfe]);
        digest.update(place.encode_to_vec());
        return digest.finalize().to_vec().into();
    }
    let mut digest = Sha256::new_with_prefix(content.as_bytes());
    if let Some(details) = details {
        // No text has this byte, so nothing else has this digest.
        digest.update([0xff]);
        digest.update(details.encode_to_vec());
    }
    digest.finalize().to_vec().into()
}
