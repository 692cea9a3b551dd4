//! What reaches a shard from the rest of the process.

use std::convert::Infallible;
use std::sync::Arc;

use oort_api::RoomKey;
use oort_api::pb::oort::v1::SessionRef;
use tokio::sync::oneshot;

use crate::connection::close::CloseReason;
use crate::delivery::Prepared;
use crate::register::ConnectionId;

/// Dropped when the work is done: whoever waits is woken when the last one is.
pub(crate) type Done = Arc<oneshot::Sender<Infallible>>;

/// To whom.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// Members of a room.
    Room(RoomKey),
    /// Connections of this shard.
    Connections(Vec<ConnectionId>),
    /// All sessions.
    Everyone,
    /// All sessions, so many per second on this shard.
    EveryonePaced {
        /// Above 0.
        per_second: u32,
    },
}

/// A frame and who gets it on this shard.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) frame: Arc<Prepared>,
    pub(crate) target: Target,
    /// Connections that do not.
    pub(crate) exclude: Option<Arc<[ConnectionId]>>,
}

/// Whom an effect concerns.
#[derive(Debug)]
pub(crate) enum Whom {
    Connections(Vec<ConnectionId>),
    /// Every session that follows open rooms.
    Followers,
}

/// Clients that are to go elsewhere now.
#[derive(Debug)]
pub(crate) struct Leaving {
    /// How many.
    pub(crate) at_most: usize,
    /// Time over which they are told to connect anew, ms.
    pub(crate) spread_ms: u64,
    /// How many were told, and whether there are more.
    pub(crate) told: oneshot::Sender<(usize, bool)>,
}

/// One message to a shard; they are taken in order.
#[derive(Debug)]
pub(crate) enum Inbound {
    Deliver {
        deliveries: Vec<Delivery>,
        done: Done,
    },
    Join {
        room: RoomKey,
        whom: Whom,
        done: Done,
    },
    Leave {
        room: RoomKey,
        whom: Whom,
        done: Done,
    },
    /// Every session is to sync.
    Resync {
        done: Done,
    },
    Close {
        id: ConnectionId,
        reason: CloseReason,
    },
    /// The sessions that logic knows.
    Census {
        reply: oneshot::Sender<Vec<SessionRef>>,
    },
    /// The comet is going down, and others are there: some clients are to go to them.
    SendAway(Leaving),
    /// The comet is going down: every client is to go.
    Drain {
        /// Time over which they are told to come again, ms.
        spread_ms: u64,
    },
}
