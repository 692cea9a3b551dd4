//! What the client of a log-in is called: what it says itself, or else what
//! its browser says it is.

use http::HeaderMap;
use http::header::USER_AGENT;
use oort_api::Code;

use super::refused::Refused;
use crate::store::{DeviceKind, NewDevice};

/// Longest name, characters.
const CHARS_MAX: usize = 64;

/// The device to record.
pub(super) fn read(
    name: Option<&str>,
    kind: Option<&str>,
    headers: &HeaderMap,
) -> Result<NewDevice, Refused> {
    let kind = match kind {
        Some(kind) => DeviceKind::parse(kind).ok_or_else(|| {
            let names = DeviceKind::NAMES.map(|(_, name)| name).join(", ");
            Refused::new(Code::InvalidField, format!("deviceKind: one of {names}"))
        })?,
        None => kind_of_agent(agent(headers)),
    };
    Ok(NewDevice { name: self::name(name, headers)?, kind })
}

fn agent(headers: &HeaderMap) -> &str {
    headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Browsers call themselves Mozilla; what else there is would have to say.
fn kind_of_agent(agent: &str) -> DeviceKind {
    if agent.starts_with("Mozilla/") { DeviceKind::Web } else { DeviceKind::Other }
}

/// The name to record; empty when nothing is known.
fn name(given: Option<&str>, headers: &HeaderMap) -> Result<String, Refused> {
    let Some(given) = given.map(str::trim).filter(|given| !given.is_empty()) else {
        return Ok(of_agent(agent(headers)));
    };
    if given.chars().take(CHARS_MAX + 1).count() > CHARS_MAX || given.chars().any(char::is_control) {
        let text = format!("device: at most {CHARS_MAX} characters without control characters");
        return Err(Refused::new(Code::InvalidField, text));
    }
    Ok(given.to_owned())
}

/// `Firefox on Linux` and the like of a browser; of others their own first word.
fn of_agent(agent: &str) -> String {
    // Browsers name those they resemble too: the particular before the general.
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("CrOS", "ChromeOS"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let known = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    match (known(&BROWSERS), known(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => {
            let own = agent.split(['/', ' ', '(']).next().unwrap_or_default();
            own.chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn agents_are_called_what_people_call_them() {
        for (agent, expected) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 \
                 Safari/537.36 Edg/128.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.9.1", "curl"),
            ("", ""),
        ] {
            assert_eq!(of_agent(agent), expected);
        }
        assert_eq!(of_agent(&"x".repeat(500)).len(), CHARS_MAX);
    }

    #[test]
    fn kinds_are_said_or_guessed() {
        let mut headers = HeaderMap::new();
        let kind = |headers: &HeaderMap, given: Option<&str>| {
            read(None, given, headers).ok().map(|device| device.kind)
        };
        assert_eq!(kind(&headers, None), Some(DeviceKind::Other));
        headers
            .insert(USER_AGENT, HeaderValue::from_static("Mozilla/5.0 (X11) Gecko/20100101 Firefox/130.0"));
        assert_eq!(kind(&headers, None), Some(DeviceKind::Web));
        assert_eq!(kind(&headers, Some("tablet")), Some(DeviceKind::Tablet));
        assert_eq!(kind(&headers, Some("toaster")), None);
    }

    #[test]
    fn what_a_client_says_counts_first() {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static("curl/8"));
        let named = |given: Option<&str>| name(given, &headers).ok();
        assert_eq!(named(Some(" Ann's phone ")).as_deref(), Some("Ann's phone"));
        assert_eq!(named(Some("  ")).as_deref(), Some("curl"));
        assert_eq!(named(None).as_deref(), Some("curl"));
        assert_eq!(named(Some(&"é".repeat(CHARS_MAX))).map(|name| name.chars().count()), Some(CHARS_MAX));
        assert!(named(Some(&"é".repeat(CHARS_MAX + 1))).is_none());
        assert!(named(Some("a\nb")).is_none());
    }
}
