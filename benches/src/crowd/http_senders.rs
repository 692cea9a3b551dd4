//! The share of a crowd's messages that is sent by HTTP.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use http::Method;
use serde_json::json;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock::now_ns;
use crate::ledger::Event;
use crate::load::frames::{Refusal, Sent};
use crate::load::tag::Tag;

use super::world::World;

/// A message to send: who, where, which.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) account: usize,
    pub(crate) room: usize,
    pub(crate) tag: Tag,
}

/// Requests under way at once.
const SENDERS: usize = 32;
/// Orders that may wait.
pub(crate) const WAITING_MAX: usize = 4096;
/// A request whose connection failed or that was refused for now is repeated after so long; the id makes it the same send.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest wait for one answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Sends until no more orders can come.
pub(crate) fn start(world: &Arc<World>, orders: mpsc::Receiver<Order>, to: &mut JoinSet<anyhow::Result<()>>) {
    let orders = Arc::new(Mutex::new(orders));
    for _ in 0..SENDERS {
        let (world, orders) = (Arc::clone(world), Arc::clone(&orders));
        to.spawn(async move {
            loop {
                let next = orders.lock().await.recv().await;
                let Some(order) = next else { return Ok(()) };
                send(&world, order).await?;
            }
        });
    }
}

async fn send(world: &World, Order { account, room, tag }: Order) -> anyhow::Result<()> {
    let path = format!("/api/conversations/{}/messages", world.shared.rooms[room]);
    let id = tag.text();
    let body = json!({ "clientMsgId": String::from_utf8_lossy(&id), "content": world.content });
    let give_up = Instant::now() + world.patience;
    for attempt in 0.. {
        // Not by the conversation: every node writes to all of them.
        let turn = usize::try_from(tag.number).unwrap_or_default() + attempt;
        let api = &world.apis[turn % world.apis.len()];
        let token = world.account(account).token;
        let text = || String::from_utf8_lossy(&id).into_owned();
        world.note(None, || Event::Send { room, id: text() });
        let call = api.call(Method::POST, &path, &token, &body);
        match tokio::time::timeout(ANSWER, call).await {
            Ok(Ok((200, bytes))) => {
                let sent: Sent = serde_json::from_slice(&bytes)?;
                world.note(None, || Event::Ack { room, id: text(), seq: sent.seq });
                world.answered(room, tag, Ok(sent.seq), now_ns());
                return Ok(());
            }
            Ok(Ok((status @ (429 | 502 | 503), bytes))) => {
                let code = serde_json::from_slice(&bytes)
                    .map_or_else(|_| status.to_string(), |refusal: Refusal<'_>| refusal.code.to_string());
                world.tally().refuse(&code);
                world.note(None, || Event::Refused { room, id: text(), code });
            }
            Ok(Ok((status, bytes))) => {
                bail!("a send was answered with {status}: {}", String::from_utf8_lossy(&bytes))
            }
            Ok(Err(_)) | Err(_) => {}
        }
        if Instant::now() > give_up {
            break;
        }
        world.tally().resent += 1;
        tokio::time::sleep(PAUSE).await;
    }
    bail!("a send had no answer for {:?}", world.patience)
}
