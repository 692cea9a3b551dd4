//! Settings of the HTTP API.

use std::time::Duration;

use oort_api::client_address::TrustedProxies;
use serde::{Deserialize, Serialize};

/// Settings of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Largest request body, bytes; a larger one is answered with `too_large`
    /// (and read to four times this, so that the answer arrives).
    pub body_bytes_max: usize,
    /// Longest time from the request's headers to its answer, ms; then `unavailable`.
    pub request_timeout_ms: u64,
    /// Requests under way at the same time; more are answered with `overloaded`.
    pub requests_max: usize,
    /// Sets `Secure` on the cookie: browsers send it over HTTPS only.
    pub cookie_secure: bool,
    /// Origins besides the API's own that may change things with a cookie, as
    /// browsers write them: `https://chat.example`.
    pub allowed_origins: Vec<String>,
    /// Whose `X-Forwarded-For` is believed; given once for all parts, as `cluster.trusted_proxies`.
    pub trusted_proxies: TrustedProxies,
    /// Opens goim's paths to anyone, as goim does. Only on a network where everyone may push.
    pub goim_open: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            body_bytes_max: 1 << 20,
            request_timeout_ms: 10_000,
            requests_max: 20_000,
            cookie_secure: false,
            allowed_origins: Vec::new(),
            trusted_proxies: TrustedProxies::default(),
            goim_open: false,
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
        check(self.body_bytes_max >= 1024, "body_bytes_max is less than 1024");
        check(self.request_timeout_ms >= 1, "request_timeout_ms is 0");
        check(self.requests_max >= 1, "requests_max is 0");
        for origin in &self.allowed_origins {
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            if host.is_none_or(|host| host.is_empty() || host.contains('/')) {
                faults.push(format!("allowed_origins: {origin:?} is not like https://chat.example"));
            }
        }
        faults
    }

    pub(super) fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_fault_and_every_fault_is_told() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
        let config = Config {
            body_bytes_max: 1,
            requests_max: 0,
            allowed_origins: vec![
                "chat.example".to_owned(),
                "https://a/b".to_owned(),
                "https://fine".to_owned(),
            ],
            ..Config::default()
        };
        assert_eq!(config.faults().len(), 4);
    }
}
