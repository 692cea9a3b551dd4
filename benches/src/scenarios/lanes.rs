//! The options that say who is measured, and the rigs made from them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};

use crate::dialect::Dialect;
use crate::pin;
use crate::rig::{Rig, Setup};
use crate::target::{Running, Server, Spec, Tls};

/// Who is measured, and where it runs.
#[derive(Debug, Clone, Args)]
pub(crate) struct TargetOptions {
    /// Who is measured; several, comma-separated, take turns in the same run.
    #[arg(long = "target", value_enum, value_delimiter = ',', default_value = "oort")]
    targets: Vec<TargetName>,
    /// What Oort's clients speak; several, comma-separated, are measured each.
    #[arg(long = "dialect", value_enum, value_delimiter = ',', default_value = "packet-ws")]
    dialects: Vec<Dialect>,
    /// Has clients of a comet that is started speak TLS; the floor never does.
    #[arg(long, value_enum)]
    tls: Option<Tls>,
    /// The `oort` binary; without it the one beside this program.
    #[arg(long, value_name = "PATH")]
    oort: Option<PathBuf>,
    /// A further setting of the comet that is started, such as OORT_COMET__COALESCE_BYTES_MAX=16384. May be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = name_and_value)]
    settings: Vec<(String, String)>,
    /// Core of the servers that are started; without it the first one.
    #[arg(long)]
    server_core: Option<usize>,
    /// Core of clients and publishers, which spin on it while they measure; without it the last one.
    #[arg(long)]
    generator_core: Option<usize>,
    /// Address of a comet that runs already, for its clients (their dialect is the first of --dialect). It must call the
    /// logic that is served at --attach-logic.
    #[arg(long, requires_all = ["attach_grpc", "attach_logic", "attach_pid"])]
    attach: Option<SocketAddr>,
    /// gRPC address of that comet.
    #[arg(long)]
    attach_grpc: Option<SocketAddr>,
    /// Where to serve the logic that admits everybody: that comet's cluster.logic_grpc.
    #[arg(long)]
    attach_logic: Option<SocketAddr>,
    /// Process of that comet.
    #[arg(long)]
    attach_pid: Option<u32>,
    /// WebSocket address of goim's comet, for --target goim-ws.
    #[arg(long, default_value = "127.0.0.1:3102")]
    goim_ws: SocketAddr,
    /// TCP address of goim's comet, for --target goim-tcp.
    #[arg(long, default_value = "127.0.0.1:3101")]
    goim_tcp: SocketAddr,
    /// gRPC address of goim's comet.
    #[arg(long, default_value = "127.0.0.1:3109")]
    goim_grpc: SocketAddr,
    /// Process of goim's comet.
    #[arg(long)]
    goim_pid: Option<u32>,
    /// Address of Centrifugo, for --target centrifugo. It must allow anonymous clients to connect and subscribe.
    #[arg(long, default_value = "127.0.0.1:8000")]
    centrifugo: SocketAddr,
    /// Address of Centrifugo's HTTP API.
    #[arg(long, default_value = "127.0.0.1:8000")]
    centrifugo_api: SocketAddr,
    /// Key of Centrifugo's HTTP API.
    #[arg(long, default_value = "")]
    centrifugo_key: String,
    /// Process of Centrifugo.
    #[arg(long)]
    centrifugo_pid: Option<u32>,
    /// Connections to Centrifugo's HTTP API. With more than one it may itself publish in another order.
    #[arg(long, default_value_t = 4)]
    centrifugo_publishers: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetName {
    /// A comet of Oort's, started here unless --attach says otherwise.
    Oort,
    /// The floor server alone.
    Floor,
    /// goim's comet by WebSocket; it must run already.
    GoimWs,
    /// goim's comet by TCP; it must run already.
    GoimTcp,
    /// Centrifugo by its JSON protocol; it must run already.
    Centrifugo,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is wanted")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// One server to be measured.
#[derive(Debug, Clone)]
pub(crate) struct Lane {
    /// Name in the results: `oort`, `goim`, `centrifugo`.
    pub(crate) name: &'static str,
    /// What its clients speak.
    pub(crate) dialect: Dialect,
    /// How it is driven.
    pub(crate) setup: Setup,
}

impl Lane {
    /// Starts its rig.
    pub(crate) fn start(&self) -> anyhow::Result<Rig> {
        Rig::start(&self.setup).with_context(|| format!("{} cannot be measured", self.name))
    }

    /// goim keeps no more than ten messages for a client.
    pub(crate) fn has_short_queues(&self) -> bool {
        self.name == "goim"
    }
}

impl TargetOptions {
    /// Beneath what `--set` says.
    pub(crate) fn with_setting(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(0, (name.to_owned(), value.to_owned()));
        self
    }

    /// The servers to be measured, without the floor.
    pub(crate) fn lanes(&self) -> anyhow::Result<Vec<Lane>> {
        let mut lanes = Vec::new();
        for target in &self.targets {
            match target {
                TargetName::Floor => {}
                TargetName::Oort => {
                    for dialect in &self.dialects {
                        lanes.push(self.lane("oort", *dialect, self.oort_server()?));
                    }
                }
                TargetName::GoimWs => lanes.push(self.goim(self.goim_ws, Dialect::PacketWs)?),
                TargetName::GoimTcp => lanes.push(self.goim(self.goim_tcp, Dialect::PacketTcp)?),
                TargetName::Centrifugo => lanes.push(self.centrifugo_lane()?),
            }
        }
        Ok(lanes)
    }

    /// The floors of these servers: one for each dialect they speak.
    pub(crate) fn floors(&self, lanes: &[Lane]) -> Vec<Lane> {
        let mut dialects: Vec<Dialect> = Vec::new();
        let spoken = lanes.iter().map(|lane| lane.dialect);
        let asked = self.dialects.iter().copied().filter(|_| self.targets.contains(&TargetName::Floor));
        for dialect in spoken.chain(asked) {
            if !dialects.contains(&dialect) {
                dialects.push(dialect);
            }
        }
        dialects.into_iter().map(|dialect| self.lane("floor", dialect, Server::Floor)).collect()
    }

    /// Cores of the servers.
    pub(crate) fn server_cores(&self) -> Vec<usize> {
        vec![self.server_core.unwrap_or_else(|| pin::allowed().first().copied().unwrap_or_default())]
    }

    fn lane(&self, name: &'static str, dialect: Dialect, server: Server) -> Lane {
        let generator = self.generator_core.or_else(|| pin::allowed().last().copied()).unwrap_or_default();
        let target = Spec {
            server,
            dialect,
            server_cores: self.server_cores(),
            address: Ipv4Addr::LOCALHOST,
            tls: self.tls,
        };
        Lane { name, dialect, setup: Setup { target, cores: vec![generator] } }
    }

    fn oort_server(&self) -> anyhow::Result<Server> {
        if let (Some(clients), Some(publish), Some(logic), Some(pid)) =
            (self.attach, self.attach_grpc, self.attach_logic, self.attach_pid)
        {
            return Ok(Server::OortRunning { logic, running: Running { clients, publish, pid } });
        }
        let beside = || Ok::<_, anyhow::Error>(std::env::current_exe()?.with_file_name("oort"));
        let binary = self.oort.clone().map_or_else(beside, Ok)?;
        anyhow::ensure!(
            binary.exists(),
            "{} is not there: build it, or name it with --oort",
            binary.display()
        );
        Ok(Server::Oort { binary, settings: self.settings.clone() })
    }

    fn goim(&self, clients: SocketAddr, dialect: Dialect) -> anyhow::Result<Lane> {
        let pid = self.goim_pid.context("--goim-pid is needed")?;
        let running = Running { clients, publish: self.goim_grpc, pid };
        Ok(self.lane("goim", dialect, Server::Goim(running)))
    }

    fn centrifugo_lane(&self) -> anyhow::Result<Lane> {
        let pid = self.centrifugo_pid.context("--centrifugo-pid is needed")?;
        let running = Running { clients: self.centrifugo, publish: self.centrifugo_api, pid };
        let (api_key, publishers) = (self.centrifugo_key.clone(), self.centrifugo_publishers);
        let server = Server::Centrifugo { running, api_key, publishers };
        Ok(self.lane("centrifugo", Dialect::Centrifugo, server))
    }
}
