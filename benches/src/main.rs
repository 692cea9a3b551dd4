//! `oort-bench`: measures a running server, and checks meanwhile that it loses
//! nothing. Any loss makes the run fail, whatever its speed.

mod cpu;
mod percentiles;
mod receiver;
mod send;
mod server;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "oort-bench", version)]
struct Cli {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// Durable sends by HTTP, in a closed loop, with one member connected to every room.
    Send(send::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().scenario {
        Scenario::Send(options) => send::run(options).await,
    }
}
