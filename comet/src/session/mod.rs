//! Sessions: what a connection does with logic. Each dialect has its commands; entering rooms and being greeted is shared.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use oort_api::RoomKey;
use oort_api::pb::oort::v1::{ConnectReply, ConnectRequest};

use crate::connection::close::CloseReason;
use crate::connection::{Connection, Stage, Tally};
use crate::delivery::Chunk;
use crate::node::Node;
use crate::shard::Shard;

pub(crate) mod away;
pub(crate) mod cursors;
pub(crate) mod goim;
pub(crate) mod json;
pub(crate) mod sends;
pub(crate) mod typing;
pub(crate) mod watch;

pub(crate) use oort_api::pb::oort::v1::connect_request::Credential;

/// Authenticates, and records the session here. `None`: the connection is closing, and logic is told of what it recorded.
///
/// # Errors
/// Why it is to be closed.
async fn authenticate(
    shard: &Rc<Shard>,
    connection: &Rc<Connection>,
    platform: String,
    credential: Credential,
) -> Result<Option<ConnectReply>, CloseReason> {
    let node = &shard.node;
    if !is_leased(node).await {
        return Err(CloseReason::Unavailable);
    }
    let request = ConnectRequest {
        comet: Some(node.comet.clone()),
        version: connection.id.version,
        key: connection.id.key(node.nonce),
        platform,
        credential: Some(credential),
        client_address: connection.address.to_string(),
    };
    let reply = node.logic.authenticate(request).await;
    let reply = reply.map_err(|refusal| CloseReason::of_refusal(&refusal))?;
    shard.register(connection, &reply);
    Ok((!connection.is_closing()).then_some(reply))
}

/// Waits until the directory has this comet: what is recorded before, no job looks for. False: it takes too long.
async fn is_leased(node: &Node) -> bool {
    #[cfg(feature = "simulation")]
    if oort_api::planted::is(oort_api::planted::Bug::SessionsBeforeLease) {
        return true;
    }
    let limit = Duration::from_millis(node.config.rpc_timeout_ms);
    tokio::time::timeout(limit, node.known.cancelled()).await.is_ok()
}

/// Enters rooms: here first, then in the directory. When it returns, what is sent to them arrives.
async fn enter(shard: &Rc<Shard>, connection: &Rc<Connection>, rooms: &[RoomKey]) -> Result<(), CloseReason> {
    for room in rooms {
        if connection.is_closing() {
            return Ok(());
        }
        shard.join(connection, room)?;
    }
    shard.node.rooms.ensure(rooms).await.map_err(|refusal| CloseReason::of_refusal(&refusal))
}

/// Makes a session live: the greeting, then what was held for it. `heads` is what the greeting shows.
fn greet(shard: &Rc<Shard>, connection: &Connection, greeting: &Bytes, heads: &HashMap<i64, i64>) {
    if connection.is_closing() {
        return;
    }
    let node = &shard.node;
    connection.stage.set(Stage::Live);
    connection.heard.set(shard.now.get());
    node.metrics.session(connection.dialect.label());
    let held = connection.outbox.borrow_mut().go_live(heads);
    connection.send_own(node, greeting);
    let mut tally = Tally::default();
    for frame in held {
        connection.deliver(node, &Chunk::of(frame), &mut tally);
    }
    shard.count(&tally);
    if !connection.outbox.borrow().has_backlog() {
        connection.flush(node);
    }
    shard.schedule(connection);
}
