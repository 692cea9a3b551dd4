//! Threads that own connections and a bounded queue of work for them: nothing
//! of SQLite runs on the async runtime.

use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::store::Error;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// One thread per connection; calls are served in order of arrival.
pub(super) struct Lane {
    /// `None` once it is closing.
    queue: Option<mpsc::Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    call_timeout: Duration,
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("threads", &self.threads.len()).finish_non_exhaustive()
    }
}

impl Lane {
    /// Starts the threads.
    pub(super) fn start(
        name: &str,
        connections: Vec<Connection>,
        queue_max: usize,
        call_timeout: Duration,
    ) -> Result<Self, Error> {
        let (queue, jobs) = mpsc::channel(queue_max);
        let jobs = Arc::new(Mutex::new(jobs));
        let mut lane = Self { queue: Some(queue), threads: Vec::new(), call_timeout };
        for connection in connections {
            let jobs = Arc::clone(&jobs);
            let thread = std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || serve(connection, &jobs))
                .map_err(|error| Error::Unavailable(format!("cannot start a thread: {error}")))?;
            lane.threads.push(thread);
        }
        Ok(lane)
    }

    /// Runs `work` on one of the connections. Work whose caller went away while
    /// it waited is not begun; once begun it is finished.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it did not end in time; it may still end.
    pub(super) async fn call<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            if !reply.is_closed() {
                // Nobody waits any more: what is lost with the value is the value's to mind.
                drop(reply.send(work(connection)));
            }
        });
        let run = async {
            let queue = self.queue.as_ref().ok_or_else(closed)?;
            queue.send(job).await.map_err(|_| closed())?;
            answer.await.map_err(|_| closed())?
        };
        tokio::time::timeout(self.call_timeout, run)
            .await
            .map_err(|_| Error::Unavailable("no answer in time".into()))?
    }
}

impl Drop for Lane {
    /// Finishes what is queued and joins the threads.
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a store thread had panicked");
            }
        }
    }
}

fn serve(mut connection: Connection, jobs: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        // One idle thread waits in the channel, the others for the lock.
        let job = jobs.lock().blocking_recv();
        match job {
            Some(job) => job(&mut connection),
            None => return,
        }
    }
}

fn closed() -> Error {
    Error::Unavailable("the store is closing".into())
}
