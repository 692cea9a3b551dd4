//! `oort-bench`: measures servers, and checks meanwhile that they lose nothing. Any loss of Oort's makes a run fail, whatever
//! its speed.

mod chaos;
mod clock;
mod crowd;
mod dialect;
mod fill;
mod floor;
mod histogram;
mod ledger;
mod limits;
mod load;
mod mark;
mod pin;
mod plan;
mod procfs;
mod report;
mod rig;
mod scenarios;
mod stages;
mod stand_ins;
mod stub_logic;
mod swarm;
mod system;
mod target;
mod verdict;

use clap::{Parser, Subcommand};

use scenarios::{
    fanout, handshake, idle, listing, login, mesh, mixed, presence, push, pushes, reconnect, recovery, send,
    stuck,
};

#[derive(Debug, Parser)]
#[command(name = "oort-bench", version, about)]
struct Cli {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// One message to all members of a room: CPU per message, throughput, latency, beside the floor.
    Fanout(Box<fanout::Options>),
    /// Single messages, each to one client: latency and CPU; also while the server is busy with others.
    Push(Box<push::Options>),
    /// Connections that do nothing: memory of the server and of the kernel.
    Idle(Box<idle::Options>),
    /// Clients coming in: CPU per connect, upgrade, authentication and room.
    Handshake(Box<handshake::Options>),
    /// Everybody is cut off and comes back at once.
    Reconnect(Box<reconnect::Options>),
    /// The comet of many clients is killed: how long until all are live again, and what it costs.
    Recovery(Box<recovery::Options>),
    /// A room in which some read nothing: what the others notice.
    Stuck(Box<stuck::Options>),
    /// Durable sends over HTTP or WebSockets: sends per second, latency and CPU, with members that follow all of them.
    Send(Box<send::Options>),
    /// Transient pushes by HTTP, singly or in batches, to users who are online: pushes per second on one core, CPU.
    Pushes(Box<pushes::Options>),
    /// The list of conversations, in a store of many people who are in many groups each: latency and CPU.
    Listing(Box<listing::Options>),
    /// Many accounts log in once each: log-ins per second, latency, CPU and memory of a password hash.
    Login(Box<login::Options>),
    /// Many people connect within seconds, each watching many others: time, frames, Redis commands and CPU of presence.
    Presence(Box<presence::Options>),
    /// Many jobs, and stand-ins for many comets: what their streams and leases cost, and a third of the comets dying at once.
    Mesh(Box<mesh::Options>),
    /// A day of chat, compressed: devices come and go, send, read history, lose connections and resume.
    Mixed(Box<mixed::Options>),
    /// Breaks one part of a system after the other while a crowd chats, and proves from what its devices saw that nothing
    /// acknowledged was lost; with --minutes for a long time, and that no memory only grows.
    Chaos(Box<chaos::options::Options>),
    /// Checks what the clients of a run wrote down: nothing acknowledged is lost, repeated or disordered.
    Ledger(ledger::options::Options),
    /// Prints a kept run and makes its report.html again.
    Report(report::ReportOptions),
    /// Writes the published figures into README.md and docs/performance.md, or checks them.
    Readme(report::published::Options),
    /// What a number of people needs, from what one of each thing costs.
    Plan(Box<plan::Options>),
    /// The process of one server's clients and publisher.
    #[command(hide = true)]
    Rig,
    /// A process of stand-ins for comets.
    #[command(hide = true)]
    StandIns,
    /// The server that does nothing but send.
    #[command(hide = true)]
    FloorServer(floor::Options),
    /// Keeps a core from sleeping.
    #[command(hide = true)]
    KeepAwake,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().scenario {
        Scenario::Fanout(options) => report::finish(&fanout::run(&options)?, &options.output),
        Scenario::Push(options) => report::finish(&push::run(&options)?, &options.output),
        Scenario::Idle(options) => report::finish(&idle::run(&options)?, &options.output),
        Scenario::Handshake(options) => report::finish(&handshake::run(&options)?, &options.output),
        Scenario::Reconnect(options) => report::finish(&reconnect::run(&options)?, &options.output),
        Scenario::Recovery(options) => report::finish(&recovery::run(&options)?, &options.output),
        Scenario::Stuck(options) => report::finish(&stuck::run(&options)?, &options.output),
        Scenario::Send(options) => report::finish(&send::run(&options)?, &options.output),
        Scenario::Pushes(options) => report::finish(&pushes::run(&options)?, &options.output),
        Scenario::Listing(options) => report::finish(&listing::run(&options)?, &options.output),
        Scenario::Login(options) => report::finish(&login::run(&options)?, &options.output),
        Scenario::Presence(options) => report::finish(&presence::run(&options)?, &options.output),
        Scenario::Mesh(options) => report::finish(&mesh::run(&options)?, &options.output),
        Scenario::Mixed(options) => report::finish(&mixed::run(&options)?, &options.output),
        Scenario::Chaos(options) => chaos::run(&options),
        Scenario::Ledger(options) => ledger::options::run(&options),
        Scenario::Report(options) => report::run(&options),
        Scenario::Readme(options) => report::published::run(&options),
        Scenario::Plan(options) => plan::run(&options),
        Scenario::Rig => rig::work(),
        Scenario::StandIns => stand_ins::work(),
        Scenario::FloorServer(options) => floor::run(&options),
        Scenario::KeepAwake => target::keep_awake(),
    }
}
