//! Calls to logic. They run on the runtime that serves the whole process, never on a shard: what logic or its stores
//! begin there outlives the shard, and a shard is not held up by them.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use oort_api::error::{Code, Refusal};
use oort_api::pb::oort::v1::logic_server::Logic;
use oort_api::pb::oort::v1::{
    AnnounceReply, AnnounceRequest, ConnectReply, ConnectRequest, DisconnectReply, DisconnectRequest,
    HelloReply, HelloRequest, ReceiveReply, ReceiveRequest, RenewReply, RenewRequest, RoomsReply,
    RoomsRequest,
};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status};

use crate::metrics::Metrics;

/// Logic, as a shard calls it: bounded in time, errors as [`Refusal`]s.
pub(crate) struct LogicCaller {
    logic: Arc<dyn Logic>,
    runtime: OnceLock<Handle>,
    tasks: TaskTracker,
    timeout: Duration,
    metrics: Metrics,
}

macro_rules! calls {
    ($( $(#[$doc:meta])* $name:ident: $request:ident => $reply:ident; )*) => {
        impl LogicCaller { $(
            $(#[$doc])*
            pub(crate) async fn $name(&self, request: $request) -> Result<$reply, Refusal> {
                let logic = Arc::clone(&self.logic);
                self.run(async move { logic.$name(Request::new(request)).await }).await.map_err(|status| {
                    tracing::debug!(call = stringify!($name), %status, "logic refused");
                    Refusal::from_status(&status)
                })
            }
        )* }
    };
}

calls! {
    authenticate: ConnectRequest => ConnectReply;
    disconnect: DisconnectRequest => DisconnectReply;
    enter_rooms: RoomsRequest => RoomsReply;
    leave_rooms: RoomsRequest => RoomsReply;
    announce: AnnounceRequest => AnnounceReply;
    hello: HelloRequest => HelloReply;
    receive: ReceiveRequest => ReceiveReply;
}

impl LogicCaller {
    pub(crate) fn new(logic: Arc<dyn Logic>, timeout: Duration, metrics: Metrics) -> Self {
        Self { logic, runtime: OnceLock::new(), tasks: TaskTracker::new(), timeout, metrics }
    }

    /// Has calls run on the runtime this is called in. Only the first call counts.
    pub(crate) fn run_here(&self) {
        let _ = self.runtime.set(Handle::current());
    }

    /// Waits for all calls under way.
    pub(crate) async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// The heartbeat; its status tells more than a refusal.
    pub(crate) async fn renew(&self, request: RenewRequest) -> Result<RenewReply, Status> {
        let logic = Arc::clone(&self.logic);
        self.run(async move { logic.renew(Request::new(request)).await }).await
    }

    /// Runs a future on the process's runtime and waits for it.
    pub(crate) async fn elsewhere<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let runtime = self.runtime.get()?;
        self.tasks.spawn_on(work, runtime).await.ok()
    }

    async fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<Response<T>, Status>> + Send + 'static,
    ) -> Result<T, Status> {
        let started = Instant::now();
        let limit = self.timeout;
        let answer = self.elsewhere(async move { tokio::time::timeout(limit, call).await }).await;
        self.metrics.rpc_seconds.observe(started.elapsed().as_secs_f64());
        let result = match answer {
            Some(Ok(answer)) => answer.map(Response::into_inner),
            Some(Err(_)) => Err(Refusal::new(Code::Unavailable, "logic does not answer").into()),
            None => Err(Refusal::new(Code::Draining, "the server is shutting down").into()),
        };
        if result.is_err() {
            self.metrics.rpc_errors.inc();
        }
        result
    }
}

impl std::fmt::Debug for LogicCaller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogicCaller").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
