//! Settings of a comet. Every ceiling, buffer and wait of this crate is a field here.

use std::net::SocketAddr;

use oort_api::client_address::TrustedProxies;
use oort_api::codec::envelope;
use secrecy::SecretString;
use serde::Deserialize;

use crate::admission::AdmissionConfig;
use crate::compression::DeflateConfig;
use crate::framing::handshake::OriginPolicy;
use crate::register::addresses::AddressConfig;
use crate::tls::TlsConfig;
use crate::watching::WatchConfig;

/// Settings of a comet. `Default` serves everything on the default ports of this machine.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name of this comet: unique in the cluster, the same after a restart. Up to 64 bytes without `|`.
    pub id: String,
    /// Share of new connections this comet wants, relative to others. 1 to 1000.
    pub weight: i32,
    /// Where HTTP and WebSocket clients are served. Port 0 takes a free one.
    pub http_listen: SocketAddr,
    /// Where clients of the packet protocol are served over TCP; absent = not at all.
    pub tcp_listen: Option<SocketAddr>,
    /// Where jobs reach this comet by gRPC; absent = not at all (one process).
    pub grpc_listen: Option<SocketAddr>,
    /// The gRPC address told to jobs, `http://host:port`; empty = the one bound, or `local` without one.
    pub grpc_advertise: String,
    /// The WebSocket address told to clients, `host:port`; empty = the one bound.
    pub ws_advertise: String,
    /// The TCP address told to clients, `host:port`; empty = the one bound.
    pub tcp_advertise: String,
    /// Token that gRPC callers must show, and that this comet shows to logic; absent = none.
    pub cluster_token: Option<SecretString>,
    /// Threads that serve connections, each with its own; 0 = one per core. At most 64.
    pub shards: usize,
    /// Pins each shard's thread to a core.
    pub pin_threads: bool,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// Limits of one client address.
    pub addresses: AddressConfig,
    /// Whose pages may open a WebSocket here.
    pub origins: OriginPolicy,
    /// Bounds of what a JSON client may put into one frame.
    pub json: envelope::Limits,
    /// Encryption of the ports of clients.
    pub tls: TlsConfig,
    /// Compression of WebSocket messages.
    pub deflate: DeflateConfig,
    /// What a JSON client may watch.
    pub watch: WatchConfig,
    /// How clients are let in when many come at once.
    pub admission: AdmissionConfig,

    /// Hops of messages remembered for operators, 48 bytes each, rounded up to a power of two: one for each message and shard.
    /// 0 = none. At most 16,777,216.
    pub trail_entries: usize,
    /// Sockets open at once, over all shards.
    pub connections_max: usize,
    /// Connections that are not yet authenticated, over all shards.
    pub handshakes_max: usize,
    /// Rooms of one connection. What is beyond is not entered, and the connection closed.
    pub rooms_per_connection_max: usize,
    /// Longest body of a packet a client may send, bytes (goim: 4096).
    pub packet_body_bytes_max: usize,
    /// Frames a connection may send per second, on average.
    pub frames_per_second: u32,
    /// Frames a connection may send at once after a pause. At most 4,000,000.
    pub frames_burst: u32,
    /// Bytes a connection may send per second, on average.
    pub bytes_per_second: u32,
    /// Bytes a connection may send at once after a pause.
    pub bytes_burst: u32,
    /// Bytes that may wait for one connection's socket. Beyond it a session is behind, or closed.
    pub send_budget_bytes: usize,
    /// Conversations remembered for a session that is behind; beyond it the client is told to sync all.
    pub behind_rooms_max: usize,
    /// Send buffer of each client socket, bytes; 0 = the kernel's choice.
    pub socket_send_buffer_bytes: usize,
    /// Pending connections of each listener.
    pub listen_backlog: u32,
    /// Largest head of an HTTP request, bytes.
    pub header_bytes_max: usize,
    /// Time for a request's head to arrive, ms.
    pub header_timeout_ms: u64,
    /// Time from the upgrade (or the TCP connect) to an authenticated session, ms. With TLS, its handshake has as much
    /// before.
    pub handshake_timeout_ms: u64,
    /// Time from the end of a session's token to the end of the session, ms: meanwhile its client, if it understands that,
    /// connects anew. 0 = a session outlives its token.
    pub token_grace_ms: u64,
    /// Silence after which a JSON client is pinged, ms.
    pub ping_interval_ms: u64,
    /// Silence after which a JSON client is closed, ms.
    pub silence_limit_ms: u64,
    /// Idle limit of a goim client when logic names none, ms.
    pub goim_heartbeat_ms: u64,
    /// Resolution of the timers of connections, ms.
    pub wheel_slot_ms: u64,
    /// Time a closing connection has to take what is left for it, ms.
    pub close_linger_ms: u64,
    /// Pause after an error of accept, ms; doubles up to 32 times this while errors last.
    pub accept_backoff_ms: u64,

    /// Newest messages per conversation in `hello`.
    pub hello_messages: i32,
    /// Longest wait for an answer of logic, ms.
    pub rpc_timeout_ms: u64,
    /// Sessions or rooms in one call to logic.
    pub rpc_batch_max: usize,
    /// Wait before departures are sent, so that they travel together, ms.
    pub departure_delay_ms: u64,
    /// Departures kept while logic cannot be reached. Beyond it the oldest are dropped: the lease ends them.
    pub departures_max: usize,
    /// Time between renewals until logic has told a lease, ms; then a third of the lease.
    pub renew_interval_ms: u64,

    /// Messages that may wait for one shard; beyond it their senders wait.
    pub inbox_messages_max: usize,
    /// Messages of the inbox taken in one tick.
    pub tick_messages_max: usize,
    /// Bytes of frames put together for one send, at most (one frame may be longer).
    pub coalesce_bytes_max: usize,
    /// Sends, or connections with something to do, after which a shard looks at its other work.
    pub sends_per_yield: usize,
    /// Batches of one job under way at once.
    pub push_batches_in_flight_max: usize,
    /// Deliveries in one batch.
    pub batch_deliveries_max: usize,
    /// Largest gRPC message, bytes.
    pub grpc_message_bytes_max: usize,
    /// Job processes whose last batch is remembered, to tell repeats.
    pub jobs_remembered_max: usize,
    /// Longest time a paced broadcast may take, ms; a slower pace is quickened to it.
    pub pace_limit_ms: u64,
    /// Paced broadcasts under way in one shard that are acked when they begin; a further one is acked when it ends,
    /// and what its job sends meanwhile waits for that ack.
    pub paced_broadcasts_max: usize,

    /// Time a shutdown may take in all, ms.
    pub drain_deadline_ms: u64,
    /// Clients that all comets which drain together send to the others, per second.
    pub reconnects_per_second: u32,
    /// Clients told to reconnect spread over this time, ms: at most, while they are sent to other comets; at least, when
    /// there is no other.
    pub reconnect_spread_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            id: "comet".into(),
            weight: 10,
            http_listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tcp_listen: Some(SocketAddr::from(([127, 0, 0, 1], 3101))),
            grpc_listen: Some(SocketAddr::from(([127, 0, 0, 1], 50051))),
            grpc_advertise: String::new(),
            ws_advertise: String::new(),
            tcp_advertise: String::new(),
            cluster_token: None,
            shards: 0,
            pin_threads: true,
            trusted_proxies: TrustedProxies::default(),
            addresses: AddressConfig::default(),
            origins: OriginPolicy::default(),
            json: envelope::Limits::default(),
            tls: TlsConfig::default(),
            deflate: DeflateConfig::default(),
            watch: WatchConfig::default(),
            admission: AdmissionConfig::default(),
            connections_max: 1_000_000,
            handshakes_max: 20_000,
            rooms_per_connection_max: 4_096,
            packet_body_bytes_max: 4_096,
            frames_per_second: 500,
            frames_burst: 2_000,
            bytes_per_second: 1 << 20,
            bytes_burst: 4 << 20,
            send_budget_bytes: 256 * 1024,
            behind_rooms_max: 1_024,
            socket_send_buffer_bytes: 0,
            listen_backlog: 4_096,
            header_bytes_max: 16 * 1024,
            header_timeout_ms: 10_000,
            handshake_timeout_ms: 8_000,
            token_grace_ms: 60_000,
            ping_interval_ms: 30_000,
            silence_limit_ms: 75_000,
            goim_heartbeat_ms: 480_000,
            wheel_slot_ms: 1_000,
            close_linger_ms: 2_000,
            trail_entries: 65_536,
            accept_backoff_ms: 10,
            hello_messages: 20,
            rpc_timeout_ms: 5_000,
            rpc_batch_max: 512,
            departure_delay_ms: 5,
            departures_max: 200_000,
            renew_interval_ms: 5_000,
            inbox_messages_max: 1_024,
            tick_messages_max: 256,
            coalesce_bytes_max: 64 * 1024,
            sends_per_yield: 512,
            push_batches_in_flight_max: 64,
            batch_deliveries_max: 65_536,
            grpc_message_bytes_max: 32 << 20,
            jobs_remembered_max: 1_024,
            pace_limit_ms: 60_000,
            paced_broadcasts_max: 64,
            drain_deadline_ms: 4_000,
            reconnects_per_second: 2_000,
            reconnect_spread_ms: 5_000,
        }
    }
}

