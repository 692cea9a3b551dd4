//! All that is kept of a user, as one JSON text: made page by page while it is
//! sent, so that it may be as long as it is.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use oort_api::clock::now_ms;
use oort_api::codec::envelope::{name_of_conversation_kind, name_of_kind};
use oort_api::error::{Code, Refusal};
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::Message;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::{Contact, ContactList, Store, StoredFile};

/// Settings of [`Exports`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Exports made at the same time by one node; more are refused with `overloaded`.
    pub running_max: usize,
    /// Messages read at once.
    pub page: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { running_max: 8, page: 200 }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !(1..=10_000).contains(&self.running_max) {
            faults.push("running_max is not within 1 to 10000".to_owned());
        }
        if !(1..=10_000).contains(&self.page) {
            faults.push("page is not within 1 to 10000".to_owned());
        }
        faults
    }
}

/// Makes exports.
#[derive(Debug)]
pub struct Exports {
    config: Config,
    store: Arc<dyn Store>,
    /// Open rooms that everyone is in.
    rooms_max: u32,
    logins_max: u32,
    running: Arc<Semaphore>,
}

/// What is to be written next.
struct State {
    store: Arc<dyn Store>,
    user: UserId,
    page: u32,
    next: Next,
    _running: OwnedSemaphorePermit,
}

enum Next {
    Beginning(Bytes),
    /// Of this one of [`LISTS`], those after this user; the first one has no comma before it.
    Contacts {
        list: usize,
        after: i64,
        is_first: bool,
    },
    /// What was written after this place; the first one has no comma before it.
    Messages {
        after: (i64, i64),
        is_first: bool,
    },
    /// Files after this one; the first one has no comma before it.
    Files {
        after: i64,
        is_first: bool,
    },
    Nothing,
}

/// What somebody holds of other users, by name.
const LISTS: [(&str, ContactList); 4] = [
    ("contacts", ContactList::Contacts),
    ("requestsToMe", ContactList::Asking),
    ("requestsByMe", ContactList::Asked),
    ("blocked", ContactList::Blocked),
];

impl Exports {
    /// Of what this store keeps, at most so many open rooms and log-ins.
    #[must_use]
    pub fn new(config: Config, store: Arc<dyn Store>, rooms_max: u32, logins_max: u32) -> Self {
        let running = Arc::new(Semaphore::new(config.running_max));
        Self { config, store, rooms_max, logins_max, running }
    }

    /// The text in pieces. One that breaks off is not whole, and no JSON.
    ///
    /// # Errors
    /// `not_found`, `overloaded`, `unavailable`; later ones in the stream.
    pub async fn of(
        &self,
        user: UserId,
    ) -> Result<impl Stream<Item = Result<Bytes, Refusal>> + Send + use<>, Refusal> {
        let Ok(running) = Arc::clone(&self.running).try_acquire_owned() else {
            return Err(Refusal::new(Code::Overloaded, "too many exports at the moment; try again"));
        };
        let beginning = self.beginning(user).await?;
        let state = State {
            store: Arc::clone(&self.store),
            user,
            page: self.config.page,
            next: Next::Beginning(beginning),
            _running: running,
        };
        Ok(futures_util::stream::try_unfold(state, State::step))
    }

    /// All but the long lists, up to where the first of those begins.
    async fn beginning(&self, user: UserId) -> Result<Bytes, Refusal> {
        let person = self.store.person(user).await?;
        let person =
            person.ok_or_else(|| Refusal::new(Code::NotFound, format!("there is no user {user}")))?;
        let logins = self.store.devices_of(user, now_ms(), self.logins_max).await?;
        let logins: Vec<Value> = logins
            .into_iter()
            .map(|login| {
                json!({ "device": login.name, "createdAtMs": login.created_at_ms, "lastSeenMs": login.last_seen_ms })
            })
            .collect();
        let entries = self.store.entries_of(user, self.rooms_max).await?;
        let conversations: Vec<Value> = entries
            .into_iter()
            .map(|entry| entry.conversation)
            .map(|conversation| {
                json!({
                    "id": conversation.id.to_string(),
                    "kind": name_of_conversation_kind(conversation.kind()),
                    "name": conversation.name,
                    "readSeq": conversation.read_seq,
                    "deliveredSeq": conversation.delivered_seq,
                })
            })
            .collect();
        let profile = &person.profile;
        let mut text = json!({
            "exportedAtMs": now_ms(),
            "user": {
                "id": person.user.id.to_string(),
                "username": person.user.username,
                "email": person.email,
                "createdAtMs": person.created_at_ms,
            },
            "profile": {
                "nick": profile.nick,
                "avatar": profile.avatar,
                "sex": profile.sex.as_str(),
                "description": profile.description,
            },
            "sessions": logins,
            "conversations": conversations,
        })
        .to_string();
        text.pop();
        text.push_str(",\"contacts\":[");
        Ok(text.into())
    }
}

