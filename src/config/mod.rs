//! The settings of a process: `config.default.toml` (embedded, and their
//! documentation), then a file, then `OORT_SECTION__KEY`.

mod layers;
mod print;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use oort_api::bus::{self, kafka};
use oort_api::client_address::TrustedProxies;
use oort_api::directory;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::{canary, telemetry};
use layers::Layers;
pub(crate) use print::print;

/// The documentation of every setting, and the first layer.
const DEFAULTS: &str = include_str!("../../config.default.toml");

/// Settings of one process.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) node: Node,
    pub(crate) run: Run,
    pub(crate) log: telemetry::Config,
    pub(crate) admin: Admin,
    pub(crate) cluster: Cluster,
    pub(crate) bus: kafka::Settings,
    pub(crate) memory_bus: bus::memory::Settings,
    pub(crate) directory: directory::redis::Settings,
    pub(crate) comet: oort_comet::Config,
    pub(crate) logic: oort_logic::Config,
    pub(crate) job: oort_job::Config,
    pub(crate) canary: canary::Config,
    layers: Layers,
}

/// `[node]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Node {
    /// Name of this node.
    pub(crate) name: String,
    /// Folder of everything a standalone process keeps.
    pub(crate) data_dir: PathBuf,
}

/// `[run]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Run {
    /// File that gets the bound addresses as JSON once the process serves.
    pub(crate) addresses_file: String,
    /// Also stop when standard input ends.
    pub(crate) exit_on_stdin_close: bool,
}

/// `[admin]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Admin {
    /// Where health and metrics are served.
    pub(crate) listen: SocketAddr,
    /// Time between reports to operators.
    pub(crate) report_ms: u64,
}

impl Admin {
    fn faults(&self) -> Vec<String> {
        let is_fine = (100..=60_000).contains(&self.report_ms);
        (!is_fine).then(|| "report_ms must be 100 to 60000".to_owned()).into_iter().collect()
    }
}

/// `[cluster]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cluster {
    /// What the tiers show each other.
    pub(crate) token: SecretString,
    /// gRPC addresses of the logic nodes, for comets.
    pub(crate) logic_grpc: Vec<String>,
    /// HTTP addresses of the logic nodes, for comets that forward `/api`.
    pub(crate) logic_http: Vec<String>,
    /// Longest time of one forwarded request, its body included.
    pub(crate) forward_timeout_ms: u64,
    /// Longest wait for a connection to one logic node.
    pub(crate) forward_connect_timeout_ms: u64,
    /// Largest body that is forwarded.
    pub(crate) forward_body_bytes_max: usize,
    /// Longest time of one forwarded upload of a file.
    pub(crate) forward_upload_timeout_ms: u64,
    /// Whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: TrustedProxies,
}

/// What a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Standalone,
    Comet,
    Logic,
    Job,
}

impl Role {
    /// As operators see it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Standalone => "standalone",
            Self::Comet => "comet",
            Self::Logic => "logic",
            Self::Job => "job",
        }
    }
}

