//! Who is online where: goim's counts and node lists, out of the directory.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use oort_api::Code;
use oort_api::directory::{CometInfo, Directory};
use oort_api::error::Refusal;
use oort_api::pb::goim::logic::{Backoff, NodesReply};
use serde::Deserialize;
use tokio::sync::Mutex;

/// Settings of [`Online`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// For how long an answer of the directory is used again, ms.
    pub cache_ms: u64,
    /// Rooms in one answer about rooms.
    pub rooms_max: usize,
    /// Nodes offered to a client.
    pub nodes_offered: usize,
    /// Domain told to clients, empty = none.
    pub domain: String,
    /// Port of packet clients; 0 = that of the first node offered.
    pub tcp_port: u16,
    /// Port of WebSocket clients; 0 = that of the first node offered.
    pub ws_port: u16,
    /// Port of WebSocket clients over TLS; 0 = not served.
    pub wss_port: u16,
    /// Time between a client's heartbeats, seconds.
    pub heartbeat_s: u16,
    /// Heartbeats a client may miss.
    pub heartbeat_max: u16,
    /// Longest wait of a client before it connects again, seconds.
    pub backoff_max_s: u16,
    /// First wait of a client before it connects again, seconds.
    pub backoff_base_s: u16,
    /// By what the wait grows.
    pub backoff_factor: f32,
    /// Share of the wait that is random.
    pub backoff_jitter: f32,
}

impl Default for Config {
    fn default() -> Self {
        // goim's `cmd/logic/logic-example.toml` for what clients are told.
        Self {
            cache_ms: 1000,
            rooms_max: 1000,
            nodes_offered: 5,
            domain: String::new(),
            tcp_port: 0,
            ws_port: 0,
            wss_port: 0,
            heartbeat_s: 240,
            heartbeat_max: 2,
            backoff_max_s: 300,
            backoff_base_s: 3,
            backoff_factor: 1.8,
            backoff_jitter: 1.3,
        }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.rooms_max == 0 || self.nodes_offered == 0 || self.heartbeat_s == 0 || self.heartbeat_max == 0
        {
            faults.push(
                "rooms_max, nodes_offered, heartbeat_s and heartbeat_max must be at least 1".to_owned(),
            );
        }
        if self.cache_ms > 60_000 {
            faults.push("cache_ms is more than a minute".to_owned());
        }
        if !(self.backoff_factor.is_finite() && self.backoff_factor >= 1.0) {
            faults.push("backoff_factor is less than 1".to_owned());
        }
        if !(self.backoff_jitter.is_finite() && self.backoff_jitter >= 0.0) {
            faults.push("backoff_jitter is negative".to_owned());
        }
        faults
    }
}

/// Members of one room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomCount {
    /// The room's id, without its type.
    pub room_id: String,
    /// Members over all comets.
    pub count: i64,
}

/// All that is online.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// Distinct client addresses, summed over comets.
    pub addresses: i64,
    /// Connections.
    pub connections: i64,
}

/// Counts and nodes out of the directory, cached briefly.
#[derive(Debug)]
pub struct Online {
    config: Config,
    directory: Arc<dyn Directory>,
    seen: Mutex<Option<Seen>>,
}

/// What the directory said last.
#[derive(Debug)]
struct Seen {
    at: Instant,
    comets: Arc<Vec<CometInfo>>,
    rooms: Arc<HashMap<String, i64>>,
    /// Connections sent to each comet since then, by its place.
    offered: Vec<i64>,
}

impl Online {
    /// Reads from `directory`.
    #[must_use]
    pub fn new(config: Config, directory: Arc<dyn Directory>) -> Self {
        Self { config, directory, seen: Mutex::new(None) }
    }

