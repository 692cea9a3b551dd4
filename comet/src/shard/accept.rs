//! Taking in sockets. No error ends it: the system may run out of files and get some back.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};

use super::{Shard, http, socket_arrived, tls};
use crate::dialect::Dialect;
use crate::transport::arrival::Arrival;

/// What a listener's clients speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Http,
    Packets,
}

/// Doublings of the pause after errors.
const PAUSE_DOUBLINGS_MAX: u32 = 5;

/// Said to a client there is no room for; nothing was read from it.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 5\r\n\
    connection: close\r\ncontent-length: 64\r\n\r\n\
    {\"code\":\"overloaded\",\"message\":\"all connections are in use now\"}";

/// Said to a client whose address has too many connections, or opens them too fast.
const CROWDED: &[u8] =
    b"HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\nretry-after: 5\r\n\
    connection: close\r\ncontent-length: 91\r\n\r\n\
    {\"code\":\"rate_limited\",\"message\":\"too many connections from your address; try again later\"}";

impl Shard {
    /// Accepts until the comet drains.
    pub(crate) async fn accept(self: Rc<Self>, listener: TcpListener, door: Door) {
        let mut errors = 0;
        loop {
            let accepted = tokio::select! {
                () = self.node.draining.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    errors = 0;
                    self.take(stream, peer, door);
                }
                Err(error) => {
                    self.node.metrics.accept_errors.inc();
                    if errors == 0 {
                        tracing::warn!(%error, "a connection could not be accepted");
                    }
                    let pause_ms = self.node.config.accept_backoff_ms << errors;
                    errors = (errors + 1).min(PAUSE_DOUBLINGS_MAX);
                    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                }
            }
        }
    }

    fn take(self: &Rc<Self>, stream: TcpStream, peer: SocketAddr, door: Door) {
        let node = &self.node;
        if node.sockets.load(Ordering::Relaxed) >= node.config.connections_max {
            node.metrics.refuse("connections");
            if door == Door::Http && node.tls.is_none() {
                // A courtesy: a fresh socket takes it.
                let _ = stream.try_write(FULL);
            }
            return;
        }
        if (door == Door::Packets || node.tls.is_some()) && self.has_too_many_opening() {
            return;
        }
        if let Err(error) = self.tune(&stream) {
            tracing::debug!(%error, "a socket went away at once");
            return;
        }
        if let Err(too_much) = socket_arrived(node, peer.ip()) {
            node.metrics.refuse(too_much.label());
            if door == Door::Http && node.tls.is_none() {
                let _ = stream.try_write(CROWDED);
            }
            return;
        }
        if node.tls.is_some() {
            tokio::task::spawn_local(tls::welcome(Rc::clone(self), stream, peer, door));
        } else {
            self.serve(Arrival::new(stream, None), peer, door);
        }
    }

    /// Whether another connection that must authenticate itself is too much; it is counted then.
    pub(crate) fn has_too_many_opening(&self) -> bool {
        let is_full = self.node.opening.load(Ordering::Relaxed) >= self.node.config.handshakes_max;
        if is_full {
            self.node.metrics.refuse("handshakes");
        }
        is_full
    }

    fn tune(&self, stream: &TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let bytes = self.node.config.socket_send_buffer_bytes;
        if bytes > 0 {
            SockRef::from(stream).set_send_buffer_size(bytes)?;
        }
        Ok(())
    }

    /// Serves a socket on which the client may speak.
    pub(super) fn serve(self: &Rc<Self>, arrival: Arrival, peer: SocketAddr, door: Door) {
        match door {
            Door::Http => {
                tokio::task::spawn_local(http::serve(Rc::clone(self), arrival, peer));
            }
            Door::Packets => {
                if let Some((connection, early)) = self.open(arrival, peer.ip(), Dialect::PacketTcp) {
                    self.begin(&connection, early, None);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusals_have_the_length_they_say() {
        for refusal in [FULL, CROWDED] {
            let text = std::str::from_utf8(refusal).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("content-length: {}", body.len())), "{}", body.len());
        }
    }
}
