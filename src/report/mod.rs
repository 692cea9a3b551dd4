//! What this process tells operators about itself, every now and then. It
//! never stands in the way: a report that cannot be made is made up for by
//! the next one.

mod answers;
mod process;
mod rates;
mod samples;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oort_api::clock::now_ms;
use oort_api::directory::{Answer, Directory, NodeEntry, Question};
use oort_api::metrics::{Counter, Registry};
use oort_api::pb::oort::v1::AnnounceNodeRequest;
use oort_api::pb::oort::v1::logic_server::Logic;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tonic::Request;

use crate::config::Role;
use answers::Answers;
pub(crate) use answers::{Rings, trail};
use rates::Seen;

/// Reports that may be missed before a process is no longer listed.
const MISSED_MAX: u32 = 3;

/// Longest wait of a process that ends: its lease ends as well.
const LAST_PATIENCE: Duration = Duration::from_millis(500);

/// Who takes the reports.
pub(crate) enum Sink {
    /// A process that knows the directory.
    Directory(Arc<dyn Directory>),
    /// A comet: logic knows it.
    Logic(Arc<dyn Logic>),
}

impl Sink {
    /// Records the report and answers; returns what operators ask.
    async fn announce(
        &self,
        entry: &NodeEntry,
        lease: Duration,
        answers: &[Answer],
    ) -> anyhow::Result<Vec<Question>> {
        match self {
            Self::Directory(directory) => {
                directory.announce_node(entry, lease).await?;
                for answer in answers {
                    directory.answer(answer).await?;
                }
                Ok(directory.questions().await?)
            }
            Self::Logic(logic) => {
                let lease_ms = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
                let answers = answers.iter().map(Answer::to_json).collect::<Result<_, _>>()?;
                let request = AnnounceNodeRequest { entry: entry.to_json()?, lease_ms, answers };
                let reply = logic.announce_node(Request::new(request)).await?.into_inner();
                Ok(reply.questions.iter().filter_map(|json| Question::from_json(json)).collect())
            }
        }
    }

    /// Resolves when a question should not wait for the next report.
    async fn asked(&self) {
        match self {
            Self::Directory(directory) => directory.asked().await,
            Self::Logic(_) => std::future::pending().await,
        }
    }
}

/// Reports on this process.
pub(crate) struct Reporter {
    entry: NodeEntry,
    sink: Sink,
    every: Duration,
    answers: Answers,
    failures: Counter,
}

impl Reporter {
    /// On a process that serves at these addresses.
    pub(crate) fn new(
        role: Role,
        name: &str,
        addresses: &BTreeMap<&'static str, SocketAddr>,
        sink: Sink,
        every: Duration,
        registry: &mut Registry,
    ) -> Self {
        let failures = Counter::default();
        registry.register(
            "node_report_failures",
            "Reports to operators that were not taken",
            failures.clone(),
        );
        let started_at_ms = now_ms();
        let role = role.name();
        let address = addresses.get("http").or_else(|| addresses.get("admin"));
        let entry = NodeEntry {
            id: format!("{role}-{}-{started_at_ms}-{}", shortened(name), std::process::id()),
            name: name.to_owned(),
            role: role.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at_ms,
            address: address.map(SocketAddr::to_string).unwrap_or_default(),
            ..NodeEntry::default()
        };
        Self { entry, sink, every, answers: Answers::default(), failures }
    }

    /// The same, which knows what these rings hold of messages.
    pub(crate) fn answering(self, rings: Rings) -> Self {
        Self { answers: Answers::from(rings), ..self }
    }

    /// Reports until `end`, and then that it is gone. Draining is told from `stop` on.
    pub(crate) async fn run(
        mut self,
        registry: Arc<Registry>,
        stop: CancellationToken,
        end: CancellationToken,
    ) {
        let lease = self.every * MISSED_MAX;
        let mut ticks = interval(self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut before = None;
        loop {
            tokio::select! {
                () = end.cancelled() => break,
                () = stop.cancelled(), if !self.entry.draining => self.entry.draining = true,
                _ = ticks.tick() => {}
                () = self.sink.asked() => {}
            }
            let seen = Seen::now(&registry, Instant::now());
            self.entry.seen_ms = now_ms();
            self.entry.connections = seen.connections();
            self.entry.metrics = seen.since(before.as_ref());
            before = Some(seen);
            let questions = tokio::select! {
                () = end.cancelled() => break,
                questions = self.announce(lease, self.every, &[]) => questions,
            };
            let answers = self.answers.to(questions, &self.entry);
            if !answers.is_empty() {
                tokio::select! {
                    () = end.cancelled() => break,
                    _ = self.announce(lease, self.every, &answers) => {}
                }
            }
        }
        // As good as taken away.
        self.announce(Duration::ZERO, self.every.min(LAST_PATIENCE), &[]).await;
    }

    /// Returns what operators ask; nothing when the report was not taken.
    async fn announce(&self, lease: Duration, patience: Duration, answers: &[Answer]) -> Vec<Question> {
        let cause = match timeout(patience, self.sink.announce(&self.entry, lease, answers)).await {
            Ok(Ok(questions)) => return questions,
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => format!("no answer in {} ms", patience.as_millis()),
        };
        self.failures.inc();
        tracing::debug!(cause, "a report to operators was not taken");
        Vec::new()
    }
}

/// As much of a name as surely fits an id.
fn shortened(name: &str) -> &str {
    let end = name.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|&end| end <= 64).last();
    &name[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use oort_api::directory::memory::MemoryDirectory;

    use super::*;

    fn reporter(directory: &Arc<MemoryDirectory>, registry: &mut Registry) -> Reporter {
        let sink = Sink::Directory(Arc::clone(directory) as Arc<dyn Directory>);
        let name = "å".repeat(100);
        let every = Duration::from_millis(10);
        Reporter::new(Role::Job, &name, &BTreeMap::new(), sink, every, registry)
    }

    async fn until(directory: &MemoryDirectory, wanted: impl Fn(&[NodeEntry]) -> bool) {
        let reached = async {
            while !wanted(&directory.nodes().await.expect("answers")) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(Duration::from_secs(30), reached).await.expect("in time");
    }

    #[tokio::test]
    async fn a_process_is_listed_while_it_runs() {
        let (directory, mut registry) = (Arc::new(MemoryDirectory::default()), Registry::default());
        let (stop, end) = (CancellationToken::new(), CancellationToken::new());
        let reporter = reporter(&directory, &mut registry);
        let running = tokio::spawn(reporter.run(Arc::new(registry), stop.clone(), end.clone()));
        until(&directory, |nodes| nodes.len() == 1 && nodes[0].metrics.rss_bytes.is_some()).await;
        directory.wipe();
        until(&directory, |nodes| nodes.len() == 1 && !nodes[0].draining).await;
        stop.cancel();
        until(&directory, |nodes| nodes.len() == 1 && nodes[0].draining).await;
        end.cancel();
        running.await.expect("it ends");
        until(&directory, <[NodeEntry]>::is_empty).await;
    }
}
