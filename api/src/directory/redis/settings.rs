//! What can be set of the directory over Redis.

use secrecy::{ExposeSecret, SecretString};
use serde::Serializer;
use serde::ser::SerializeSeq;

/// The directory over Redis.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where Redis is: `redis://[user:password@]host:port[/database]`. Several
    /// are nodes of one Redis Cluster to begin with.
    #[serde(serialize_with = "hidden")]
    pub urls: Vec<SecretString>,
    /// A single URL names a node of a Redis Cluster too.
    pub cluster: bool,
    /// Beginning of every key, so that systems can share a Redis.
    pub key_prefix: String,
    /// How long a call may take, connecting included, ms.
    pub timeout_ms: u32,
    /// How long to wait after a failed attempt to connect, ms; calls in
    /// between fail at once.
    pub reconnect_ms: u32,
    /// Commands in one pipeline; a larger call takes several, one after the
    /// other.
    pub pipeline_max: u32,
    /// How long a reader takes a comet for live without asking again, ms: so
    /// long a dead one may still be routed to. A new one is seen at once.
    pub comets_cached_ms: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            urls: vec![SecretString::from("redis://127.0.0.1:6379")],
            cluster: false,
            key_prefix: "oort:".to_owned(),
            timeout_ms: 1_000,
            reconnect_ms: 50,
            pipeline_max: 1_024,
            comets_cached_ms: 200,
        }
    }
}

impl Settings {
    /// Every value that cannot work.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.urls.is_empty() {
            faults.push("urls must name at least one Redis".to_owned());
        }
        for (place, url) in self.urls.iter().enumerate() {
            // Without the URL: it may hold a password.
            if ::redis::Client::open(url.expose_secret()).is_err() {
                faults.push(format!("urls[{place}] is not a redis:// URL"));
            }
        }
        if self.key_prefix.len() > 64 || self.key_prefix.contains(['{', '}', '*', '?', '[', '\\']) {
            faults.push("key_prefix has at most 64 bytes and none of {}*?[\\".to_owned());
        }
        for (name, value, least, most) in [
            ("timeout_ms", self.timeout_ms, 10, 60_000),
            ("reconnect_ms", self.reconnect_ms, 1, 60_000),
            ("pipeline_max", self.pipeline_max, 1, 100_000),
            ("comets_cached_ms", self.comets_cached_ms, 0, 10_000),
        ] {
            if !(least..=most).contains(&value) {
                faults.push(format!("{name} must be {least} to {most}"));
            }
        }
        faults
    }

    pub(super) fn is_cluster(&self) -> bool {
        self.cluster || self.urls.len() > 1
    }
}

fn hidden<S: Serializer>(urls: &[SecretString], serializer: S) -> Result<S::Ok, S::Error> {
    let mut sequence = serializer.serialize_seq(Some(urls.len()))?;
    for url in urls {
        // What follows the password, if there is one.
        let text = url.expose_secret();
        match text.split_once("://").zip(text.rsplit_once('@')) {
            Some(((scheme, _), (_, rest))) => {
                sequence.serialize_element(&format!("{scheme}://[hidden]@{rest}"))?;
            }
            None => sequence.serialize_element(text)?,
        }
    }
    sequence.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_work_and_every_fault_is_told() {
        assert_eq!(Settings::default().faults(), Vec::<String>::new());
        let bad = Settings {
            urls: vec!["http://x".into(), "redis://ok".into()],
            key_prefix: "a*".to_owned(),
            timeout_ms: 0,
            ..Settings::default()
        };
        assert_eq!(bad.faults().len(), 3, "{:?}", bad.faults());
        assert!(bad.is_cluster());
    }

    #[test]
    fn passwords_are_not_written() {
        let settings = Settings { urls: vec!["redis://me:secret@host:1/2".into()], ..Settings::default() };
        let json = serde_json::to_string(&settings).expect("writes");
        assert!(json.contains("redis://[hidden]@host:1/2") && !json.contains("secret"), "{json}");
        assert!(!format!("{settings:?}").contains("secret"));
    }
}
