//! The real backends: the shared set of this run, or a set of one's own to break.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Addresses of one MariaDB, Redis and Kafka, and of a replica of that MariaDB.
#[derive(Debug, Clone)]
pub(crate) struct Backends {
    pub(crate) mysql_url: String,
    pub(crate) replica_url: Option<String>,
    /// A further server of the store, and a replica of it.
    pub(crate) further: Option<(String, Option<String>)>,
    pub(crate) redis_url: String,
    pub(crate) kafka_brokers: String,
}

impl Backends {
    /// The set that `make test` started.
    pub(crate) fn shared() -> Self {
        let need = |name| {
            std::env::var(name)
                .unwrap_or_else(|_| panic!("{name} is not set; start the services first: make test does it"))
        };
        let mysql_url = need("OORT_TEST_MYSQL_URL");
        // Every cluster of the suite over two servers, when it is run so.
        let further = std::env::var_os("OORT_TEST_SHARDS").map(|_| (mysql_url.clone(), None));
        Self {
            mysql_url,
            replica_url: None,
            further,
            redis_url: need("OORT_TEST_REDIS_URL"),
            kafka_brokers: need("OORT_TEST_KAFKA_BROKERS"),
        }
    }
}

/// One of the servers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Server {
    Mysql,
    Replica,
    Redis,
    Kafka,
}

impl Server {
    fn name(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Replica => "replica",
            Self::Redis => "redis",
            Self::Kafka => "kafka",
        }
    }
}

/// A set of one's own, with fresh data; stopped when dropped.
#[derive(Debug)]
pub(crate) struct OwnServices {
    folder: PathBuf,
    pub(crate) backends: Backends,
}

impl OwnServices {
    /// Starts all three.
    pub(crate) fn start() -> Self {
        Self::up(&[])
    }

    /// Starts MariaDB and a replica of it; Redis and Kafka are the shared ones.
    pub(crate) fn start_replicated() -> Self {
        let mut own = Self::up(&["mysql", "replica"]);
        let Backends { redis_url, kafka_brokers, .. } = Backends::shared();
        own.backends = Backends { redis_url, kafka_brokers, ..own.backends.clone() };
        own
    }

    fn up(names: &[&str]) -> Self {
        let parent = std::env::var_os("OORT_TEST_SCRATCH").map_or_else(std::env::temp_dir, PathBuf::from);
        let folder = parent.join(super::unique("faults-"));
        script(&[&["up", &*folder.to_string_lossy()], names].concat());
        let env = std::fs::read_to_string(folder.join("env")).expect("the script writes env");
        let told = |name: &str| {
            let of = |line: &str| {
                Some(line.strip_prefix("export ")?.strip_prefix(name)?.strip_prefix('=')?.to_owned())
            };
            env.lines().find_map(of)
        };
        let value = |name: &str| told(name).unwrap_or_else(|| panic!("env lacks {name}"));
        let backends = Backends {
            mysql_url: value("OORT_TEST_MYSQL_URL"),
            replica_url: told("OORT_TEST_REPLICA_URL"),
            further: None,
            redis_url: value("OORT_TEST_REDIS_URL"),
            kafka_brokers: value("OORT_TEST_KAFKA_BROKERS"),
        };
        Self { folder, backends }
    }

    /// SIGKILL.
    pub(crate) fn kill(&self, server: Server) {
        self.call("kill", server);
    }

    /// Starts it again, on the same port and data.
    pub(crate) fn start_again(&self, server: Server) {
        self.call("start", server);
    }

    /// Forgets everything Redis holds.
    pub(crate) fn flush_redis(&self) {
        let port = self.backends.redis_url.rsplit(':').next().expect("a port");
        let done = Command::new("redis-cli")
            .args(["-h", "127.0.0.1", "-p", port, "flushall"])
            .status()
            .expect("redis-cli runs");
        assert!(done.success());
    }

    /// Has MySQL execute a statement as its administrator.
    pub(crate) fn tell_mysql(&self, statement: &str) {
        tell(&self.backends.mysql_url, statement);
    }

    /// Has MySQL answer a query for one value.
    pub(crate) fn ask_mysql(&self, query: &str) -> String {
        tell(&self.backends.mysql_url, query)
    }

    /// As [`Self::tell_mysql`], for its replica.
    pub(crate) fn tell_replica(&self, statement: &str) {
        tell(self.backends.replica_url.as_deref().expect("a replica"), statement);
    }

    fn call(&self, command: &str, server: Server) {
        script(&[command, &self.folder.to_string_lossy(), server.name()]);
    }
}

/// Has a MariaDB execute a statement as its administrator; what it says, without names of columns.
fn tell(url: &str, statement: &str) -> String {
    let port = url.rsplit(':').next().expect("a port");
    let done = Command::new("mariadb")
        .args(["--no-defaults", "--host=127.0.0.1", "--user=root", "--skip-column-names", "--port", port])
        .args(["--execute", statement])
        .stderr(Stdio::inherit())
        .output()
        .expect("mariadb runs");
    assert!(done.status.success(), "{statement}");
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

impl Drop for OwnServices {
    fn drop(&mut self) {
        let status = Command::new(script_path()).arg("down").arg(&self.folder).status();
        if status.is_ok_and(|status| status.success()) && !std::thread::panicking() {
            drop(std::fs::remove_dir_all(&self.folder));
        }
    }
}

fn script_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/local/services.sh")
}

fn script(arguments: &[&str]) {
    let output = Command::new(script_path()).args(arguments).output().expect("the services script runs");
    assert!(
        output.status.success(),
        "services.sh {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
