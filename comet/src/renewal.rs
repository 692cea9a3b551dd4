//! The heartbeat of the comet, and what else it tells logic in the background: rooms that were entered, departures.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use oort_api::pb::oort::v1::{DisconnectRequest, RenewReply, RenewRequest, RoomsRequest};
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::announcement::Announcer;
use crate::error::Error;
use crate::node::Node;
use crate::service::Advertised;

/// Pause after a call that failed, at first and at most.
const PAUSE_MS: u64 = 50;
const PAUSE_MS_MAX: u64 = 1_000;

/// Renews the lease until a newer comet of this name is running. Announces everything when logic asks for it, and goes on
/// renewing meanwhile.
pub(crate) async fn renew_for_ever(node: Arc<Node>, advertised: Advertised) -> Error {
    let mut interval = Duration::from_millis(node.config.renew_interval_ms);
    let mut announcer = Announcer::new(Arc::clone(&node));
    loop {
        let mut pause = interval;
        match renew(&node, &advertised).await {
            Ok(reply) => {
                if let Ok(lease_ms) = u64::try_from(reply.lease_ms)
                    && lease_ms > 0
                {
                    interval = Duration::from_millis((lease_ms / 3).max(1));
                    pause = interval;
                }
            }
            Err(status) if is_superseded(&status) => {
                return Error::Superseded(status.message().to_owned());
            }
            Err(status) => {
                node.metrics.renew_errors.inc();
                tracing::warn!(%status, "the lease could not be renewed; again soon");
                pause = pause.min(Duration::from_millis(PAUSE_MS_MAX));
            }
        }
        announcer.announce_until(Instant::now() + pause).await;
    }
}

/// One heartbeat.
pub(crate) async fn renew(node: &Node, advertised: &Advertised) -> Result<RenewReply, Status> {
    // One after the other: counts of rooms are told as changes.
    let _turn = node.renewing.lock().await;
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let room_counts = node.rooms.take_counts();
    let request = RenewRequest {
        comet: Some(node.comet.clone()),
        grpc_address: advertised.grpc.clone(),
        ws_address: advertised.ws.clone(),
        tcp_address: advertised.tcp.clone(),
        weight: node.config.weight,
        connections: count(node.sockets.load(Ordering::Relaxed)),
        draining: node.draining.is_cancelled(),
        room_counts: room_counts.clone(),
        addresses: count(node.sessions.addresses()),
        announcing: node.announcements.is_wanted(),
        announcements: node.announcements.made(),
    };
    match node.logic.renew(request).await {
        Ok(reply) => {
            node.known.cancel();
            node.total_connections.store(reply.total_connections, Ordering::Relaxed);
            if reply.announce {
                node.announcements.ask();
            }
            Ok(reply)
        }
        Err(status) => {
            node.rooms.counts_not_told(room_counts);
            // It may have been recorded, and its answer the one that asked for this.
            node.announcements.ask();
            Err(status)
        }
    }
}

/// Records rooms that were entered, all that wait in one call.
pub(crate) async fn enter_rooms(node: Arc<Node>) {
    loop {
        node.rooms.something_to_enter().await;
        loop {
            let rooms = node.rooms.take_entries(node.config.rpc_batch_max);
            if rooms.is_empty() {
                break;
            }
            let request = RoomsRequest { comet: Some(node.comet.clone()), rooms: rooms.clone() };
            let result = node.logic.enter_rooms(request).await;
            if let Err(refusal) = &result {
                tracing::warn!(%refusal, rooms = rooms.len(), "rooms could not be entered");
            }
            node.rooms.entered(&rooms, result.is_ok());
        }
    }
}

/// Tells logic of departures, for ever.
pub(crate) async fn tell_departures(node: Arc<Node>) {
    let delay = Duration::from_millis(node.config.departure_delay_ms);
    loop {
        node.departures.gathered(delay).await;
        tell_all_departures(&node).await;
    }
}

/// Tells logic of all departures there are; repeats what fails.
pub(crate) async fn tell_all_departures(node: &Node) {
    // A drain ends the task that tells them all along, and must not do so half-way.
    let _turn = node.departures.turn().await;
    let mut pause_ms = PAUSE_MS;
    while let Some(mut batch) = node.departures.take(node.config.rpc_batch_max) {
        let comet = Some(node.comet.clone());
        let mut is_told = true;
        if !batch.sessions.is_empty() {
            let request = DisconnectRequest { comet: comet.clone(), sessions: batch.sessions.clone() };
            match node.logic.disconnect(request).await {
                Ok(_) => batch.sessions.clear(),
                Err(_) => is_told = false,
            }
        }
        if !batch.rooms.is_empty() {
            match node.logic.leave_rooms(RoomsRequest { comet, rooms: batch.rooms.clone() }).await {
                Ok(_) => batch.rooms.clear(),
                Err(_) => is_told = false,
            }
        }
        if is_told {
            pause_ms = PAUSE_MS;
            continue;
        }
        node.departures.put_back(batch);
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        pause_ms = (pause_ms * 2).min(PAUSE_MS_MAX);
    }
}

/// Logic says so with `forbidden`, the directory's own word for it; another code would only be a reason to try again.
fn is_superseded(status: &Status) -> bool {
    matches!(status.code(), Code::PermissionDenied | Code::FailedPrecondition)
}
