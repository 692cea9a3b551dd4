//! From a demand to nodes. A pure function; more demand never needs less.

use super::costs::UnitCosts;
use super::demand::{Assumptions, Demand};

/// What a tier needs of one resource, in nodes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Need {
    /// The resource: `CPU`, `memory`, …
    pub(super) resource: &'static str,
    /// Nodes, not rounded.
    pub(super) nodes: f64,
}

/// One tier.
#[derive(Debug, Clone)]
pub(super) struct Tier {
    /// Its name.
    pub(super) name: &'static str,
    /// What it needs, the greatest first.
    pub(super) needs: Vec<Need>,
    /// Whole nodes, with those that availability asks for.
    pub(super) nodes: f64,
    least: f64,
}

impl Tier {
    fn of(name: &'static str, least: f64, needs: &[(&'static str, f64)]) -> Self {
        let mut needs: Vec<_> =
            needs.iter().map(|(resource, nodes)| Need { resource, nodes: *nodes }).collect();
        needs.sort_by(|a, b| b.nodes.total_cmp(&a.nodes));
        let most = needs.first().map_or(0.0, |need| need.nodes);
        Self { name, needs, nodes: whole(most).max(least), least }
    }

    /// What asks for more nodes than there are at least.
    pub(super) fn by(&self) -> &'static str {
        match self.needs.first() {
            Some(need) if need.nodes > self.least => need.resource,
            _ => "the least",
        }
    }

    /// Nodes for what it needs most, not rounded.
    fn most(&self) -> f64 {
        self.needs.first().map_or(0.0, |need| need.nodes)
    }
}

/// Something that more nodes do not widen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ceiling {
    /// What it is.
    pub(super) what: &'static str,
    /// How much of it the plan uses.
    pub(super) used: f64,
    /// How much there is.
    pub(super) limit: f64,
}

impl Ceiling {
    /// Over 1 means that the plan cannot be built.
    pub(super) fn part(&self) -> f64 {
        self.used / self.limit
    }
}

/// A whole deployment.
#[derive(Debug, Clone)]
pub(super) struct Sizing {
    /// Comets, logic, jobs, Kafka, Redis, store.
    pub(super) tiers: Vec<Tier>,
    /// Kafka partitions of the topic.
    pub(super) partitions: f64,
    /// Streams between jobs and comets.
    pub(super) streams: f64,
    /// Comets that one record goes to, on the mean.
    pub(super) shares_per_record: f64,
    /// Frames leaving the comets, Gbit/s in all.
    pub(super) network_gbit: f64,
    /// Memory of all connections, kernel included, GiB.
    pub(super) connections_gib: f64,
    /// Messages kept, TiB.
    pub(super) store_tib: f64,
    /// The fullest first.
    pub(super) ceilings: Vec<Ceiling>,
}

impl Sizing {
    /// Nodes of all tiers.
    pub(super) fn nodes(&self) -> f64 {
        self.tiers.iter().map(|tier| tier.nodes).sum()
    }
}

/// Least nodes of a tier: one may stop.
const LEAST: f64 = 2.0;
/// Least brokers: a majority stays when one stops.
const LEAST_BROKERS: f64 = 3.0;
const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// What `demand` needs.
pub(super) fn size(demand: &Demand, of: &Assumptions, cost: &UnitCosts) -> Sizing {
    let comet = comets(demand, of, cost);
    let shares_per_record = demand.shares_per_record(comet.nodes);
    let job = jobs(demand, of, cost, comet.nodes, shares_per_record);
    let logic = Tier::of(
        "logic",
        LEAST,
        &[(
            "CPU",
            cpu(demand.sends * cost.logic_us_per_send + demand.connects * cost.logic_us_per_connect, of),
        )],
    );
    let partitions = whole(demand.records / (cost.partition_records_per_s * of.fill)).max(job.nodes).max(4.0);
    let store = store(demand, of, cost);
    let redis = redis(demand, of, cost, comet.nodes, shares_per_record);
    let ceilings = ceilings(cost, &[comet.nodes, job.nodes, store.most(), redis.most()], demand.connections);
    Sizing {
        partitions,
        streams: comet.nodes * job.nodes,
        shares_per_record,
        network_gbit: frames_gbit(demand, of, cost),
        connections_gib: connection_bytes(of, cost) * demand.connections / GIB,
        store_tib: stored_bytes(demand, of, cost) / GIB / 1024.0,
        ceilings,
        tiers: vec![comet, logic, job, kafka(demand, of, cost), redis, store],
    }
}

/// How many comets there are changes how many a record goes to, and that changes the CPU they need: from few comets
/// upwards until it fits. It ends, since a record never goes to more comets than connections.
fn comets(demand: &Demand, of: &Assumptions, cost: &UnitCosts) -> Tier {
    let left = 1.0 - of.lose;
    let steady = demand.deliveries * cost.comet_us_per_delivery
        + demand.heartbeats * cost.comet_us_per_heartbeat
        + demand.connects * cost.comet_us_per_handshake;
    let tier = |comets: f64| {
        let shares = demand.records * demand.shares_per_record(comets) * cost.comet_us_per_share;
        Tier::of(
            "comet",
            LEAST,
            &[
                ("CPU", cpu(steady + shares, of) / left),
                (
                    "memory",
                    connection_bytes(of, cost) * demand.connections / (of.memory_gib * GIB * of.fill) / left,
                ),
                ("network", frames_gbit(demand, of, cost) / (of.network_gbit * of.fill) / left),
                ("connections", demand.connections / cost.connections_per_comet_max / left),
            ],
        )
    };
    let mut found = tier(LEAST);
    for _ in 0..ROUNDS_MAX {
        let next = tier(found.nodes);
        if next.nodes <= found.nodes {
            return next;
        }
        found = next;
    }
    // Not settled: as if every record went to as many comets as it reaches connections.
    tier(1e12)
}

