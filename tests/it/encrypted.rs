//! A whole server whose clients speak TLS and compress.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::harness::system::System;
use crate::harness::{PATIENCE, eventually, unique};

type Stream = Box<TlsStream<TcpStream>>;

/// Writes a certificate for `localhost` and its key; what a client must trust.
fn certify(folder: &Path, last_year: i32) -> CertificateDer<'static> {
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    params.not_after = rcgen::date_time_ymd(last_year, 1, 1);
    let certificate = params.self_signed(&key).expect("a certificate");
    std::fs::write(folder.join("cert.pem"), certificate.pem()).expect("written");
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).expect("written");
    certificate.der().clone()
}

/// The settings that name them.
fn settings(folder: &Path) -> [(&'static str, String); 2] {
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    [("OORT_COMET__TLS__CERT_FILE", path("cert.pem")), ("OORT_COMET__TLS__KEY_FILE", path("key.pem"))]
}

struct Client {
    system: System,
    tls: TlsConnector,
}

impl Client {
    async fn connect(&self) -> Stream {
        let stream = TcpStream::connect(self.system.door(0)).await.expect("a socket");
        let name = ServerName::try_from("localhost").expect("a name");
        Box::new(self.tls.connect(name, stream).await.expect("a TLS connection"))
    }

    /// Creates an account; its cookie.
    async fn sign_up(&self, username: &str) -> String {
        let body = json!({"username": username, "email": format!("{username}@example.org"), "password": "secret word"});
        let body = body.to_string();
        let request = format!(
            "POST /api/create-account HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut answer = String::new();
        let reading = stream.read_to_string(&mut answer);
        tokio::time::timeout(PATIENCE, reading).await.expect("in time").expect("a clean end");
        let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect(&answer);
        cookie.split(';').next().expect("a value").to_owned()
    }

    async fn socket(&self, cookie: &str) -> WebSocketStream<Stream> {
        let mut request = "wss://localhost/api/ws".into_client_request().expect("a request");
        let headers = request.headers_mut();
        headers.insert("cookie", cookie.parse().expect("a value"));
        headers.insert("sec-websocket-protocol", "oort.v1".parse().expect("a value"));
        let (mut socket, _) =
            tokio_tungstenite::client_async(request, self.connect().await).await.expect("an upgrade");
        assert_eq!(next(&mut socket).await["type"], "hello");
        socket
    }
}

async fn next(socket: &mut WebSocketStream<Stream>) -> Value {
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.expect("in time");
        if let Message::Text(text) = message.expect("not ended").expect("no error") {
            return serde_json::from_str(&text).expect("JSON");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_chat_over_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut roots = RootCertStore::empty();
    roots.add(certify(folder.path(), 2100)).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let settings = settings(folder.path());
    let mut extra: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    extra.push(("OORT_COMET__DEFLATE__ENABLED", "true"));
    let client = Client { system: System::standalone(&extra), tls: TlsConnector::from(Arc::new(config)) };
    eventually("the welcome is for copying", async || {
        client.system.comets[0].log().contains("https://").then_some(())
    })
    .await;

    let (ann, bob) = (client.sign_up(&unique("ann")).await, client.sign_up(&unique("bob")).await);
    let (mut ann, mut bob) = (client.socket(&ann).await, client.socket(&bob).await);
    let said = json!({"type": "clientMessages", "payload": {"roomId": "1", "messages": [{"content": "Hi", "clientMsgId": "1"}]}});
    ann.send(Message::text(said.to_string())).await.expect("sent");
    loop {
        let frame = next(&mut bob).await;
        if frame["type"] == "serverMessages" && frame["payload"]["messages"][0]["content"] == "Hi" {
            break;
        }
    }
    let Client { mut system, .. } = client;
    drop((ann, bob));
    assert!(system.comets[0].terminate().success());
}

#[test]
fn the_doctor_reads_the_certificate() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let doctor = || {
        let output = Command::new(env!("CARGO_BIN_EXE_oort"))
            .arg("doctor")
            .env_clear()
            .env("OORT_NODE__DATA_DIR", &data)
            .envs(settings(folder.path()))
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.lines().find(|line| line.contains("certificate")).unwrap_or(&said).to_owned()
    };
    certify(folder.path(), 2100);
    let said = doctor();
    assert!(said.starts_with("ok") && said.contains("more days"), "{said}");
    certify(folder.path(), 2001);
    let said = doctor();
    assert!(said.starts_with("FAIL") && said.contains("it is over"), "{said}");
    std::fs::remove_file(folder.path().join("key.pem")).expect("removed");
    let said = doctor();
    assert!(said.starts_with("FAIL") && said.contains("key_file"), "{said}");
}
