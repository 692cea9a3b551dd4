//! An operator's hook that is asked before sends, and does as the texts say:
//! so scenarios that share it do not disturb each other.
//!
//! | text begins with | it |
//! |---|---|
//! | `refuse ` | refuses, with the rest as its reason |
//! | `replace ` | puts the rest in place of the text |
//! | `only here` | refuses when the message is sent on |
//! | `fail` | answers with an error |
//! | `hold` | never answers |
//! | `hold once` | does not answer the first time |
//!
//! Anything else it allows.

use serde_json::{Value, json};

use super::receiver::Received;

/// Paths it is at begin so.
pub(crate) const BEFORE: &str = "/before/";

/// What it does with a call.
pub(crate) enum Answer {
    Says(Value),
    Fails,
    Holds,
}

/// The messages of a call.
pub(crate) fn messages(received: &Received) -> Vec<Value> {
    received.json()["data"]["messages"].as_array().expect("messages").clone()
}

/// Decides, knowing what came earlier.
pub(crate) fn answer(received: &Received, earlier: &[Received]) -> Answer {
    let messages = messages(received);
    let text = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
    let has = |word: &str| messages.iter().any(|message| text(message).starts_with(word));
    let came = |id: &str| earlier.iter().any(|one| one.header("webhook-id") == id);
    if has("fail") {
        return Answer::Fails;
    }
    if has("hold") && !(has("hold once") && came(received.header("webhook-id"))) {
        return Answer::Holds;
    }
    let each = messages.iter().map(|message| {
        let text = text(message);
        if let Some(reason) = text.strip_prefix("refuse ") {
            json!({ "allow": false, "reason": reason })
        } else if let Some(other) = text.strip_prefix("replace ") {
            json!({ "allow": true, "content": other })
        } else {
            json!({ "allow": !text.starts_with("only here") || message["forwarded"].is_null() })
        }
    });
    Answer::Says(each.collect())
}
