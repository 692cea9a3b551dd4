//! Breaks and mends the services under a cluster.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::fault::Backend;

/// Longest wait for one answer of Redis.
const ANSWER: Duration = Duration::from_secs(10);
/// Between two cuts of the connections to MySQL.
const CUT_EVERY: Duration = Duration::from_millis(200);

/// The services of this run.
#[derive(Debug)]
pub(crate) struct Backends {
    /// `deploy/local/services.sh`.
    script: PathBuf,
    folder: PathBuf,
}

impl Backends {
    /// Those that `script` runs in `folder`.
    pub(crate) fn new(script: &Path, folder: &Path) -> anyhow::Result<Self> {
        ensure!(script.is_file(), "there is no {}: name it with --services-script", script.display());
        Ok(Self { script: script.to_owned(), folder: folder.to_owned() })
    }

    /// Calls the script: `kill`, `start`, `pause`, `resume`.
    pub(crate) fn call(&self, verb: &str, backend: Backend) -> anyhow::Result<()> {
        let mut command = Command::new(&self.script);
        command.arg(verb).arg(&self.folder).arg(backend.name());
        let output = command.output().with_context(|| format!("{} cannot run", self.script.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{verb} {}: {}", backend.name(), said.trim());
        Ok(())
    }

    /// Says one command to Redis.
    pub(crate) async fn redis(&self, command: &str) -> anyhow::Result<()> {
        let said = async {
            let mut redis = TcpStream::connect(("127.0.0.1", self.port("redis")?)).await?;
            redis.write_all(format!("{command}\r\n").as_bytes()).await?;
            let mut answer = [0; 64];
            let length = redis.read(&mut answer).await?;
            let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
            ensure!(answer.starts_with('+'), "redis: {command}: {}", answer.trim());
            Ok(())
        };
        tokio::time::timeout(ANSWER, said).await.with_context(|| format!("redis: {command}: no answer"))?
    }

    /// Cuts every connection to MySQL for `time`.
    pub(crate) fn mysql_cut(&self, time: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            let all = "SELECT CONCAT('KILL ', id, ';') FROM information_schema.processlist WHERE id <> CONNECTION_ID() \
                       AND user <> 'system user'";
            let kills = self.mysql(all)?;
            // One of them may have gone by itself.
            for kill in kills.lines() {
                drop(self.mysql(kill));
            }
            std::thread::sleep(CUT_EVERY);
        }
        Ok(())
    }

    /// Keeps every write to MySQL waiting for `time`.
    pub(crate) fn mysql_lock(&self, time: Duration) -> anyhow::Result<()> {
        let seconds = time.as_secs_f64();
        self.mysql(&format!("FLUSH TABLES WITH READ LOCK; SELECT SLEEP({seconds:.1}); UNLOCK TABLES"))
            .map(drop)
    }

    fn mysql(&self, statements: &str) -> anyhow::Result<String> {
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "--host=127.0.0.1", "--user=root", "--batch", "--skip-column-names"]);
        command.arg(format!("--port={}", self.port("mysql")?)).arg("--execute").arg(statements);
        let output = command.output().context("the program `mariadb` is needed")?;
        ensure!(output.status.success(), "mysql: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn port(&self, name: &str) -> anyhow::Result<u16> {
        let file = self.folder.join(format!("{name}.port"));
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        Ok(text.trim().parse()?)
    }
}
