//! The HTTP client that servers of others are called with: hyper's, over a way
//! to the host that looks at every address before it connects.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tower::Service;

use super::backoff::retry_after;
use super::guard::Guard;

/// How long a connection that nothing needs is kept open.
const IDLE: Duration = Duration::from_secs(60);
/// The same over HTTP/1.1, which does not say that it is about to be closed: many servers do it after 5 s.
const IDLE_ONE: Duration = Duration::from_secs(4);

/// How it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// HTTP/1.1.
    One,
    /// HTTP/2 and nothing else, also without TLS.
    Two,
}

/// Its bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Longest time of an attempt.
    pub(crate) timeout: Duration,
    /// Most of an answer that is read; of one that is longer nothing is.
    pub(crate) answer_bytes_max: usize,
    /// Connections kept open to one host that nothing needs now.
    pub(crate) idle_per_host_max: usize,
}

/// Sends requests. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pool: Pool<Connector, Full<Bytes>>,
    bounds: Bounds,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// How long the receiver wants to be left alone.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Bytes,
}

impl Client {
    /// Talks to whom the guard admits.
    pub(crate) fn new(guard: Guard, speaks: Speaks, tls: &Arc<ClientConfig>, bounds: Bounds) -> Self {
        let mut tls = ClientConfig::clone(tls);
        tls.alpn_protocols = match speaks {
            Speaks::One => vec![b"http/1.1".to_vec()],
            Speaks::Two => vec![b"h2".to_vec()],
        };
        let connector = Connector { guard, tls: TlsConnector::from(Arc::new(tls)) };
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(if speaks == Speaks::Two { IDLE } else { IDLE_ONE })
            .pool_max_idle_per_host(bounds.idle_per_host_max)
            .http2_only(speaks == Speaks::Two)
            .build(connector);
        Self { pool, bounds }
    }

    /// Sends a request; a redirection is an answer like any other. Says in a few words why there was none.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer, &'static str> {
        timeout(self.bounds.timeout, self.exchange(request)).await.map_err(|_| "timeout")?
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, &'static str> {
        let response = self.pool.request(request).await.map_err(|error| {
            tracing::debug!(%error, "a webhook's receiver gives no answer");
            if error.is_connect() { "connect" } else { "exchange" }
        })?;
        let (head, body) = response.into_parts();
        let retry_after = retry_after(&head.headers, SystemTime::now());
        // What cannot be read, or is longer, is of no interest.
        let body = Limited::new(body, self.bounds.answer_bytes_max).collect().await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        Ok(Answer { status: head.status, retry_after, body })
    }
}

/// A POST with these headers.
pub(crate) fn post(uri: Uri, headers: HeaderMap, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body.into()));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    request
}

/// Whom TLS believes: the public authorities, and those of the file.
pub(crate) fn tls(roots_file: &str) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if !roots_file.is_empty() {
        let unreadable = |error| format!("roots_file {roots_file}: {error}");
        for certificate in CertificateDer::pem_file_iter(roots_file).map_err(unreadable)? {
            let certificate = certificate.map_err(unreadable)?;
            roots.add(certificate).map_err(|error| format!("roots_file {roots_file}: {error}"))?;
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Makes connections.
#[derive(Clone)]
struct Connector {
    guard: Guard,
    tls: TlsConnector,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.connect(&uri).await })
    }
}

impl Connector {
    async fn connect(&self, uri: &Uri) -> io::Result<Stream> {
        let is_tls = uri.scheme() == Some(&Scheme::HTTPS);
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        // The name is looked up once: what was looked at is what is connected to.
        let found = tokio::net::lookup_host((host, port)).await?;
        let admitted: Vec<SocketAddr> = found.filter(|address| self.guard.admits(address.ip())).collect();
        if admitted.is_empty() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "no public address"));
        }
        let tcp = TcpStream::connect(&admitted[..]).await?;
        tcp.set_nodelay(true)?;
        if !is_tls {
            return Ok(Stream { io: TokioIo::new(Box::new(tcp)), is_h2: false });
        }
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "not a name for a certificate"))?;
        let tls = self.tls.connect(name, tcp).await?;
        let is_h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Stream { io: TokioIo::new(Box::new(tls)), is_h2 })
    }
}

trait Bytewise: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Bytewise for T {}

/// A connection, with TLS or without.
struct Stream {
    io: TokioIo<Box<dyn Bytewise>>,
    is_h2: bool,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = Connected::new();
        if self.is_h2 { connected.negotiated_h2() } else { connected }
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("an address").port();
        let tls = tls("").expect("roots");
        let timeout = Duration::from_millis(300);
        let bounds = Bounds { timeout, answer_bytes_max: 1024, idle_per_host_max: 1 };
        let client = |guard| Client::new(guard, Speaks::One, &tls, bounds);
        let send = async |guard| {
            let uri = format!("http://localhost:{port}/").parse().expect("a URL");
            client(guard).send(post(uri, HeaderMap::new(), "")).await.map(|answer| answer.status)
        };
        assert_eq!(send(Guard::Public).await, Err("connect"));
        assert_eq!(send(Guard::Any).await, Err("timeout"), "it connects, and nobody answers");
    }

    #[test]
    fn a_file_of_roots_that_is_not_there_is_told() {
        assert!(tls("/nowhere.pem").expect_err("no file").contains("/nowhere.pem"));
    }
}