/// Rounds until the number of comets has settled; a few are enough.
const ROUNDS_MAX: usize = 1000;

fn jobs(demand: &Demand, of: &Assumptions, cost: &UnitCosts, comets: f64, shares_per_record: f64) -> Tier {
    let work = demand.records * (cost.job_us_per_record + shares_per_record * cost.job_us_per_share);
    // Every job keeps a stream to every comet, so these do not shrink with more jobs.
    let kept_alive = cpu(comets * cost.job_us_per_stream_s, of).min(0.99);
    Tier::of(
        "job",
        LEAST,
        &[
            ("CPU", cpu(work, of) / (1.0 - kept_alive)),
            ("memory", comets * cost.job_bytes_per_stream / (of.memory_gib * GIB * of.fill)),
        ],
    )
}

fn kafka(demand: &Demand, of: &Assumptions, cost: &UnitCosts) -> Tier {
    let bytes = demand.records * (of.message_bytes + cost.kafka_bytes_per_record);
    // In once, to the other copies, out once.
    let gbit = bytes * (1.0 + of.replication) * 8.0 / 1e9;
    Tier::of(
        "Kafka",
        LEAST_BROKERS,
        &[
            ("CPU", cpu(demand.records * cost.kafka_us_per_record * of.replication, of)),
            ("network", gbit / (of.network_gbit * of.fill)),
        ],
    )
}

/// One core each: Redis runs commands on one thread.
fn redis(demand: &Demand, of: &Assumptions, cost: &UnitCosts, comets: f64, shares_per_record: f64) -> Tier {
    let new_rooms = of.rooms_per_user * (shares_per_record / demand.reach).min(1.0);
    let us = demand.records * cost.redis_us_per_lookup
        + demand.connects * (1.0 + new_rooms) * cost.redis_us_per_write
        + comets * cost.redis_us_per_comet_s;
    let bytes = demand.connections * cost.redis_bytes_per_session
        + demand.rooms * shares_per_record * cost.redis_bytes_per_room_entry;
    Tier::of(
        "Redis",
        LEAST,
        &[("CPU", us / 1e6 / of.fill), ("memory", bytes / (of.memory_gib * GIB * of.fill))],
    )
}

fn store(demand: &Demand, of: &Assumptions, cost: &UnitCosts) -> Tier {
    Tier::of(
        "MySQL",
        1.0,
        &[
            (
                "CPU",
                cpu(demand.sends * cost.mysql_us_per_row + demand.connects * cost.mysql_us_per_connect, of),
            ),
            ("rows per second", demand.sends / (cost.mysql_rows_per_s * of.fill)),
            ("disk", stored_bytes(demand, of, cost) / (of.disk_gib * GIB * of.fill)),
        ],
    )
}

fn ceilings(cost: &UnitCosts, nodes: &[f64; 4], connections: f64) -> Vec<Ceiling> {
    let [comets, jobs, store, redis] = *nodes;
    let mut ceilings = vec![
        Ceiling { what: "servers of the store", used: store, limit: cost.store_servers_max },
        Ceiling {
            what: "streams of one job, one to each comet",
            used: comets,
            limit: cost.streams_per_process_max,
        },
        Ceiling {
            what: "streams of one comet, one to each job",
            used: jobs,
            limit: cost.streams_per_process_max,
        },
        Ceiling { what: "Redis shards", used: redis, limit: cost.redis_shards_max },
        Ceiling {
            what: "connections of one comet",
            used: connections / comets,
            limit: cost.connections_per_comet_max,
        },
    ];
    ceilings.sort_by(|a, b| b.part().total_cmp(&a.part()));
    ceilings
}

fn frames_gbit(demand: &Demand, of: &Assumptions, cost: &UnitCosts) -> f64 {
    demand.deliveries * (of.message_bytes + cost.wire_bytes_per_frame) * 8.0 / 1e9
}

fn connection_bytes(of: &Assumptions, cost: &UnitCosts) -> f64 {
    cost.comet_bytes_per_connection
        + cost.kernel_bytes_per_connection
        + of.rooms_per_user * cost.comet_bytes_per_membership
}

fn stored_bytes(demand: &Demand, of: &Assumptions, cost: &UnitCosts) -> f64 {
    demand.messages_kept * (of.message_bytes + cost.mysql_bytes_per_row)
}

/// Nodes for `us` of CPU per second.
fn cpu(us: f64, of: &Assumptions) -> f64 {
    us / 1e6 / (of.cores * of.fill)
}

/// Rounded up; what is a whole number but for the last digits of an f64 stays.
fn whole(nodes: f64) -> f64 {
    (nodes - 1e-9).ceil().max(0.0)
}
