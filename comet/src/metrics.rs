//! What a comet counts.

use oort_api::metrics::{Counter, Family, Gauge, Histogram, Registry, SECONDS_BUCKETS};

/// One label: a name of a closed set.
type ByName<const N: usize> = Family<[(&'static str, &'static str); N], Counter>;

/// Counters of one comet, their handles cached. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Client sockets open.
    pub connections: Gauge,
    /// Connections not yet authenticated.
    pub handshakes: Gauge,
    /// Clients that are being let in, or wait for that.
    pub openings: Gauge,
    sessions: ByName<1>,
    refused: ByName<1>,
    closed: ByName<1>,
    violations: ByName<1>,
    refused_frames: ByName<1>,
    tls_failures: ByName<1>,
    tls_reloads: ByName<1>,
    /// TLS handshakes that came to an end.
    pub tls_handshakes: Counter,
    /// When the certificate ends, seconds since 1970; 0 = there is none, or it does not say.
    pub tls_certificate_end: Gauge,
    /// Bytes of frames given to the compressor.
    pub deflate_bytes_in: Counter,
    /// Bytes of the same frames as they were sent.
    pub deflate_bytes_out: Counter,
    /// Bytes of clients' compressed messages.
    pub inflate_bytes_in: Counter,
    /// Bytes of the same messages, decompressed.
    pub inflate_bytes_out: Counter,
    /// Errors of accept, each followed by a pause.
    pub accept_errors: Counter,
    /// Frames clients sent.
    pub frames_received: Counter,
    /// Sends of clients that went to logic in one call with one before them.
    pub merged_frames: Counter,
    /// Typing that was not passed on: told too often, or logic was away.
    pub typing_dropped: Counter,
    /// Devices left alone, or no longer, that logic was not told of.
    pub away_dropped: Counter,
    /// Deliveries taken from jobs.
    pub deliveries: Counter,
    /// Batches of a job that were taken before and only acked again.
    pub repeated_batches: Counter,
    /// Calls of the system to write to a client.
    pub sends: Counter,
    /// Frames handed to clients' sockets or buffers.
    pub frames_sent: Counter,
    /// Sends that did not fit the socket, so that a buffer was made.
    pub socket_full: Counter,
    /// Sessions that fell behind and were told so.
    pub behind: Counter,
    /// Frames withheld from sessions that are behind, to be pulled by them.
    pub behind_frames: Counter,
    /// Transient frames (not stored anywhere) withheld from sessions that are behind.
    pub transient_dropped: Counter,
    /// Frames that no dialect can show, such as a body that cannot be read.
    pub unreadable_frames: Counter,
    /// Departures dropped because logic could not be reached for long; the lease ends them.
    pub departures_dropped: Counter,
    /// Errors of calls to logic.
    pub rpc_errors: Counter,
    /// Seconds a call to logic took.
    pub rpc_seconds: Histogram,
    /// Seconds a tick of a shard took: from taking its messages to the last send.
    pub tick_seconds: Histogram,
    /// Renewals that failed.
    pub renew_errors: Counter,
    /// Clients sent away all at once at the end of a drain that was too short for its pace.
    pub unpaced: Counter,
    /// Times everything was announced again, because the directory had lost it.
    pub announcements: Counter,
}

