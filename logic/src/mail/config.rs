//! Settings of mail.

use std::time::Duration;

use lettre::AsyncSmtpTransport;
use lettre::Tokio1Executor;
use lettre::message::Mailbox;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Settings of [`super::Mailer`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What becomes of mails.
    pub mode: Mode,
    /// The server that takes them: `smtps://user:password@host` (TLS from the start), `smtp://…?tls=required`
    /// (STARTTLS), or `smtp://host:port` without TLS, for a server on the same machine.
    pub url: SecretString,
    /// Who they are from: `Oort <oort@chat.example>`.
    pub from: String,
    /// Longest time of one mail, waiting for the others included, ms.
    pub timeout_ms: u64,
    /// Mails handed to the server at the same time, each on a connection of its own.
    pub sending_max: usize,
    /// Mails that may wait for one of those; more are refused with `overloaded`.
    pub waiting_max: usize,
}

/// What becomes of mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// There are none: what needs one is refused with `unavailable`.
    Off,
    /// They are written to the log, codes and all: for development.
    Print,
    /// They are handed to the server of `url`.
    Smtp,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: Mode::Off,
            url: SecretString::default(),
            from: String::new(),
            timeout_ms: 8_000,
            sending_max: 8,
            waiting_max: 256,
        }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        if self.mode == Mode::Smtp {
            let url = AsyncSmtpTransport::<Tokio1Executor>::from_url(self.url.expose_secret());
            check(url.is_ok(), "url is not like smtps://user:password@mail.example");
            check(self.from.parse::<Mailbox>().is_ok(), "from is not like Oort <oort@chat.example>");
        }
        check((1..=600_000).contains(&self.timeout_ms), "timeout_ms is not within 1 ms to 10 min");
        check((1..=1_000).contains(&self.sending_max), "sending_max is not within 1 to 1000");
        check(self.waiting_max <= 1_000_000, "waiting_max is more than 1000000");
        faults
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_fault_and_every_fault_is_told() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
        let bad = Config { mode: Mode::Smtp, timeout_ms: 0, sending_max: 0, ..Config::default() };
        assert_eq!(bad.faults().len(), 4, "{:?}", bad.faults());
        let good = |url: &str| Config {
            mode: Mode::Smtp,
            url: SecretString::from(url),
            from: "Oort <oort@chat.example>".to_owned(),
            ..Config::default()
        };
        for url in ["smtp://127.0.0.1:2525", "smtps://u:p@mail.example", "smtp://mail.example?tls=required"] {
            assert_eq!(good(url).faults(), Vec::<String>::new(), "{url}");
        }
        assert_eq!(good("http://mail.example").faults().len(), 1);
    }
}
