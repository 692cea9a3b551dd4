//! Settings of the logic tier.

use std::net::SocketAddr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

mod shards;
mod store;

pub use shards::ShardsConfig;
pub use store::{StoreConfig, StoreSettings};

use crate::conversations::ListingConfig;
use crate::{
    accounts, batcher, contacts, cursors, departures, events, expiry, exports, files, hooks, http, keys,
    kicks, mail, messages, notifications, online, presence, profiles, publisher, pushes, rates, reads,
    receipts, relay, replays, search, seen, words,
};

/// Settings of the logic tier.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address of the HTTP API; without one it is not served (one process
    /// serves it at the comet's address).
    pub http_listen: Option<SocketAddr>,
    /// Address of the gRPC service for comets; without one it is not served.
    pub grpc_listen: Option<SocketAddr>,
    /// What gRPC callers must send as `authorization: Bearer …`; without one
    /// the port must not be reachable from outside.
    pub cluster_token: Option<SecretString>,
    /// Everything durable.
    pub store: StoreConfig,
    /// How a goim client's `mid` is believed.
    pub goim_auth: GoimAuth,
    /// Idle limit told to goim clients, ms.
    pub goim_heartbeat_ms: u64,
    /// Lease of a comet in the directory, ms. A comet silent for longer is
    /// taken for dead.
    pub comet_lease_ms: u64,
    /// How often entries of dead comets are swept from the directory, ms.
    pub sweep_interval_ms: u64,
    /// Directory keys looked at in one sweep.
    pub sweep_keys_max: usize,
    /// Users remembered by id; beyond it the ones not used for longest are forgotten.
    pub users_cached_max: usize,
    /// Largest gRPC message taken, bytes.
    pub grpc_message_bytes_max: usize,
    /// HTTP connections held at the same time; further ones wait in the
    /// system's accept queue.
    pub http_connections_max: usize,
    /// Longest wait for the headers of an HTTP request, and longest life of
    /// an idle connection, ms.
    pub http_header_timeout_ms: u64,
    /// Time to finish what was accepted when told to stop, ms.
    pub drain_ms: u64,
    /// Hops of messages remembered for operators, 48 bytes each, rounded up to a power of two: three for each message. 0 = none.
    pub trail_entries: usize,
    /// Longest wait for what other processes know of a message, ms. Longer than `admin.report_ms`.
    pub trail_wait_ms: u64,
    /// Limits of what users send and ask for.
    pub limits: Limits,
    /// How often users and addresses may ask for something.
    pub rates: rates::Config,
    /// The batch writer.
    pub batch: batcher::Config,
    /// The writer of cursors, and who is told of them.
    pub cursors: cursors::Config,
    /// Lists of what changed.
    pub listing: ListingConfig,
    /// Reads of clients that connect, many in one query.
    pub reads: reads::Config,
    /// From the outbox to the bus.
    pub publisher: publisher::Config,
    /// Leases on outbox rows.
    pub relay: relay::Config,
    /// What may be done to messages.
    pub messages: messages::Config,
    /// Erasing messages whose time is over.
    pub expiry: expiry::Config,
    /// Words that are not to be said.
    pub words: words::Config,
    /// Servers of the operator's that are asked and told of messages.
    pub hooks: hooks::Config,
    /// Finding messages by their words.
    pub search: search::Config,
    /// What wakes devices that are away.
    pub notifications: notifications::Config,
    /// Transient pushes.
    pub pushes: pushes::Config,
    /// Messages delivered once more.
    pub replays: replays::Config,
    /// Who has read a message.
    pub receipts: receipts::Config,
    /// Presence and typing.
    pub presence: presence::Config,
    /// Keys of servers.
    pub keys: keys::Config,
    /// Ending connections.
    pub kicks: kicks::Config,
    /// Contacts, requests and blocks.
    pub contacts: contacts::Config,
    /// Events of users.
    pub events: events::Config,
    /// When log-ins and users were last seen.
    pub seen: seen::Config,
    /// Counts and node lists.
    pub online: online::Config,
    /// Accounts, log-ins, tokens.
    pub accounts: accounts::Config,
    /// What users tell of themselves.
    pub profiles: profiles::Config,
    /// What deleted accounts leave behind.
    pub departures: departures::Config,
    /// All that is kept of a user, for them.
    pub exports: exports::Config,
    /// Files of users.
    pub files: files::Config,
    /// Mail to users.
    pub mail: mail::Config,
    /// The HTTP API.
    pub http: http::Config,
    /// Points where this process is to die: `name=abort` or `name=N*abort`
    /// (at the Nth time).
    #[cfg(feature = "failpoints")]
    pub failpoints: Vec<String>,
}

/// Most hops remembered: 768 MiB of them.
const TRAIL_ENTRIES_MAX: usize = 1 << 24;

/// How a goim client's `mid` is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoimAuth {
    /// The credentials must hold a `token`: an access token of user `mid`.
    Token,
    /// `mid` is believed, as goim does: **anyone can pose as anyone.** Only
    /// behind something that checks it.
    Open,
}

