//! What one of each thing costs, and where the figure comes from.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

/// The published costs.
const PUBLISHED: &str = include_str!("../../results/unit-costs.json");

/// One cost or limit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cost {
    /// In the unit that its name says.
    pub(super) value: f64,
    /// How much to trust it.
    pub(super) basis: Basis,
    /// Where it comes from.
    pub(super) source: String,
}

/// How a cost is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Basis {
    /// A run of this project.
    Measured,
    /// What the system beneath allows, measured without Oort.
    Floor,
    /// What Oort is held to, not measured yet.
    Goal,
    /// Somebody's estimate.
    Assumed,
    /// A setting, or another system's own word.
    Limit,
}

impl Basis {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Floor => "floor",
            Self::Goal => "goal",
            Self::Assumed => "assumed",
            Self::Limit => "limit",
        }
    }
}

macro_rules! unit_costs {
    ($($name:ident,)*) => {
        /// Every cost that a plan needs, by name.
        #[derive(Debug, Clone, Copy)]
        pub(super) struct UnitCosts {
            $(pub(super) $name: f64,)*
        }

        impl UnitCosts {
            fn of(costs: &BTreeMap<String, Cost>) -> anyhow::Result<Self> {
                let known = [$(stringify!($name),)*];
                let unknown = costs.keys().find(|name| !known.contains(&name.as_str()));
                anyhow::ensure!(unknown.is_none(), "no plan needs {unknown:?}");
                Ok(Self { $($name: value(costs, stringify!($name))?,)* })
            }
        }
    };
}

unit_costs! {
    comet_us_per_delivery,
    comet_us_per_share,
    comet_us_per_heartbeat,
    comet_us_per_handshake,
    comet_bytes_per_connection,
    comet_bytes_per_membership,
    kernel_bytes_per_connection,
    wire_bytes_per_frame,
    logic_us_per_send,
    logic_us_per_connect,
    job_us_per_record,
    job_us_per_share,
    job_bytes_per_stream,
    job_us_per_stream_s,
    kafka_us_per_record,
    kafka_bytes_per_record,
    partition_records_per_s,
    mysql_us_per_row,
    mysql_us_per_connect,
    mysql_rows_per_s,
    mysql_bytes_per_row,
    redis_us_per_lookup,
    redis_us_per_write,
    redis_us_per_comet_s,
    redis_bytes_per_session,
    redis_bytes_per_room_entry,
    store_servers_max,
    redis_shards_max,
    streams_per_process_max,
    connections_per_comet_max,
}

fn value(costs: &BTreeMap<String, Cost>, name: &str) -> anyhow::Result<f64> {
    let value = costs.get(name).with_context(|| format!("{name} is missing"))?.value;
    anyhow::ensure!(value.is_finite() && value > 0.0, "{name} must be above 0");
    Ok(value)
}

/// The costs in `file`, or the published ones; with their sources.
///
/// # Errors
/// When the file cannot be read, or a cost is missing, unknown or not above 0.
pub(super) fn read(file: Option<&Path>) -> anyhow::Result<(UnitCosts, BTreeMap<String, Cost>)> {
    let read;
    let text = match file {
        None => PUBLISHED,
        Some(path) => {
            read =
                std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            &read
        }
    };
    let costs: BTreeMap<String, Cost> = serde_json::from_str(text).context("unit costs")?;
    Ok((UnitCosts::of(&costs)?, costs))
}
