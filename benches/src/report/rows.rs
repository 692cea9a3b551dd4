//! The rows of the published table: what is measured, by which runs, and the goal it is held against.

/// One row.
#[derive(Debug)]
pub(super) struct Row {
    /// Its key in `peers.json`.
    pub(super) id: &'static str,
    /// What a reader sees.
    pub(super) what: &'static str,
    /// The goal as a reader sees it; the cells hold the same in figures.
    pub(super) goal: &'static str,
    /// The measured values, joined by " / ".
    pub(super) cells: &'static [Cell],
}

/// One value of a row and where it comes from.
#[derive(Debug)]
pub(super) struct Cell {
    /// Scenario of the result.
    pub(super) scenario: &'static str,
    /// Parameters that the result must have, or with an empty value must not have; others are free.
    pub(super) params: &'static [(&'static str, &'static str)],
    /// Which value of the result.
    pub(super) value: Value,
    /// What reaches the goal.
    pub(super) limit: Limit,
}

/// A value of a result.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    /// A figure.
    Figure(&'static str),
    /// A figure over the floor's.
    Ratio(&'static str),
    /// A latency: its name, its quantile.
    Ms(&'static str, Quantile),
}

/// A quantile that every latency has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Quantile {
    /// The median.
    P50,
    /// 99 of 100.
    P99,
}

/// A goal in figures.
#[derive(Debug, Clone, Copy)]
pub(super) enum Limit {
    /// The value or less.
    AtMost(f64),
    /// The value or more.
    AtLeast(f64),
}

impl Limit {
    /// Whether `value` reaches it.
    pub(super) fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }

    /// Whether `value` is nearer to what is wanted than `other`.
    pub(super) fn is_better(self, value: f64, other: f64) -> bool {
        match self {
            Self::AtMost(_) => value < other,
            Self::AtLeast(_) => value > other,
        }
    }
}

const fn cell(
    scenario: &'static str,
    params: &'static [(&'static str, &'static str)],
    value: Value,
    limit: Limit,
) -> Cell {
    Cell { scenario, params, value, limit }
}

/// A fan-out to so many members; its clients speak goim's packets over WebSocket, as the floor's and goim's do.
macro_rules! fanout {
    ($mode:literal, $members:literal) => {
        &[("mode", $mode), ("members", $members), ("dialect", "packet-ws")]
    };
}

use Limit::{AtLeast, AtMost};
use Quantile::{P50, P99};
use Value::{Figure, Ms, Ratio};

const CPU: Value = Ratio("cpu_us_per_message");

