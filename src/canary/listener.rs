//! The connected one of the pair.

use anyhow::{Context, bail};
use futures_util::StreamExt as _;
use http::HeaderValue;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// A connection to a comet that speaks `oort.v1`.
#[derive(Debug)]
pub(super) struct Listener {
    stream: WebSocketStream<TcpStream>,
}

/// As much of a frame as matters here.
#[derive(Deserialize)]
struct Frame {
    #[serde(rename = "type")]
    kind: String,
    payload: Option<Payload>,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    messages: Vec<Shown>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    client_msg_id: Option<String>,
}

impl Listener {
    /// Connects and waits for the greeting.
    pub(super) async fn connect(address: &str, token: &str) -> anyhow::Result<Self> {
        let tcp = TcpStream::connect(address).await.with_context(|| address.to_owned())?;
        tcp.set_nodelay(true)?;
        let mut request = format!("ws://{address}/api/ws").into_client_request()?;
        let protocols = HeaderValue::try_from(format!("oort.v1, bearer.{token}"))?;
        request.headers_mut().insert("sec-websocket-protocol", protocols);
        let (stream, _) = tokio_tungstenite::client_async(request, tcp).await?;
        let mut listener = Self { stream };
        while listener.next().await?.kind != "hello" {}
        Ok(listener)
    }

    /// Waits for the frame with this message.
    pub(super) async fn wait_for(&mut self, client_msg_id: &str) -> anyhow::Result<()> {
        loop {
            let frame = self.next().await?;
            let messages = frame.payload.map(|payload| payload.messages).unwrap_or_default();
            let is_it = |shown: &Shown| shown.client_msg_id.as_deref() == Some(client_msg_id);
            if frame.kind == "serverMessages" && messages.iter().any(is_it) {
                return Ok(());
            }
        }
    }

    async fn next(&mut self) -> anyhow::Result<Frame> {
        loop {
            match self.stream.next().await {
                // Of other frames only the type is looked at, so what else they hold may be anything.
                Some(Ok(Message::Text(text))) => {
                    return Ok(read(&text).unwrap_or(Frame { kind: String::new(), payload: None }));
                }
                Some(Ok(Message::Close(frame))) => bail!("the comet closed: {frame:?}"),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => bail!("the comet hung up"),
            }
        }
    }
}

fn read(text: &str) -> Option<Frame> {
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: String,
    }
    let Kind { kind } = serde_json::from_str(text).ok()?;
    if kind == "serverMessages" {
        return serde_json::from_str(text).ok();
    }
    Some(Frame { kind, payload: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_far_as_it_matters() {
        let frame = read(
            r#"{"type":"serverMessages","payload":{"roomId":"7","messages":[{"clientMsgId":"a","seq":1},{"seq":2}]}}"#,
        );
        let messages = frame.and_then(|frame| frame.payload).expect("read").messages;
        assert_eq!(messages[0].client_msg_id.as_deref(), Some("a"));
        assert_eq!(messages[1].client_msg_id, None);
        let other = read(r#"{"type":"hello","payload":{"messages":7}}"#).expect("read");
        assert!(other.kind == "hello" && other.payload.is_none());
        assert!(read("[]").is_none() && read("nonsense").is_none());
    }
}
