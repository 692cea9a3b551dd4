//! A client of the HTTP API.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::unique;

/// One server.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Reply {
    /// The body as JSON; `Null` when it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// The body of a success.
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, String::from_utf8_lossy(&self.bytes));
        self.json()
    }

    /// The stable code of a refusal, after its status.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["code"].as_str().unwrap_or_default().to_owned())
    }
}

impl Http {
    /// Talks to this address.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Any request; `Err` when no answer came.
    pub(crate) async fn raw(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Reply, String> {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("a request");
        let response = self.client.request(request).await.map_err(|error| format!("{error:?}"))?;
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok(Reply { status: head.status, headers: head.headers, bytes })
    }

    /// A JSON request with an access token.
    pub(crate) async fn call(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Reply {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("content-type", "application/json")];
        if !token.is_empty() {
            headers.push(("authorization", &bearer));
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.raw(method, path, &headers, body).await.expect("an answer")
    }

    /// GET.
    pub(crate) async fn get(&self, path: &str, token: &str) -> Reply {
        self.call(Method::GET, path, token, None).await
    }

    /// POST.
    pub(crate) async fn post(&self, path: &str, token: &str, body: Value) -> Reply {
        self.call(Method::POST, path, token, Some(body)).await
    }

    /// POST to a node that may die; `None` when no answer came.
    pub(crate) async fn try_post(&self, path: &str, token: &str, body: &Value) -> Option<Reply> {
        let bearer = format!("Bearer {token}");
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        self.raw(Method::POST, path, &headers, body.to_string()).await.ok()
    }

    /// Sends a message; the answer whatever it is.
    pub(crate) async fn send(
        &self,
        from: &Account,
        conversation: &str,
        client_msg_id: &str,
        content: &str,
    ) -> Reply {
        let path = format!("/api/conversations/{conversation}/messages");
        self.post(&path, &from.token, json!({ "clientMsgId": client_msg_id, "content": content })).await
    }

    /// A room of its own, made by `owner`.
    pub(crate) async fn room(&self, owner: &Account) -> String {
        let room = self.post("/api/rooms", &owner.token, json!({ "name": unique("room-") })).await.ok();
        room["id"].as_str().expect("an id").to_owned()
    }

    /// The conversation of two; answers its id.
    pub(crate) async fn direct(&self, one: &Account, other: &Account) -> String {
        let direct = self.post("/api/direct", &one.token, json!({ "userId": other.id })).await.ok();
        direct["id"].as_str().expect("an id").to_owned()
    }

    /// A new group; answers its id.
    pub(crate) async fn group(&self, owner: &Account, members: &[&Account]) -> String {
        let members: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
        let body = json!({ "name": "team", "memberIds": members });
        let group = self.post("/api/groups", &owner.token, body).await.ok();
        group["id"].as_str().expect("an id").to_owned()
    }

    /// The whole history of a conversation, oldest first, by paging forward.
    pub(crate) async fn history(&self, reader: &Account, conversation: &str) -> Vec<(i64, String)> {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let path = format!("/api/conversations/{conversation}/messages?after={after}&limit=100");
            let page = self.get(&path, &reader.token).await.ok();
            for message in page["messages"].as_array().expect("messages") {
                after = message["seq"].as_i64().expect("seq");
                all.push((after, message["content"].as_str().expect("content").to_owned()));
            }
            if page["hasMore"] != json!(true) {
                return all;
            }
        }
    }
}

/// A person with an account.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) token: String,
}

impl Account {
    /// Creates it.
    pub(crate) async fn create(http: &Http, username: &str) -> Self {
        let body = json!({ "username": username, "password": "correct horse" });
        let reply = http.post("/api/accounts", "", body).await.ok();
        Self {
            id: reply["user"]["id"].as_str().expect("id").to_owned(),
            username: username.to_owned(),
            token: reply["accessToken"].as_str().expect("access token").to_owned(),
        }
    }
}