/// All rows, in the order of the table.
pub(super) const ROWS: &[Row] = &[
    Row {
        id: "fanout_one",
        what: "one frame to 1 k / 10 k members, one at a time: CPU per message, × one bare `send(2)`",
        goal: "≤ 1.05 / ≤ 1.05",
        cells: &[
            cell("fanout", fanout!("one", "1000"), CPU, AtMost(1.05)),
            cell("fanout", fanout!("one", "10000"), CPU, AtMost(1.05)),
        ],
    },
    Row {
        id: "fanout_burst",
        what: "single publishes back to back, 1 k / 10 k, ×",
        goal: "≤ 0.15 / ≤ 0.15, in order, 0 lost",
        cells: &[
            cell("fanout", fanout!("burst", "1000"), CPU, AtMost(0.15)),
            cell("fanout", fanout!("burst", "10000"), CPU, AtMost(0.15)),
        ],
    },
    Row {
        id: "fanout_batch",
        what: "batches of 20, 1 k / 10 k, ×",
        goal: "≤ 0.08 / ≤ 0.08, 0 lost",
        cells: &[
            cell("fanout", fanout!("batch", "1000"), CPU, AtMost(0.08)),
            cell("fanout", fanout!("batch", "10000"), CPU, AtMost(0.08)),
        ],
    },
    Row {
        id: "fanout_rate",
        what: "10 fan-outs/s to 1 k: p50, p99, CPU, each over the floor server's",
        goal: "≤ 1.2, ≤ 1.4, ≤ 1.25",
        cells: &[
            cell("fanout", fanout!("rate", "1000"), Ratio("delivered_p50_ms"), AtMost(1.2)),
            cell("fanout", fanout!("rate", "1000"), Ratio("delivered_p99_ms"), AtMost(1.4)),
            cell("fanout", fanout!("rate", "1000"), CPU, AtMost(1.25)),
        ],
    },
    Row {
        id: "push",
        what: "one push to one client: p50 / p99 over the floor server's",
        goal: "≤ 1.2 / ≤ 1.4",
        cells: &[
            cell("push", CALM, Ratio("delivered_p50_ms"), AtMost(1.2)),
            cell("push", CALM, Ratio("delivered_p99_ms"), AtMost(1.4)),
        ],
    },
    Row {
        id: "idle",
        what: "user-land bytes per idle authenticated connection in a room: JSON / packets over WebSocket",
        goal: "≤ 1,200 (next: ≤ 512)",
        cells: &[
            cell("idle", IDLE_JSON, Figure("rss_bytes_per_connection"), AtMost(1200.0)),
            cell("idle", IDLE_PACKETS, Figure("rss_bytes_per_connection"), AtMost(1200.0)),
        ],
    },
    Row {
        id: "handshake",
        what: "handshake with upgrade, auth call and room, packets over WebSocket: CPU over the floor server's",
        goal: "≤ 1.6",
        cells: &[cell("handshake", HANDSHAKE, Ratio("cpu_us_per_handshake"), AtMost(1.6))],
    },
    Row {
        id: "send_latency_cluster",
        what: "HTTP send → member's socket, cluster, durable, idle machine: p50 / p99 ms",
        goal: "≤ 3 / ≤ 10",
        cells: &[
            cell("send", SEND_ONE_CLUSTER, Ms("delivered", P50), AtMost(3.0)),
            cell("send", SEND_ONE_CLUSTER, Ms("delivered", P99), AtMost(10.0)),
        ],
    },
    Row {
        id: "send_latency_standalone",
        what: "the same, one process: p50 / p99 ms",
        goal: "≤ 1.5 / ≤ 5",
        cells: &[
            cell("send", SEND_ONE_STANDALONE, Ms("delivered", P50), AtMost(1.5)),
            cell("send", SEND_ONE_STANDALONE, Ms("delivered", P99), AtMost(5.0)),
        ],
    },
    Row {
        id: "sends_cluster",
        what: "durable sends/s flat out, cluster with its backends and the load on one 2-core machine: HTTP / WebSocket; p99 ms of each",
        goal: "≥ 15,000 / ≥ 18,000; p99 < 100 ms",
        cells: &[
            cell("send", CLUSTER_HTTP, Figure("sends_per_s"), AtLeast(15_000.0)),
            cell("send", CLUSTER_WS, Figure("sends_per_s"), AtLeast(18_000.0)),
            cell("send", CLUSTER_HTTP, Ms("delivered", P99), AtMost(100.0)),
            cell("send", CLUSTER_WS, Ms("delivered", P99), AtMost(100.0)),
        ],
    },
    Row {
        id: "sends_standalone",
        what: "durable sends/s, one process: HTTP / WebSocket",
        goal: "≥ 25,000 / ≥ 40,000",
        cells: &[
            cell(
                "send",
                &[("shape", "standalone"), ("via", "http"), ("rate", FLAT_OUT)],
                Figure("sends_per_s"),
                AtLeast(25_000.0),
            ),
            cell(
                "send",
                &[("shape", "standalone"), ("via", "ws"), ("rate", FLAT_OUT)],
                Figure("sends_per_s"),
                AtLeast(40_000.0),
            ),
        ],
    },
    Row {
        id: "send_cpu",
        what: "CPU µs per durable send by HTTP, cluster, all processes and backends",
        goal: "≤ 100",
        cells: &[cell("send", CLUSTER_HTTP, Figure("cpu_us_per_send"), AtMost(100.0))],
    },
    Row {
        id: "pushes",
        what: "transient pushes accepted/s on one core: single / batched",
        goal: "≥ 60,000 / ≥ 200,000",
        cells: &[
            cell("pushes", &[("batch", "1")], Figure("pushes_per_s"), AtLeast(60_000.0)),
            cell("pushes", &[("batch", "16")], Figure("pushes_per_s"), AtLeast(200_000.0)),
        ],
    },
    Row {
        id: "million",
        what: "1,000,000 connections on one 24 GiB machine, bytes per connection: kernel memory of both ends / the comets' own",
        goal: "≤ 11,000 in all (11 GB)",
        cells: &[
            cell("idle", MILLION, Figure("kernel_bytes_per_pair"), AtMost(10_400.0)),
            cell("idle", MILLION, Figure("pss_bytes_per_connection"), AtMost(600.0)),
        ],
    },
];

const IDLE_JSON: &[(&str, &str)] = &[("servers", "1"), ("dialect", "json"), ("tls", "")];
const HANDSHAKE: &[(&str, &str)] = &[("dialect", "packet-ws"), ("tls", "")];
const MILLION: &[(&str, &str)] = &[("connections", "1000000")];
const IDLE_PACKETS: &[(&str, &str)] = &[("servers", "1"), ("dialect", "packet-ws")];
/// 50 sends a second: what an idle machine shows.
const SEND_ONE_CLUSTER: &[(&str, &str)] = &[("shape", "cluster"), ("via", "http"), ("rate", "50")];
const SEND_ONE_STANDALONE: &[(&str, &str)] = &[("shape", "standalone"), ("via", "http"), ("rate", "50")];
/// As a closed loop is named in the results.
const FLAT_OUT: &str = "as fast as they go";
const CLUSTER_HTTP: &[(&str, &str)] = &[("shape", "cluster"), ("via", "http"), ("rate", FLAT_OUT)];
const CLUSTER_WS: &[(&str, &str)] = &[("shape", "cluster"), ("via", "ws"), ("rate", FLAT_OUT)];
/// Pushes while nothing else goes on.
const CALM: &[(&str, &str)] = &[("dialect", "packet-ws"), ("saturated_members", "")];
