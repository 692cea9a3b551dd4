//! A whole Oort: one process, or a cluster.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::OnceLock;

use tokio::sync::OnceCell;

use super::http::{Account, Http};
use super::node::{Node, Settings};
use super::push_accounts::PushAccounts;
use super::receiver::Receiver;
use super::services::Backends;
use super::smtp::Smtp;
use super::unique;

/// Cheapest Argon2 that still is Argon2: the tests make many accounts.
const QUICK_ARGON: [(&str, &str); 2] =
    [("OORT_LOGIC__ACCOUNTS__ARGON2_MEMORY_KIB", "64"), ("OORT_LOGIC__ACCOUNTS__ARGON2_PASSES", "1")];

/// Long enough for a reconnect, short enough to wait for.
const QUICK_GRACE: (&str, &str) = ("OORT_LOGIC__PRESENCE__GRACE_MS", "2000");

/// The tests are many people at one address who type fast, and comets are believed whom they speak for.
const MANY_AT_ONE_ADDRESS: [(&str, &str); 6] = [
    ("OORT_LOGIC__RATES__SENDS_PER_SECOND", "0"),
    ("OORT_LOGIC__RATES__LOGINS_PER_SECOND", "0"),
    ("OORT_LOGIC__RATES__REQUESTS_PER_SECOND", "0"),
    ("OORT_COMET__ADDRESSES__CONNECTIONS_MAX", "0"),
    ("OORT_COMET__ADDRESSES__CONNECTS_PER_SECOND", "0"),
    ("OORT_CLUSTER__TRUSTED_PROXIES", "127.0.0.1"),
];

/// Groups of few are large ones.
const FEW_READERS: (&str, &str) = ("OORT_LOGIC__RECEIPTS__LISTED_MEMBERS_MAX", "4");

/// What deleted accounts leave behind is cleared away soon.
const QUICK_DEPARTURES: [(&str, &str); 3] = [
    ("OORT_LOGIC__DEPARTURES__INTERVAL_MS", "200"),
    ("OORT_LOGIC__DEPARTURES__GRACE_MS", "2500"),
    ("OORT_LOGIC__DEPARTURES__MESSAGES_MAX", "3"),
];

/// Files of a few bytes have parts, too, and what is needed no more goes soon.
const SMALL_PARTS: [(&str, &str); 2] =
    [("OORT_LOGIC__FILES__PART_BYTES", "4096"), ("OORT_LOGIC__FILES__SWEEP_INTERVAL_MS", "200")];

/// Where the mails of every system go.
pub(crate) fn smtp() -> &'static Smtp {
    static SHARED: OnceLock<Smtp> = OnceLock::new();
    SHARED.get_or_init(Smtp::start)
}

/// Where the notifications of every system go.
pub(crate) fn receiver() -> &'static Receiver {
    static SHARED: OnceLock<Receiver> = OnceLock::new();
    SHARED.get_or_init(Receiver::start)
}

/// What every system is started with.
fn usual(folder: &Path) -> Settings {
    let quick = [
        &QUICK_ARGON[..],
        &[QUICK_GRACE, FEW_READERS],
        &QUICK_DEPARTURES,
        &SMALL_PARTS,
        &MANY_AT_ONE_ADDRESS,
    ]
    .concat();
    let mail = [
        ("OORT_LOGIC__MAIL__MODE", "smtp"),
        ("OORT_LOGIC__MAIL__URL", &smtp().url()),
        ("OORT_LOGIC__MAIL__FROM", "Oort <oort@chat.example>"),
    ];
    let notifications = PushAccounts::shared().settings(receiver(), folder);
    [settings(&quick), settings(&mail), notifications].concat()
}

/// Nodes that belong together. `comets`, `logics` and `jobs` are all the one
/// process when standalone.
#[derive(Debug)]
pub(crate) struct System {
    pub(crate) comets: Vec<Node>,
    pub(crate) logics: Vec<Node>,
    pub(crate) jobs: Vec<Node>,
    pub(crate) settings: Settings,
    pub(crate) folder: tempfile::TempDir,
}

/// The standalone process that scenarios share.
pub(crate) async fn shared_standalone() -> &'static System {
    static SHARED: OnceCell<System> = OnceCell::const_new();
    SHARED.get_or_init(async || System::standalone(&[])).await
}

