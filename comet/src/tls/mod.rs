//! TLS on the ports of clients: the certificate and what is agreed with it. The bytes of a connection are in
//! `transport`.

mod expiry;
pub(crate) mod identity;
pub(crate) mod reload;

use std::path::PathBuf;

use serde::Deserialize;

pub use identity::inspect;

/// TLS of the ports that clients reach: HTTP with WebSocket, and packets over TCP.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// File with the certificate and what leads from it to a root, PEM, the server's own first; empty = no TLS.
    pub cert_file: PathBuf,
    /// File with the private key of the certificate, PEM (PKCS #8, PKCS #1 or SEC 1).
    pub key_file: PathBuf,
    /// How often the two files are looked at, ms: a pair that changed is taken for connections from then on. 0 = never.
    pub reload_interval_ms: u64,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self { cert_file: PathBuf::new(), key_file: PathBuf::new(), reload_interval_ms: 60_000 }
    }
}

impl TlsConfig {
    /// Whether clients speak TLS.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        !self.cert_file.as_os_str().is_empty()
    }

    /// Everything that is wrong with these settings. The files are read by [`inspect`].
    pub(crate) fn faults(&self) -> Vec<String> {
        match (self.is_enabled(), self.key_file.as_os_str().is_empty()) {
            (true, true) => vec!["key_file: a certificate needs its key".to_owned()],
            (false, false) => vec!["cert_file: a key needs its certificate".to_owned()],
            _ => Vec::new(),
        }
    }
}

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds no such thing.
    #[error("{field} {}: {source}", path.display())]
    File {
        /// The setting: `cert_file` or `key_file`.
        field: &'static str,
        /// Its value.
        path: PathBuf,
        /// What is wrong.
        source: rustls::pki_types::pem::Error,
    },
    /// The certificate cannot be read, the key is of a kind that is not known, or it is another certificate's.
    #[error("the certificate in cert_file and the key in key_file cannot be used: {0}")]
    Pair(rustls::Error),
    /// The random numbers for session tickets cannot be had, or the settings of TLS contradict each other.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_and_its_key_are_set_together() {
        let with = |cert: &str, key: &str| TlsConfig {
            cert_file: cert.into(),
            key_file: key.into(),
            ..TlsConfig::default()
        };
        assert!(TlsConfig::default().faults().is_empty() && !TlsConfig::default().is_enabled());
        assert!(with("c", "k").faults().is_empty() && with("c", "k").is_enabled());
        assert!(with("c", "").faults()[0].starts_with("key_file:"));
        assert!(with("", "k").faults()[0].starts_with("cert_file:"));
    }
}
