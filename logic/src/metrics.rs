//! What the tier counts.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use oort_api::Code;
use oort_api::metrics::{Counter, Family, Gauge, Histogram, Registry, SECONDS_BUCKETS};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, EncodeMetric, LabelValueEncoder};
use prometheus_client::metrics::TypedMetric;
use prometheus_client::registry::Unit;

/// A refusal's code.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CodeLabel {
    code: CodeValue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct CodeValue(Code);

impl EncodeLabelValue for CodeValue {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.as_str().encode(encoder)
    }
}

impl From<Code> for CodeLabel {
    fn from(code: Code) -> Self {
        Self { code: CodeValue(code) }
    }
}

/// Everything the tier counts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Counters>);

impl std::ops::Deref for Metrics {
    type Target = Counters;

    fn deref(&self) -> &Counters {
        &self.0
    }
}

/// The counters themselves; their texts are in [`Metrics::register`].
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each is described where it is registered")]
pub struct Counters {
    pub messages_stored: Counter,
    pub messages_repeated: Counter,
    pub messages_refused: Family<CodeLabel, Counter>,
    pub rate_limited: Family<[(&'static str, &'static str); 1], Counter>,
    pub batch_queue_messages: Gauge,
    pub batch_queue_bytes: Gauge,
    pub batch_overloads: Counter,
    pub batch_expired: Counter,
    pub batch_rows: Histogram,
    pub batch_wait: Histogram,
    pub batch_transaction: Histogram,
    pub cursor_queue: Gauge,
    pub cursors_moved: Counter,
    pub cursors_merged: Counter,
    pub cursor_overloads: Counter,
    pub cursors_expired: Counter,
    pub cursor_transaction: Histogram,
    pub receipts_counted: Counter,
    pub receipts_shared: Counter,
    pub receipt_overloads: Counter,
    pub reads_asked: Counter,
    pub reads_made: Counter,
    pub reads_refused: Counter,
    pub commits_in_doubt: Counter,
    pub publish_queue_rows: Gauge,
    pub publish_queue_bytes: Gauge,
    pub publish_oldest: Gauge<f64, AtomicU64>,
    pub publish_behind: Gauge,
    pub published_rows: Counter,
    pub published_records: Counter,
    pub publish: Histogram,
    pub publish_failures: Counter,
    pub publish_spills: Counter,
    /// Answers to changes of rooms or members that did not wait any longer for the bus.
    pub told_waits_expired: Counter,
    pub publish_reread_rows: Counter,
    pub publish_too_large: Counter,
    pub publish_undecodable: Counter,
    pub outbox_deletes: Counter,
    pub outbox_delete_failures: Counter,
    pub outbox_rows: Gauge,
    pub outbox_oldest: Gauge<f64, AtomicU64>,
    pub outbox_adopted: Counter,
    /// Transactions refused because too much waited for the bus.
    pub outbox_refusals: Counter,
    /// Of this node: committed and not known to be published.
    pub unpublished_rows: Gauge,
    pub unpublished_bytes: Gauge,
    pub unpublished_oldest: Gauge<f64, AtomicU64>,
    /// Orders to deliver messages once more, and the messages.
    pub replays: Counter,
    pub replayed_messages: Counter,
    pub lease_failures: Counter,
    pub pushes: Counter,
    pub push_records: Counter,
    pub pushes_refused: Family<CodeLabel, Counter>,
    pub transient_told: Family<TransientLabel, Counter>,
    pub transient_shed: Family<TransientLabel, Counter>,
    pub kicks: Counter,
    pub kick_failures: Counter,
    pub kicks_dropped: Counter,
    pub user_events_forgotten: Counter,
    pub seen_dropped: Counter,
    pub seen_failures: Counter,
    pub grpc_refused: Family<CodeLabel, Counter>,
    pub goim_upstream: Counter,
    pub directory_swept: Counter,
    pub directory_sweep_failures: Counter,
    pub http_connections: Gauge,
    pub http_accept_failures: Counter,
}

/// What of the transient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransientKind {
    /// Who is online.
    Presence,
    /// Who types.
    Typing,
}

impl EncodeLabelValue for TransientKind {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let name = match self {
            Self::Presence => "presence",
            Self::Typing => "typing",
        };
        name.encode(encoder)
    }
}

/// The label of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TransientLabel {
    kind: TransientKind,
}

impl From<TransientKind> for TransientLabel {
    fn from(kind: TransientKind) -> Self {
        Self { kind }
    }
}

/// Rows of one transaction: 1 to 1024 and above.
const ROWS_BUCKETS: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

