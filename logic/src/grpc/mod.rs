//! The gRPC door: `oort.v1.Logic` for comets, and goim's `goim.logic.Logic`
//! for goim's own. The first is also called directly when comet and logic are
//! one process.

use std::sync::Arc;
use std::time::Duration;

use oort_api::Code;
use oort_api::directory::CometRef;
use oort_api::error::Refusal;
use oort_api::ids::UserId;
use oort_api::pb::oort::v1 as pb;
use oort_api::pb::oort::v1::logic_server::Logic;
use tonic::{Request, Response, Status, async_trait};

use crate::app::App;
use crate::config::{Config, GoimAuth};

mod authenticate;
pub mod cluster_token;
mod goim;
mod goim_credentials;
mod goim_send;
mod nodes;
mod receive;
mod sessions;
mod watch;

pub use goim::GoimService;

/// Answers comets.
#[derive(Debug)]
pub struct LogicService {
    app: Arc<App>,
    goim_auth: GoimAuth,
    goim_heartbeat_ms: i64,
    comet_lease: Duration,
}

impl LogicService {
    /// Answers from `app`.
    #[must_use]
    pub fn new(app: Arc<App>, config: &Config) -> Self {
        Self {
            app,
            goim_auth: config.goim_auth,
            goim_heartbeat_ms: i64::try_from(config.goim_heartbeat_ms).unwrap_or(i64::MAX),
            comet_lease: config.comet_lease(),
        }
    }

    fn answer<T>(&self, outcome: Result<T, Refusal>) -> Result<Response<T>, Status> {
        outcome.map(Response::new).map_err(|refusal| {
            self.app.metrics.grpc_refused.get_or_create(&refusal.code.into()).inc();
            refusal.into()
        })
    }
}

#[async_trait]
impl Logic for LogicService {
    async fn authenticate(
        &self,
        request: Request<pb::ConnectRequest>,
    ) -> Result<Response<pb::ConnectReply>, Status> {
        self.answer(self.connect(request.into_inner()).await)
    }

    async fn disconnect(
        &self,
        request: Request<pb::DisconnectRequest>,
    ) -> Result<Response<pb::DisconnectReply>, Status> {
        self.answer(self.end_sessions(request.into_inner()).await)
    }

    async fn enter_rooms(
        &self,
        request: Request<pb::RoomsRequest>,
    ) -> Result<Response<pb::RoomsReply>, Status> {
        self.answer(self.enter(request.into_inner()).await)
    }

    async fn leave_rooms(
        &self,
        request: Request<pb::RoomsRequest>,
    ) -> Result<Response<pb::RoomsReply>, Status> {
        self.answer(self.leave(request.into_inner()).await)
    }

    async fn renew(&self, request: Request<pb::RenewRequest>) -> Result<Response<pb::RenewReply>, Status> {
        self.answer(self.renew_comet(request.into_inner()).await)
    }

    async fn announce(
        &self,
        request: Request<pb::AnnounceRequest>,
    ) -> Result<Response<pb::AnnounceReply>, Status> {
        self.answer(self.announce_all(request.into_inner()).await)
    }

    async fn announce_node(
        &self,
        request: Request<pb::AnnounceNodeRequest>,
    ) -> Result<Response<pb::AnnounceNodeReply>, Status> {
        self.answer(self.record_node(request.into_inner()).await)
    }

    async fn hello(&self, request: Request<pb::HelloRequest>) -> Result<Response<pb::HelloReply>, Status> {
        self.answer(self.heads(&request.into_inner()).await)
    }

    async fn receive(
        &self,
        request: Request<pb::ReceiveRequest>,
    ) -> Result<Response<pb::ReceiveReply>, Status> {
        self.answer(self.command(request.into_inner()).await)
    }
}

fn invalid(text: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidField, text)
}

fn user_id(raw: i64) -> Result<UserId, Refusal> {
    UserId::new(raw)
        .ok_or_else(|| Refusal::new(Code::Unauthenticated, "an anonymous connection may not do that"))
}

/// A comet's name and incarnation, as the directory takes them.
fn comet_ref(comet: Option<pb::CometRef>) -> Result<CometRef, Refusal> {
    let comet = comet.ok_or_else(|| invalid("comet is missing"))?;
    let is_fine = (1..=64).contains(&comet.id.len())
        && !comet.id.contains('|')
        && !comet.id.chars().any(char::is_control);
    if !is_fine {
        return Err(invalid("comet.id: 1 to 64 bytes without `|` and control characters"));
    }
    Ok(CometRef { id: comet.id, epoch: comet.epoch })
}