/// Frames are counted in thousandths, in half a word.
const FRAMES_BURST_MAX: u32 = 4_000_000;
/// Longest name of a comet, bytes; the directory's bound.
const ID_BYTES_MAX: usize = 64;
/// Most hops remembered: 768 MiB of them.
const TRAIL_ENTRIES_MAX: usize = 1 << 24;
/// Shards with members of a room are kept as the bits of one word.
pub(crate) const SHARDS_MAX: usize = 64;

impl Config {
    /// Everything that is wrong with these settings, each fault in a sentence that names the field.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |holds: bool, fault: &str| {
            if !holds {
                faults.push(fault.to_owned());
            }
        };
        let is_name = !self.id.is_empty() && self.id.len() <= ID_BYTES_MAX;
        check(is_name && !self.id.contains('|'), "id: 1 to 64 bytes without `|`");
        check((1..=1000).contains(&self.weight), "weight: 1 to 1000");
        check(self.shards <= SHARDS_MAX, "shards: at most 64");
        check(
            self.silence_limit_ms > self.ping_interval_ms,
            "silence_limit_ms: longer than ping_interval_ms",
        );
        check(self.header_bytes_max >= 8_192, "header_bytes_max: at least 8192");
        check(self.frames_burst <= FRAMES_BURST_MAX, "frames_burst: at most 4000000");
        check(self.trail_entries <= TRAIL_ENTRIES_MAX, "trail_entries: at most 16777216");
        check((1..=1_000).contains(&self.hello_messages), "hello_messages: 1 to 1000");
        check(self.wheel_slot_ms >= 5, "wheel_slot_ms: at least 5");
        let at_least_one = [
            ("connections_max", self.connections_max),
            ("handshakes_max", self.handshakes_max),
            ("rooms_per_connection_max", self.rooms_per_connection_max),
            ("packet_body_bytes_max", self.packet_body_bytes_max),
            ("send_budget_bytes", self.send_budget_bytes),
            ("behind_rooms_max", self.behind_rooms_max),
            ("rpc_batch_max", self.rpc_batch_max),
            ("departures_max", self.departures_max),
            ("inbox_messages_max", self.inbox_messages_max),
            ("tick_messages_max", self.tick_messages_max),
            ("coalesce_bytes_max", self.coalesce_bytes_max),
            ("sends_per_yield", self.sends_per_yield),
            ("push_batches_in_flight_max", self.push_batches_in_flight_max),
            ("batch_deliveries_max", self.batch_deliveries_max),
            ("grpc_message_bytes_max", self.grpc_message_bytes_max),
            ("jobs_remembered_max", self.jobs_remembered_max),
            ("frames_per_second", self.frames_per_second as usize),
            ("frames_burst", self.frames_burst as usize),
            ("bytes_per_second", self.bytes_per_second as usize),
            ("reconnects_per_second", self.reconnects_per_second as usize),
        ];
        for (field, value) in at_least_one {
            check(value >= 1, &format!("{field}: at least 1"));
        }
        let longest_message = self.json.frame_bytes_max.max(self.packet_body_bytes_max + 16);
        check(
            self.bytes_burst as usize >= longest_message,
            "bytes_burst: at least the longest message, or it could never be sent",
        );
        let above_zero = [
            ("header_timeout_ms", self.header_timeout_ms),
            ("handshake_timeout_ms", self.handshake_timeout_ms),
            ("ping_interval_ms", self.ping_interval_ms),
            ("goim_heartbeat_ms", self.goim_heartbeat_ms),
            ("rpc_timeout_ms", self.rpc_timeout_ms),
            ("renew_interval_ms", self.renew_interval_ms),
            ("accept_backoff_ms", self.accept_backoff_ms),
            ("drain_deadline_ms", self.drain_deadline_ms),
        ];
        for (field, value) in above_zero {
            check(value > 0, &format!("{field}: above 0"));
        }
        faults.extend(self.addresses.faults().into_iter().map(|fault| format!("addresses.{fault}")));
        faults.extend(self.origins.faults().into_iter().map(|fault| format!("origins: {fault}")));
        faults.extend(self.json.faults().into_iter().map(|fault| format!("json: {fault}")));
        faults.extend(self.tls.faults().into_iter().map(|fault| format!("tls.{fault}")));
        faults.extend(self.watch.faults().into_iter().map(|fault| format!("watch.{fault}")));
        faults.extend(self.admission.faults().into_iter().map(|fault| format!("admission.{fault}")));
        faults.extend(self.deflate.faults().into_iter().map(|fault| format!("deflate.{fault}")));
        faults
    }

    /// How many shards to run.
    pub(crate) fn shard_count(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        if self.shards == 0 { cores.min(SHARDS_MAX) } else { self.shards }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_fault() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
    }

    #[test]
    fn every_fault_is_told() {
        let config = Config {
            id: "a|b".into(),
            shards: 65,
            rpc_timeout_ms: 0,
            bytes_burst: 1,
            silence_limit_ms: 1,
            ..Config::default()
        };
        let faults = config.faults().join("\n");
        for field in ["id:", "shards:", "rpc_timeout_ms:", "bytes_burst:", "silence_limit_ms:"] {
            assert!(faults.contains(field), "{field} in {faults}");
        }
    }
}
