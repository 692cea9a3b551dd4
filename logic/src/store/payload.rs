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
            let is_same = |earlier: &Details| {
                let held = earlier.forwarded.as_ref();
                held.is_some_and(|held| is_same_origin(held, origin))
                    && Some(earlier.expires_in_ms) == details.map(|details| details.expires_in_ms)
            };
            return earlier.is_some_and(is_same)
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
    let origin = |message: &NewMessage| {
        let details = message.details.as_ref()?;
        Some((details.forwarded.clone()?, details.expires_in_ms))
    };
    match (origin(one), origin(other)) {
        (Some((one, one_in_ms)), Some((other, other_in_ms))) => {
            is_same_origin(&one, &other) && one_in_ms == other_in_ms
        }
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
        if let Some(in_ms) = details.map(|details| details.expires_in_ms).filter(|&in_ms| in_ms > 0) {
            digest.update(in_ms.to_be_bytes());
        }
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