impl Config {
    /// Reads all layers. Fails with every fault at once.
    pub(crate) fn load(
        file: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
    ) -> anyhow::Result<Self> {
        let mut layers = Layers::new(defaults()?);
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("the settings file {} cannot be read", path.display()))?;
            layers.file(&path.display().to_string(), &text);
        }
        layers.env(env);
        Self::from_layers(layers)
    }

    fn from_layers(mut layers: Layers) -> anyhow::Result<Self> {
        let mut faults = std::mem::take(&mut layers.faults);
        let parsed = Parsed::read(&layers, &mut faults);
        let Some(Parsed {
            node,
            run,
            log,
            admin,
            cluster,
            bus,
            memory_bus,
            directory,
            comet,
            logic,
            job,
            canary,
        }) = parsed
        else {
            return Err(faulty(&faults));
        };
        let mut config = Self {
            node,
            run,
            log,
            admin,
            cluster,
            bus,
            memory_bus,
            directory,
            comet,
            logic,
            job,
            canary,
            layers,
        };
        config.spread();
        faults.extend(config.faults());
        if faults.is_empty() { Ok(config) } else { Err(faulty(&faults)) }
    }

    /// What is said once and meant for several parts; an empty text is "none".
    fn spread(&mut self) {
        if self.node.name.is_empty() {
            self.node.name = host_name();
        }
        self.comet.id.clone_from(&self.node.name);
        self.comet.cluster_token = self.cluster_token();
        self.logic.cluster_token = self.cluster_token();
        self.comet.trusted_proxies.clone_from(&self.cluster.trusted_proxies);
        self.logic.http.trusted_proxies.clone_from(&self.cluster.trusted_proxies);
        let is_empty = |path: &str| self.layers.text(path).is_none_or(str::is_empty);
        if is_empty("comet.tcp_listen") {
            self.comet.tcp_listen = None;
        }
        if is_empty("logic.store.url") {
            self.logic.store.url = format!("sqlite:{}", self.node.data_dir.join("oort.db").display()).into();
        }
    }

    /// The token the tiers show each other; `None` when there is none.
    pub(crate) fn cluster_token(&self) -> Option<SecretString> {
        use secrecy::ExposeSecret;
        (!self.cluster.token.expose_secret().is_empty()).then(|| self.cluster.token.clone())
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = self.log.faults();
        let mut add = |section: &str, found: Vec<String>| {
            faults.extend(found.into_iter().map(|fault| format!("{section}.{fault}")));
        };
        add("admin", self.admin.faults());
        add("bus", self.bus.faults());
        add("memory_bus", self.memory_bus.faults());
        add("directory", self.directory.faults());
        add("comet", self.comet.faults());
        add("logic", self.logic.faults());
        add("job", self.job.faults());
        add("canary", self.canary.faults());
        faults
    }

    /// Refuses a role that these settings cannot serve.
    pub(crate) fn check_role(&self, role: Role) -> anyhow::Result<()> {
        let mut faults = Vec::new();
        if role == Role::Comet && self.cluster.logic_grpc.is_empty() {
            faults.push("cluster.logic_grpc: a comet needs the gRPC address of at least one logic, e.g. [\"http://10.0.0.2:50052\"]".to_owned());
        }
        if role == Role::Logic && !self.is_store_shared() {
            faults.push("logic.store.url: a logic node of a cluster needs a shared store, e.g. mysql://user:password@db:3306/oort".to_owned());
        }
        if role == Role::Standalone && self.is_store_shared() {
            faults.push("logic.store.url: a standalone process keeps its data in SQLite; for MySQL run the tiers (oort comet, oort logic, oort job)".to_owned());
        }
        if role == Role::Standalone && self.canary.enabled && self.comet.tls.is_enabled() {
            faults.push(
                "canary.enabled: it speaks plain WebSocket, and comet.tls is on; turn one of them off"
                    .to_owned(),
            );
        }
        if faults.is_empty() { Ok(()) } else { Err(faulty(&faults)) }
    }

    /// Whether the store is one that several processes can share.
    pub(crate) fn is_store_shared(&self) -> bool {
        use secrecy::ExposeSecret;
        self.logic.store.url.expose_secret().starts_with("mysql://")
    }
}

fn defaults() -> anyhow::Result<Table> {
    #[cfg_attr(not(feature = "failpoints"), allow(unused_mut, reason = "only test builds add to it"))]
    let mut defaults: Table = DEFAULTS.parse().context("config.default.toml is not valid TOML")?;
    #[cfg(feature = "failpoints")]
    if let Some(Value::Table(logic)) = defaults.get_mut("logic") {
        logic.insert("failpoints".to_owned(), Value::Array(Vec::new()));
    }
    Ok(defaults)
}

struct Parsed {
    node: Node,
    run: Run,
    log: telemetry::Config,
    admin: Admin,
    cluster: Cluster,
    bus: kafka::Settings,
    memory_bus: bus::memory::Settings,
    directory: directory::redis::Settings,
    comet: oort_comet::Config,
    logic: oort_logic::Config,
    job: oort_job::Config,
    canary: canary::Config,
}

impl Parsed {
    fn read(layers: &Layers, faults: &mut Vec<String>) -> Option<Self> {
        // Every section is read before any is given up, so that all faults are told.
        let node = section(layers, "node", faults);
        let run = section(layers, "run", faults);
        let log = section(layers, "log", faults);
        let admin = section(layers, "admin", faults);
        let cluster = section(layers, "cluster", faults);
        let bus = section(layers, "bus", faults);
        let memory_bus = section(layers, "memory_bus", faults);
        let directory = section(layers, "directory", faults);
        let comet = section(layers, "comet", faults);
        let logic = section(layers, "logic", faults);
        let job = section(layers, "job", faults);
        let canary = section(layers, "canary", faults);
        Some(Self {
            node: node?,
            run: run?,
            log: log?,
            admin: admin?,
            cluster: cluster?,
            bus: bus?,
            memory_bus: memory_bus?,
            directory: directory?,
            comet: comet?,
            logic: logic?,
            job: job?,
            canary: canary?,
        })
    }
}

/// Settings that may be empty where the part's own type has no empty value.
const MAY_BE_EMPTY: &[(&str, &str)] = &[("comet", "tcp_listen")];