impl Counters {
    fn new() -> Self {
        Self {
            messages_stored: Counter::default(),
            messages_repeated: Counter::default(),
            messages_refused: Family::default(),
            rate_limited: Family::default(),
            batch_queue_messages: Gauge::default(),
            batch_queue_bytes: Gauge::default(),
            batch_overloads: Counter::default(),
            batch_expired: Counter::default(),
            batch_rows: Histogram::new(ROWS_BUCKETS),
            batch_wait: Histogram::new(SECONDS_BUCKETS),
            batch_transaction: Histogram::new(SECONDS_BUCKETS),
            cursor_queue: Gauge::default(),
            cursors_moved: Counter::default(),
            cursors_merged: Counter::default(),
            cursor_overloads: Counter::default(),
            cursors_expired: Counter::default(),
            cursor_transaction: Histogram::new(SECONDS_BUCKETS),
            receipts_counted: Counter::default(),
            receipts_shared: Counter::default(),
            receipt_overloads: Counter::default(),
            reads_asked: Counter::default(),
            reads_made: Counter::default(),
            reads_refused: Counter::default(),
            commits_in_doubt: Counter::default(),
            publish_queue_rows: Gauge::default(),
            publish_queue_bytes: Gauge::default(),
            publish_oldest: Gauge::default(),
            publish_behind: Gauge::default(),
            published_rows: Counter::default(),
            published_records: Counter::default(),
            publish: Histogram::new(SECONDS_BUCKETS),
            publish_failures: Counter::default(),
            publish_spills: Counter::default(),
            told_waits_expired: Counter::default(),
            publish_reread_rows: Counter::default(),
            publish_too_large: Counter::default(),
            publish_undecodable: Counter::default(),
            outbox_deletes: Counter::default(),
            outbox_delete_failures: Counter::default(),
            outbox_rows: Gauge::default(),
            outbox_oldest: Gauge::default(),
            outbox_adopted: Counter::default(),
            outbox_refusals: Counter::default(),
            unpublished_rows: Gauge::default(),
            unpublished_bytes: Gauge::default(),
            unpublished_oldest: Gauge::default(),
            replays: Counter::default(),
            replayed_messages: Counter::default(),
            lease_failures: Counter::default(),
            pushes: Counter::default(),
            push_records: Counter::default(),
            pushes_refused: Family::default(),
            transient_told: Family::default(),
            transient_shed: Family::default(),
            kicks: Counter::default(),
            kick_failures: Counter::default(),
            kicks_dropped: Counter::default(),
            user_events_forgotten: Counter::default(),
            seen_dropped: Counter::default(),
            seen_failures: Counter::default(),
            grpc_refused: Family::default(),
            goim_upstream: Counter::default(),
            directory_swept: Counter::default(),
            directory_sweep_failures: Counter::default(),
            http_connections: Gauge::default(),
            http_accept_failures: Counter::default(),
        }
    }
}

impl Metrics {
    /// Registers everything the tier counts.
    pub fn register(registry: &mut Registry) -> Self {
        let mut lanes = [Counters::new()];
        Self::register_all(registry, &mut lanes);
        let [all] = lanes;
        Self(Arc::new(all))
    }

    /// The same for so many lanes, at least one: they share all counters, and each has gauges of its own.
    pub fn register_lanes(registry: &mut Registry, lanes: usize) -> Vec<Self> {
        let mut lanes = vec![Counters::new(); lanes.max(1)];
        Self::register_all(registry, &mut lanes);
        lanes.into_iter().map(|lane| Self(Arc::new(lane))).collect()
    }

    fn register_all(registry: &mut Registry, lanes: &mut [Counters]) {
        register_levels(registry, lanes);
        let Some(all) = lanes.first() else { return };
        registry.register("messages_stored", "Messages committed", all.messages_stored.clone());
        registry.register(
            "messages_repeated",
            "Messages an earlier attempt had committed",
            all.messages_repeated.clone(),
        );
        registry.register("messages_refused", "Messages refused, by code", all.messages_refused.clone());
        registry.register(
            "rate_limited",
            "Sends, requests and log-ins refused because of their number, by what",
            all.rate_limited.clone(),
        );
        all.register_batch(registry);
        all.register_cursors(registry);
        all.register_receipts(registry);
        all.register_reads(registry);
        all.register_publisher(registry);
        all.register_outbox(registry);
        all.register_presence(registry);
        registry.register("pushes", "Transient pushes the bus took", all.pushes.clone());
        registry.register(
            "push_records",
            "Records of transient pushes the bus took",
            all.push_records.clone(),
        );
        registry.register("pushes_refused", "Transient pushes refused, by code", all.pushes_refused.clone());
        registry.register("replays", "Orders to deliver messages once more", all.replays.clone());
        registry.register(
            "replayed_messages",
            "Messages given to the bus once more",
            all.replayed_messages.clone(),
        );
        registry.register("grpc_refused", "gRPC calls refused, by code", all.grpc_refused.clone());
        registry.register(
            "goim_upstream",
            "Packets of goim clients that have no meaning here",
            all.goim_upstream.clone(),
        );
        registry.register(
            "directory_swept",
            "Entries of dead comets removed from the directory",
            all.directory_swept.clone(),
        );
        registry.register(
            "directory_sweep_failures",
            "Sweeps of the directory that failed",
            all.directory_sweep_failures.clone(),
        );
        registry.register("http_connections", "HTTP connections open", all.http_connections.clone());
        registry.register(
            "http_accept_failures",
            "HTTP connections that could not be accepted",
            all.http_accept_failures.clone(),
        );
    }
}

