//! What a message may have beside its text: one table says which fields an attachment of each kind has.

use oort_api::Code;
use oort_api::codec::envelope::name_of_kind;
use oort_api::error::Refusal;
use oort_api::ids::FileId;
use oort_api::pb::oort::v1::{Details, MessageKind};
use serde_json::{Map, Value};

use crate::config::Limits;

/// Longest address of a file, bytes.
const URL_BYTES_MAX: usize = 2048;
/// Longest other text, characters.
const TEXT_CHARS_MAX: usize = 255;
/// Largest file, width, or duration that is believed: what a number in JSON holds exactly.
const NUMBER_MAX: i64 = (1 << 53) - 1;

/// What a field holds.
#[derive(Debug, Clone, Copy)]
enum Field {
    /// Text of 1 to [`TEXT_CHARS_MAX`] characters, none of them a control character.
    Text,
    /// An address, `https:` or `http:`.
    Url,
    /// The id of a file that was uploaded here.
    File,
    /// A whole number from 0.
    Count,
    /// A number whose amount is at most this.
    Degrees(f64),
    /// Any JSON.
    Any,
}

use Field::{Any, Count, Degrees, File, Text, Url};

/// A field of the table: name, what it holds, and whether it must be there.
type Row = (&'static str, Field, bool);

/// The fields of an attachment, beside where its file is.
const fn fields(kind: MessageKind) -> &'static [Row] {
    match kind {
        MessageKind::Text | MessageKind::System => &[],
        MessageKind::Image => &[("width", Count, false), ("height", Count, false)],
        MessageKind::Voice => &[("durationMs", Count, true)],
        MessageKind::Video => {
            &[("durationMs", Count, false), ("width", Count, false), ("height", Count, false)]
        }
        MessageKind::File => &[("name", Text, true)],
        MessageKind::Location => {
            &[("lat", Degrees(90.0), true), ("lon", Degrees(180.0), true), ("address", Text, false)]
        }
        MessageKind::Custom => &[("type", Text, true), ("data", Any, false)],
    }
}

/// The fields of every file.
const FILE: &[Row] = &[
    ("url", Url, false),
    ("fileId", File, false),
    ("thumbnailUrl", Url, false),
    ("name", Text, false),
    ("size", Count, false),
    ("mime", Text, false),
];

const fn is_file(kind: MessageKind) -> bool {
    matches!(kind, MessageKind::Image | MessageKind::Voice | MessageKind::Video | MessageKind::File)
}

/// Judges what a message has beside its text, and brings it into the form in which it is compared and stored.
pub(crate) fn check(details: &mut Details, limits: &Limits) -> Result<(), Refusal> {
    let kind = details.kind();
    if i32::from(kind) != details.kind || kind == MessageKind::System {
        return Err(invalid("kind: is none of the kinds"));
    }
    if details.reply_to < 0 {
        return Err(invalid("replyTo: is a seq, 1 or more"));
    }
    if details.mentions.len() > limits.mentions_max {
        return Err(invalid(format!("mentions: at most {}", limits.mentions_max)));
    }
    if details.mentions.iter().any(|&user| user <= 0) {
        return Err(invalid("mentions: ids of users"));
    }
    let expires_ms = limits.expires_in_ms_min..=limits.expires_in_ms_max;
    if details.expires_in_ms != 0 && !expires_ms.contains(&details.expires_in_ms) {
        return Err(invalid(expires_fault(limits)));
    }
    details.mentions.sort_unstable();
    details.mentions.dedup();
    if details.attachment.len() > limits.attachment_bytes_max {
        let max = limits.attachment_bytes_max;
        return Err(Refusal::new(Code::TooLarge, format!("attachment is larger than {max} bytes")));
    }
    details.attachment = attachment(kind, &details.attachment)?;
    Ok(())
}

/// What is wrong with a time that messages are to stay.
pub(crate) fn expires_fault(limits: &Limits) -> String {
    format!("expiresInMs: {} to {}", limits.expires_in_ms_min, limits.expires_in_ms_max)
}

/// The attachment with its fields in one order.
fn attachment(kind: MessageKind, text: &str) -> Result<String, Refusal> {
    let name = name_of_kind(kind);
    if kind == MessageKind::Text {
        return if text.is_empty() { Ok(String::new()) } else { Err(invalid("attachment: not of a text")) };
    }
    if text.is_empty() {
        return Err(invalid(format!("attachment: a message of kind {name} has one")));
    }
    let given: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| invalid("attachment: must be an object"))?;
    let of_file = if is_file(kind) { FILE } else { &[] };
    for (field, value) in &given {
        let row = fields(kind).iter().chain(of_file).find(|(known, ..)| known == field);
        let (_, holds, _) = row.ok_or_else(|| {
            invalid(format!("attachment.{field}: a message of kind {name} has no such field"))
        })?;
        check_field(*holds, value).map_err(|fault| invalid(format!("attachment.{field}: {fault}")))?;
    }
    if let Some((missing, ..)) =
        fields(kind).iter().find(|(field, _, must)| *must && !given.contains_key(*field))
    {
        return Err(invalid(format!("attachment.{missing}: is missing")));
    }
    if is_file(kind) && given.contains_key("url") == given.contains_key("fileId") {
        return Err(invalid("attachment: give url or fileId"));
    }
    Ok(Value::Object(given).to_string())
}