/// Limits of what users send and ask for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest text of a message, bytes.
    pub content_bytes_max: usize,
    /// Largest attachment of a message, bytes of JSON; the file itself is not in it.
    pub attachment_bytes_max: usize,
    /// Users that one message speaks to by name.
    pub mentions_max: usize,
    /// Shortest time that messages are to stay, where it is said, ms.
    pub expires_in_ms_min: i64,
    /// Longest such time, ms.
    pub expires_in_ms_max: i64,
    /// Messages in one request; at most `batch.rows_max`.
    pub messages_per_request_max: usize,
    /// Longest name of a room or group, characters.
    pub name_chars_max: usize,
    /// Users named in one request about members.
    pub members_per_request_max: usize,
    /// Messages or members in one page.
    pub page_max: u32,
    /// Newest messages per conversation in a list of conversations.
    pub latest_max: u32,
    /// Open rooms that everyone is in: the oldest ones.
    pub open_rooms_max: u32,
    /// Members of a group.
    pub group_members_max: u32,
    /// Admins of a group, beside its owner.
    pub group_admins_max: u32,
    /// Links of a group by which others come in.
    pub group_links_max: u32,
    /// Longest announcement of a group, characters.
    pub announcement_chars_max: usize,
    /// Longest address or file id of a group's picture, bytes.
    pub avatar_bytes_max: usize,
    /// How long it is remembered what was asked for under an `Idempotency-Key`, ms.
    pub client_keys_kept_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            content_bytes_max: 8192,
            attachment_bytes_max: 8192,
            mentions_max: 50,
            expires_in_ms_min: 1_000,
            expires_in_ms_max: 366 * 24 * 3_600_000,
            messages_per_request_max: 100,
            name_chars_max: 64,
            members_per_request_max: 500,
            page_max: 200,
            latest_max: 50,
            open_rooms_max: 1000,
            group_members_max: 500,
            group_admins_max: 50,
            group_links_max: 20,
            announcement_chars_max: 2000,
            avatar_bytes_max: 512,
            client_keys_kept_ms: 24 * 3_600_000,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            http_listen: Some(SocketAddr::from(([127, 0, 0, 1], 8090))),
            grpc_listen: Some(SocketAddr::from(([127, 0, 0, 1], 50052))),
            cluster_token: None,
            store: StoreConfig::default(),
            goim_auth: GoimAuth::Token,
            goim_heartbeat_ms: 480_000,
            comet_lease_ms: 10_000,
            sweep_interval_ms: 30_000,
            sweep_keys_max: 1000,
            users_cached_max: 100_000,
            grpc_message_bytes_max: 16 * 1024 * 1024,
            http_connections_max: 10_000,
            http_header_timeout_ms: 30_000,
            drain_ms: 5_000,
            trail_entries: 65_536,
            trail_wait_ms: 4_000,
            limits: Limits::default(),
            rates: rates::Config::default(),
            batch: batcher::Config::default(),
            cursors: cursors::Config::default(),
            listing: ListingConfig::default(),
            reads: reads::Config::default(),
            publisher: publisher::Config::default(),
            relay: relay::Config::default(),
            messages: messages::Config::default(),
            expiry: expiry::Config::default(),
            words: words::Config::default(),
            hooks: hooks::Config::default(),
            search: search::Config::default(),
            notifications: notifications::Config::default(),
            pushes: pushes::Config::default(),
            replays: replays::Config::default(),
            receipts: receipts::Config::default(),
            presence: presence::Config::default(),
            keys: keys::Config::default(),
            kicks: kicks::Config::default(),
            contacts: contacts::Config::default(),
            events: events::Config::default(),
            seen: seen::Config::default(),
            online: online::Config::default(),
            accounts: accounts::Config::default(),
            profiles: profiles::Config::default(),
            departures: departures::Config::default(),
            exports: exports::Config::default(),
            files: files::Config::default(),
            mail: mail::Config::default(),
            http: http::Config::default(),
            #[cfg(feature = "failpoints")]
            failpoints: Vec::new(),
        }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.own_faults();
        let parts = [
            ("store", self.store.faults()),
            ("limits", self.limits.faults()),
            ("rates", self.rates.faults()),
            ("batch", self.batch.faults()),
            ("cursors", self.cursors.faults()),
            ("listing", self.listing.faults()),
            ("reads", self.reads.faults()),
            ("publisher", self.publisher.faults()),
            ("relay", self.relay.faults()),
            ("messages", self.messages.faults()),
            ("expiry", self.expiry.faults()),
            ("words", self.words.faults()),
            ("hooks", self.hooks.faults()),
            ("search", self.search.faults()),
            ("notifications", self.notifications.faults()),
            ("pushes", self.pushes.faults()),
            ("replays", self.replays.faults()),
            ("receipts", self.receipts.faults()),
            ("presence", self.presence.faults()),
            ("keys", self.keys.faults()),
            ("kicks", self.kicks.faults()),
            ("contacts", self.contacts.faults()),
            ("events", self.events.faults()),
            ("seen", self.seen.faults()),
            ("online", self.online.faults()),
            ("accounts", self.accounts.faults()),
            ("profiles", self.profiles.faults()),
            ("departures", self.departures.faults()),
            ("exports", self.exports.faults()),
            ("files", self.files.faults()),
            ("mail", self.mail.faults()),
            ("http", self.http.faults()),
        ];
        for (part, found) in parts {
            faults.extend(found.into_iter().map(|fault| format!("{part}: {fault}")));
        }
        faults
    }

    fn own_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        check(
            self.cluster_token.as_ref().is_none_or(|token| token.expose_secret().len() >= 16),
            "cluster_token is shorter than 16 bytes",
        );
        check(self.goim_heartbeat_ms >= 1000, "goim_heartbeat_ms is less than a second");
        check(
            i64::try_from(self.goim_heartbeat_ms).is_ok_and(|ms| ms < 1 << 40),
            "goim_heartbeat_ms is too large",
        );
        check((1000..=3_600_000).contains(&self.comet_lease_ms), "comet_lease_ms is not within 1 s to 1 h");
        check(self.sweep_interval_ms >= 100, "sweep_interval_ms is less than 100");
        check(self.sweep_keys_max >= 1, "sweep_keys_max is 0");
        check(self.users_cached_max >= 2, "users_cached_max is less than 2");
        check(self.grpc_message_bytes_max >= 64 * 1024, "grpc_message_bytes_max is less than 64 KiB");
        check(self.http_connections_max >= 1, "http_connections_max is 0");
        check(self.http_header_timeout_ms >= 1, "http_header_timeout_ms is 0");
        check(self.drain_ms >= 1, "drain_ms is 0");
        check(self.trail_entries <= TRAIL_ENTRIES_MAX, "trail_entries is more than 16777216");
        check((1..=60_000).contains(&self.trail_wait_ms), "trail_wait_ms is not within 1 ms to 1 min");
        check(
            self.accounts.sign_up == accounts::SignUp::Open || self.mail.mode != mail::Mode::Off,
            "accounts.sign_up is \"code\" and mail.mode is \"off\": nobody could sign up",
        );
        check(
            self.limits.messages_per_request_max <= self.batch.rows_max,
            "limits.messages_per_request_max is more than batch.rows_max",
        );
        check(
            self.limits.content_bytes_max <= self.batch.transaction_bytes_max,
            "limits.content_bytes_max is more than batch.transaction_bytes_max",
        );
        check(
            self.rates.sends_burst as usize >= self.limits.messages_per_request_max,
            "rates.sends_burst is less than limits.messages_per_request_max",
        );
        let call_ms = self.store.mysql.call_timeout_ms.max(self.store.sqlite.call_timeout_ms);
        check(
            self.listing.overlap_ms > call_ms,
            "listing.overlap_ms is not more than a call of the store may last (call_timeout_ms)",
        );
        #[cfg(feature = "failpoints")]
        faults.extend(crate::failpoint::faults(&self.failpoints));
        faults
    }

    pub(crate) fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms)
    }

    pub(crate) fn comet_lease(&self) -> Duration {
        Duration::from_millis(self.comet_lease_ms)
    }
}

