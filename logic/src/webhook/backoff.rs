//! When a failed attempt is made again.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// The wait after so many attempts failed, this one included: doubling, its upper half at random, so that many do not
/// come back at once. `asked` is what the receiver asked for, and stands where it is longer.
pub(crate) fn wait_ms(
    (min_ms, max_ms): (u64, u64),
    failed: u32,
    asked: Option<Duration>,
    random: f64,
) -> i64 {
    let doubled = min_ms.saturating_mul(1 << failed.saturating_sub(1).min(30));
    let wait = Duration::from_millis(doubled.min(max_ms));
    let wait = wait / 2 + (wait / 2).mul_f64(random.clamp(0.0, 1.0));
    let asked = asked.unwrap_or_default().min(Duration::from_millis(max_ms));
    i64::try_from(wait.max(asked).as_millis()).unwrap_or(i64::MAX)
}

/// How long a receiver wants to be left alone: seconds, or a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: std::time::SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    httpdate::parse_http_date(text).ok()?.duration_since(now).ok()
}

/// Uniform in 0..1.
pub(crate) fn random() -> f64 {
    // Where there is no randomness waits are merely not spread.
    getrandom::u32().map_or(0.5, |number| f64::from(number) / (f64::from(u32::MAX) + 1.0))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use http::HeaderValue;

    use super::*;

    #[test]
    fn waits_grow_to_the_bound_and_heed_the_receiver() {
        let bounds_ms = (100, 1_000);
        let waits = |random| [1, 2, 3, 4, 5, 40].map(|failed| wait_ms(bounds_ms, failed, None, random));
        assert_eq!(waits(1.0), [100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(waits(0.0), [50, 100, 200, 400, 500, 500]);
        let asked = |ms| wait_ms(bounds_ms, 1, Some(Duration::from_millis(ms)), 1.0);
        assert_eq!((asked(10), asked(700), asked(1 << 40)), (100, 700, 1_000));
        assert!((0.0..1.0).contains(&random()));
    }

    #[test]
    fn both_forms_of_retry_after_are_read() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_000);
        let read = |text: &'static str| {
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]), now)
        };
        assert_eq!(read("120"), Some(Duration::from_secs(120)));
        assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::from_secs(480)));
        for none in ["", "soon", "-1", "Wed, 21 Oct 2014 07:28:00 GMT"] {
            assert_eq!(read(none), None, "{none}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
