//! Bytes that no HTTP library would send.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What the server says to these bytes until it closes the connection, which it must.
pub(crate) async fn said_until_closed(address: SocketAddr, request: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    // The server may close while we still write.
    drop(stream.write_all(request.as_ref()).await);
    let mut answer = Vec::new();
    let read = tokio::time::timeout(super::PATIENCE, stream.read_to_end(&mut answer)).await;
    // A reset is an end, too.
    drop(read.expect("the server closes the connection"));
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of each answer in what was said.
pub(crate) fn statuses(said: &str) -> Vec<u16> {
    let answers = said.split("HTTP/1.1 ").skip(1);
    answers.map(|answer| answer.get(..3).and_then(|code| code.parse().ok()).unwrap_or_default()).collect()
}