/// What each lane has a gauge of its own for: with several, each says its server.
fn register_levels(registry: &mut Registry, lanes: &mut [Counters]) {
    level(registry, lanes, ("batch_queue_messages", "Messages waiting for the writer", None), |of| {
        &mut of.batch_queue_messages
    });
    level(registry, lanes, ("batch_queue", "Bytes waiting for the writer", Some(Unit::Bytes)), |of| {
        &mut of.batch_queue_bytes
    });
    level(registry, lanes, ("cursor_queue", "Changes of cursors waiting for the writer", None), |of| {
        &mut of.cursor_queue
    });
    level(
        registry,
        lanes,
        ("publish_queue_rows", "Outbox rows in memory, waiting for the bus", None),
        |of| &mut of.publish_queue_rows,
    );
    level(registry, lanes, ("publish_queue", "Bytes of outbox rows in memory", Some(Unit::Bytes)), |of| {
        &mut of.publish_queue_bytes
    });
    level(
        registry,
        lanes,
        ("publish_oldest", "Age of the oldest outbox row in memory", Some(Unit::Seconds)),
        |of| &mut of.publish_oldest,
    );
    level(
        registry,
        lanes,
        ("publish_behind", "1 while rows are read back from the outbox table", None),
        |of| &mut of.publish_behind,
    );
    level(registry, lanes, ("outbox_rows", "Outbox rows of all nodes not yet deleted", None), |of| {
        &mut of.outbox_rows
    });
    level(
        registry,
        lanes,
        ("outbox_oldest", "Age of the oldest outbox row of all nodes", Some(Unit::Seconds)),
        |of| &mut of.outbox_oldest,
    );
    level(
        registry,
        lanes,
        ("unpublished_rows", "Outbox rows of this node that the bus does not have yet", None),
        |of| &mut of.unpublished_rows,
    );
    level(
        registry,
        lanes,
        (
            "unpublished",
            "Bytes of outbox rows of this node that the bus does not have yet",
            Some(Unit::Bytes),
        ),
        |of| &mut of.unpublished_bytes,
    );
    level(
        registry,
        lanes,
        (
            "unpublished_oldest",
            "Age of the oldest outbox row of this node that the bus does not have yet",
            Some(Unit::Seconds),
        ),
        |of| &mut of.unpublished_oldest,
    );
}