    /// Rooms of a type with the most members, at most `limit`.
    ///
    /// # Errors
    /// `unavailable` when the directory is.
    pub async fn top(&self, kind: &str, limit: usize) -> Result<Vec<RoomCount>, Refusal> {
        let prefix = format!("{kind}://");
        let rooms = self.rooms_seen().await?;
        let mut top: Vec<RoomCount> = rooms
            .iter()
            .filter_map(|(room, &count)| {
                let room_id = room.strip_prefix(&prefix)?.to_owned();
                (count > 0).then_some(RoomCount { room_id, count })
            })
            .collect();
        top.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.room_id.cmp(&b.room_id)));
        top.truncate(limit.min(self.config.rooms_max));
        Ok(top)
    }

    /// Members of these rooms of a type, by the ids asked for, each present.
    ///
    /// # Errors
    /// `invalid_field` for too many rooms, `unavailable` when the directory is.
    pub async fn rooms(&self, kind: &str, rooms: &[String]) -> Result<BTreeMap<String, i64>, Refusal> {
        if rooms.len() > self.config.rooms_max {
            let text = format!("rooms: at most {} at a time", self.config.rooms_max);
            return Err(Refusal::new(Code::InvalidField, text));
        }
        let seen = self.rooms_seen().await?;
        let count = |room: &String| seen.get(&format!("{kind}://{room}")).copied().unwrap_or(0);
        Ok(rooms.iter().map(|room| (room.clone(), count(room))).collect())
    }

    /// Members of every goim room, by its whole key.
    ///
    /// # Errors
    /// `unavailable` when the directory is.
    pub async fn all_rooms(&self) -> Result<Arc<HashMap<String, i64>>, Refusal> {
        self.rooms_seen().await
    }

    /// All that is online.
    ///
    /// # Errors
    /// `unavailable` when the directory is.
    pub async fn total(&self) -> Result<Total, Refusal> {
        let comets = self.nodes().await?;
        Ok(Total {
            addresses: comets.iter().map(|comet| comet.addresses).sum(),
            connections: comets.iter().map(|comet| comet.connections).sum(),
        })
    }

    /// Nodes a client should try, best first: those that lack most to their
    /// share of all connections by weight. `platform` "web" gets WebSocket
    /// hosts, any other packet hosts.
    ///
    /// # Errors
    /// `unavailable` when the directory is.
    pub async fn nodes_weighted(&self, platform: &str) -> Result<NodesReply, Refusal> {
        let mut guard = self.fresh().await?;
        let Some(seen) = guard.as_mut() else { return Ok(NodesReply::default()) };
        let is_web = platform == "web";
        let best = best_nodes(&seen.comets, &seen.offered, |comet| !address(comet, is_web).is_empty());
        if let Some(&first) = best.first() {
            seen.offered[first] += 1;
        }
        let best: Vec<&CometInfo> =
            best.iter().take(self.config.nodes_offered).map(|&place| &seen.comets[place]).collect();
        Ok(self.reply(&best, is_web))
    }

    /// Every comet, as it described itself.
    ///
    /// # Errors
    /// `unavailable` when the directory is.
    pub async fn nodes(&self) -> Result<Arc<Vec<CometInfo>>, Refusal> {
        Ok(self.fresh().await?.as_ref().map(|seen| Arc::clone(&seen.comets)).unwrap_or_default())
    }

    fn reply(&self, nodes: &[&CometInfo], is_web: bool) -> NodesReply {
        let config = &self.config;
        let first_port = |is_ws| nodes.first().map_or(0, |comet| host_and_port(address(comet, is_ws)).1);
        let port = |set: u16, is_ws| i32::from(if set == 0 { first_port(is_ws) } else { set });
        NodesReply {
            domain: config.domain.clone(),
            tcp_port: port(config.tcp_port, false),
            ws_port: port(config.ws_port, true),
            wss_port: i32::from(config.wss_port),
            heartbeat: i32::from(config.heartbeat_s),
            heartbeat_max: i32::from(config.heartbeat_max),
            nodes: nodes.iter().map(|comet| host_and_port(address(comet, is_web)).0.to_owned()).collect(),
            backoff: Some(Backoff {
                max_delay: i32::from(config.backoff_max_s),
                base_delay: i32::from(config.backoff_base_s),
                factor: config.backoff_factor,
                jitter: config.backoff_jitter,
            }),
        }
    }

    async fn rooms_seen(&self) -> Result<Arc<HashMap<String, i64>>, Refusal> {
        Ok(self.fresh().await?.as_ref().map(|seen| Arc::clone(&seen.rooms)).unwrap_or_default())
    }

    /// What the directory said at most `cache_ms` ago. Callers that come
    /// while it is asked wait for the same answer.
    async fn fresh(&self) -> Result<tokio::sync::MutexGuard<'_, Option<Seen>>, Refusal> {
        let mut seen = self.seen.lock().await;
        let cache = Duration::from_millis(self.config.cache_ms);
        if seen.as_ref().is_none_or(|seen| seen.at.elapsed() >= cache) {
            let comets = self.directory.comets().await.map_err(crate::error::directory_refusal)?;
            *seen = Some(Seen::new(comets));
        }
        Ok(seen)
    }
}

