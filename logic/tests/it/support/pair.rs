//! A MariaDB and a replica of it, to be broken.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;

/// Both servers, with data of their own; stopped when dropped.
#[derive(Debug)]
pub(crate) struct Pair {
    folder: tempfile::TempDir,
    primary_url: String,
    replica_url: String,
}

impl Pair {
    /// The one that tests share while any of them runs.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Pair>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let pair = Arc::new(Self::start());
            *shared = Arc::downgrade(&pair);
            pair
        })
    }

    fn start() -> Self {
        let parent = std::env::var_os("OORT_TEST_SCRATCH").map_or_else(std::env::temp_dir, PathBuf::from);
        let folder = tempfile::Builder::new().prefix("faults-pair-").tempdir_in(parent).expect("a folder");
        script(&["up", &folder.path().to_string_lossy(), "mysql", "replica"]);
        let env = std::fs::read_to_string(folder.path().join("env")).expect("the script writes env");
        let value = |name: &str| {
            let of = |line: &str| {
                Some(line.strip_prefix("export ")?.strip_prefix(name)?.strip_prefix('=')?.to_owned())
            };
            env.lines().find_map(of).unwrap_or_else(|| panic!("env lacks {name}"))
        };
        let (primary_url, replica_url) = (value("OORT_TEST_MYSQL_URL"), value("OORT_TEST_REPLICA_URL"));
        Self { folder, primary_url, replica_url }
    }

    /// Without a database.
    pub(crate) fn primary_url(&self) -> &str {
        &self.primary_url
    }

    /// Without a database.
    pub(crate) fn replica_url(&self) -> &str {
        &self.replica_url
    }

    /// `kill`, `pause`, `resume` or `start` the replica.
    pub(crate) fn replica(&self, verb: &str) {
        script(&[verb, &self.folder.path().to_string_lossy(), "replica"]);
    }

    /// Waits until the replica has what the primary has.
    pub(crate) async fn caught_up(&self) {
        let mut primary = Conn::from_url(&self.primary_url).await.expect("connects");
        let position: Option<String> =
            primary.query_first("SELECT @@global.gtid_current_pos").await.expect("answers");
        primary.disconnect().await.expect("closes");
        let mut replica = Conn::from_url(&self.replica_url).await.expect("connects");
        let position = position.expect("a position");
        let waited: Option<i64> =
            replica.exec_first("SELECT MASTER_GTID_WAIT(?, 60)", (position,)).await.expect("answers");
        assert_eq!(waited, Some(0), "it follows");
        replica.disconnect().await.expect("closes");
    }

    /// Has the replica execute a statement as its administrator.
    pub(crate) fn tell_replica(&self, statement: &str) {
        let port = self.replica_url.rsplit(':').next().expect("a port");
        let done = Command::new("mariadb")
            .args([
                "--no-defaults",
                "--host=127.0.0.1",
                "--user=root",
                "--port",
                port,
                "--execute",
                statement,
            ])
            .status()
            .expect("mariadb runs");
        assert!(done.success(), "{statement}");
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // A test that failed tells why; this would only hide it.
        drop(Command::new(script_path()).arg("down").arg(self.folder.path()).status());
    }
}

fn script_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/local/services.sh")
}

fn script(arguments: &[&str]) {
    let output = Command::new(script_path()).args(arguments).output().expect("the services script runs");
    assert!(
        output.status.success(),
        "services.sh {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
