//! A POST to a server of the client's, signed as Standard Webhooks has it.

use serde_json::json;

use super::Outcome;
use crate::notifications::notice::Notice;
use crate::store::Target;
use crate::webhook::client::{Client, post};
use crate::webhook::signature::{headers, now_s};

/// Tells webhooks.
#[derive(Debug)]
pub(super) struct Webhook {
    client: Client,
}

impl Webhook {
    pub(super) const fn new(client: Client) -> Self {
        Self { client }
    }

    /// Tells one.
    pub(super) async fn send(&self, target: &Target, notice: &Notice) -> Outcome {
        let Ok(uri) = target.address.parse() else { return Outcome::Gone };
        let now_s = now_s();
        let body = json!({ "type": "message", "timestamp": now_s, "data": notice }).to_string();
        let headers = headers(&target.secret, &notice.id, now_s, &body);
        match self.client.send(post(uri, headers, body)).await {
            Ok(answer) => Outcome::of(&answer),
            Err(cause) => Outcome::again(cause),
        }
    }
}
