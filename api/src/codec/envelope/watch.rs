//! What a client watches, and its typing, read out of their frames.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::value::RawValue;

use super::fields::Given;
use crate::error::{Code, Refusal};
use crate::ids::{ConversationId, UserId};

/// Hard bound of each list; the comet's settings have lower ones.
const IDS_CEILING: usize = 1024;

/// The whole of what a connection watches: it replaces what it watched before. Each id once, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watch {
    /// Conversations that are open on screen.
    pub conversations: Vec<ConversationId>,
    /// Users whose presence is shown.
    pub users: Vec<UserId>,
}

/// Somebody types, or stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Typing {
    /// Where.
    pub conversation: ConversationId,
    /// They began.
    pub active: bool,
}

pub(super) fn watch(room_ids: Option<&RawValue>, user_ids: Option<&RawValue>) -> Result<Watch, Refusal> {
    Ok(Watch { conversations: ids("roomIds", room_ids)?, users: ids("userIds", user_ids)? })
}

pub(super) fn typing(conversation: ConversationId, active: Option<&RawValue>) -> Result<Typing, Refusal> {
    Ok(Typing { conversation, active: flag("active", active)? })
}

pub(super) fn flag(field: &str, raw: Option<&RawValue>) -> Result<bool, Refusal> {
    match raw.map(RawValue::get) {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        _ => Err(invalid(format!("{field} must be true or false"))),
    }
}

/// An absent list is an empty one.
fn ids<T: FromStr + Ord>(field: &str, raw: Option<&RawValue>) -> Result<Vec<T>, Refusal> {
    let Some(raw) = raw else { return Ok(Vec::new()) };
    let fault = || invalid(format!("{field} must be a list of ids as strings, such as [\"7\"]"));
    let given: Vec<Given<'_>> = serde_json::from_str(raw.get()).map_err(|_| fault())?;
    if given.len() > IDS_CEILING {
        return Err(invalid(format!("{field} has {} ids; at most {IDS_CEILING} are taken", given.len())));
    }
    let id = |given: &Given<'_>| match given {
        Given::Text(text) => text.parse().map_err(|_| fault()),
        _ => Err(fault()),
    };
    let mut ids: Vec<T> = given.iter().map(id).collect::<Result<_, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn invalid(message: impl Display) -> Refusal {
    Refusal::new(Code::InvalidField, message.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::codec::envelope::{ClientFrame, Flavour, Limits, parse};

    fn read(frame_type: &str, payload: &serde_json::Value) -> Result<ClientFrame, String> {
        let text = json!({"type": frame_type, "payload": payload}).to_string();
        parse(&text, Flavour::V1, &Limits::default()).map_err(|error| error.refusal.message)
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (payload, field) in [
            (json!({"roomIds": "7"}), "roomIds"),
            (json!({"roomIds": [7]}), "roomIds"),
            (json!({"roomIds": ["0"]}), "roomIds"),
            (json!({"userIds": [null]}), "userIds"),
            (json!({"userIds": {"3": true}}), "userIds"),
            (json!({"userIds": vec!["1"; IDS_CEILING + 1]}), "userIds"),
        ] {
            assert!(read("watch", &payload).expect_err("refused").starts_with(field), "{payload}");
        }
        for payload in [json!({"roomId": "7"}), json!({"roomId": "7", "active": 1})] {
            assert!(read("typing", &payload).expect_err("refused").starts_with("active"), "{payload}");
        }
        assert!(read("typing", &json!({"active": true})).expect_err("refused").starts_with("roomId"));
        assert!(read("away", &json!({"away": "yes"})).expect_err("refused").starts_with("away"));
        assert_eq!(read("away", &json!({"away": true})), Ok(ClientFrame::Away(true)));
        let empty = ClientFrame::Watch { watch: Watch::default(), request_id: None };
        assert_eq!(read("watch", &json!({"userIds": null})), Ok(empty));
    }

    #[test]
    fn older_clients_have_no_such_frames() {
        for text in [
            r#"{"type":"watch","payload":{}}"#,
            r#"{"type":"typing","payload":{"roomId":"7","active":true}}"#,
            r#"{"type":"away","payload":{"away":true}}"#,
        ] {
            assert!(parse(text, Flavour::Classic, &Limits::default()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_list_is_the_set_it_stands_for(
            rooms in proptest::collection::vec(1_i64.., 0..20),
            users in proptest::collection::vec(1_i64..50, 0..100),
        ) {
            let texts = |ids: &[i64]| ids.iter().map(i64::to_string).collect::<Vec<_>>();
            let payload = json!({"roomIds": texts(&rooms), "userIds": texts(&users), "requestId": "r"});
            let Ok(ClientFrame::Watch { watch, request_id }) = read("watch", &payload) else {
                return Err(TestCaseError::fail("not read"));
            };
            let (rooms, users): (BTreeSet<i64>, BTreeSet<i64>) =
                (rooms.into_iter().collect(), users.into_iter().collect());
            prop_assert!(watch.conversations.iter().map(|id| id.get()).eq(rooms));
            prop_assert!(watch.users.iter().map(|id| id.get()).eq(users));
            prop_assert_eq!(request_id.as_deref(), Some("r"));
        }
    }
}