impl State {
    async fn step(mut self) -> Result<Option<(Bytes, Self)>, Refusal> {
        let text = match self.next {
            Next::Beginning(text) => {
                self.next = Next::Contacts { list: 0, after: 0, is_first: true };
                return Ok(Some((text, self)));
            }
            Next::Contacts { list, after, is_first } => self.contacts(list, after, is_first).await?,
            Next::Messages { after, is_first } => self.messages(after, is_first).await?,
            Next::Files { after, is_first } => self.files(after, is_first).await?,
            Next::Nothing => return Ok(None),
        };
        Ok(Some((text.into(), self)))
    }

    async fn contacts(&mut self, list: usize, after: i64, is_first: bool) -> Result<String, Refusal> {
        let Some(&(_, kind)) = LISTS.get(list) else { return Ok(String::new()) };
        let contacts = self.store.contacts(self.user, kind, after, self.page, now_ms()).await?;
        let mut text = listed(contacts.iter().map(of_contact), is_first);
        self.next = match (contacts.last(), LISTS.get(list + 1)) {
            (Some(last), _) if contacts.len() >= self.page as usize => {
                Next::Contacts { list, after: last.peer.id, is_first: false }
            }
            (_, Some((name, _))) => {
                text.push_str(&format!("],\"{name}\":["));
                Next::Contacts { list: list + 1, after: 0, is_first: true }
            }
            (_, None) => {
                text.push_str("],\"messages\":[");
                Next::Messages { after: (0, 0), is_first: true }
            }
        };
        Ok(text)
    }

    async fn messages(&mut self, after: (i64, i64), is_first: bool) -> Result<String, Refusal> {
        let messages = self.store.messages_by(self.user, after, self.page).await?;
        let mut text = listed(messages.iter().map(of_message), is_first);
        self.next = match messages.last() {
            Some(last) if messages.len() >= self.page as usize => {
                Next::Messages { after: (last.conversation, last.seq), is_first: false }
            }
            _ => {
                text.push_str("],\"files\":[");
                Next::Files { after: 0, is_first: true }
            }
        };
        Ok(text)
    }

    async fn files(&mut self, after: i64, is_first: bool) -> Result<String, Refusal> {
        let files = self.store.files_of(self.user, after, self.page).await?;
        let mut text = listed(files.iter().map(of_file), is_first);
        self.next = match files.last() {
            Some(last) if files.len() >= self.page as usize => {
                Next::Files { after: last.id.get(), is_first: false }
            }
            _ => {
                text.push_str("]}");
                Next::Nothing
            }
        };
        Ok(text)
    }
}

/// Items of a list, with commas; the first of all has none before it.
fn listed(items: impl Iterator<Item = Value>, is_first: bool) -> String {
    let mut text = String::new();
    for (index, item) in items.enumerate() {
        if index > 0 || !is_first {
            text.push(',');
        }
        text.push_str(&item.to_string());
    }
    text
}

fn of_contact(contact: &Contact) -> Value {
    json!({
        "user": { "id": contact.peer.id.to_string(), "username": contact.peer.username },
        "remark": contact.remark,
        "message": contact.message,
        "sinceMs": contact.changed_at_ms,
        "blocked": contact.blocks,
    })
}

fn of_message(message: &Message) -> Value {
    let mut value = json!({
        "conversationId": message.conversation.to_string(),
        "seq": message.seq,
        "clientMsgId": message.client_msg_id,
        "kind": name_of_kind(message.kind()),
        "content": message.content,
        "createdAtMs": message.created_at_ms,
    });
    let details = message.extra.as_ref().and_then(|extra| extra.details.as_ref());
    if let Some(attachment) = details.and_then(|details| serde_json::from_str(&details.attachment).ok()) {
        value["attachment"] = attachment;
    }
    value
}

/// Its bytes are read one by one, by its id.
fn of_file(file: &StoredFile) -> Value {
    json!({
        "id": file.id.to_string(),
        "name": file.name,
        "size": file.size,
        "received": file.received,
        "mime": file.finished.mime,
        "createdAtMs": file.created_at_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_fault_and_every_fault_is_told() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
        assert_eq!(Config { running_max: 0, page: 0 }.faults().len(), 2);
    }
}
