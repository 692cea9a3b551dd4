//! What users may send and ask for.

use oort_api::Code;
use oort_api::error::Refusal;
use oort_api::ids::UserId;

use super::Outgoing;
use crate::config::Limits;

/// Longest client message id: what the store's unique index holds.
const CLIENT_MSG_ID_BYTES_MAX: usize = 64;

fn invalid(text: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidField, text)
}

pub(super) fn message(message: &Outgoing, limits: &Limits) -> Result<(), Refusal> {
    if let Some(id) = &message.client_msg_id {
        let is_fine = (1..=CLIENT_MSG_ID_BYTES_MAX).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_fine {
            return Err(invalid("clientMsgId: 1 to 64 printable ASCII characters without blanks"));
        }
    }
    if message.content.is_empty() {
        return Err(invalid("content is empty"));
    }
    if message.content.len() > limits.content_bytes_max {
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
        Outgoing { client_msg_id: id.map(str::to_owned), content: content.to_owned() }
    }

    fn code(outcome: Result<(), Refusal>) -> Option<Code> {
        outcome.err().map(|refusal| refusal.code)
    }

    #[test]
    fn messages() {
        let limits = Limits { content_bytes_max: 8, ..Limits::default() };
        assert_eq!(code(message(&outgoing(None, " "), &limits)), None);
        assert_eq!(code(message(&outgoing(Some(&"x".repeat(64)), "\0'; --"), &limits)), None);
        assert_eq!(code(message(&outgoing(None, ""), &limits)), Some(Code::InvalidField));
        assert_eq!(code(message(&outgoing(None, "123456789"), &limits)), Some(Code::TooLarge));
        for bad in ["", "a b", "a\n", "é", &"x".repeat(65)] {
            assert_eq!(
                code(message(&outgoing(Some(bad), "x"), &limits)),
                Some(Code::InvalidField),
                "{bad:?}"
            );
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
