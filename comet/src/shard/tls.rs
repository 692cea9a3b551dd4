//! Sockets on their way to an encrypted connection.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpStream;

use super::accept::Door;
use super::{Shard, socket_left};
use crate::node::Node;
use crate::transport::arrival::Arrival;
use crate::transport::handshake::{HandshakeError, shake_hands};

/// Counts a client that is not authenticated.
struct Opening<'a>(&'a Node);

impl<'a> Opening<'a> {
    fn begin(node: &'a Node) -> Self {
        node.opening.fetch_add(1, Ordering::Relaxed);
        node.metrics.handshakes.inc();
        Self(node)
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.opening.fetch_sub(1, Ordering::Relaxed);
        self.0.metrics.handshakes.dec();
    }
}

/// Shakes hands with a client, then serves it as its door says.
pub(super) async fn welcome(shard: Rc<Shard>, stream: TcpStream, peer: SocketAddr, door: Door) {
    let node = Arc::clone(&shard.node);
    let Some(tls) = &node.tls else { return socket_left(&node, peer.ip()) };
    let config = Arc::clone(if door == Door::Http { &tls.http } else { &tls.packets });
    let buffers = Rc::clone(shard.tls_buffers.get_or_init(Rc::default));
    let opening = Opening::begin(&node);
    let limit = Duration::from_millis(node.config.handshake_timeout_ms);
    let shaking = tokio::time::timeout(limit, shake_hands(&stream, config, buffers));
    let shaken = tokio::select! {
        shaken = shaking => shaken.unwrap_or(Err(HandshakeError::Timeout)),
        () = node.draining.cancelled() => return socket_left(&node, peer.ip()),
    };
    drop(opening);
    match shaken {
        Ok(encrypted) => {
            node.metrics.tls_handshakes.inc();
            // A task of its own: this one has the size of a handshake.
            shard.serve(Arrival::new(stream, Some(encrypted)), peer, door);
        }
        Err(error) => {
            node.metrics.tls_failure(error.label());
            tracing::debug!(%error, "a TLS handshake failed");
            socket_left(&node, peer.ip());
        }
    }
}
