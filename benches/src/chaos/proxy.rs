//! A TCP proxy in front of a link, which can delay, throttle, half-close and cut what passes; it never changes a byte.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What a proxy does to everything that passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passing {
    /// Lets it through.
    Free,
    /// Holds each piece for so long.
    Delayed(Duration),
    /// Lets 1 KB/s through in each direction of each connection.
    Throttled,
    /// Ends one direction of each connection; the other goes on.
    HalfClosed,
    /// Ends every connection, and each new one at once.
    Cut,
}

/// Most bytes taken in one piece.
const PIECE_BYTES: usize = 16 * 1024;
/// Most bytes of a piece while throttled, and the pause after each: 1 KB/s.
const THROTTLED_BYTES: usize = 128;
const THROTTLED_PAUSE: Duration = Duration::from_millis(125);

/// A running proxy; dropping it ends every connection.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    passing: watch::Sender<Passing>,
    // Its tasks end with it.
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// At `address`, in front of `target`.
    pub(crate) async fn start(address: &str, target: String) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (passing, watched) = watch::channel(Passing::Free);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, target, watched));
        Ok(Self { address, passing, _tasks: tasks })
    }

    /// From now on.
    pub(crate) fn set(&self, passing: Passing) {
        self.passing.send_replace(passing);
    }
}

async fn accept(listener: TcpListener, target: String, passing: watch::Receiver<Passing>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                connections.spawn(carry(client, target.clone(), passing.clone()));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn carry(client: TcpStream, target: String, mut passing: watch::Receiver<Passing>) {
    if *passing.borrow() == Passing::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(&target).await else { return };
    // A proxy must not add the wait of Nagle's algorithm.
    if client.set_nodelay(true).and(server.set_nodelay(true)).is_err() {
        return;
    }
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let up = pump(from_client, to_server, passing.clone(), true);
    let down = pump(from_server, to_client, passing.clone(), false);
    tokio::select! {
        _ = async { tokio::join!(up, down) } => {}
        _ = passing.wait_for(|passing| *passing == Passing::Cut) => {}
    }
}

/// Carries one direction until its end, which is passed on.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut passing: watch::Receiver<Passing>,
    is_up: bool,
) {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let now = *passing.borrow_and_update();
        if now == Passing::HalfClosed && is_up {
            break;
        }
        let most = if now == Passing::Throttled { THROTTLED_BYTES } else { PIECE_BYTES };
        let read = tokio::select! {
            read = from.read(&mut piece[..most]) => read,
            Ok(()) = passing.changed() => continue,
        };
        let Ok(length @ 1..) = read else { break };
        match now {
            Passing::Delayed(delay) => tokio::time::sleep(delay).await,
            Passing::Throttled => tokio::time::sleep(THROTTLED_PAUSE).await,
            Passing::Free | Passing::HalfClosed | Passing::Cut => {}
        }
        if to.write_all(&piece[..length]).await.is_err() {
            break;
        }
    }
    // The other side may be gone already.
    drop(to.shutdown().await);
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> (Proxy, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (mut from, mut to) = stream.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut from, &mut to).await });
            }
        });
        (Proxy::start("127.0.0.1:0", address.to_string()).await.unwrap(), tasks)
    }

    async fn say(stream: &mut TcpStream, text: &[u8]) -> io::Result<Vec<u8>> {
        stream.write_all(text).await?;
        let mut answer = vec![0; text.len()];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn it_carries_every_byte_in_every_mode_but_cut() {
        let (proxy, _echo) = echo().await;
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        for passing in
            [Passing::Free, Passing::Delayed(Duration::from_millis(5)), Passing::Throttled, Passing::Free]
        {
            proxy.set(passing);
            let text: Vec<u8> = (0..=255).collect();
            assert_eq!(say(&mut stream, &text).await.unwrap(), text, "{passing:?}");
        }
    }

    #[tokio::test]
    async fn it_cuts_and_half_closes() {
        let (proxy, _echo) = echo().await;
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        say(&mut stream, b"a").await.unwrap();
        proxy.set(Passing::Cut);
        assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0, "the connection ends");
        let mut refused = TcpStream::connect(proxy.address).await.unwrap();
        assert!(say(&mut refused, b"b").await.is_err(), "a new one, too");
        proxy.set(Passing::Free);
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        say(&mut stream, b"c").await.unwrap();
        proxy.set(Passing::HalfClosed);
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "the server saw the end and ended, too");
    }
}
