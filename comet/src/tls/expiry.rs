//! When a certificate ends (RFC 5280 §4.1.2.5): of all that is in it, only the one time is read.

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of a certificate's validity, seconds since 1970; `None` when it cannot be found.
pub(super) fn not_after_s(certificate: &[u8]) -> Option<i64> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut rest, _) = element(certificate)?;
    // version (may be absent), serialNumber, signature, issuer; then validity.
    let (tag, _, after) = element(rest)?;
    if tag == VERSION {
        rest = after;
    }
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (tag, validity, _) = element(rest)?;
    if tag != SEQUENCE {
        return None;
    }
    let (tag, not_after, _) = element(element(validity)?.2)?;
    seconds(tag, not_after)
}

/// Tag, content and what follows of the first DER element.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if digits.len() > 4 {
            return None;
        }
        (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn seconds(tag: u8, text: &[u8]) -> Option<i64> {
    let digits = text.strip_suffix(b"Z")?;
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        std::str::from_utf8(digits.get(range)?).ok()?.parse().ok()
    };
    let (year, at) = match (tag, digits.len()) {
        // RFC 5280 §4.1.2.5.1: 50 to 99 are of the last century.
        (UTC_TIME, 12) => (number(0..2).map(|year| if year < 50 { 2000 + year } else { 1900 + year })?, 2),
        (GENERALIZED_TIME, 14) => (number(0..4)?, 4),
        _ => return None,
    };
    let part = |index: usize| number(at + 2 * index..at + 2 * index + 2);
    let (month, day) = (part(0)?, part(1)?);
    let in_day = (part(2)? * 60 + part(3)?) * 60 + part(4)?;
    Some(days(year, month, day) * 86_400 + in_day)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is the last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let in_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + in_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_counted_from_1970() {
        assert_eq!(seconds(UTC_TIME, b"700101000000Z"), Some(0));
        assert_eq!(seconds(UTC_TIME, b"000301000001Z"), Some(951_868_801));
        assert_eq!(seconds(GENERALIZED_TIME, b"20000229235959Z"), Some(951_868_799));
        assert_eq!(seconds(GENERALIZED_TIME, b"20501231000000Z"), Some(2_556_057_600));
        assert_eq!(seconds(GENERALIZED_TIME, b"20501231000000+0100"), None);
        assert_eq!(seconds(UTC_TIME, b"20501231000000Z"), None);
    }

    #[test]
    fn the_end_of_a_real_certificate_is_found() {
        let mut wanted = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        for (year, seconds) in [(2031, 1_927_843_200), (2060, 2_842_992_000)] {
            wanted.not_after = rcgen::date_time_ymd(year, 2, 3);
            let certificate = wanted.self_signed(&key).unwrap();
            assert_eq!(not_after_s(certificate.der()), Some(seconds), "{year}");
            for cut in 0..200 {
                assert_eq!(not_after_s(&certificate.der()[..cut]), None);
            }
        }
    }
}
