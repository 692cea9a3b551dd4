//! A server under test, as its users reach it.

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// One address and one connection pool.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) address: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// An account made for the run.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) token: String,
}

impl Server {
    /// At `host:port`.
    pub(crate) fn new(address: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { address: address.to_owned(), client: Client::builder(TokioExecutor::new()).build(connector) }
    }

    /// POSTs JSON and reads the JSON answer of a success.
    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> anyhow::Result<Value> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("http://{}{path}", self.address))
            .header(header::CONTENT_TYPE, "application/json");
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::new(Bytes::from(body.to_string())))?;
        let response = self
            .client
            .request(request)
            .await
            .with_context(|| format!("{} does not answer", self.address))?;
        let status = response.status();
        let bytes = response.into_body().collect().await?.to_bytes();
        ensure!(status.is_success(), "{path}: {status}: {}", String::from_utf8_lossy(&bytes));
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// A new account with a name of its own.
    pub(crate) async fn account(&self) -> anyhow::Result<Account> {
        let name = format!("bench-{}", uuid::Uuid::new_v4().simple());
        let reply = self.post("/api/accounts", "", &json!({ "username": name, "password": name })).await?;
        Ok(Account { token: text(&reply, "accessToken")? })
    }

    /// A new open room.
    pub(crate) async fn room(&self, owner: &Account) -> anyhow::Result<String> {
        let name = format!("bench {}", uuid::Uuid::new_v4().simple());
        let reply = self.post("/api/rooms", &owner.token, &json!({ "name": name })).await?;
        text(&reply, "id")
    }
}

fn text(value: &Value, key: &str) -> anyhow::Result<String> {
    value[key].as_str().map(str::to_owned).with_context(|| format!("the answer has no {key}: {value}"))
}