/// The cluster that scenarios share.
pub(crate) async fn shared_cluster() -> &'static System {
    static SHARED: OnceCell<System> = OnceCell::const_new();
    SHARED.get_or_init(async || System::cluster(&Backends::shared(), &[]).await).await
}

fn folder() -> tempfile::TempDir {
    let parent = std::env::var_os("OORT_TEST_SCRATCH").map_or_else(std::env::temp_dir, Into::into);
    tempfile::tempdir_in(parent).expect("a scratch folder")
}

fn settings(pairs: &[(&str, &str)]) -> Settings {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl System {
    /// One process with its own data folder.
    pub(crate) fn standalone(extra: &[(&str, &str)]) -> Self {
        let folder = folder();
        let mut settings = usual(folder.path());
        settings.push((
            "OORT_NODE__DATA_DIR".to_owned(),
            folder.path().join("data").to_string_lossy().into_owned(),
        ));
        for name in ["OORT_COMET__HTTP_LISTEN", "OORT_COMET__TCP_LISTEN", "OORT_COMET__GRPC_LISTEN"] {
            settings.push((name.to_owned(), "127.0.0.1:0".to_owned()));
        }
        settings.extend(self::settings(extra));
        let node = Node::start("", folder.path(), &settings);
        Self { comets: vec![node], logics: Vec::new(), jobs: Vec::new(), settings, folder }
    }

    /// Two of each tier over these backends, isolated by fresh names.
    pub(crate) async fn cluster(backends: &Backends, extra: &[(&str, &str)]) -> Self {
        let folder = folder();
        let name = unique("oort_");
        let mut settings = usual(folder.path());
        for (key, value) in [
            ("OORT_LOGIC__STORE__URL", format!("{}/{name}", backends.mysql_url)),
            ("OORT_DIRECTORY__URLS", backends.redis_url.clone()),
            ("OORT_DIRECTORY__KEY_PREFIX", format!("{name}:")),
            ("OORT_BUS__BROKERS", backends.kafka_brokers.clone()),
            ("OORT_BUS__TOPIC", name.clone()),
            ("OORT_BUS__DEAD_LETTER_TOPIC", format!("{name}-dead")),
            ("OORT_BUS__GROUP", name.clone()),
            ("OORT_LOGIC__FILES__URL", format!("file:{}", folder.path().join("files").display())),
            // A machine busy with other tests stalls for longer than a person would want to wait for a late message.
            ("OORT_JOB__PIPELINE__REORDER_WAIT_MS", "20000".to_owned()),
            ("OORT_JOB__PIPELINE__START_WAIT_MS", "3000".to_owned()),
        ] {
            settings.push((key.to_owned(), value));
        }
        if let Some(replica_url) = &backends.replica_url {
            let replica =
                ("OORT_LOGIC__STORE__MYSQL__REPLICAS__URLS".to_owned(), format!("{replica_url}/{name}"));
            settings.push(replica);
        }
        if let Some((url, replica_url)) = &backends.further {
            let prefix = "OORT_LOGIC__STORE__SHARDS__";
            settings.push((format!("{prefix}URLS"), format!("{url}/{name}_1")));
            let replicas =
                replica_url.iter().map(|url| (format!("{prefix}REPLICAS"), format!("1={url}/{name}_1")));
            settings.extend(replicas);
        }
        settings.extend(self::settings(extra));
        let migrated = Node::launch("migrate", folder.path(), &settings).wait();
        assert!(migrated.success(), "migrate: {migrated}");
        let mut system = Self { comets: Vec::new(), logics: Vec::new(), jobs: Vec::new(), settings, folder };
        for _ in 0..2 {
            let logic = system.start_logic(&[]);
            system.logics.push(logic);
        }
        for index in 0..2 {
            let comet = system.start_comet(&format!("comet-{index}"));
            system.comets.push(comet);
            let job = system.start_job();
            system.jobs.push(job);
        }
        system.settle().await;
        system
    }

    /// The database of a cluster.
    pub(crate) fn database(&self) -> &str {
        let url = self.settings.iter().find(|(name, _)| name == "OORT_LOGIC__STORE__URL");
        url.and_then(|(_, url)| url.rsplit('/').next()).expect("a cluster")
    }

    /// Waits until every job has its part of the bus: while partitions move, records may be repeated.
    async fn settle(&self) {
        super::eventually("every job reads", async || {
            for job in &self.jobs {
                if counted(job, "oort_job_partitions ", "").await < 1.0 {
                    return None;
                }
            }
            Some(())
        })
        .await;
    }

    /// One more logic node of this system.
    pub(crate) fn start_logic(&self, extra: &[(&str, &str)]) -> Node {
        let mut settings = self.settings.clone();
        settings.extend(self::settings(&[
            ("OORT_LOGIC__HTTP_LISTEN", "127.0.0.1:0"),
            ("OORT_LOGIC__GRPC_LISTEN", "127.0.0.1:0"),
        ]));
        settings.extend(self::settings(extra));
        Node::start("logic", self.folder.path(), &settings)
    }

    /// One more comet of this system, of this name.
    pub(crate) fn start_comet(&self, name: &str) -> Node {
        let list = |port: &str| {
            self.logics
                .iter()
                .map(|logic| format!("http://{}", logic.address(port)))
                .collect::<Vec<_>>()
                .join(",")
        };
        let mut settings = self.settings.clone();
        settings.extend(self::settings(&[
            ("OORT_NODE__NAME", name),
            ("OORT_COMET__HTTP_LISTEN", "127.0.0.1:0"),
            ("OORT_COMET__TCP_LISTEN", "127.0.0.1:0"),
            ("OORT_COMET__GRPC_LISTEN", "127.0.0.1:0"),
            ("OORT_CLUSTER__LOGIC_GRPC", &list("grpc")),
            ("OORT_CLUSTER__LOGIC_HTTP", &list("http")),
        ]));
        Node::start("comet", self.folder.path(), &settings)
    }

    /// One more job of this system.
    pub(crate) fn start_job(&self) -> Node {
        Node::start("job", self.folder.path(), &self.settings)
    }

    /// The front door number `index`: where clients connect.
    pub(crate) fn door(&self, index: usize) -> SocketAddr {
        self.comets[index % self.comets.len()].address("http")
    }

    /// The packet port of comet number `index`.
    pub(crate) fn packets(&self, index: usize) -> SocketAddr {
        self.comets[index % self.comets.len()].address("tcp")
    }

    /// The HTTP API number `index`: logic itself in a cluster.
    pub(crate) fn api(&self, index: usize) -> Http {
        match self.logics.get(index % self.logics.len().max(1)) {
            Some(logic) => Http::new(logic.address("http")),
            None => Http::new(self.door(0)),
        }
    }

    /// A counter, summed over all processes and labels that hold `label`.
    pub(crate) async fn counted(&self, name: &str, label: &str) -> f64 {
        let mut sum = 0.0;
        for node in self.comets.iter().chain(&self.logics).chain(&self.jobs) {
            sum += counted(node, name, label).await;
        }
        sum
    }

    /// A new account with a name of its own.
    pub(crate) async fn account(&self, prefix: &str) -> Account {
        Account::create(&Http::new(self.door(0)), &unique(prefix)).await
    }

    /// A new account with the operator role.
    pub(crate) async fn operator(&self) -> Account {
        let account = self.account("operator").await;
        self.admin(&["create", &account.username]);
        account
    }

    /// What `oort admin …` says.
    pub(crate) fn admin(&self, arguments: &[&str]) -> String {
        self.oort(&[&["admin"], arguments].concat())
    }

    /// A token for server-to-server pushes.
    pub(crate) fn server_token(&self) -> String {
        self.oort(&["token"]).trim().to_owned()
    }

    /// What a command of the binary says; it must do well.
    pub(crate) fn oort(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// What `oort doctor` finds; ports of what runs are taken, so it is never content.
    pub(crate) fn doctor(&self) -> String {
        String::from_utf8(self.run(&["doctor"]).stdout).expect("UTF-8")
    }

    fn run(&self, arguments: &[&str]) -> std::process::Output {
        std::process::Command::new(env!("CARGO_BIN_EXE_oort"))
            .args(arguments)
            .env_clear()
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .env("OORT_ADMIN__LISTEN", self.comets[0].address("admin").to_string())
            .output()
            .expect("oort runs")
    }
}

async fn counted(node: &Node, name: &str, label: &str) -> f64 {
    let text = Http::new(node.address("admin")).get("/metrics", "").await.bytes;
    let text = String::from_utf8_lossy(&text).into_owned();
    let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}
