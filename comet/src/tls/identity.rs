//! The certificate of this comet and its key: read, checked, given to handshakes.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{TlsConfig, TlsError, expiry};

/// The certificate that new connections are shown. It may be exchanged at any time.
#[derive(Debug)]
pub(crate) struct Identity(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read()))
    }
}

impl Identity {
    pub(crate) fn exchange(&self, certificate: CertifiedKey) {
        *self.0.write() = Arc::new(certificate);
    }
}

/// What a comet needs to answer handshakes.
pub(crate) struct Tls {
    pub(crate) identity: Arc<Identity>,
    /// For HTTP, which the client may ask for by name.
    pub(crate) http: Arc<ServerConfig>,
    /// For packets, which have no name.
    pub(crate) packets: Arc<ServerConfig>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    /// With a certificate that [`read`] gave.
    pub(crate) fn new(certificate: CertifiedKey) -> Result<Self, TlsError> {
        let identity = Arc::new(Identity(RwLock::new(Arc::new(certificate))));
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(&identity) as _;
        let mut packets = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        // A ticket is the whole session, kept by the client: nothing is kept here.
        packets.ticketer = aws_lc_rs::Ticketer::new().map_err(TlsError::Setup)?;
        packets.session_storage = Arc::new(NoServerSessionStorage {});
        let mut http = packets.clone();
        http.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { identity, http: Arc::new(http), packets: Arc::new(packets) })
    }
}

/// The one crypto library of the process.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Reads the certificate and its key, and sees that they belong together.
pub(crate) fn read(config: &TlsConfig) -> Result<CertifiedKey, TlsError> {
    let file = |field, path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::File { field, path, source }
    };
    let no_certificate = || file("cert_file", &config.cert_file);
    let chain = CertificateDer::pem_file_iter(&config.cert_file).map_err(no_certificate())?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(no_certificate())?;
    if chain.is_empty() {
        return Err(no_certificate()(pem::Error::NoItemsFound));
    }
    let key = PrivateKeyDer::from_pem_file(&config.key_file).map_err(file("key_file", &config.key_file))?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(TlsError::Pair)
}

/// When a certificate ends, seconds since 1970; `None` when that cannot be read.
pub(crate) fn not_after_s(certificate: &CertifiedKey) -> Option<i64> {
    expiry::not_after_s(certificate.cert.first()?)
}

/// Seconds until a certificate ends; negative when it is over.
pub(crate) fn seconds_left(certificate: &CertifiedKey) -> Option<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(not_after_s(certificate)? - i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
}

/// Reads the files as a start does. Seconds until the certificate ends, negative when it is over; `None` when there is no
/// TLS, or the time cannot be read.
///
/// # Errors
/// What a start would say.
pub fn inspect(config: &TlsConfig) -> Result<Option<i64>, TlsError> {
    if !config.is_enabled() {
        return Ok(None);
    }
    Ok(seconds_left(&read(config)?))
}
