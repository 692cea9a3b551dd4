//! A comet's certificate for a run, and clients that trust it.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// The name in the certificate.
pub(crate) const NAME: &str = "localhost";

/// How clients begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Tls {
    /// With a whole handshake each.
    Full,
    /// With what an earlier connection left, where there was one.
    Resumed,
}

impl Tls {
    /// As results name it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Resumed => "resumed",
        }
    }
}

/// A certificate in files, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Identity {
    folder: TempDir,
    client: Arc<ClientConfig>,
}

impl Identity {
    pub(super) fn new(tls: Tls) -> anyhow::Result<Self> {
        let key = rcgen::KeyPair::generate()?;
        let certificate = rcgen::CertificateParams::new(vec![NAME.to_owned()])?.self_signed(&key)?;
        let folder = TempDir::with_prefix("oort-bench-")?;
        std::fs::write(folder.path().join("key.pem"), pem("PRIVATE KEY", key.serialized_der()))?;
        std::fs::write(folder.path().join("cert.pem"), pem("CERTIFICATE", certificate.der()))?;
        Ok(Self { client: client(tls, certificate.der().clone())?, folder })
    }

    /// What tells a comet of it.
    pub(super) fn settings(&self) -> [(&'static str, PathBuf); 2] {
        let file = |name: &str| self.folder.path().join(name);
        [("OORT_COMET__TLS__CERT_FILE", file("cert.pem")), ("OORT_COMET__TLS__KEY_FILE", file("key.pem"))]
    }

    /// Its clients.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.client)
    }
}

/// RFC 7468, on one line, which parsers take.
fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn client(tls: Tls, root: CertificateDer<'static>) -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(root)?;
    let mut client =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
    if tls == Tls::Full {
        client.resumption = Resumption::disabled();
    }
    Ok(Arc::new(client))
}
