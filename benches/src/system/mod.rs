//! A whole Oort to measure: started for the run, or running already.

mod api;
mod node;
pub(crate) mod options;
mod services;

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) use api::{Account, Api, Stored};
pub(crate) use options::{Shape, SystemOptions};

pub(crate) use node::{Node, PidOfNow};

use node::Settings;
pub(crate) use services::{Services, processes as backends};

/// Longest wait for a system to be ready, after a fault too.
const READY: Duration = Duration::from_secs(180);

/// Where the roles listen.
const COMET_PORTS: [&str; 3] = ["COMET__HTTP_LISTEN", "COMET__TCP_LISTEN", "COMET__GRPC_LISTEN"];
const LOGIC_PORTS: [&str; 2] = ["LOGIC__HTTP_LISTEN", "LOGIC__GRPC_LISTEN"];
/// Ports that are kept are taken from here.
const PORTS: Range<u16> = 20_000..32_000;
const PORT_ATTEMPTS: usize = 200;

/// Threads for what is done around a run.
const WORKERS: usize = 2;

/// Addresses and processes; what was started ends when it is dropped.
#[derive(Debug)]
pub(crate) struct System {
    /// HTTP APIs.
    pub(crate) apis: Vec<Api>,
    /// `host:port` for WebSockets.
    pub(crate) comets: Vec<String>,
    /// Where `/metrics` is.
    pub(crate) admins: Vec<Api>,
    /// Name and id of each process whose CPU and memory count.
    pub(crate) processes: Vec<(String, u32)>,
    /// In the order in which they end: comets first, so that clients are told while logic still answers.
    nodes: Vec<Node>,
    folder: Option<TempDir>,
    /// The program and its settings, if it was started here.
    started: Option<(PathBuf, Settings)>,
}

impl System {
    /// Starts or finds what the options say, and waits until it is ready.
    pub(crate) async fn start(options: &SystemOptions) -> anyhow::Result<Self> {
        let mut system = match (options.api.is_empty(), options.shape) {
            (false, _) => Self::attach(options),
            (true, Shape::Standalone) => Self::standalone(options)?,
            (true, Shape::Cluster) => Self::cluster(options)?,
        };
        let own = system.nodes.iter().map(|node| (node.name.clone(), node.pid()));
        system.processes.extend(own);
        for named in &options.pids {
            let (name, pid) = named.split_once('=').with_context(|| format!("--pid {named}: NAME=PID"))?;
            system.processes.push((name.to_owned(), pid.parse().with_context(|| format!("--pid {named}"))?));
        }
        if let (Shape::Cluster, Some(folder)) = (options.shape, &options.services) {
            system.processes.extend(services::processes(folder));
        }
        system.wait_until_ready().await?;
        Ok(system)
    }

    fn attach(options: &SystemOptions) -> Self {
        let comets = if options.comet.is_empty() { &options.api } else { &options.comet };
        Self {
            apis: options.api.iter().map(|address| Api::new(address)).collect(),
            comets: comets.clone(),
            admins: options.admin.iter().map(|address| Api::new(address)).collect(),
            processes: Vec::new(),
            nodes: Vec::new(),
            folder: None,
            started: None,
        }
    }