impl Seen {
    fn new(mut comets: Vec<CometInfo>) -> Self {
        comets.sort_unstable_by(|a, b| a.comet.cmp(&b.comet));
        let mut rooms: HashMap<String, i64> = HashMap::new();
        for (room, &count) in comets.iter().flat_map(|comet| &comet.room_counts) {
            *rooms.entry(room.clone()).or_default() += i64::from(count);
        }
        let offered = vec![0; comets.len()];
        Self { at: Instant::now(), comets: Arc::new(comets), rooms: Arc::new(rooms), offered }
    }
}

fn address(comet: &CometInfo, is_ws: bool) -> &str {
    if is_ws { &comet.ws_address } else { &comet.tcp_address }
}

fn host_and_port(address: &str) -> (&str, u16) {
    match address.rsplit_once(':') {
        Some((host, port)) => (host.trim_start_matches('[').trim_end_matches(']'), port.parse().unwrap_or(0)),
        None => (address, 0),
    }
}

/// Places of usable comets, those first that lack most to their share.
///
/// A comet's share is weight / sum of weights of all connections, the coming
/// one included; what it lacks is its share less what it holds. goim divides
/// by the sum of the *others'* weights, so its shares do not add up.
fn best_nodes(comets: &[CometInfo], offered: &[i64], is_usable: impl Fn(&CometInfo) -> bool) -> Vec<usize> {
    let usable: Vec<usize> = (0..comets.len())
        .filter(|&place| !comets[place].draining && comets[place].weight > 0 && is_usable(&comets[place]))
        .collect();
    let held = |place: usize| i128::from(comets[place].connections) + i128::from(offered[place]);
    let weight = |place: usize| i128::from(comets[place].weight);
    let weights: i128 = usable.iter().map(|&place| weight(place)).sum();
    let total: i128 = usable.iter().map(|&place| held(place)).sum::<i128>() + 1;
    // Times the sum of weights, so that nothing is rounded.
    let lack = |place: usize| weight(place) * total - held(place) * weights;
    let mut best = usable;
    best.sort_by_key(|&place| (Reverse(lack(place)), place));
    best
}

#[cfg(test)]
mod tests {
    use oort_api::directory::CometRef;

    use super::*;

    fn comet(id: &str, weight: i32, connections: i64) -> CometInfo {
        CometInfo {
            comet: CometRef { id: id.to_owned(), epoch: 1 },
            grpc_address: String::new(),
            ws_address: format!("{id}:8080"),
            tcp_address: String::new(),
            weight,
            connections,
            addresses: 0,
            draining: false,
            announcing: false,
            announcements: 0,
            room_counts: HashMap::new(),
        }
    }

    #[test]
    fn connections_spread_by_weight() {
        let comets = [comet("a", 1, 0), comet("b", 3, 0), comet("idle", 0, 0)];
        let mut offered = [0; 3];
        for _ in 0..400 {
            let best = best_nodes(&comets, &offered, |_| true);
            offered[best[0]] += 1;
        }
        assert_eq!(offered, [100, 300, 0]);
    }

    #[test]
    fn a_draining_or_unfit_node_is_not_offered() {
        let mut comets = vec![comet("a", 1, 9), comet("b", 1, 0), comet("c", 1, 0)];
        comets[1].draining = true;
        comets[2].ws_address.clear();
        assert_eq!(best_nodes(&comets, &[0; 3], |comet| !comet.ws_address.is_empty()), [0]);
    }

    #[test]
    fn hosts_come_out_of_addresses() {
        assert_eq!(host_and_port("10.0.0.1:3101"), ("10.0.0.1", 3101));
        assert_eq!(host_and_port("[::1]:3101"), ("::1", 3101));
        assert_eq!(host_and_port("chat.example"), ("chat.example", 0));
    }
}
