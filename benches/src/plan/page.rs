//! A plan as Markdown: a column per number of people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::costs::Cost;
use super::demand::Demand;
use super::sizing::Sizing;
use crate::report::{count, short};

/// The table, and what saturates first.
pub(super) fn plan(plans: &[(u64, Demand, Sizing)]) -> String {
    let mut text = String::new();
    let mut row = |title: &str, cell: &dyn Fn(&(u64, Demand, Sizing)) -> String| {
        let cells: Vec<_> = plans.iter().map(cell).collect();
        let _ = writeln!(text, "| {title} | {} |", cells.join(" | "));
    };
    row("users online", &|(online, ..)| count(*online));
    row("---", &|_| "---:".to_owned());
    row("connections", &|(_, demand, _)| short(demand.connections));
    row("durable sends/s", &|(_, demand, _)| short(demand.sends));
    row("frames to sockets/s", &|(_, demand, _)| short(demand.deliveries));
    row("handshakes/s, when the comets that may die do", &|(_, demand, _)| short(demand.connects));
    let tiers = plans.first().map_or(0, |(.., sizing)| sizing.tiers.len());
    for tier in 0..tiers {
        let name = plans.first().map_or("", |(.., sizing)| sizing.tiers[tier].name);
        row(&format!("**{name}** nodes, asked for by"), &|(.., sizing)| {
            let tier = &sizing.tiers[tier];
            format!("{}, {}", whole(tier.nodes), tier.by())
        });
    }
    row("nodes in all", &|(.., sizing)| whole(sizing.nodes()));
    row("Kafka partitions", &|(.., sizing)| whole(sizing.partitions));
    row("streams, job × comet", &|(.., sizing)| whole(sizing.streams));
    row("comets that a message goes to", &|(.., sizing)| short(sizing.shares_per_record));
    row("frames, Gbit/s", &|(.., sizing)| short(sizing.network_gbit));
    row("memory of connections, kernel included, GiB", &|(.., sizing)| short(sizing.connections_gib));
    row("messages kept, TiB", &|(.., sizing)| short(sizing.store_tib));
    row("what saturates first", &|(.., sizing)| first(sizing));
    text
}

/// A number that has no fraction.
fn whole(value: f64) -> String {
    if value < 1000.0 { format!("{value:.0}") } else { short(value) }
}

/// The fullest of what more nodes do not widen.
fn first(sizing: &Sizing) -> String {
    sizing.ceilings.first().map_or_else(String::new, |ceiling| {
        let beyond = if ceiling.part() > 1.0 { "**beyond**: " } else { "" };
        format!("{beyond}{}: {} of {}", ceiling.what, short(ceiling.used), short(ceiling.limit))
    })
}

/// Every unit cost with its source.
pub(super) fn costs(costs: &BTreeMap<String, Cost>) -> String {
    let mut text = "\n| unit cost | value | basis | source |\n|---|---:|---|---|\n".to_owned();
    for (name, cost) in costs {
        let _ =
            writeln!(text, "| `{name}` | {} | {} | {} |", short(cost.value), cost.basis.name(), cost.source);
    }
    text
}