fn level<N, A>(
    registry: &mut Registry,
    lanes: &mut [Counters],
    (name, help, unit): (&str, &str, Option<Unit>),
    of: fn(&mut Counters) -> &mut Gauge<N, A>,
) where
    Gauge<N, A>: EncodeMetric + TypedMetric + Clone + Default + fmt::Debug + Send + Sync + 'static,
{
    if let [one] = lanes {
        let gauge = of(one).clone();
        return match unit {
            Some(unit) => registry.register_with_unit(name, help, unit, gauge),
            None => registry.register(name, help, gauge),
        };
    }
    let family = Family::<[(&'static str, String); 1], Gauge<N, A>>::default();
    for (server, lane) in lanes.iter_mut().enumerate() {
        *of(lane) = family.get_or_create_owned(&[("server", server.to_string())]);
    }
    match unit {
        Some(unit) => registry.register_with_unit(name, help, unit, family),
        None => registry.register(name, help, family),
    }
}

impl Counters {
    fn register_receipts(&self, registry: &mut Registry) {
        registry.register("receipts_counted", "Numbers of readers counted", self.receipts_counted.clone());
        registry.register("receipts_shared", "Numbers of readers told again", self.receipts_shared.clone());
        registry.register(
            "receipt_overloads",
            "Requests for readers refused because they waited too long",
            self.receipt_overloads.clone(),
        );
    }

    fn register_batch(&self, registry: &mut Registry) {
        registry.register(
            "batch_overloads",
            "Requests refused because the writer's queue was full",
            self.batch_overloads.clone(),
        );
        registry.register(
            "batch_expired",
            "Requests refused because they waited too long for the writer",
            self.batch_expired.clone(),
        );
        registry.register("batch_rows", "Messages in one transaction", self.batch_rows.clone());
        registry.register_with_unit(
            "batch_wait",
            "Wait of a request for the writer",
            Unit::Seconds,
            self.batch_wait.clone(),
        );
        registry.register_with_unit(
            "batch_transaction",
            "One transaction of the writer",
            Unit::Seconds,
            self.batch_transaction.clone(),
        );
        registry.register(
            "commits_in_doubt",
            "Transactions whose outcome the store did not tell",
            self.commits_in_doubt.clone(),
        );
    }

    fn register_cursors(&self, registry: &mut Registry) {
        registry.register("cursors_moved", "Cursors that moved, committed", self.cursors_moved.clone());
        registry.register(
            "cursors_merged",
            "Changes of a cursor that joined one which was waiting",
            self.cursors_merged.clone(),
        );
        registry.register(
            "cursor_overloads",
            "Changes of cursors refused because the writer's queue was full",
            self.cursor_overloads.clone(),
        );
        registry.register(
            "cursors_expired",
            "Changes of cursors refused because they waited too long for the writer",
            self.cursors_expired.clone(),
        );
        registry.register_with_unit(
            "cursor_transaction",
            "One transaction of the writer of cursors",
            Unit::Seconds,
            self.cursor_transaction.clone(),
        );
    }

    fn register_publisher(&self, registry: &mut Registry) {
        registry.register("published_rows", "Outbox rows the bus took", self.published_rows.clone());
        registry.register(
            "published_records",
            "Records of outbox rows the bus took",
            self.published_records.clone(),
        );
        registry.register_with_unit(
            "publish",
            "From handing a row to the bus to its answer",
            Unit::Seconds,
            self.publish.clone(),
        );
        registry.register(
            "publish_failures",
            "Attempts to publish that the bus refused",
            self.publish_failures.clone(),
        );
        registry.register(
            "publish_spills",
            "Outbox rows dropped from memory, to be read back from the table",
            self.publish_spills.clone(),
        );
        registry.register(
            "told_waits_expired",
            "Answers to changes of rooms or members that did not wait any longer for the bus",
            self.told_waits_expired.clone(),
        );
        registry.register(
            "publish_reread_rows",
            "Outbox rows published from the table",
            self.publish_reread_rows.clone(),
        );
        registry.register(
            "publish_too_large",
            "Records larger than the bus takes: in history only",
            self.publish_too_large.clone(),
        );
        registry.register(
            "publish_undecodable",
            "Outbox rows that cannot be read: in history only",
            self.publish_undecodable.clone(),
        );
    }

    fn register_reads(&self, registry: &mut Registry) {
        let counters = [
            ("reads_asked", "Reads of clients that connect", &self.reads_asked),
            ("reads_made", "Queries that answered them, each as many as waited", &self.reads_made),
            ("reads_refused", "Such reads refused: too many waited, or for too long", &self.reads_refused),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
    }

    fn register_presence(&self, registry: &mut Registry) {
        registry.register(
            "transient_told",
            "Records of presence and typing the bus took, by kind",
            self.transient_told.clone(),
        );
        registry.register(
            "transient_shed",
            "Presence and typing not told: too much waited, or the directory, the store or the bus was behind",
            self.transient_shed.clone(),
        );
        let counters = [
            ("kicks", "Connections that comets were told to end", &self.kicks),
            (
                "kick_failures",
                "Attempts to end connections that failed and are repeated",
                &self.kick_failures,
            ),
            ("kicks_dropped", "Endings of connections given up because too many waited", &self.kicks_dropped),
            ("user_events_forgotten", "Events of users deleted for their age", &self.user_events_forgotten),
            ("seen_dropped", "Last-seen times not kept because too many waited", &self.seen_dropped),
            ("seen_failures", "Writes of last-seen times that failed and are repeated", &self.seen_failures),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
    }

    fn register_outbox(&self, registry: &mut Registry) {
        registry.register(
            "outbox_deletes",
            "Deletions of published rows outside a batch's transaction",
            self.outbox_deletes.clone(),
        );
        registry.register(
            "outbox_delete_failures",
            "Deletions of published rows that failed and are tried again",
            self.outbox_delete_failures.clone(),
        );
        registry.register(
            "outbox_adopted",
            "Outbox rows taken over from dead nodes",
            self.outbox_adopted.clone(),
        );
        registry.register(
            "outbox_refusals",
            "Transactions refused because too much waited for the bus",
            self.outbox_refusals.clone(),
        );
        registry.register(
            "lease_failures",
            "Renewals of the outbox lease that failed",
            self.lease_failures.clone(),
        );
    }
}

#[cfg(test)]
impl Default for Metrics {
    fn default() -> Self {
        Self::register(&mut Registry::default())
    }
}