impl Metrics {
    /// Registers everything a comet counts.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            connections: Gauge::default(),
            handshakes: Gauge::default(),
            openings: Gauge::default(),
            sessions: Family::default(),
            refused: Family::default(),
            closed: Family::default(),
            violations: Family::default(),
            refused_frames: Family::default(),
            tls_failures: Family::default(),
            tls_reloads: Family::default(),
            tls_handshakes: Counter::default(),
            tls_certificate_end: Gauge::default(),
            deflate_bytes_in: Counter::default(),
            deflate_bytes_out: Counter::default(),
            inflate_bytes_in: Counter::default(),
            inflate_bytes_out: Counter::default(),
            accept_errors: Counter::default(),
            frames_received: Counter::default(),
            merged_frames: Counter::default(),
            typing_dropped: Counter::default(),
            away_dropped: Counter::default(),
            deliveries: Counter::default(),
            repeated_batches: Counter::default(),
            sends: Counter::default(),
            frames_sent: Counter::default(),
            socket_full: Counter::default(),
            behind: Counter::default(),
            behind_frames: Counter::default(),
            transient_dropped: Counter::default(),
            unreadable_frames: Counter::default(),
            departures_dropped: Counter::default(),
            rpc_errors: Counter::default(),
            rpc_seconds: Histogram::new(SECONDS_BUCKETS),
            tick_seconds: Histogram::new(SECONDS_BUCKETS),
            renew_errors: Counter::default(),
            unpaced: Counter::default(),
            announcements: Counter::default(),
        };
        metrics.name_all(registry);
        metrics
    }

    fn name_all(&self, registry: &mut Registry) {
        registry.register("connections", "Client sockets open", self.connections.clone());
        registry.register("handshakes", "Connections not yet authenticated", self.handshakes.clone());
        registry.register(
            "openings",
            "Clients that are being let in, or wait for that",
            self.openings.clone(),
        );
        registry.register("rpc_seconds", "Seconds a call to logic took", self.rpc_seconds.clone());
        registry.register("tick_seconds", "Seconds a tick of a shard took", self.tick_seconds.clone());
        registry.register(
            "tls_certificate_end_seconds",
            "When the certificate ends, seconds since 1970",
            self.tls_certificate_end.clone(),
        );
        let families = [
            ("sessions", "Sessions that became live, by dialect", &self.sessions),
            ("refused", "Connections refused, by reason", &self.refused),
            ("closed", "Sessions closed by the server, by reason", &self.closed),
            ("violations", "Breaches of a protocol by clients, by kind", &self.violations),
            ("refused_frames", "Commands of clients answered with an error, by code", &self.refused_frames),
            ("tls_failures", "TLS handshakes that failed, by reason", &self.tls_failures),
            ("tls_reloads", "Changed certificates, by what became of them", &self.tls_reloads),
        ];
        for (name, help, family) in families {
            registry.register(name, help, family.clone());
        }
        let counters = [
            ("accept_errors", "Errors of accept, each followed by a pause", &self.accept_errors),
            ("frames_received", "Frames clients sent", &self.frames_received),
            ("merged_frames", "Sends that went to logic in one call with one before", &self.merged_frames),
            (
                "away_dropped",
                "Devices left alone, or no longer, that logic was not told of",
                &self.away_dropped,
            ),
            ("typing_dropped", "Typing not passed on: too often, or logic was away", &self.typing_dropped),
            ("deliveries", "Deliveries taken from jobs", &self.deliveries),
            ("repeated_batches", "Batches taken before and only acked again", &self.repeated_batches),
            ("sends", "Calls of the system to write to a client", &self.sends),
            ("frames_sent", "Frames handed to clients' sockets or buffers", &self.frames_sent),
            ("socket_full", "Sends that did not fit the socket", &self.socket_full),
            ("behind", "Sessions that fell behind and were told so", &self.behind),
            ("behind_frames", "Frames withheld from sessions that are behind", &self.behind_frames),
            (
                "transient_dropped",
                "Transient frames withheld from sessions that are behind",
                &self.transient_dropped,
            ),
            ("unreadable_frames", "Frames that no dialect can show", &self.unreadable_frames),
            ("departures_dropped", "Departures dropped while logic was away", &self.departures_dropped),
            ("rpc_errors", "Errors of calls to logic", &self.rpc_errors),
            ("renew_errors", "Renewals that failed", &self.renew_errors),
            ("drain_unpaced", "Clients sent away at once: a drain was too short for its pace", &self.unpaced),
            ("tls_handshakes", "TLS handshakes that came to an end", &self.tls_handshakes),
            ("deflate_bytes_in", "Bytes of frames given to the compressor", &self.deflate_bytes_in),
            ("deflate_bytes_out", "Bytes of the same frames as they were sent", &self.deflate_bytes_out),
            ("inflate_bytes_in", "Bytes of clients' compressed messages", &self.inflate_bytes_in),
            ("inflate_bytes_out", "Bytes of the same messages, decompressed", &self.inflate_bytes_out),
            ("announcements", "Times everything was announced again", &self.announcements),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
    }

    /// Counts a session that became live.
    pub(crate) fn session(&self, dialect: &'static str) {
        self.sessions.get_or_create(&[("dialect", dialect)]).inc();
    }

    /// Counts a connection that was not let in.
    pub(crate) fn refuse(&self, reason: &'static str) {
        self.refused.get_or_create(&[("reason", reason)]).inc();
    }

    /// Counts a session that the server ended.
    pub(crate) fn close(&self, reason: &'static str) {
        self.closed.get_or_create(&[("reason", reason)]).inc();
    }

    /// Counts a client that broke a protocol.
    pub(crate) fn violation(&self, kind: &'static str) {
        self.violations.get_or_create(&[("kind", kind)]).inc();
    }

    /// Counts a command that was answered with an error.
    pub(crate) fn refuse_frame(&self, code: &'static str) {
        self.refused_frames.get_or_create(&[("code", code)]).inc();
    }

    /// Counts a TLS handshake that failed.
    pub(crate) fn tls_failure(&self, reason: &'static str) {
        self.tls_failures.get_or_create(&[("reason", reason)]).inc();
    }

    /// Counts a change of the certificate.
    pub(crate) fn reloaded(&self, result: &'static str) {
        self.tls_reloads.get_or_create(&[("result", result)]).inc();
    }

    /// How many connections were refused for this reason.
    #[must_use]
    pub fn refused_for(&self, reason: &'static str) -> u64 {
        self.refused.get_or_create(&[("reason", reason)]).get()
    }

    /// How many TLS handshakes failed for this reason.
    #[must_use]
    pub fn tls_failed_for(&self, reason: &'static str) -> u64 {
        self.tls_failures.get_or_create(&[("reason", reason)]).get()
    }

    /// How often a changed certificate was `taken` or `refused`.
    #[must_use]
    pub fn tls_reloaded(&self, result: &'static str) -> u64 {
        self.tls_reloads.get_or_create(&[("result", result)]).get()
    }

    /// How often the server closed sessions for this reason.
    #[must_use]
    pub fn closed_for(&self, reason: &'static str) -> u64 {
        self.closed.get_or_create(&[("reason", reason)]).get()
    }
}
