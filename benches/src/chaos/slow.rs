//! Clients that hold up whoever lets them: they never read, read one byte a second, or say what they want at that pace.

use std::time::Duration;

use anyhow::Context;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::crowd::world::World;

/// Of each kind.
const EACH: usize = 8;
/// What their sockets hold: as little as the kernel lets them.
const RECEIVE_BYTES: u32 = 2048;
const BYTE_EVERY: Duration = Duration::from_secs(1);

/// Lets them be there for so long, at these comets, as users of the crowd.
pub(crate) async fn stay(world: &World, comets: &[String], time: Duration) -> anyhow::Result<()> {
    let mut there = Vec::new();
    for number in 0..3 * EACH {
        let comet = &comets[number % comets.len()];
        let stream = connect(comet).await.with_context(|| format!("no connection to {comet}"))?;
        there.push(one(
            stream,
            number / EACH,
            upgrade(comet, &world.account(number % world.accounts()).token),
        ));
    }
    // None of them ever ends by itself.
    drop(tokio::time::timeout(time, join_all(there)).await);
    Ok(())
}

async fn connect(comet: &str) -> anyhow::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(RECEIVE_BYTES)?;
    Ok(socket.connect(comet.parse()?).await?)
}

fn upgrade(comet: &str, token: &str) -> String {
    format!(
        "GET /api/ws HTTP/1.1\r\nHost: {comet}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: oort.v1, bearer.{token}\r\n\r\n"
    )
}

/// What the server does to it is the server's business.
async fn one(mut stream: TcpStream, kind: usize, upgrade: String) {
    if kind == 0 {
        for byte in upgrade.as_bytes() {
            drop(stream.write_all(&[*byte]).await);
            tokio::time::sleep(BYTE_EVERY).await;
        }
    } else {
        drop(stream.write_all(upgrade.as_bytes()).await);
    }
    loop {
        tokio::time::sleep(BYTE_EVERY).await;
        if kind == 1 {
            drop(stream.read(&mut [0]).await);
        }
    }
}
