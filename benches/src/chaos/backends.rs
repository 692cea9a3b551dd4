//! Breaks and mends the services under a cluster.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::fault::Backend;
use super::mysql::Mysql;
use super::topic;

/// Longest wait for one answer of Redis.
const ANSWER: Duration = Duration::from_secs(10);

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

    /// MySQL, to be broken from within.
    pub(crate) fn mysql(&self) -> anyhow::Result<Mysql> {
        Ok(Mysql { port: self.port("mysql")? })
    }

    /// Its replica.
    pub(crate) fn replica(&self) -> anyhow::Result<Mysql> {
        Ok(Mysql { port: self.port("replica")? })
    }

    /// Lets a topic have more partitions.
    pub(crate) async fn grow(&self, topic: &str, partitions: i32) -> anyhow::Result<()> {
        topic::grow(&format!("127.0.0.1:{}", self.port("kafka")?), topic, partitions).await
    }

    /// Of a service: `mysql`, `kafka-front`.
    pub(crate) fn port(&self, name: &str) -> anyhow::Result<u16> {
        let file = self.folder.join(format!("{name}.port"));
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        Ok(text.trim().parse()?)
    }
}
