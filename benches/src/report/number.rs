//! Numbers as people read them: three digits that matter, thousands apart.

use super::Figure;

/// 3 significant digits; from 1,000 on whole, thousands separated by commas.
pub(crate) fn short(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let magnitude = value.abs();
    match magnitude {
        0.0 => "0".to_owned(),
        _ if magnitude >= 999.5 => thousands(value),
        _ if magnitude >= 99.95 => format!("{value:.0}"),
        _ if magnitude >= 9.995 => format!("{value:.1}"),
        _ if magnitude >= 0.0995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}

/// A count, whole.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn count(value: u64) -> String {
    thousands(value as f64)
}

/// The median, and what lies around it when there is more than one sample: `2.61 [2.60–2.63]`.
pub(super) fn spread(figure: &Figure) -> String {
    if figure.samples.len() < 2 {
        return short(figure.median());
    }
    format!("{} [{}–{}]", short(figure.median()), short(figure.min()), short(figure.max()))
}

/// A name of a figure as words: `cpu_us_per_message` is `CPU µs per message`.
pub(super) fn words(name: &str) -> String {
    let words: Vec<_> = name
        .split('_')
        .map(|word| match word {
            "cpu" => "CPU",
            "us" => "µs",
            "rss" => "RSS",
            "pss" => "PSS",
            other => other,
        })
        .collect();
    let text = words.join(" ");
    match text.strip_suffix(" per s") {
        Some(what) => format!("{what}/s"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_matter() {
        let cases = [
            (0.0, "0"),
            (0.0042, "0.004"),
            (0.0996, "0.10"),
            (2.614, "2.61"),
            (9.996, "10.0"),
            (26.27, "26.3"),
            (999.4, "999"),
            (999.6, "1,000"),
            (26_271.4, "26,271"),
            (1_210_000.0, "1,210,000"),
            (-1234.0, "-1,234"),
        ];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn one_sample_has_no_spread() {
        assert_eq!(spread(&Figure::once(2.5)), "2.50");
        assert_eq!(spread(&Figure { samples: vec![2.6, 2.5, 2.7] }), "2.60 [2.50–2.70]");
    }

    #[test]
    fn names_read_as_words() {
        assert_eq!(words("cpu_us_per_message"), "CPU µs per message");
        assert_eq!(words("messages_per_s"), "messages/s");
    }
}
