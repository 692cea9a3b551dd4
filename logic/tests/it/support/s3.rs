//! A real S3 API over a folder: it checks signatures, and keeps objects as files.

use std::net::SocketAddr;
use std::path::Path;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The bucket there is.
pub(crate) const NAME: &str = "files";
/// Who may use it.
pub(crate) const ACCESS_KEY: &str = "oort";
/// Their secret.
pub(crate) const SECRET: &str = "a secret of the tests";

/// A server with one bucket; gone when dropped.
#[derive(Debug)]
pub(crate) struct Bucket {
    address: SocketAddr,
    folder: tempfile::TempDir,
    serving: JoinSet<()>,
}

impl Bucket {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join(NAME)).expect("a bucket");
        let mut builder = S3ServiceBuilder::new(FileSystem::new(folder.path()).expect("a file system"));
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET));
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("an address");
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
                connections.spawn(async move { drop(connection.await) });
            }
        });
        Self { address, folder, serving }
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where its objects are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Answers nobody any more.
    pub(crate) async fn stop(&mut self) {
        self.serving.shutdown().await;
    }
}
