//! The parts of a process that run, and the order in which they stop.

use std::future::Future;

use anyhow::Context;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Parts that run until they are told to stop, one after the other, in the
/// order they were added. A part that ends by itself stops the process.
#[derive(Debug)]
pub(crate) struct Stages {
    stop: CancellationToken,
    running: Vec<Stage>,
}

#[derive(Debug)]
struct Stage {
    name: &'static str,
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Stages {
    /// None yet. `stop` is cancelled when the process is to stop.
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self { stop, running: Vec::new() }
    }

    /// Starts a part with its own signal to stop.
    pub(crate) fn add<F, E>(&mut self, name: &'static str, run: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<anyhow::Error> + Send,
    {
        let own = CancellationToken::new();
        let part = run(own.clone());
        let (told, process) = (own.clone(), self.stop.clone());
        let task = tokio::spawn(async move {
            let ended = part.await.map_err(Into::into);
            if !told.is_cancelled() {
                tracing::error!(part = name, "ended by itself; stopping the process");
                process.cancel();
            }
            ended
        });
        self.running.push(Stage { name, stop: own, task });
    }

    /// Waits for the signal to stop, then stops the parts in order. Returns
    /// the first fault.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        self.stop.cancelled().await;
        let mut result = Ok(());
        for Stage { name, stop, task } in self.running {
            stop.cancel();
            let ended = task.await.context("a part panicked").and_then(|ended| ended);
            match ended {
                Ok(()) => tracing::debug!(part = name, "stopped"),
                Err(error) => {
                    tracing::error!(part = name, error = format!("{error:#}"), "stopped with a fault");
                    result = result.and(Err(error.context(name)));
                }
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[tokio::test]
    async fn parts_stop_in_order() {
        let stop = CancellationToken::new();
        let mut stages = Stages::new(stop.clone());
        let order = Arc::new(Mutex::new(Vec::new()));
        for name in ["first", "second", "third"] {
            let order = Arc::clone(&order);
            stages.add(name, |told| async move {
                told.cancelled().await;
                order.lock().push(name);
                anyhow::Ok(())
            });
        }
        stop.cancel();
        stages.run().await.expect("no fault");
        assert_eq!(*order.lock(), ["first", "second", "third"]);
    }

    #[tokio::test]
    async fn a_part_that_ends_by_itself_stops_the_process() {
        let stop = CancellationToken::new();
        let mut stages = Stages::new(stop.clone());
        stages.add("lasting", |told| async move {
            told.cancelled().await;
            anyhow::Ok(())
        });
        stages.add("failing", |_| async { Err::<(), _>(anyhow::anyhow!("broken")) });
        let error = stages.run().await.expect_err("the fault");
        assert_eq!(format!("{error:#}"), "failing: broken");
    }
}
