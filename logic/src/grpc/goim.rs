//! goim's logic service, for goim's own comet: authentication, counts and
//! nodes. Its sessions are not recorded, as Oort's jobs cannot reach a comet
//! that does not speak `oort.v1.Comet`.

use std::collections::HashMap;
use std::sync::Arc;

use oort_api::error::Refusal;
use oort_api::pb::goim::logic as pb;
use oort_api::pb::goim::logic::logic_server::Logic;
use tonic::{Request, Response, Status, async_trait};

use super::goim_credentials;
use crate::app::App;
use crate::config::{Config, GoimAuth};

/// Answers goim's comets.
#[derive(Debug)]
pub struct GoimService {
    app: Arc<App>,
    auth: GoimAuth,
    heartbeat_ns: i64,
}

impl GoimService {
    /// Answers from `app`.
    #[must_use]
    pub fn new(app: Arc<App>, config: &Config) -> Self {
        // goim's wire has Go's time.Duration.
        let heartbeat_ns =
            i64::try_from(u128::from(config.goim_heartbeat_ms) * 1_000_000).unwrap_or(i64::MAX);
        Self { app, auth: config.goim_auth, heartbeat_ns }
    }

    async fn authenticate(&self, request: pb::ConnectReq) -> Result<pb::ConnectReply, Refusal> {
        let client = goim_credentials::check(&self.app.accounts, self.auth, &request.token).await?;
        let generated = || uuid::Uuid::new_v4().to_string();
        Ok(pb::ConnectReply {
            mid: client.user.map_or(0, |user| user.id),
            key: client.key.map_or_else(generated, |key| key.as_str().to_owned()),
            room_id: client.room.map(|room| room.to_string()).unwrap_or_default(),
            accepts: client.accepts,
            heartbeat: self.heartbeat_ns,
        })
    }

    async fn counts(&self, own: HashMap<String, i32>) -> Result<pb::OnlineReply, Refusal> {
        let mut all_room_count = own;
        for (room, &count) in self.app.online.all_rooms().await?.iter() {
            let sum = all_room_count.entry(room.clone()).or_default();
            *sum = sum.saturating_add(i32::try_from(count).unwrap_or(i32::MAX));
        }
        Ok(pb::OnlineReply { all_room_count })
    }

    fn answer<T>(&self, outcome: Result<T, Refusal>) -> Result<Response<T>, Status> {
        outcome.map(Response::new).map_err(|refusal| {
            self.app.metrics.grpc_refused.get_or_create(&refusal.code.into()).inc();
            refusal.into()
        })
    }
}

#[async_trait]
impl Logic for GoimService {
    async fn connect(&self, request: Request<pb::ConnectReq>) -> Result<Response<pb::ConnectReply>, Status> {
        self.answer(self.authenticate(request.into_inner()).await)
    }

    async fn disconnect(
        &self,
        _: Request<pb::DisconnectReq>,
    ) -> Result<Response<pb::DisconnectReply>, Status> {
        Ok(Response::new(pb::DisconnectReply { has: true }))
    }

    async fn heartbeat(&self, _: Request<pb::HeartbeatReq>) -> Result<Response<pb::HeartbeatReply>, Status> {
        Ok(Response::new(pb::HeartbeatReply {}))
    }

    async fn renew_online(
        &self,
        request: Request<pb::OnlineReq>,
    ) -> Result<Response<pb::OnlineReply>, Status> {
        self.answer(self.counts(request.into_inner().room_count).await)
    }

    async fn receive(&self, _: Request<pb::ReceiveReq>) -> Result<Response<pb::ReceiveReply>, Status> {
        self.app.metrics.goim_upstream.inc();
        Ok(Response::new(pb::ReceiveReply {}))
    }

    async fn nodes(&self, request: Request<pb::NodesReq>) -> Result<Response<pb::NodesReply>, Status> {
        self.answer(self.app.online.nodes_weighted(&request.into_inner().platform).await)
    }
}
