//! A connection's first step: who it is, and that this is recorded.

use oort_api::Code;
use oort_api::directory::{CometRef, SessionEntry};
use oort_api::error::Refusal;
use oort_api::ids::{SessionKey, UserId};
use oort_api::pb::oort::v1::connect_request::Credential;
use oort_api::pb::oort::v1::{ConnectReply, ConnectRequest};

use super::goim_credentials::{self, GoimClient};
use super::{LogicService, comet_ref, invalid};
use crate::error::directory_refusal;

/// Longest platform the directory takes.
const PLATFORM_BYTES_MAX: usize = 32;

impl LogicService {
    pub(super) async fn connect(&self, request: ConnectRequest) -> Result<ConnectReply, Refusal> {
        let comet = comet_ref(request.comet)?;
        let credential =
            request.credential.ok_or_else(|| Refusal::new(Code::Unauthenticated, "log in first"))?;
        let (mut reply, chosen_key, platform) = self.identify(credential, request.platform).await?;
        let is_chosen = chosen_key.is_some();
        let key = match chosen_key {
            Some(key) => key,
            None => SessionKey::new(&request.key).map_err(|fault| invalid(format!("key: {fault}")))?,
        };
        reply.key = key.as_str().to_owned();
        let user = reply.user.as_ref().and_then(|user| UserId::new(user.id));
        let session = SessionEntry {
            user,
            key,
            version: request.version,
            platform: plain(&platform),
            addressable: is_chosen,
        };
        let sessions = std::slice::from_ref(&session);
        self.app.directory.add_sessions(&comet, sessions).await.map_err(directory_refusal)?;
        // Read after the session is recorded: who becomes a member from now
        // on is told by way of the session.
        if let Some(user) = user.filter(|_| reply.goim_heartbeat_ms == 0) {
            match self.app.conversations.rooms_of(user).await {
                Ok(rooms) => reply.rooms = rooms.iter().map(ToString::to_string).collect(),
                Err(refusal) => return Err(self.undo(&comet, sessions, refusal).await),
            }
        }
        Ok(reply)
    }

    /// The reply without key and rooms, the key a goim client chose, and the platform.
    async fn identify(
        &self,
        credential: Credential,
        platform: String,
    ) -> Result<(ConnectReply, Option<SessionKey>, String), Refusal> {
        let accounts = &self.app.accounts;
        let identity = match credential {
            Credential::Bearer(token) => accounts.authenticate_bearer(&token).await?,
            Credential::Sid(sid) => accounts.authenticate_cookie(&sid).await?,
            Credential::GoimAuth(body) => {
                let client = goim_credentials::check(accounts, self.goim_auth, &body).await?;
                return Ok(self.goim_reply(client));
            }
        };
        let reply = ConnectReply {
            user: Some(identity.user),
            expires_at_ms: identity.expires_at_ms,
            ..ConnectReply::default()
        };
        Ok((reply, None, platform))
    }

    fn goim_reply(&self, client: GoimClient) -> (ConnectReply, Option<SessionKey>, String) {
        let reply = ConnectReply {
            user: Some(client.user.unwrap_or_default()),
            goim_room: client.room.map(|room| room.to_string()).unwrap_or_default(),
            accepts: client.accepts,
            goim_heartbeat_ms: self.goim_heartbeat_ms,
            expires_at_ms: client.expires_at_ms,
            ..ConnectReply::default()
        };
        (reply, client.key, client.platform)
    }

    /// Nobody was told of this session; what cannot be removed now goes with
    /// the comet's lease.
    async fn undo(&self, comet: &CometRef, sessions: &[SessionEntry], refusal: Refusal) -> Refusal {
        if let Err(cause) = self.app.directory.remove_sessions(comet, sessions).await {
            tracing::debug!(%cause, "a refused session stays recorded");
        }
        refusal
    }
}

/// The platform as the directory takes it.
pub(super) fn plain(platform: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    platform.chars().filter(is_plain).take(PLATFORM_BYTES_MAX).collect()
}