fn section<T: DeserializeOwned>(layers: &Layers, name: &str, faults: &mut Vec<String>) -> Option<T> {
    let mut value = layers.values.get(name).cloned().unwrap_or_else(|| Value::Table(Table::new()));
    if let Value::Table(table) = &mut value {
        for (section, key) in MAY_BE_EMPTY {
            if *section == name && table.get(*key).and_then(Value::as_str) == Some("") {
                table.remove(*key);
            }
        }
    }
    match value.try_into() {
        Ok(section) => Some(section),
        Err(error) => {
            faults.push(format!("[{name}] {}", error.to_string().replace('\n', " ").trim()));
            None
        }
    }
}

fn faulty(faults: &[String]) -> anyhow::Error {
    anyhow::anyhow!("the settings have {} fault(s):\n  - {}", faults.len(), faults.join("\n  - "))
}

/// The machine's name, for a node that was given none.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim().replace('|', "-");
    if name.is_empty() { "oort".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(env: &[(&str, &str)]) -> anyhow::Result<Config> {
        Config::load(None, env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    /// Names of fields at any depth, as pretty `Debug` shows them.
    fn fields(value: &impl std::fmt::Debug) -> Vec<String> {
        let text = format!("{value:#?}");
        let names = text.lines().filter_map(|line| {
            let (name, rest) = line.trim_start().split_once(':')?;
            let is_name = rest.starts_with(' ')
                && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit());
            is_name.then(|| name.to_owned())
        });
        names.collect()
    }

    #[test]
    fn the_documented_defaults_are_the_real_ones() {
        let config = load(&[]).expect("the defaults are valid");
        let same = |ours: String, theirs: String| assert_eq!(ours, theirs);
        same(format!("{:#?}", config.bus), format!("{:#?}", kafka::Settings::default()));
        same(format!("{:#?}", config.memory_bus), format!("{:#?}", bus::memory::Settings::default()));
        same(format!("{:#?}", config.directory), format!("{:#?}", directory::redis::Settings::default()));
        same(format!("{:#?}", config.job), format!("{:#?}", oort_job::Config::default()));
        // What one setting gives to several parts differs by design.
        let comet = oort_comet::Config { id: config.node.name.clone(), ..oort_comet::Config::default() };
        same(format!("{:#?}", config.comet), format!("{comet:#?}"));
        same(format!("{:#?}", config.logic), format!("{:#?}", oort_logic::Config::default()));
    }

    #[test]
    fn every_setting_is_documented() {
        let config = load(&[]).expect("the defaults are valid");
        // Given once for all parts, under [node] and [cluster]; part of a URL; only in test builds.
        let elsewhere = ["id", "cluster_token", "trusted_proxies", "path", "failpoints"];
        for (section, fields) in [
            ("bus", fields(&config.bus)),
            ("memory_bus", fields(&config.memory_bus)),
            ("directory", fields(&config.directory)),
            ("comet", fields(&config.comet)),
            ("logic", fields(&config.logic)),
            ("job", fields(&config.job)),
        ] {
            let mut leaves = Vec::new();
            let table = config.layers.values[section].as_table().expect("a table").clone();
            layers::collect_leaves(String::new(), table.clone(), &mut leaves);
            let known: Vec<_> = leaves.iter().flat_map(|(path, _)| path.split('.')).collect();
            for field in fields {
                let is_known = known.contains(&field.as_str()) || elsewhere.contains(&field.as_str());
                assert!(is_known, "config.default.toml lacks {section}.{field}");
            }
        }
        // A comment stands above every key.
        let lines: Vec<_> = DEFAULTS.lines().collect();
        for pair in lines.windows(2) {
            let is_key = pair[1].split_once('=').is_some_and(|(key, _)| !key.starts_with(['#', '[', ' ']));
            assert!(!is_key || pair[0].starts_with('#'), "no comment above: {}", pair[1]);
        }
    }

    #[test]
    fn faults_of_all_sections_are_told_together() {
        let error = load(&[
            ("OORT_ADMIN__LISTEN", "here"),
            ("OORT_COMET__SHARDS", "1000"),
            ("OORT_LOG__LEVEL", "lo=ud=er"),
            ("OORT_NO__SUCH", "1"),
        ])
        .expect_err("faulty")
        .to_string();
        for part in ["[admin]", "no.such"] {
            assert!(error.contains(part), "{part} in {error}");
        }
        let error = load(&[("OORT_COMET__SHARDS", "1000"), ("OORT_JOB__LEASE_POLL_MS", "0")])
            .expect_err("faulty")
            .to_string();
        for part in ["comet.shards", "job.lease_poll_ms"] {
            assert!(error.contains(part), "{part} in {error}");
        }
    }

    #[test]
    fn an_unserved_packet_port_is_none() {
        let config = load(&[("OORT_COMET__TCP_LISTEN", "")]).expect("valid");
        assert_eq!(config.comet.tcp_listen, None);
    }
}
