//! Jobs, and how they reach comets.

use std::fmt;
use std::sync::Arc;

use futures_util::StreamExt as _;
use oort_api::directory::CometInfo;
use oort_api::metrics::Registry;
use oort_api::pb::oort::v1::PushBatch;
use oort_job::{AckStream, CometDialer, Config, Parts, Service};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Status, async_trait};

use crate::comet::{Target, Targets};
use crate::dice;
use crate::directory::DirectoryLink;
use crate::life::Life;
use crate::links::between;
use crate::logic::Ground;

/// Batches, and acks, on their way.
const ON_THE_WAY_MAX: usize = 64;

/// A running job.
#[derive(Debug, Clone)]
pub(crate) struct JobNode {
    pub(crate) life: Life,
    pub(crate) drain: CancellationToken,
}

/// Starts the job of this number.
pub(crate) fn start(number: usize, ground: &Ground, targets: &Targets) -> JobNode {
    let (life, drain) = (Life::default(), CancellationToken::new());
    let directory = DirectoryLink { soft: Arc::clone(&ground.soft), life: life.clone() };
    let dialer = Dialer {
        job: format!("job{number}"),
        life: life.clone(),
        ground: ground.clone(),
        targets: Arc::clone(targets),
    };
    let parts = Parts {
        consumer: ground.bus.consumer(&life),
        producer: ground.bus.producer(&life),
        directory: Arc::new(directory),
        dialer: Arc::new(dialer),
    };
    let service = Service::build(Config::default(), parts, &mut Registry::default()).expect("the defaults");
    let (stop, alive) = (drain.clone(), life.clone());
    tokio::spawn(async move {
        tokio::select! {
            biased;
            () = alive.ended() => {}
            ended = service.run(stop) => {
                ended.expect("a job ends only when it is told to");
                alive.end();
            }
        }
    });
    JobNode { life, drain }
}

struct Dialer {
    job: String,
    life: Life,
    ground: Ground,
    targets: Targets,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer").field("job", &self.job).finish_non_exhaustive()
    }
}

#[async_trait]
impl CometDialer for Dialer {
    async fn open(&self, comet: &CometInfo, batches: mpsc::Receiver<PushBatch>) -> Result<AckStream, Status> {
        let link = between(&self.job, &comet.grpc_address);
        let gone = || Status::unavailable("nobody is there");
        self.life.guard(sleep(dice::latency())).await;
        let number: usize = comet.grpc_address.trim_start_matches("comet").parse().map_err(|_| gone())?;
        let target = self.targets.lock().get(number).cloned().flatten();
        let target = target.filter(|target| !target.life.is_over()).ok_or_else(gone)?;
        let broken = self.ground.links.token(&link);
        if broken.is_cancelled() {
            return Err(gone());
        }
        let (there, arriving) = mpsc::channel(ON_THE_WAY_MAX);
        let (back, acks) = mpsc::channel(ON_THE_WAY_MAX);
        let end = End { life: self.life.clone(), target, broken };
        tokio::spawn(carry_batches(batches, there, end.clone()));
        tokio::spawn(carry_acks(arriving, back, end));
        Ok(Box::pin(ReceiverStream::new(acks)))
    }
}

/// What a stream ends with.
#[derive(Debug, Clone)]
struct End {
    life: Life,
    target: Target,
    broken: CancellationToken,
}

impl End {
    async fn comes(&self) {
        tokio::select! {
            () = self.life.ended() => {}
            () = self.target.life.ended() => {}
            () = self.broken.cancelled() => {}
        }
    }
}

async fn carry_batches(mut batches: mpsc::Receiver<PushBatch>, there: mpsc::Sender<PushBatch>, end: End) {
    let carry = async {
        while let Some(batch) = batches.recv().await {
            sleep(dice::latency()).await;
            if there.send(batch).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        biased;
        () = end.comes() => {}
        () = carry => {}
    }
}

async fn carry_acks(
    arriving: mpsc::Receiver<PushBatch>,
    back: mpsc::Sender<Result<oort_api::pb::oort::v1::PushAck, Status>>,
    end: End,
) {
    let mut acks = Box::pin(end.target.handle.push(ReceiverStream::new(arriving)));
    let carry = async {
        while let Some(ack) = acks.next().await {
            sleep(dice::latency()).await;
            if back.send(ack).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        biased;
        () = end.comes() => {}
        () = carry => {}
    }
}
