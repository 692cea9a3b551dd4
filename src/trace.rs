//! `oort trace`: where a message has been.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use oort_api::ids::{ConversationId, Seq};
use oort_api::metrics::Registry;
use oort_api::trail::{Hop, Step};
use oort_logic::trails::{Found, Members, Trails};
use serde::Deserialize;

use crate::config::Config;
use crate::roles::backends;
use crate::say;

/// Longest wait for the admin port of a standalone process.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest answer of the admin port, bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Asks every process of the cluster by way of the directory, or the one process at its admin port.
pub(crate) async fn run(config: &Config, conversation: ConversationId, seq: Seq) -> anyhow::Result<ExitCode> {
    if config.is_store_shared() {
        let trails = Trails {
            store: backends::open_store(config, &mut Registry::default()).await?,
            directory: backends::directory(config)?,
            wait: Duration::from_millis(config.logic.trail_wait_ms),
        };
        let found =
            trails.of(conversation, seq).await.with_context(|| format!("message {conversation}-{seq}"))?;
        tell(found);
    } else {
        let told = ask_process(config.admin.listen, conversation, seq).await?;
        let hops: Vec<(String, Hop)> =
            told.hops.into_iter().map(|hop| (config.node.name.clone(), hop)).collect();
        tell_hops(&hops);
        if hops.is_empty() && told.since_us == 0 {
            say("no message has passed this process since it started");
        } else if hops.is_empty() {
            say(&format!("nothing is remembered of it; everything is since {} ms", told.since_us / 1000));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(found: Found) {
    let Found { message, answers, silent, members } = found;
    say(&format!("{}-{} stored at {} ms", message.conversation, message.seq, message.created_at_ms));
    let of =
        |name: &str, hops: Vec<Hop>| hops.into_iter().map(|hop| (name.to_owned(), hop)).collect::<Vec<_>>();
    let mut hops: Vec<(String, Hop)> =
        answers.into_iter().flat_map(|answer| of(&answer.name, answer.hops)).collect();
    hops.sort_by_key(|(_, hop)| hop.at_us);
    tell_hops(&hops);
    let Members { known, delivered, read } = members;
    if known > 0 {
        say(&format!("of {known} other members {delivered} have it, {read} have read it"));
    }
    for node in silent {
        say(&format!("no answer from {} ({})", node.name, node.role));
    }
}

fn tell_hops(hops: &[(String, Hop)]) {
    let first_us = hops.first().map_or(0, |(_, hop)| hop.at_us);
    for (node, hop) in hops {
        let after_us = hop.at_us - first_us;
        let (ms, us) = (after_us / 1000, after_us % 1000);
        say(&format!("{}\t+{ms}.{us:03} ms\t{node}\t{}", hop.at_us, described(&hop.step)));
    }
}

fn described(step: &Step) -> String {
    match step {
        Step::Accepted { trace_id } if trace_id.is_empty() => "accepted".to_owned(),
        Step::Accepted { trace_id } => format!("accepted, trace {trace_id}"),
        Step::Committed { batch } => format!("committed, one of {batch}"),
        Step::Published => "the bus has it".to_owned(),
        Step::Taken { partition, offset } => format!("a job took it, partition {partition} offset {offset}"),
        Step::Routed { comets, absent } => format!("goes to {comets} comets, {absent} offline"),
        Step::Pushed { comet } => format!("pushed to comet {comet}"),
        Step::Acked { comet, missing } => format!("acked by comet {comet}, {missing} missing there"),
        Step::Written { sessions, behind } => format!("written to {sessions} sessions, {behind} behind"),
    }
}

/// What the admin port tells.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    hops: Vec<Hop>,
    since_us: i64,
}

async fn ask_process(admin: SocketAddr, conversation: ConversationId, seq: Seq) -> anyhow::Result<Told> {
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let uri = format!("http://{}/trail/{conversation}/{seq}", reachable(admin)).parse()?;
    let answer = async {
        let response = client.get(uri).await?;
        if !response.status().is_success() {
            bail!("it answers {}", response.status());
        }
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
        Ok(serde_json::from_slice(&body)?)
    };
    let answer = tokio::time::timeout(PATIENCE, answer).await.context("no answer in time").flatten();
    answer.with_context(|| format!("the admin port {admin} (admin.listen); is oort running?"))
}

/// Where a listener on all addresses is reached.
fn reachable(admin: SocketAddr) -> SocketAddr {
    let here: IpAddr = match admin.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(here, admin.port())
}
