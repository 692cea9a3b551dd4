//! Takes a new certificate when its files change.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::sign::CertifiedKey;

use super::identity::{self, Tls};
use super::{TlsConfig, TlsError};
use crate::metrics::Metrics;
use crate::node::Node;

/// What tells one state of the two files from another.
type Stamp = [Option<(SystemTime, u64)>; 2];

fn stamp(config: &TlsConfig) -> Stamp {
    let of = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    [of(&config.cert_file), of(&config.key_file)]
}

/// Reads the files for the start.
pub(crate) fn start(config: &TlsConfig, metrics: &Metrics) -> Result<Option<(Tls, Watch)>, TlsError> {
    if !config.is_enabled() {
        return Ok(None);
    }
    // Looked at before it is read: what is written meanwhile is a change.
    let seen = stamp(config);
    let certificate = identity::read(config)?;
    tell(&certificate, metrics);
    Ok(Some((Tls::new(certificate)?, Watch { config: config.clone(), seen })))
}

/// The state of the files, and the certificate if it is another one than was seen.
fn look(config: &TlsConfig, seen: Stamp) -> (Stamp, Option<Result<CertifiedKey, TlsError>>) {
    let now = stamp(config);
    (now, (now != seen).then(|| identity::read(config)))
}

/// Says when a certificate ends, in the log only if it has.
fn tell(certificate: &CertifiedKey, metrics: &Metrics) {
    metrics.tls_certificate_end.set(identity::not_after_s(certificate).unwrap_or_default());
    if identity::seconds_left(certificate).is_some_and(|left| left < 0) {
        tracing::warn!("the certificate in comet.tls.cert_file is over; clients will refuse it");
    }
}

/// The files as they were last seen.
#[derive(Debug)]
pub(crate) struct Watch {
    config: TlsConfig,
    seen: Stamp,
}

impl Watch {
    /// Looks at the files for ever, or not at all. What cannot be used changes nothing.
    pub(crate) async fn run(mut self, node: Arc<Node>) {
        let Some(tls) = node.tls.as_ref().filter(|_| self.config.reload_interval_ms > 0) else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(Duration::from_millis(self.config.reload_interval_ms)).await;
            let (config, seen) = (self.config.clone(), self.seen);
            let looking = tokio::task::spawn_blocking(move || look(&config, seen));
            let Ok((seen, changed)) = looking.await else { continue };
            self.seen = seen;
            match changed {
                None => {}
                Some(Ok(certificate)) => {
                    tell(&certificate, &node.metrics);
                    tls.identity.exchange(certificate);
                    node.metrics.reloaded("taken");
                    tracing::info!("a new certificate was taken");
                }
                Some(Err(error)) => {
                    node.metrics.reloaded("refused");
                    tracing::error!(%error, "the changed certificate cannot be used; the old one stays");
                }
            }
        }
    }
}
