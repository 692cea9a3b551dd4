//! What users may send and ask for.

use oort_api::Code;
use oort_api::error::Refusal;
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::Details;

use super::Outgoing;
use crate::config::Limits;
use crate::messages::details;

/// Longest client message id: what the store's unique index holds.
const CLIENT_MSG_ID_BYTES_MAX: usize = 64;

/// Latest time that is taken: the last of the numbers that JavaScript has exactly.
const TIME_MS_MAX: i64 = (1 << 53) - 1;

fn invalid(text: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidField, text)
}

/// Judges a message, and brings what it has beside its text into the form in which it is compared and stored.
pub(super) fn message(message: &mut Outgoing, limits: &Limits) -> Result<(), Refusal> {
    if let Some(id) = &message.client_msg_id {
        let is_fine = (1..=CLIENT_MSG_ID_BYTES_MAX).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_fine {
            return Err(invalid("clientMsgId: 1 to 64 printable ASCII characters without blanks"));
        }
    }
    let Some(details) = &mut message.details else { return content(&message.content, limits) };
    details::check(details, limits)?;
    // What is said about an attachment may be nothing, and of a copy that was stored only its origin may be left.
    let may_be_empty = !details.attachment.is_empty() || details.forwarded.is_some();
    if **details == Details::default() {
        message.details = None;
    }
    if may_be_empty && message.content.is_empty() { Ok(()) } else { content(&message.content, limits) }
}

pub(crate) fn content(content: &str, limits: &Limits) -> Result<(), Refusal> {
    if content.is_empty() {
        return Err(invalid("content is empty"));
    }
    if content.len() > limits.content_bytes_max {
        return Err(Refusal::new(
            Code::TooLarge,
            format!("content is larger than {} bytes", limits.content_bytes_max),
        ));
    }
    Ok(())
}

/// The name without blanks around it, or what is wrong with it.
pub(super) fn name(name: &str, chars_max: usize) -> Result<String, String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > chars_max {
        return Err(format!("name: 1 to {chars_max} characters"));
    }
    if name.chars().any(char::is_control) {
        return Err("name: no control characters".to_owned());
    }
    Ok(name.to_owned())
}

/// Each once, in order.
pub(super) fn members(mut members: Vec<UserId>, limits: &Limits) -> Result<Vec<UserId>, Refusal> {
    if members.len() > limits.members_per_request_max {
        return Err(invalid(format!("members: at most {} at a time", limits.members_per_request_max)));
    }
    members.sort_unstable();
    members.dedup();
    Ok(members)
}

/// The client's own name for a request.
pub(crate) fn client_key(key: &str) -> Result<(), Refusal> {
    let is_fine = (1..=64).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if is_fine {
        return Ok(());
    }
    Err(invalid("idempotency-key: 1 to 64 printable ASCII characters without blanks"))
}

/// Address or file id of a picture; empty = none.
pub(super) fn avatar(avatar: &str, bytes_max: usize) -> Result<(), Refusal> {
    if avatar.len() > bytes_max || avatar.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(invalid(format!("avatar: at most {bytes_max} bytes, without blanks")));
    }
    Ok(())
}

/// Any text; lines may be broken.
pub(super) fn announcement(text: &str, chars_max: usize) -> Result<(), Refusal> {
    if text.chars().count() > chars_max {
        return Err(invalid(format!("announcement: at most {chars_max} characters")));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(invalid("announcement: no control characters but line breaks"));
    }
    Ok(())
}

/// A time in ms since the epoch; 0 = none.
pub(super) fn time(field: &str, ms: i64) -> Result<i64, Refusal> {
    if (0..=TIME_MS_MAX).contains(&ms) {
        return Ok(ms);
    }
    Err(invalid(format!("{field}: ms since the epoch, at most {TIME_MS_MAX}; 0 = none")))
}

pub(super) fn page(limit: u32, max: u32) -> Result<u32, Refusal> {
    if limit == 0 {
        return Err(invalid("limit is 0"));
    }
    Ok(limit.min(max))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(id: Option<&str>, content: &str) -> Outgoing {
        Outgoing { client_msg_id: id.map(str::to_owned), content: content.to_owned(), details: None }
    }

    fn code(outcome: Result<(), Refusal>) -> Option<Code> {
        outcome.err().map(|refusal| refusal.code)
    }

    #[test]
    fn messages() {
        let limits = Limits { content_bytes_max: 8, ..Limits::default() };
        assert_eq!(code(message(&mut outgoing(None, " "), &limits)), None);
        assert_eq!(code(message(&mut outgoing(Some(&"x".repeat(64)), "\0'; --"), &limits)), None);
        assert_eq!(code(message(&mut outgoing(None, ""), &limits)), Some(Code::InvalidField));
        assert_eq!(code(message(&mut outgoing(None, "123456789"), &limits)), Some(Code::TooLarge));
        for bad in ["", "a b", "a\n", "é", &"x".repeat(65)] {
            assert_eq!(
                code(message(&mut outgoing(Some(bad), "x"), &limits)),
                Some(Code::InvalidField),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn what_a_group_shows() {
        assert_eq!(code(announcement("tea at five\n茶", 13)), None);
        assert_eq!(code(announcement("tea at five\n茶", 12)), Some(Code::InvalidField));
        assert_eq!(code(announcement("a\u{7}b", 12)), Some(Code::InvalidField));
        assert_eq!(code(avatar("https://a/b.png", 15)), None);
        for bad in ["https://a/b.png?", "a b", "a\nb"] {
            assert_eq!(code(avatar(bad, 15)), Some(Code::InvalidField), "{bad}");
        }
        assert_eq!(time("until", 0).ok(), Some(0));
        assert!(time("until", -1).is_err() && time("until", i64::MAX).is_err());
        for bad in ["", "a b", "é", &"x".repeat(65)] {
            assert_eq!(code(client_key(bad)), Some(Code::InvalidField), "{bad}");
        }
    }

    #[test]
    fn names() {
        assert_eq!(name("  Räume  ", 5).as_deref(), Ok("Räume"));
        for bad in ["", " \t ", "a\u{7}b", "123456"] {
            assert!(name(bad, 5).is_err(), "{bad:?}");
        }
    }
}
