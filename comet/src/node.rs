//! What all shards of a comet share.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use oort_api::pb::oort::v1::{CometRef, SessionRef};
use oort_api::trail::Ring;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::admission::Admission;
use crate::announcement::Announcements;
use crate::compression::Encoder;
use crate::config::Config;
use crate::connection::outbox::Budget;
use crate::framing;
use crate::logic::LogicCaller;
use crate::metrics::Metrics;
use crate::pages::Pages;
use crate::register::addresses::Addresses;
use crate::register::departures::Departures;
use crate::register::rooms::RoomRegister;
use crate::register::sessions::SessionRegister;
use crate::shard::inbox::Inbound;
use crate::tls::identity::Tls;

/// Fragments of one WebSocket message.
const FRAGMENTS_MAX: u32 = 64;
/// Packets of the largest size that one WebSocket message may hold.
const PACKETS_PER_MESSAGE: usize = 16;

/// One comet: settings, registers, the way to logic and to each shard.
pub(crate) struct Node {
    pub(crate) config: Config,
    pub(crate) metrics: Metrics,
    /// Where hops of messages are noted.
    pub(crate) trail: Arc<Ring>,
    pub(crate) logic: LogicCaller,
    pub(crate) pages: Pages,
    pub(crate) comet: CometRef,
    /// In the keys of sessions; tells processes apart.
    pub(crate) nonce: u64,
    pub(crate) budget: Budget,
    pub(crate) encoder: Arc<Encoder>,
    /// What clients are shown before they may speak; absent = they speak plainly.
    pub(crate) tls: Option<Tls>,
    pub(crate) json_limits: framing::Limits,
    pub(crate) packet_limits: framing::Limits,
    pub(crate) rooms: RoomRegister,
    pub(crate) sessions: SessionRegister,
    /// Sockets by client address.
    pub(crate) addresses: Addresses,
    pub(crate) departures: Departures,
    pub(crate) inboxes: Vec<mpsc::Sender<Inbound>>,
    /// Sockets of clients.
    pub(crate) sockets: AtomicUsize,
    /// Connections that are not authenticated.
    pub(crate) opening: AtomicUsize,
    /// How many of them are let in at once.
    pub(crate) admission: Arc<Admission>,
    /// Connections over all comets, as logic told.
    pub(crate) total_connections: AtomicI64,
    /// Logic has answered a renewal: jobs find what this comet records.
    pub(crate) known: CancellationToken,
    /// Held by the renewal under way.
    pub(crate) renewing: tokio::sync::Mutex<()>,
    /// Announcements of everything that logic asked for.
    pub(crate) announcements: Announcements,
    /// No new clients are taken.
    pub(crate) draining: CancellationToken,
    version: AtomicI64,
}

impl Node {
    pub(crate) fn new(
        config: Config,
        metrics: Metrics,
        logic: Arc<dyn oort_api::pb::oort::v1::logic_server::Logic>,
        pages: Pages,
        inboxes: Vec<mpsc::Sender<Inbound>>,
        tls: Option<Tls>,
    ) -> Self {
        let json_limits =
            framing::Limits { message_bytes_max: config.json.frame_bytes_max, fragments_max: FRAGMENTS_MAX };
        let packet_limits = framing::Limits {
            message_bytes_max: (config.packet_body_bytes_max + 16) * PACKETS_PER_MESSAGE,
            fragments_max: FRAGMENTS_MAX,
        };
        let encoder = Encoder {
            deflate: config.deflate.clone(),
            unreadable: metrics.unreadable_frames.clone(),
            deflate_bytes_in: metrics.deflate_bytes_in.clone(),
            deflate_bytes_out: metrics.deflate_bytes_out.clone(),
        };
        let timeout = Duration::from_millis(config.rpc_timeout_ms);
        Self {
            logic: LogicCaller::new(logic, timeout, metrics.clone()),
            pages,
            // The epoch rises with each start.
            comet: CometRef { id: config.id.clone(), epoch: oort_api::clock::now_ms() },
            nonce: uuid::Uuid::new_v4().as_u64_pair().0,
            budget: Budget { bytes_max: config.send_budget_bytes, rooms_max: config.behind_rooms_max },
            encoder: Arc::new(encoder),
            tls,
            json_limits,
            packet_limits,
            rooms: RoomRegister::new(inboxes.len()),
            sessions: SessionRegister::default(),
            addresses: Addresses::new(&config.addresses),
            departures: Departures::new(config.departures_max, metrics.departures_dropped.clone()),
            inboxes,
            sockets: AtomicUsize::new(0),
            opening: AtomicUsize::new(0),
            admission: Arc::new(Admission::new(config.admission.clone(), metrics.clone())),
            total_connections: AtomicI64::new(0),
            known: CancellationToken::new(),
            renewing: tokio::sync::Mutex::default(),
            announcements: Announcements::default(),
            draining: CancellationToken::new(),
            trail: Arc::new(Ring::new(config.trail_entries)),
            version: AtomicI64::new(0),
            config,
            metrics,
        }
    }

    /// The next in the comet's order of registrations.
    pub(crate) fn next_version(&self) -> i64 {
        self.version.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The newest version given out.
    pub(crate) fn newest_version(&self) -> i64 {
        self.version.load(Ordering::Relaxed)
    }

    /// Connections online, for goim's heartbeat reply: all comets' if known, else this one's.
    pub(crate) fn online(&self) -> i32 {
        let total = self.total_connections.load(Ordering::Relaxed);
        let here = i64::try_from(self.sockets.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        i32::try_from(total.max(here)).unwrap_or(i32::MAX)
    }

    /// A session that ended, for logic.
    pub(crate) fn departed(
        &self,
        session: Option<SessionRef>,
        rooms: impl IntoIterator<Item = oort_api::pb::oort::v1::RoomRef>,
    ) {
        self.departures.add(session, rooms);
    }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("comet", &self.comet).finish_non_exhaustive()
    }
}
