//! Running and draining.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use oort_api::directory::Directory;
use oort_api::pb::goim::logic::logic_server::LogicServer as GoimServer;
use oort_api::pb::oort::v1::logic_server::LogicServer;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonic::codec::CompressionEncoding;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::TcpIncoming;

use super::Service;
use crate::error::Error;
use crate::grpc::GoimService;
use crate::grpc::cluster_token::ClusterToken;
use crate::lanes::Lane;
use crate::metrics::Metrics;
use crate::serve::{Bounds, serve};

/// How often an idle comet's connection is asked whether it still lives.
const GRPC_KEEPALIVE: Duration = Duration::from_secs(20);

type Task = AbortOnDropHandle<()>;

/// Tells each part when to stop, in the order of the drain.
#[derive(Default)]
struct Stops {
    servers: CancellationToken,
    publisher_drain: CancellationToken,
    publisher_abort: CancellationToken,
    background: CancellationToken,
}

impl Service {
    /// Serves until `shutdown`; then takes nothing new, finishes what was
    /// accepted, publishes what it can, and returns within `drain_ms`. What
    /// was not published is taken over by another node, or by the next start.
    ///
    /// # Errors
    /// When a server or task ended by itself; the rest is drained all the same.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), Error> {
        let stops = Stops::default();
        let mut servers = self.serve(&stops.servers);
        let mut batcher = self.spawn_each(async |lane| lane.batcher.run().await);
        let mut cursors = self.spawn_each(async |lane| lane.cursors.run().await);
        let (drain, abort) = (stops.publisher_drain.clone(), stops.publisher_abort.clone());
        let mut publisher = self.spawn_each(move |lane| lane.publish(drain.clone(), abort.clone()));
        let stop = stops.background.clone();
        let mut relaying = self.spawn_each(move |lane| lane.renew(stop.clone()));
        let mut sweeping = spawn(sweep(
            Arc::clone(&self.parts.directory),
            Duration::from_millis(self.config.sweep_interval_ms),
            self.config.sweep_keys_max,
            stops.background.clone(),
            self.metrics.clone(),
        ));
        let (app, stop) = (Arc::clone(&self.app), stops.background.clone());
        let mut kicking = spawn(async move { app.kicks.run(stop).await });
        let (app, stop) = (Arc::clone(&self.app), stops.background.clone());
        let mut noting = spawn(async move { app.seen.run(stop).await });
        let (app, stop) = (Arc::clone(&self.app), stops.background.clone());
        let mut forgetting = spawn(async move { app.events.run(stop).await });
        let (app, stop) = (Arc::clone(&self.app), stops.background.clone());
        let mut telling = spawn(async move { app.presence.run(stop).await });
        let (app, stop) = (Arc::clone(&self.app), stops.background.clone());
        let mut clearing = spawn(async move { app.departures.run(stop).await });
        let (app, stop) = (Arc::clone(&self.app), stops.background.clone());
        let mut tidying = spawn(async move { app.files.run(stop).await });
        let (app, stop) = (Arc::clone(&self.app), stops.background.clone());
        let mut expiring = spawn(async move { app.expiry.run(&app.messages, stop).await });
        let (app, stop) = (Arc::clone(&self.app), stops.background.clone());
        let mut indexing = spawn(async move { app.indexer.run(stop).await });
        let (app, stop) = (Arc::clone(&self.app), stops.background.clone());
        // Both tell others of what was sent.
        let mut notifying = spawn(async move {
            let notifying = Arc::clone(&app.notifications).run(stop.clone());
            match app.hooks.after.clone() {
                Some(after) => _ = tokio::join!(notifying, after.run(stop)),
                None => notifying.await,
            }
        });
        let outcome = tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            Some(ended) = servers.join_next() => Err(server_error(ended)),
            _ = &mut batcher => Err(Error::Task("batcher")),
            _ = &mut cursors => Err(Error::Task("cursors")),
            _ = &mut publisher => Err(Error::Task("publisher")),
            _ = &mut relaying => Err(Error::Task("relay")),
            _ = &mut sweeping => Err(Error::Task("sweep")),
            _ = &mut kicking => Err(Error::Task("kicks")),
            _ = &mut telling => Err(Error::Task("presence")),
            _ = &mut noting => Err(Error::Task("seen")),
            _ = &mut forgetting => Err(Error::Task("events")),
            _ = &mut notifying => Err(Error::Task("notifications")),
            _ = &mut clearing => Err(Error::Task("departures")),
            _ = &mut tidying => Err(Error::Task("files")),
            _ = &mut expiring => Err(Error::Task("expiry")),
            _ = &mut indexing => Err(Error::Task("search")),
        };
        // A quarter of the time is for handing what is left to other nodes.
        let began = Instant::now();
        let deadline = began + self.config.drain();
        self.drain(&stops, began + self.config.drain() * 3 / 4, servers, [batcher, cursors], publisher).await;
        stops.background.cancel();
        let handing_over = async {
            relaying.await.ok();
            join_all(self.lanes.iter().map(Lane::hand_over)).await;
        };
        let ending = async {
            let others = [
                sweeping, kicking, noting, telling, forgetting, clearing, tidying, expiring, indexing,
                notifying,
            ];
            for task in others {
                if !task.is_finished() {
                    task.await.ok();
                }
            }
        };
        timeout_at(deadline, async { tokio::join!(handing_over, ending) }).await.ok();
        outcome
    }

    /// A task for each lane; it is over when they all are, or one has failed.
    fn spawn_each<F>(&self, mut run: impl FnMut(Lane) -> F) -> Task
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut tasks = JoinSet::new();
        for lane in self.lanes.iter() {
            tasks.spawn(run(lane.clone()));
        }
        spawn(async move { while let Some(Ok(())) = tasks.join_next().await {} })
    }

    async fn drain(
        &self,
        stops: &Stops,
        deadline: Instant,
        mut servers: JoinSet<Result<(), Error>>,
        writers: [Task; 2],
        publisher: Task,
    ) {
        stops.servers.cancel();
        let served = timeout_at(deadline, async { while servers.join_next().await.is_some() {} }).await;
        self.lanes.close();
        self.tasks.close();
        let written = timeout_at(deadline, async {
            self.tasks.wait().await;
            for writer in writers {
                if !writer.is_finished() {
                    writer.await.ok();
                }
            }
        })
        .await;
        stops.publisher_drain.cancel();
        let published = timeout_at(deadline, async {
            if !publisher.is_finished() {
                publisher.await.ok();
            }
        })
        .await;
        stops.publisher_abort.cancel();
        if served.is_err() || written.is_err() || published.is_err() {
            tracing::warn!(
                servers = served.is_ok(),
                writer = written.is_ok(),
                publisher = published.is_ok(),
                "the drain ended at its deadline; what is left in the outbox goes to another node"
            );
        }
    }

    fn serve(&mut self, stop: &CancellationToken) -> JoinSet<Result<(), Error>> {
        let mut servers = JoinSet::new();
        if let Some(listener) = self.http.take() {
            let bounds = Bounds {
                connections_max: self.config.http_connections_max,
                header_timeout: Duration::from_millis(self.config.http_header_timeout_ms),
            };
            let serving = serve(listener, self.router.clone(), bounds, stop.clone(), self.metrics.clone());
            servers.spawn(async move {
                serving.await;
                Ok(())
            });
        }
        if let Some(listener) = self.grpc.take() {
            servers.spawn(self.serve_grpc(listener, stop.clone()));
        }
        servers
    }

    fn serve_grpc(
        &self,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> impl Future<Output = Result<(), Error>> + use<> {
        let bytes_max = self.config.grpc_message_bytes_max;
        let token = ClusterToken::new(self.config.cluster_token.as_ref());
        let logic = LogicServer::from_arc(Arc::clone(&self.logic))
            .max_decoding_message_size(bytes_max)
            .max_encoding_message_size(bytes_max);
        // goim's comet compresses its counts.
        let goim = GoimServer::new(GoimService::new(Arc::clone(&self.app), &self.config))
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(bytes_max);
        let server = tonic::transport::Server::builder()
            .http2_keepalive_interval(Some(GRPC_KEEPALIVE))
            .add_service(InterceptedService::new(logic, token.clone()))
            .add_service(InterceptedService::new(goim, token));
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        async move {
            server
                .serve_with_incoming_shutdown(incoming, stop.cancelled_owned())
                .await
                .map_err(|cause| Error::Server(cause.to_string()))
        }
    }
}

fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Task {
    AbortOnDropHandle::new(tokio::spawn(task))
}

fn server_error(ended: Result<Result<(), Error>, tokio::task::JoinError>) -> Error {
    match ended {
        Ok(Ok(())) => Error::Task("server"),
        Ok(Err(error)) => error,
        Err(cause) => Error::Server(cause.to_string()),
    }
}

/// Removes entries of dead comets now and then. Every node does it: the work
/// is bounded, and done twice it does nothing.
async fn sweep(
    directory: Arc<dyn Directory>,
    interval: Duration,
    keys_max: usize,
    stop: CancellationToken,
    metrics: Metrics,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(interval) => {}
        }
        match directory.sweep(keys_max).await {
            Ok(removed) => {
                metrics.directory_swept.inc_by(removed as u64);
            }
            Err(cause) => {
                metrics.directory_sweep_failures.inc();
                tracing::debug!(%cause, "the directory was not swept");
            }
        }
    }
}
