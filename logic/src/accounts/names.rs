//! What user names, e-mail addresses and passwords may look like.

use oort_api::error::{Code, Refusal};

/// Characters in a user name.
pub const USERNAME_CHARS: std::ops::RangeInclusive<usize> = 2..=100;
/// Bytes in an e-mail address (RFC 5321 §4.5.3.1.3 less the angle brackets).
pub const EMAIL_BYTES_MAX: usize = 254;
/// Bytes in a password.
pub const PASSWORD_BYTES: std::ops::RangeInclusive<usize> = 4..=1024;

/// The form by which user names are equal.
#[must_use]
pub fn fold_username(username: &str) -> String {
    username.to_lowercase()
}

/// The form by which e-mail addresses are equal.
#[must_use]
pub fn fold_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// # Errors
/// [`Code::InvalidField`] that names the field.
pub fn check_username(username: &str) -> Result<(), Refusal> {
    let chars = username.chars().count();
    // Folding may lengthen a name; the folded one is stored as well.
    let folded = fold_username(username).chars().count();
    if !USERNAME_CHARS.contains(&chars) || folded > *USERNAME_CHARS.end() {
        return Err(invalid(format!(
            "username: has {} to {} characters",
            USERNAME_CHARS.start(),
            USERNAME_CHARS.end()
        )));
    }
    if username.trim() != username {
        return Err(invalid("username: must not begin or end with white space"));
    }
    if username.chars().any(|c| c.is_control() || is_invisible(c)) {
        return Err(invalid("username: must not have control or invisible characters"));
    }
    Ok(())
}

/// Checks little, because only a mail that arrives proves an address.
///
/// # Errors
/// [`Code::InvalidField`] that names the field.
pub fn check_email(folded: &str) -> Result<(), Refusal> {
    let parts = folded.split_once('@');
    let fine = folded.len() <= EMAIL_BYTES_MAX
        && !folded.chars().any(|c| c.is_control() || c.is_whitespace() || is_invisible(c))
        && parts.is_some_and(|(local, domain)| {
            !local.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && !domain.starts_with(['.', '-'])
                && !domain.ends_with(['.', '-'])
                && !domain.contains("..")
        });
    if fine { Ok(()) } else { Err(invalid("email: is not an e-mail address")) }
}

/// # Errors
/// [`Code::InvalidField`] that names the field.
pub fn check_password(password: &str) -> Result<(), Refusal> {
    if PASSWORD_BYTES.contains(&password.len()) {
        return Ok(());
    }
    Err(invalid(format!("password: has {} to {} bytes", PASSWORD_BYTES.start(), PASSWORD_BYTES.end())))
}

/// Format characters that make two different names look the same, or turn
/// the text around them.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{FEFF}'
        | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidField, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_script_are_fine() {
        for fine in
            ["ab", "Ada_L.-1", "张三", "Ünïcödé", "two words", "<b>x</b>", "x'); --", &"长".repeat(100)]
        {
            assert_eq!(check_username(fine), Ok(()), "{fine:?}");
        }
        for bad in
            ["", "a", " ab", "ab ", "a\nb", "a\u{202E}b", "a\u{200B}b", &"x".repeat(101), &"İ".repeat(60)]
        {
            assert_eq!(check_username(bad).map_err(|r| r.code), Err(Code::InvalidField), "{bad:?}");
        }
    }

    #[test]
    fn emails_are_checked_loosely_and_folded() {
        assert_eq!(fold_email(" Ada@Example.ORG "), "ada@example.org");
        for fine in ["a@b", "a.b+c@d-e.example", "张@例子.example"] {
            assert_eq!(check_email(fine), Ok(()), "{fine:?}");
        }
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a@b@c",
            "a b@c",
            "a@.b",
            "a@b..c",
            "a@b.",
            &format!("{}@b", "a".repeat(253)),
        ] {
            assert!(check_email(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn passwords_have_bounds() {
        assert!(check_password("1234").is_ok() && check_password(&"x".repeat(1024)).is_ok());
        assert!(check_password("123").is_err() && check_password(&"x".repeat(1025)).is_err());
    }
}
