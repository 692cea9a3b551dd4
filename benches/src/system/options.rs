//! What is measured: a server started for the run, or one that runs already.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::node::Settings;
use super::services::Services;

/// How many processes Oort is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shape {
    /// One process with everything in it.
    Standalone,
    /// Comets, logics and jobs over MySQL, Redis and Kafka.
    Cluster,
}

impl Shape {
    /// As results name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Standalone => "standalone",
            Self::Cluster => "cluster",
        }
    }
}

/// Options of every scenario that needs a whole system.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "The system under test")]
pub(crate) struct SystemOptions {
    /// What is started for the run; with --api, what the running system is.
    #[arg(long, value_enum, default_value = "standalone")]
    pub(crate) shape: Shape,
    /// The program that is started; by default the `oort` beside this one.
    #[arg(long, value_name = "PATH")]
    pub(crate) oort: Option<PathBuf>,
    /// A setting of what is started, such as `comet.shards=1`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,
    /// Comets of a cluster that is started.
    #[arg(long, default_value_t = 2)]
    pub(crate) comets: usize,
    /// Logic nodes of a cluster that is started.
    #[arg(long, default_value_t = 2)]
    pub(crate) logics: usize,
    /// Jobs of a cluster that is started.
    #[arg(long, default_value_t = 2)]
    pub(crate) jobs: usize,
    /// MariaDB of a cluster: `mysql://user@host:port`. A fresh database is made in it.
    #[arg(long, value_name = "URL", env = "OORT_TEST_MYSQL_URL")]
    pub(crate) mysql: Option<String>,
    /// Redis of a cluster: `redis://host:port`. Keys get a fresh prefix.
    #[arg(long, value_name = "URL", env = "OORT_TEST_REDIS_URL")]
    pub(crate) redis: Option<String>,
    /// Kafka of a cluster: `host:port,…`. A fresh topic is made.
    #[arg(long, value_name = "BROKERS", env = "OORT_TEST_KAFKA_BROKERS")]
    pub(crate) kafka: Option<String>,
    /// Folder in which `deploy/local/services.sh up` runs the three: names their addresses and processes.
    #[arg(long, value_name = "DIR")]
    pub(crate) services: Option<PathBuf>,
    /// A process whose CPU counts too, `mariadb=1234`; may be repeated. With --api also those of Oort.
    #[arg(long = "pid", alias = "backend", value_name = "NAME=PID")]
    pub(crate) pids: Vec<String>,
    /// Measures a system that runs already: `host:port` of its HTTP API, several comma-separated.
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',')]
    pub(crate) api: Vec<String>,
    /// With --api: `host:port` of its comets; by default those of --api.
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',', requires = "api")]
    pub(crate) comet: Vec<String>,
    /// With --api: admin addresses (`host:port`) of its processes, for the times of the stages.
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',', requires = "api")]
    pub(crate) admin: Vec<String>,
    /// Where the services are reached, whatever the other options say.
    #[arg(skip)]
    pub(crate) proxied: Option<Services>,
    /// Ports are chosen before the start and kept by a node that is started again.
    #[arg(skip)]
    pub(crate) fixed_ports: bool,
    /// Settings of one node, by its name, which go before all others.
    #[arg(skip)]
    pub(crate) of_node: BTreeMap<String, Settings>,
    /// Cores of what is started, by role (`oort`, `comet`, `logic`, `job`); the others may run on any that this process may.
    #[arg(skip)]
    pub(crate) pinned: BTreeMap<String, Vec<usize>>,
}

impl SystemOptions {
    /// How the nodes will be called.
    pub(crate) fn node_names(&self) -> Vec<String> {
        if self.shape == Shape::Standalone {
            return vec!["oort".to_owned()];
        }
        let roles = [("logic", self.logics), ("comet", self.comets), ("job", self.jobs)];
        roles
            .iter()
            .flat_map(|(role, count)| (1..=*count).map(move |number| format!("{role}-{number}")))
            .collect()
    }
}
