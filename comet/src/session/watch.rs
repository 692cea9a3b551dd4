//! What a JSON client watches: rooms like any other, entered by what it names and left when it names others.

use std::rc::Rc;

use oort_api::codec::envelope::{ServerFrame, Watch};
use oort_api::error::{Code, Refusal};
use oort_api::pb::oort::v1::receive_reply::Result as Answer;
use oort_api::pb::oort::v1::receive_request::Command;
use oort_api::pb::oort::v1::{Presence, WatchCommand, WatchResult};
use oort_api::{ConversationId, RoomKey, UserId};

use super::json::{receive, refuse, unexpected};
use crate::connection::Connection;
use crate::shard::Shard;

/// When a client that watched too much may come again.
const RETRY_MS: u64 = 1_000;

/// Replaces what the connection watched, and answers who is online of those it watches now.
pub(crate) async fn watch(
    shard: &Rc<Shard>,
    connection: &Rc<Connection>,
    watch: &Watch,
    request_id: Option<&str>,
) {
    match replace(shard, connection, watch).await {
        Ok(users) => {
            connection.send_json(&shard.node, &ServerFrame::Presence { users: &users, request_id });
        }
        Err(refusal) => refuse(shard, connection, &refusal, request_id),
    }
}

async fn replace(
    shard: &Rc<Shard>,
    connection: &Rc<Connection>,
    watch: &Watch,
) -> Result<Vec<Presence>, Refusal> {
    check(shard, watch)?;
    if !shard.admit_named(connection, watch.conversations.len() + watch.users.len()) {
        let text = "watched too much in a short time; wait, then watch again";
        return Err(Refusal { retry_after_ms: Some(RETRY_MS), ..Refusal::new(Code::RateLimited, text) });
    }
    let wanted = wanted(shard, connection, watch).await?;
    if connection.is_closing() {
        return Ok(Vec::new());
    }
    for room in shard.watched(connection) {
        if !wanted.contains(&room) {
            shard.leave(connection, &room);
        }
    }
    for room in &wanted {
        if let Err(reason) = shard.join(connection, room) {
            connection.close(&shard.node, reason);
            return Ok(Vec::new());
        }
    }
    shard.node.rooms.ensure(&wanted).await?;
    if watch.users.is_empty() {
        return Ok(Vec::new());
    }
    // Read after the directory knows of the watching: what changes from then on is told.
    let users = watch.users.iter().map(|user| user.get()).collect();
    Ok(ask(shard, connection, WatchCommand { users, ..WatchCommand::default() }).await?.users)
}

fn check(shard: &Shard, watch: &Watch) -> Result<(), Refusal> {
    let config = &shard.node.config.watch;
    let lists = [
        ("roomIds", watch.conversations.len(), config.rooms_max),
        ("userIds", watch.users.len(), config.users_max),
    ];
    match lists.into_iter().find(|&(_, count, max)| count > max) {
        Some((field, count, max)) => {
            let text = format!("{field} has {count} ids; at most {max} can be watched at a time");
            Err(Refusal::new(Code::InvalidField, text))
        }
        None => Ok(()),
    }
}

/// The rooms to be in. Conversations the user is no member of are passed over.
async fn wanted(
    shard: &Rc<Shard>,
    connection: &Rc<Connection>,
    watch: &Watch,
) -> Result<Vec<RoomKey>, Refusal> {
    let is_in = |id: &ConversationId| shard.is_member(connection, &RoomKey::from(*id));
    // Direct conversations have no room, so that logic is asked about them.
    let unknown: Vec<i64> = watch.conversations.iter().filter(|id| !is_in(id)).map(|id| id.get()).collect();
    let mut allowed = Vec::new();
    if !unknown.is_empty() {
        let command = WatchCommand { conversations: unknown, ..WatchCommand::default() };
        allowed = ask(shard, connection, command).await?.conversations;
    }
    let is_allowed = |id: &&ConversationId| is_in(id) || allowed.contains(&id.get());
    let typing = watch.conversations.iter().filter(is_allowed).copied().map(RoomKey::typing);
    Ok(typing.chain(watch.users.iter().copied().map(|user: UserId| RoomKey::presence(user))).collect())
}

async fn ask(
    shard: &Rc<Shard>,
    connection: &Connection,
    command: WatchCommand,
) -> Result<WatchResult, Refusal> {
    match receive(shard, connection, Command::Watch(command)).await? {
        Some(Answer::Watch(result)) => Ok(result),
        _ => Err(unexpected()),
    }
}
