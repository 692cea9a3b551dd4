//! Opens a WebSocket to a comet and waits for `hello`.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::frames::ServerFrame;
use super::websocket::{self, Frame};
use super::wire::Wire;

/// Longest wait for the upgrade and for `hello`.
const PATIENCE: Duration = Duration::from_secs(30);

/// Speaks `oort.v1` as the owner of `token`; returns the connection and the `head` of each of its conversations.
pub(crate) fn open(address: SocketAddr, token: &str) -> anyhow::Result<(Wire, Vec<(String, i64)>)> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("no connection to {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /api/ws HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: b29ydC1iZW5jaCBydW5zLg==\r\n\
         sec-websocket-protocol: oort.v1, bearer.{token}\r\n\r\n"
    )?;
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        more(&mut stream, &mut bytes)?;
    };
    let answer = String::from_utf8_lossy(&bytes[..head]).into_owned();
    ensure!(answer.starts_with("HTTP/1.1 101 "), "{address} does not upgrade: {answer}");
    bytes.drain(..head);
    loop {
        match websocket::read(&bytes)? {
            None => more(&mut stream, &mut bytes)?,
            Some((Frame::Text(text), end)) => {
                let ServerFrame::Hello(hello) = ServerFrame::parse(text)? else {
                    bail!("{address} began with: {}", String::from_utf8_lossy(text));
                };
                let heads = hello.rooms.into_iter().map(|room| (room.id.into_owned(), room.head)).collect();
                stream.set_read_timeout(None)?;
                return Ok((Wire::of(stream, &bytes[end..])?, heads));
            }
            Some((Frame::Close { code, reason }, _)) => {
                bail!("{address} closed with {code} {} before hello", String::from_utf8_lossy(reason));
            }
            Some((Frame::Ping(_) | Frame::Other, end)) => drop(bytes.drain(..end)),
        }
    }
}

fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> anyhow::Result<()> {
    let mut part = [0; 16 * 1024];
    let read = stream.read(&mut part).context("no upgrade and hello in time")?;
    ensure!(read > 0, "the connection ended before hello");
    bytes.extend_from_slice(&part[..read]);
    Ok(())
}
