//! The HTTP API of a server, for what is done around a run: accounts, conversations, histories.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use uuid::Uuid;

/// Longest wait for a read that is refused for now, and the time between two attempts.
const READ: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_millis(100);
/// Members added to a group by one request.
const MEMBERS_AT_ONCE: usize = 500;

/// One address and one connection pool.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) address: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// An account made for the run.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) refresh_token: String,
    /// How long the access token lives, ms.
    pub(crate) access_expires_at_ms: u64,
}

/// A message of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) seq: i64,
    pub(crate) client_msg_id: String,
    /// Id of the user who sent it.
    pub(crate) sender: String,
}

impl Api {
    /// At `host:port`.
    pub(crate) fn new(address: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { address: address.to_owned(), client: Client::builder(TokioExecutor::new()).build(connector) }
    }

    /// A request; the status and the body of the answer.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: &Value,
    ) -> anyhow::Result<(u16, Bytes)> {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = request.header(header::CONTENT_TYPE, "application/json").body(Full::new(body))?;
        let response = self.client.request(request).await;
        let response = response.with_context(|| format!("{} does not answer", self.address))?;
        let status = response.status().as_u16();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    /// POSTs JSON and reads the JSON answer of a success; null when it has none.
    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> anyhow::Result<Value> {
        success(path, self.call(Method::POST, path, token, body).await?)
    }

    /// The answer to a GET, as it is.
    pub(crate) async fn text(&self, path: &str) -> anyhow::Result<String> {
        let (status, bytes) = self.call(Method::GET, path, "", &Value::Null).await?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        ensure!((200..300).contains(&status), "{}{path}: {status}: {text}", self.address);
        Ok(text)
    }

    /// A new account with a name of its own.
    pub(crate) async fn account(&self) -> anyhow::Result<Account> {
        let name = format!("bench-{}", Uuid::new_v4().simple());
        let reply = self.post("/api/accounts", "", &json!({ "username": name, "password": name })).await?;
        account(&reply)
    }

    /// New tokens for an account whose access token is about to end.
    pub(crate) async fn refresh(&self, old: &Account) -> anyhow::Result<Account> {
        let body = json!({ "refreshToken": old.refresh_token });
        account(&self.post("/api/sessions/refresh", "", &body).await?)
    }

    /// A new open room; its id.
    pub(crate) async fn room(&self, owner: &Account) -> anyhow::Result<String> {
        let name = format!("bench {}", Uuid::new_v4().simple());
        id(&self.post("/api/rooms", &owner.token, &json!({ "name": name })).await?)
    }

    /// A new group of `owner` and `members`; its id.
    pub(crate) async fn group(&self, owner: &Account, members: &[&str]) -> anyhow::Result<String> {
        let name = format!("bench {}", Uuid::new_v4().simple());
        let (first, rest) = members.split_at(members.len().min(MEMBERS_AT_ONCE));
        let group = id(&self
            .post("/api/groups", &owner.token, &json!({ "name": name, "memberIds": first }))
            .await?)?;
        for members in rest.chunks(MEMBERS_AT_ONCE) {
            let path = format!("/api/groups/{group}/members");
            self.post(&path, &owner.token, &json!({ "userIds": members })).await?;
        }
        Ok(group)
    }

    /// A page of a conversation, what is newer than `after`, oldest first; and whether there is more.
    pub(crate) async fn history(
        &self,
        reader: &Account,
        conversation: &str,
        after: i64,
    ) -> anyhow::Result<(Vec<Stored>, bool)> {
        let path = format!("/api/conversations/{conversation}/messages?after={after}&limit=200");
        // After a fault a store may be away for a moment longer.
        let give_up = Instant::now() + READ;
        let mut answer = self.call(Method::GET, &path, &reader.token, &Value::Null).await?;
        while answer.0 == 503 && Instant::now() < give_up {
            tokio::time::sleep(AGAIN).await;
            answer = self.call(Method::GET, &path, &reader.token, &Value::Null).await?;
        }
        let page = success(&path, answer)?;
        let messages = page["messages"].as_array().context("a page without messages")?;
        let stored = messages.iter().map(|message| {
            Some(Stored {
                seq: message["seq"].as_i64()?,
                client_msg_id: message["clientMsgId"].as_str().unwrap_or_default().to_owned(),
                sender: message["sender"]["id"].as_str().unwrap_or_default().to_owned(),
            })
        });
        let stored: Option<Vec<_>> = stored.collect();
        Ok((stored.context("a message without seq")?, page["hasMore"] == json!(true)))
    }
}

fn success(path: &str, (status, bytes): (u16, Bytes)) -> anyhow::Result<Value> {
    ensure!((200..300).contains(&status), "{path}: {status}: {}", String::from_utf8_lossy(&bytes));
    if bytes.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_slice(&bytes)?) }
}

fn account(session: &Value) -> anyhow::Result<Account> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let account = || {
        Some(Account {
            id: text(&session["user"]["id"])?,
            token: text(&session["accessToken"])?,
            refresh_token: text(&session["refreshToken"])?,
            access_expires_at_ms: session["accessExpiresAtMs"].as_u64()?,
        })
    };
    account().context("a session without tokens")
}

fn id(reply: &Value) -> anyhow::Result<String> {
    reply["id"].as_str().map(str::to_owned).context("an answer without id")
}
