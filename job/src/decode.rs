//! From bytes on the bus to a record that makes sense, or the reason why not.
//! Sans-I/O.

use oort_api::bus::Consumed;
use oort_api::ids::{RoomKey, SessionKey, UserId};
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::goim::logic::push_msg::{Effect, Type};
use oort_api::pb::goim::protocol::proto::Replay;
use prost::Message as _;

/// A record whose every field was checked.
#[derive(Debug)]
pub(crate) struct Record {
    /// Its place in the partition.
    pub(crate) offset: i64,
    /// As it was published; the traceparent is the header's where the body has none.
    pub(crate) push: PushMsg,
    /// Whom it goes to.
    pub(crate) audience: Audience,
    /// It changes who is in a room, so what follows must wait for it.
    pub(crate) is_fence: bool,
    /// The partition's reader before pushed it.
    pub(crate) was_pushed: bool,
}

impl Record {
    /// Its place in the order of its conversation; 0 = it has none, as it is no message or went out before.
    pub(crate) fn order(&self) -> i64 {
        if self.push.replay == i32::from(Replay::Not) { self.push.seq } else { 0 }
    }
}

/// Whom a record goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Sessions of users and sessions by their key.
    Sessions { users: Vec<UserId>, keys: Vec<SessionKey> },
    /// Members of a room.
    Room(RoomKey),
    /// Everyone online.
    Everyone,
    /// One comet, by name: whoever published it looked it up.
    Comet(String),
}

/// Reads a record. The error is the reason for the dead-letter log.
pub(crate) fn decode(consumed: &Consumed, bytes_max: usize) -> Result<Record, &'static str> {
    if consumed.value.len() > bytes_max {
        return Err("larger than this job takes");
    }
    let mut push = PushMsg::decode(consumed.value.clone()).map_err(|_| "not a goim.logic.PushMsg")?;
    let kind = Type::try_from(push.r#type).map_err(|_| "unknown type")?;
    let effect = Effect::try_from(push.effect).map_err(|_| "unknown effect")?;
    Replay::try_from(push.replay).map_err(|_| "unknown replay")?;
    if push.conversation < 0 || push.seq < 0 {
        return Err("negative conversation or seq");
    }
    if push.seq > 0 && push.conversation == 0 {
        return Err("a seq without a conversation");
    }
    if effect != Effect::None && RoomKey::new(&push.room).is_err() {
        return Err("an effect without a valid room");
    }
    let audience = audience(&push, kind)?;
    if push.traceparent.is_empty()
        && let Some(traceparent) = &consumed.traceparent
    {
        push.traceparent.clone_from(traceparent);
    }
    Ok(Record {
        offset: consumed.offset,
        push,
        audience,
        is_fence: effect != Effect::None,
        was_pushed: false,
    })
}

fn audience(push: &PushMsg, kind: Type) -> Result<Audience, &'static str> {
    let audience = match kind {
        Type::Push => {
            let users = push.user_ids.iter().map(|&id| UserId::new(id)).collect::<Option<Vec<_>>>();
            let keys = push.keys.iter().map(SessionKey::new).collect::<Result<Vec<_>, _>>();
            let users = users.ok_or("a user id that is not positive")?;
            let keys = keys.map_err(|_| "an invalid session key")?;
            if users.is_empty() && keys.is_empty() {
                return Err("a push to nobody");
            }
            Audience::Sessions { users, keys }
        }
        Type::Room => Audience::Room(RoomKey::new(&push.room).map_err(|_| "an invalid room key")?),
        Type::Broadcast => Audience::Everyone,
    };
    Ok(if push.server.is_empty() { audience } else { Audience::Comet(push.server.clone()) })
}

/// A door for the check of records under `fuzz/`.
pub mod fuzzing {
    use bytes::Bytes;

    use super::{Consumed, PushMsg, decode};

    /// What a record's value says, or why it makes no sense.
    ///
    /// # Errors
    /// The reason for the dead-letter log.
    pub fn bus_record(value: Bytes, bytes_max: usize) -> Result<PushMsg, &'static str> {
        let consumed =
            Consumed { offset: 1, key: String::new(), value, published_at_ms: 0, traceparent: None };
        decode(&consumed, bytes_max).map(|record| record.push)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn consumed(value: impl Into<Bytes>) -> Consumed {
        Consumed {
            offset: 1,
            key: "k".into(),
            value: value.into(),
            published_at_ms: 0,
            traceparent: Some("header".into()),
        }
    }

    fn read(push: &PushMsg) -> Result<Record, &'static str> {
        decode(&consumed(push.encode_to_vec()), 1024)
    }

    #[test]
    fn what_makes_no_sense_is_told_why() {
        let room = PushMsg { r#type: Type::Room.into(), room: "7".into(), ..PushMsg::default() };
        let users = PushMsg { user_ids: vec![1], ..PushMsg::default() };
        for (push, reason) in [
            (PushMsg { r#type: 9, ..room.clone() }, "unknown type"),
            (PushMsg { effect: 9, ..room.clone() }, "unknown effect"),
            (PushMsg { replay: 9, ..room.clone() }, "unknown replay"),
            (PushMsg { room: String::new(), ..room.clone() }, "an invalid room key"),
            (PushMsg { seq: 1, ..room.clone() }, "a seq without a conversation"),
            (PushMsg { seq: -1, conversation: 1, ..room.clone() }, "negative conversation or seq"),
            (PushMsg { user_ids: vec![0], ..users.clone() }, "a user id that is not positive"),
            (PushMsg { keys: vec![String::new()], ..users.clone() }, "an invalid session key"),
            (PushMsg { effect: Effect::Join.into(), ..users }, "an effect without a valid room"),
            (PushMsg::default(), "a push to nobody"),
            (PushMsg { msg: vec![0; 2000].into(), ..room.clone() }, "larger than this job takes"),
        ] {
            assert_eq!(read(&push).map(|_| ()), Err(reason));
        }
        assert_eq!(decode(&consumed(&b"\xff\xff"[..]), 1024).map(|_| ()), Err("not a goim.logic.PushMsg"));
        assert_eq!(read(&room).map(|record| record.audience), Ok(Audience::Room(RoomKey::new("7").unwrap())));
    }

    #[test]
    fn the_server_field_names_the_comet_as_in_goim() {
        let push = PushMsg { server: "c1".into(), keys: vec!["k".into()], ..PushMsg::default() };
        assert_eq!(read(&push).map(|record| record.audience), Ok(Audience::Comet("c1".into())));
    }

    #[test]
    fn the_header_says_the_trace_where_the_body_does_not() {
        let push = PushMsg { r#type: Type::Broadcast.into(), ..PushMsg::default() };
        assert_eq!(read(&push).expect("reads").push.traceparent, "header");
        let push = PushMsg { traceparent: "body".into(), ..push };
        assert_eq!(read(&push).expect("reads").push.traceparent, "body");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&consumed(bytes), 1024);
        }
    }
}
