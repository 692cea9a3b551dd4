//! The share of a crowd's messages that is sent by HTTP.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use http::Method;
use serde_json::json;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use crate::clock::now_ns;
use crate::load::frames::{Refusal, Sent};
use crate::load::tag::Tag;

use super::device::answered;
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
/// A request whose connection failed is repeated after so long; the id makes it the same send.
const PAUSE: Duration = Duration::from_millis(50);
/// So often.
const ATTEMPTS: usize = 100;

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
    for attempt in 0..ATTEMPTS {
        let api = &world.apis[(room + attempt) % world.apis.len()];
        let token = world.account(account).token;
        match api.call(Method::POST, &path, &token, &body).await {
            Ok((200, bytes)) => {
                let sent: Sent = serde_json::from_slice(&bytes)?;
                answered(world, room, tag, Ok(sent.seq), now_ns());
                return Ok(());
            }
            Ok((429 | 503, bytes)) => {
                let refusal: Refusal<'_> = serde_json::from_slice(&bytes)?;
                answered(world, room, tag, Err(&refusal), now_ns());
                return Ok(());
            }
            Ok((status, bytes)) => {
                bail!("a send was answered with {status}: {}", String::from_utf8_lossy(&bytes))
            }
            Err(_) => {
                world.tally().resent += 1;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    bail!("a send could not be made in {ATTEMPTS} attempts")
}
