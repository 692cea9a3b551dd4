//! A plain WebSocket echo server on comet's framing, to be tested with the Autobahn suite.
//!
//! `cargo run --release -p oort-comet --example echo -- 127.0.0.1:9001`
//!
//! Of its fuzzing client (0.8.2) the 301 cases of the chapters 1 to 10 were run: none failed, 3 are informational.

use std::convert::Infallible;
use std::error::Error;

use bytes::Bytes;
use http::header::SEC_WEBSOCKET_EXTENSIONS;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use oort_comet::framing::handshake::Upgrade;
use oort_comet::framing::{
    Deflater, Event, Inflater, Limits, Opcode, Reader, Violation, close_frame, close_reply, deflate,
    deflate_frames, encode_frame, pong_frame,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Above the 16 MiB messages and the 64-byte fragments of 4 MiB messages that the suite sends.
const LIMITS: Limits = Limits { message_bytes_max: 32 << 20, fragments_max: 1 << 20 };

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).ok_or("usage: echo ADDRESS, such as 127.0.0.1:9001")?;
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service_fn(upgrade))
            .with_upgrades();
        tokio::spawn(connection);
    }
}

async fn upgrade(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let (status, headers) = match Upgrade::of(request.method(), request.version(), request.headers()) {
        Ok(upgrade) => {
            let mut headers = upgrade.response_headers(None);
            let extension = deflate::negotiate(request.headers());
            tokio::spawn(echo(hyper::upgrade::on(&mut request), extension.is_some()));
            headers.extend(extension.map(|extension| (SEC_WEBSOCKET_EXTENSIONS, extension)));
            (StatusCode::SWITCHING_PROTOCOLS, headers)
        }
        Err(refusal) => (refusal.status(), refusal.headers()),
    };
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

async fn echo(upgraded: OnUpgrade, is_deflated: bool) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut stream = TokioIo::new(upgraded.await?);
    let mut reader = Reader::inflating(is_deflated);
    let mut inflater = Inflater::default();
    let mut deflater = is_deflated.then(|| Deflater::new(2));
    let mut scratch = vec![0; 64 * 1024];
    while !reader.is_closed() {
        let read = stream.read(&mut scratch).await?;
        if read == 0 {
            return Ok(());
        }
        let mut replies = Vec::new();
        if let Err(violation) = answer(&mut reader, &mut inflater, &mut scratch[..read], &mut replies) {
            replies.push(close_frame(violation.close_code(), &violation.to_string()));
        }
        for reply in replies {
            let reply = match &mut deflater {
                Some(deflater) => deflate_frames(&reply, 1, deflater),
                None => reply,
            };
            stream.write_all(&reply).await?;
        }
    }
    stream.shutdown().await?;
    // The client may still be sending: closing with bytes unread would reset the connection under our close
    // frame.
    while stream.read(&mut scratch).await? > 0 {}
    Ok(())
}

fn answer(
    reader: &mut Reader,
    inflater: &mut Inflater,
    input: &mut [u8],
    replies: &mut Vec<Bytes>,
) -> Result<(), Violation> {
    let mut events = reader.read(input, &LIMITS);
    while let Some(event) = events.next_event()? {
        replies.push(match event {
            Event::Text(text) => encode_frame(Opcode::Text, text.as_bytes()),
            Event::Binary(bytes) => encode_frame(Opcode::Binary, bytes),
            Event::Compressed { is_text, payload } => {
                let message = inflater.inflate(payload, LIMITS.message_bytes_max)?;
                if is_text {
                    std::str::from_utf8(message).map_err(|_| Violation::Utf8)?;
                }
                encode_frame(if is_text { Opcode::Text } else { Opcode::Binary }, message)
            }
            Event::Ping(payload) => pong_frame(payload),
            Event::Pong(_) => continue,
            Event::Close { code, .. } => close_reply(code),
        });
    }
    Ok(())
}