fn check_field(holds: Field, value: &Value) -> Result<(), String> {
    let fine = match holds {
        Text => {
            let is_fine = |text: &str| {
                (1..=TEXT_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control)
            };
            if value.as_str().is_some_and(is_fine) {
                return Ok(());
            }
            return Err(format!("a text of 1 to {TEXT_CHARS_MAX} characters"));
        }
        Url => {
            let is_fine = |text: &str| {
                let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
                text.len() <= URL_BYTES_MAX
                    && rest.is_some_and(|rest| !rest.is_empty())
                    && text.bytes().all(|byte| byte.is_ascii_graphic())
            };
            if value.as_str().is_some_and(is_fine) {
                return Ok(());
            }
            return Err(format!("an address, http:// or https://, of at most {URL_BYTES_MAX} bytes"));
        }
        File => {
            if value.as_str().is_some_and(|text| text.parse::<FileId>().is_ok()) {
                return Ok(());
            }
            return Err("the id of a file, a positive decimal number as text".to_owned());
        }
        Count => value.as_i64().is_some_and(|number| (0..=NUMBER_MAX).contains(&number)),
        Degrees(max) => value.as_f64().is_some_and(|degrees| degrees.abs() <= max),
        Any => true,
    };
    if fine { Ok(()) } else { Err("is not within its bounds".to_owned()) }
}

fn invalid(text: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidField, text)
}

#[cfg(test)]
mod tests {
    use MessageKind::{Custom, File, Image, Location, System, Voice};
    use proptest::prelude::*;

    use super::*;

    fn checked(kind: MessageKind, attachment: &str) -> Result<String, Refusal> {
        let mut details =
            Details { kind: kind.into(), attachment: attachment.to_owned(), ..Details::default() };
        check(&mut details, &Limits::default()).map(|()| details.attachment)
    }

    #[test]
    fn each_kind_has_its_fields_in_one_order() {
        for (kind, given, stored) in [
            (Image, r#"{ "width": 3, "url": "https://a/b.png" }"#, r#"{"url":"https://a/b.png","width":3}"#),
            (Voice, r#"{"durationMs":700,"fileId":"17"}"#, r#"{"durationMs":700,"fileId":"17"}"#),
            (File, r#"{"url":"http://a/b","name":"b"}"#, r#"{"name":"b","url":"http://a/b"}"#),
            (Location, r#"{"lon":-180,"lat":90}"#, r#"{"lat":90,"lon":-180}"#),
            (Custom, r#"{"type":"poll","data":[1,{"a":null}]}"#, r#"{"data":[1,{"a":null}],"type":"poll"}"#),
        ] {
            assert_eq!(checked(kind, given).as_deref(), Ok(stored), "{kind:?}");
        }
    }

    #[test]
    fn what_a_kind_has_not_is_refused() {
        for (kind, given) in [
            (MessageKind::Text, r#"{"url":"https://a/b"}"#),
            (System, ""),
            (Image, ""),
            (Image, "[]"),
            (Image, "{}"),
            (Image, r#"{"url":"https://a/b","fileId":"1"}"#),
            (Image, r#"{"fileId":"f1"}"#),
            (Image, r#"{"fileId":"01"}"#),
            (Image, r#"{"fileId":1}"#),
            (Image, r#"{"url":"javascript:alert(1)"}"#),
            (Image, r#"{"url":"https://"}"#),
            (Image, r#"{"url":"https://a/ b"}"#),
            (Image, r#"{"url":"https://a/b","width":-1}"#),
            (Image, r#"{"url":"https://a/b","durationMs":1}"#),
            (Voice, r#"{"url":"https://a/b"}"#),
            (File, r#"{"url":"https://a/b","name":""}"#),
            (File, r#"{"url":"https://a/b","name":"a\u0000b"}"#),
            (Location, r#"{"lat":91,"lon":0}"#),
            (Location, r#"{"lat":"1","lon":0}"#),
            (Location, r#"{"lat":1}"#),
            (Custom, r#"{"data":1}"#),
        ] {
            let code = checked(kind, given).err().map(|refusal| refusal.code);
            assert_eq!(code, Some(Code::InvalidField), "{kind:?} {given}");
        }
        let large = format!(r#"{{"type":"x","data":"{}"}}"#, "x".repeat(9_000));
        assert_eq!(checked(Custom, &large).err().map(|refusal| refusal.code), Some(Code::TooLarge));
    }

    #[test]
    fn mentions_are_bounded_and_each_once() {
        let limits = Limits { mentions_max: 3, ..Limits::default() };
        let mut details = Details { mentions: vec![3, 1, 3], ..Details::default() };
        assert!(check(&mut details, &limits).is_ok());
        assert_eq!(details.mentions, [1, 3]);
        for bad in [vec![1, 2, 3, 4], vec![0], vec![-1]] {
            assert!(check(&mut Details { mentions: bad, ..Details::default() }, &limits).is_err());
        }
        assert!(check(&mut Details { kind: 99, ..Details::default() }, &limits).is_err());
    }

    #[test]
    fn the_time_a_message_stays_is_bounded() {
        let limits = Limits { expires_in_ms_min: 10, expires_in_ms_max: 20, ..Limits::default() };
        for (expires_in_ms, is_fine) in
            [(-1, false), (0, true), (9, false), (10, true), (20, true), (21, false)]
        {
            let mut details = Details { expires_in_ms, ..Details::default() };
            assert_eq!(check(&mut details, &limits).is_ok(), is_fine, "{expires_in_ms}");
        }
    }

    proptest! {
        #[test]
        fn what_was_checked_is_fine_and_stays_as_it_is(kind in 0..9_i32, text in ".{0,40}") {
            let custom = serde_json::json!({ "type": "x", "data": text }).to_string();
            for attachment in [text, custom] {
                let mut details = Details { kind, attachment, ..Details::default() };
                if check(&mut details, &Limits::default()).is_ok() {
                    let once = details.clone();
                    prop_assert!(check(&mut details, &Limits::default()).is_ok());
                    prop_assert_eq!(details, once);
                }
            }
        }
    }
}
