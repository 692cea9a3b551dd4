//! Durable sends by HTTP: S senders, each with one request under way, into R
//! rooms, while one member is connected to all of them.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::json;
use tokio::task::JoinSet;

use crate::cpu;
use crate::percentiles::Percentiles;
use crate::receiver::Receiver;
use crate::server::{Account, Server};

/// Longest wait for what was acknowledged to reach the member.
const DELIVERY_WAIT: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// `host:port` of the API; several, comma-separated, are used in turn.
    #[arg(long, value_delimiter = ',', default_value = "127.0.0.1:8080")]
    api: Vec<String>,
    /// `host:port` of the comet that the member connects to.
    #[arg(long, default_value = "127.0.0.1:8080")]
    comet: String,
    /// Senders, each with one request under way.
    #[arg(long, default_value_t = 1)]
    senders: usize,
    /// Rooms.
    #[arg(long, default_value_t = 16)]
    rooms: usize,
    /// Sends in all.
    #[arg(long, default_value_t = 2000)]
    count: usize,
    /// Processes of the server and its backends, for CPU per send.
    #[arg(long, value_delimiter = ',')]
    pids: Vec<u32>,
}

/// When a send was begun and how long its answer took, by its id.
type Sent = Vec<(String, Instant, Duration)>;

/// Runs the scenario and prints what it measured as one line of JSON.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    ensure!(
        options.senders > 0 && options.rooms > 0 && options.count > 0,
        "senders, rooms and count are at least 1"
    );
    let servers: Vec<_> = options.api.iter().map(|address| Server::new(address)).collect();
    let comet = Server::new(&options.comet);
    let account = comet.account().await?;
    let mut rooms = Vec::new();
    for _ in 0..options.rooms {
        rooms.push(comet.room(&account).await?);
    }
    let member = Receiver::connect(&comet, &account).await?;
    let count = options.count / options.senders * options.senders;
    let seen = tokio::spawn(member.see(count));

    let cpu_before = cpu::seconds(&options.pids)?;
    let begun = Instant::now();
    let mut senders = JoinSet::new();
    for sender in 0..options.senders {
        let server = servers[sender % servers.len()].clone();
        senders.spawn(send(server, account.clone(), rooms.clone(), sender, count / options.senders));
    }
    let mut sent: Sent = Vec::with_capacity(count);
    while let Some(part) = senders.join_next().await {
        sent.extend(part??);
    }
    let took = begun.elapsed();
    let seen = tokio::time::timeout(DELIVERY_WAIT, seen).await.with_context(|| {
        format!("FAIL: not all of {count} acknowledged messages reached the member within {DELIVERY_WAIT:?}")
    })???;
    let cpu_used = cpu::seconds(&options.pids)? - cpu_before;

    let delivered =
        sent.iter().filter_map(|(id, at, _)| Some(seen.at.get(id)?.saturating_duration_since(*at))).collect();
    let delivered = Percentiles::of(delivered);
    let answered = Percentiles::of(sent.iter().map(|(_, _, took)| *took).collect());
    #[expect(clippy::cast_precision_loss, reason = "counts of a run")]
    let count = sent.len() as f64;
    let report = json!({
        "scenario": "send", "senders": options.senders, "rooms": options.rooms, "sends": sent.len(),
        "sends_per_s": (count / took.as_secs_f64()).round(),
        "answered_ms": { "p50": answered.at_ms(500), "p99": answered.at_ms(990), "max": answered.at_ms(1000) },
        "delivered_ms": { "p50": delivered.at_ms(500), "p99": delivered.at_ms(990), "max": delivered.at_ms(1000) },
        "cpu_us_per_send": if options.pids.is_empty() { None } else { Some((cpu_used * 1e6 / count).round()) },
        "lost": 0, "duplicated": seen.duplicated, "out_of_order": seen.out_of_order,
    });
    writeln!(std::io::stdout(), "{report}")?;
    ensure!(seen.duplicated == 0 && seen.out_of_order == 0, "FAIL: duplicated or out of order");
    Ok(())
}

async fn send(
    server: Server,
    account: Account,
    rooms: Vec<String>,
    sender: usize,
    count: usize,
) -> anyhow::Result<Sent> {
    let mut sent = Vec::with_capacity(count);
    for number in 0..count {
        let id = format!("{sender}-{number}");
        let path = format!("/api/conversations/{}/messages", rooms[(sender + number) % rooms.len()]);
        let body = json!({ "clientMsgId": id, "content": "x".repeat(100) });
        let begun = Instant::now();
        server.post(&path, &account.token, &body).await?;
        sent.push((id, begun, begun.elapsed()));
    }
    Ok(sent)
}