impl Limits {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let bounds = [
            ("content_bytes_max", self.content_bytes_max, 65_536),
            ("attachment_bytes_max", self.attachment_bytes_max, 65_536),
            ("mentions_max", self.mentions_max, 1000),
            ("messages_per_request_max", self.messages_per_request_max, 10_000),
            // The store's columns hold 255.
            ("name_chars_max", self.name_chars_max, 64),
            ("members_per_request_max", self.members_per_request_max, 10_000),
            ("page_max", self.page_max as usize, 1000),
            ("latest_max", self.latest_max as usize, 1000),
            ("open_rooms_max", self.open_rooms_max as usize, 100_000),
            ("group_members_max", self.group_members_max as usize, 1_000_000),
            ("group_admins_max", self.group_admins_max as usize, 1000),
            ("group_links_max", self.group_links_max as usize, 1000),
            ("announcement_chars_max", self.announcement_chars_max, 10_000),
            ("avatar_bytes_max", self.avatar_bytes_max, 1024),
            ("client_keys_kept_ms", usize::try_from(self.client_keys_kept_ms).unwrap_or(usize::MAX), 1 << 40),
        ];
        let mut faults: Vec<String> = bounds
            .into_iter()
            .filter(|&(_, value, max)| !(1..=max).contains(&value))
            .map(|(name, value, max)| format!("{name} is {value}, not within 1 to {max}"))
            .collect();
        let (min, max) = (self.expires_in_ms_min, self.expires_in_ms_max);
        if !(1 <= min && min <= max && max <= 1 << 40) {
            faults.push(format!(
                "expires_in_ms_min {min} and expires_in_ms_max {max} are not rising within 1 to 2^40"
            ));
        }
        faults
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
    fn every_fault_is_told_at_once() {
        let config = Config {
            store: StoreConfig { url: SecretString::from("postgres://x"), ..StoreConfig::default() },
            cluster_token: Some(SecretString::from("short")),
            limits: Limits { page_max: 0, ..Limits::default() },
            ..Config::default()
        };
        let faults = config.faults();
        assert_eq!(faults.len(), 3, "{faults:?}");
    }
}