    fn standalone(options: &SystemOptions) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut settings = ports(&COMET_PORTS, options)?;
        let data = folder.path().join("data").to_string_lossy().into_owned();
        settings.push(("OORT_NODE__DATA_DIR".to_owned(), data));
        settings.extend(many_at_one_address());
        settings.extend(given(options)?);
        settings.extend(options.of_node.get("oort").cloned().unwrap_or_default());
        let oort = program(options)?;
        let cores = options.pinned.get("oort").map(Vec::as_slice);
        let mut node = Node::launch(&oort, "", "oort", folder.path(), &settings, cores)?;
        node.wait_until_serving()?;
        let address = node.address("http")?;
        Ok(Self {
            apis: vec![Api::new(&address)],
            comets: vec![address],
            admins: vec![Api::new(&node.address("admin")?)],
            processes: Vec::new(),
            nodes: vec![node],
            folder: Some(folder),
            started: Some((oort, settings)),
        })
    }

    fn cluster(options: &SystemOptions) -> anyhow::Result<Self> {
        ensure!(
            options.comets > 0 && options.logics > 0 && options.jobs > 0,
            "a cluster has at least one of each"
        );
        let folder = tempfile::tempdir()?;
        let oort = program(options)?;
        let mut settings = over(&Services::of(options)?);
        settings.extend(many_at_one_address());
        settings.extend(given(options)?);
        Node::launch(&oort, "migrate", "migrate", folder.path(), &settings, None)?.wait_for_success()?;
        let start = |role: &str, count: usize, settings: &Settings, listen: &[&str]| {
            let cores = options.pinned.get(role).map(Vec::as_slice);
            let names = (1..=count).map(|number| format!("{role}-{number}"));
            let nodes: anyhow::Result<Vec<_>> = names
                .map(|name| {
                    let mut settings = settings.clone();
                    settings.extend(ports(listen, options)?);
                    settings.extend(options.of_node.get(&name).cloned().unwrap_or_default());
                    Node::launch(&oort, role, &name, folder.path(), &settings, cores)
                })
                .collect();
            let mut nodes = nodes?;
            nodes.iter_mut().try_for_each(Node::wait_until_serving)?;
            anyhow::Ok(nodes)
        };
        let logics = start("logic", options.logics, &settings, &LOGIC_PORTS)?;
        let mut comet = settings.clone();
        for (name, port) in [("OORT_CLUSTER__LOGIC_GRPC", "grpc"), ("OORT_CLUSTER__LOGIC_HTTP", "http")] {
            let urls: anyhow::Result<Vec<_>> =
                logics.iter().map(|node| Ok(format!("http://{}", node.address(port)?))).collect();
            comet.push((name.to_owned(), urls?.join(",")));
        }
        let comets = start("comet", options.comets, &comet, &COMET_PORTS)?;
        let jobs = start("job", options.jobs, &settings, &[])?;

        let http = |nodes: &[Node]| {
            nodes.iter().map(|node| node.address("http")).collect::<anyhow::Result<Vec<_>>>()
        };
        let (apis, doors) = (http(&logics)?, http(&comets)?);
        let nodes: Vec<_> = comets.into_iter().chain(jobs).chain(logics).collect();
        let admins: anyhow::Result<Vec<_>> =
            nodes.iter().map(|node| Ok(Api::new(&node.address("admin")?))).collect();
        Ok(Self {
            apis: apis.iter().map(|address| Api::new(address)).collect(),
            comets: doors,
            admins: admins?,
            processes: Vec::new(),
            nodes,
            folder: Some(folder),
            started: Some((oort, settings)),
        })
    }

    /// Jobs alone, over services: whoever asks plays the other tiers.
    pub(crate) async fn jobs(options: &SystemOptions) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let oort = program(options)?;
        let mut settings = over(&Services::of(options)?);
        settings.extend(given(options)?);
        let launch =
            |number| Node::launch(&oort, "job", &format!("job-{number}"), folder.path(), &settings, None);
        let mut nodes = (1..=options.jobs).map(launch).collect::<anyhow::Result<Vec<_>>>()?;
        nodes.iter_mut().try_for_each(Node::wait_until_serving)?;
        let admins = nodes.iter().map(|node| Ok(Api::new(&node.address("admin")?)));
        let system = Self {
            apis: Vec::new(),
            comets: Vec::new(),
            admins: admins.collect::<anyhow::Result<_>>()?,
            processes: nodes.iter().map(|node| (node.name.clone(), node.pid())).collect(),
            nodes,
            folder: Some(folder),
            started: Some((oort, settings)),
        };
        system.wait_until_ready().await?;
        Ok(system)
    }

    /// The nodes that were started, in the order of `admins`.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The nodes that were started, to be broken.
    pub(crate) fn nodes_mut(&mut self) -> &mut [Node] {
        &mut self.nodes
    }

    /// One more node, which is whoever's who asked.
    pub(crate) fn one_more(&self, role: &str, name: &str) -> anyhow::Result<Node> {
        let (oort, settings) = self.started.as_ref().context("only beside what was started here")?;
        let folder = self.folder.as_ref().context("a folder for its log")?;
        let mut node = Node::launch(oort, role, name, folder.path(), settings, None)?;
        node.wait_until_serving()?;
        Ok(node)
    }

    /// What all nodes were told as their `OORT_…` of this name.
    pub(crate) fn setting(&self, name: &str) -> anyhow::Result<&str> {
        let (_, settings) = self.started.as_ref().context("only of what was started here")?;
        let found = settings.iter().rev().find(|(named, _)| named == name);
        found.map(|(_, value)| value.as_str()).with_context(|| format!("{name} is not set"))
    }

    /// Names of the nodes that were started, and where their process ids are.
    pub(crate) fn pids(&self) -> Vec<(String, PidOfNow)> {
        self.nodes.iter().map(|node| (node.name.clone(), node.pid_of_now())).collect()
    }

    /// Waits until every node says that it is ready.
    pub(crate) async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let give_up = Instant::now() + READY;
        for admin in &self.admins {
            while let Err(error) = admin.text("/readyz").await {
                ensure!(Instant::now() < give_up, "not ready: {error:#}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    /// A token for servers that push, as `oort token` makes it.
    pub(crate) fn server_token(&self) -> anyhow::Result<String> {
        let (oort, settings) = self.started.as_ref().context("a running system needs --token")?;
        let settings = settings.iter().map(|(name, value)| (name, value));
        let output = Command::new(oort).arg("token").env_clear().envs(settings).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "oort token: {}", said.trim());
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Ends what was started, in order; waits for it.
    pub(crate) fn stop(mut self) {
        for node in self.nodes.drain(..) {
            drop(node);
        }
        drop(self.folder.take());
    }
}

/// Runs what is asynchronous of a scenario; its connections are served by threads of their own.
pub(crate) fn block_on<T>(scenario: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    runtime.block_on(scenario)
}

fn program(options: &SystemOptions) -> anyhow::Result<PathBuf> {
    let beside = || Some(std::env::current_exe().ok()?.with_file_name("oort"));
    let path = options.oort.clone().or_else(beside).context("where is oort? give --oort")?;
    ensure!(path.is_file(), "there is no {}: give --oort, or build it beside this program", path.display());
    Ok(path)
}

/// Where a node listens: anywhere, or where it will listen again when it is started anew.
fn ports(names: &[&str], options: &SystemOptions) -> anyhow::Result<Settings> {
    let admin = options.fixed_ports.then_some("ADMIN__LISTEN");
    let named = names.iter().copied().chain(admin);
    named
        .map(|name| {
            let port = if options.fixed_ports { free_port()? } else { 0 };
            Ok((format!("OORT_{name}"), format!("127.0.0.1:{port}")))
        })
        .collect()
}

/// A port below those that the system gives to clients: while its node is down nobody else gets it by chance.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    for _ in 0..PORT_ATTEMPTS {
        let [high, low, ..] = *Uuid::new_v4().as_bytes();
        let port = PORTS.start + u16::from_be_bytes([high, low]) % (PORTS.end - PORTS.start);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port in {PORTS:?}")
}

/// The load comes from one address, and from few users: what is measured is not how they are held back.
fn many_at_one_address() -> Settings {
    let unlimited = [
        "LOGIC__RATES__SENDS_PER_SECOND",
        "LOGIC__RATES__REQUESTS_PER_SECOND",
        "LOGIC__RATES__LOGINS_PER_SECOND",
        "COMET__ADDRESSES__CONNECTIONS_MAX",
        "COMET__ADDRESSES__CONNECTS_PER_SECOND",
    ];
    unlimited.into_iter().map(|key| (format!("OORT_{key}"), "0".to_owned())).collect()
}

/// `comet.json.frame_bytes_max=9` as its environment variable.
fn given(options: &SystemOptions) -> anyhow::Result<Settings> {
    let pairs = options.settings.iter().map(|setting| {
        let (key, value) = setting.split_once('=').with_context(|| format!("--set {setting}: KEY=VALUE"))?;
        Ok((format!("OORT_{}", key.replace('.', "__").to_uppercase()), value.to_owned()))
    });
    pairs.collect()
}

/// Settings of every process over these services, isolated by fresh names.
fn over(services: &Services) -> Settings {
    let name = format!("oort_bench_{}", Uuid::new_v4().simple());
    let pairs = [
        ("LOGIC__STORE__URL", format!("{}/{name}", services.mysql)),
        ("DIRECTORY__URLS", services.redis.clone()),
        ("DIRECTORY__KEY_PREFIX", format!("{name}:")),
        ("BUS__BROKERS", services.kafka.clone()),
        ("BUS__TOPIC", name.clone()),
        ("BUS__DEAD_LETTER_TOPIC", format!("{name}-dead")),
        ("BUS__GROUP", name.clone()),
    ];
    let replica = services.replica.as_ref();
    let replica = replica.map(|replica| ("LOGIC__STORE__MYSQL__REPLICAS__URLS", format!("{replica}/{name}")));
    pairs.into_iter().chain(replica).map(|(key, value)| (format!("OORT_{key}"), value)).collect()
}
