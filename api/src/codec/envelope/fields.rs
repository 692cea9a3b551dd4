//! How the parts of a client frame are read: fields of any type are accepted
//! here and judged by name later, so that an answer can say which was wrong,
//! and for which `requestId`.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::limits::MESSAGES_PER_FRAME_CEILING;

/// A scalar field as it was found.
#[derive(Debug, Default)]
pub(super) enum Given<'a> {
    /// Not there, or `null`.
    #[default]
    Absent,
    Text(Cow<'a, str>),
    Integer(i64),
    /// A value of any other type.
    Other,
}

/// The messages of a frame as they were found.
#[derive(Debug, Default)]
pub(super) enum Items<'a> {
    /// Not there, or `null`.
    #[default]
    Absent,
    List {
        /// The first [`MESSAGES_PER_FRAME_CEILING`].
        items: Vec<Item<'a>>,
        /// How many there were.
        count: usize,
    },
    /// Not a list.
    Other,
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Given<'a>,
    #[serde(borrow, default)]
    pub(super) payload: Option<&'a RawValue>,
}

/// The fields of every payload; each frame type looks at its own.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Payload<'a> {
    #[serde(borrow)]
    pub(super) request_id: Given<'a>,
    #[serde(borrow)]
    pub(super) room_id: Given<'a>,
    #[serde(borrow)]
    pub(super) messages: Items<'a>,
    #[serde(borrow)]
    pub(super) first_message_id: Given<'a>,
    #[serde(borrow)]
    pub(super) after_seq: Given<'a>,
    #[serde(borrow)]
    pub(super) count: Given<'a>,
    #[serde(borrow)]
    pub(super) room_name: Given<'a>,
    #[serde(borrow)]
    pub(super) delivered_seq: Given<'a>,
    #[serde(borrow)]
    pub(super) read_seq: Given<'a>,
    pub(super) room_ids: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) user_ids: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) active: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) away: Option<&'a RawValue>,
}

/// What is still read of a payload that cannot be read otherwise.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestIdOnly<'a> {
    #[serde(borrow, default)]
    pub(super) request_id: Given<'a>,
}

/// One of the messages.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item<'a> {
    #[serde(borrow, default)]
    pub(super) content: Given<'a>,
    #[serde(borrow, default)]
    pub(super) client_msg_id: Given<'a>,
    #[serde(borrow, default)]
    pub(super) kind: Given<'a>,
    #[serde(borrow, default)]
    pub(super) attachment: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) reply_to: Given<'a>,
    #[serde(borrow, default)]
    pub(super) expires_in_ms: Given<'a>,
    #[serde(borrow, default)]
    pub(super) mentions: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) mentions_all: Option<&'a RawValue>,
}

/// A `T` written as an object. serde's structs also read arrays, in an order
/// of fields that is nobody's business.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

/// Reads to the end of a value that is of no use.
fn skip_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

fn skip_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

impl<'de: 'a, 'a> Deserialize<'de> for Given<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GivenVisitor)
    }
}

struct GivenVisitor;

impl<'de> Visitor<'de> for GivenVisitor {
    type Value = Given<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Given::Absent)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Given::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Given::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Given::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).map_or(Given::Other, Given::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Given::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Given::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        skip_seq(seq).map(|()| Given::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        skip_map(map).map(|()| Given::Other)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemsVisitor)
    }
}

struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Items<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() < MESSAGES_PER_FRAME_CEILING
            && let Some(Object(item)) = seq.next_element()?
        {
            items.push(item);
        }
        let mut count = items.len();
        while seq.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Items::List { items, count })
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Items::Absent)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Items::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Items::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Items::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Items::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Items::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        skip_map(map).map(|()| Items::Other)
    }
}
