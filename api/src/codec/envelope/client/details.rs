//! What a message has beside its text, as its sender gives it. That it makes sense is judged by logic.

use serde_json::value::RawValue;

use super::super::fields::{Given, Item};
use super::super::json::kind_named;
use super::invalid;
use crate::error::Refusal;
use crate::ids::UserId;
use crate::pb::oort::v1::{Details, MessageKind};

/// `None`: the text is all there is.
pub(super) fn of(index: usize, item: &Item<'_>) -> Result<Option<Details>, Refusal> {
    let wrong = |field: &str, text: &str| invalid(format!("messages[{index}].{field} {text}"));
    let kind = match &item.kind {
        Given::Absent => MessageKind::Text,
        Given::Text(name) => kind_named(name).ok_or_else(|| wrong("kind", "is none of the kinds"))?,
        _ => return Err(wrong("kind", "must be a string")),
    };
    let attachment = given(item.attachment).map(|raw| raw.get().to_owned()).unwrap_or_default();
    let reply_to = match item.reply_to {
        Given::Absent => 0,
        Given::Integer(seq) if seq >= 1 => seq,
        _ => return Err(wrong("replyTo", "must be a seq, 1 or more")),
    };
    let mentions: Vec<UserId> = match given(item.mentions) {
        None => Vec::new(),
        Some(raw) => serde_json::from_str(raw.get())
            .map_err(|_| wrong("mentions", "must be a list of user ids as strings"))?,
    };
    let mentions_all = match given(item.mentions_all) {
        None => false,
        Some(raw) => {
            serde_json::from_str(raw.get()).map_err(|_| wrong("mentionsAll", "must be true or false"))?
        }
    };
    let expires_in_ms = match item.expires_in_ms {
        Given::Absent => 0,
        Given::Integer(ms) if ms >= 1 => ms,
        _ => return Err(wrong("expiresInMs", "must be a whole number from 1")),
    };
    let details = Details {
        kind: kind.into(),
        attachment,
        reply_to,
        mentions: mentions.into_iter().map(UserId::get).collect(),
        mentions_all,
        forwarded: None,
        expires_in_ms,
    };
    Ok((details != Details::default()).then_some(details))
}

fn given(raw: Option<&RawValue>) -> Option<&RawValue> {
    raw.filter(|raw| raw.get() != "null")
}
