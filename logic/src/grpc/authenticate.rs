//! A connection's first step: who it is, and that this is recorded.

use oort_api::Code;
use oort_api::directory::{AWAY, CometRef, LoginTag, SessionEntry};
use oort_api::error::Refusal;
use oort_api::ids::{SessionKey, UserId};
use oort_api::pb::oort::v1::connect_request::Credential;
use oort_api::pb::oort::v1::{ConnectReply, ConnectRequest};

use super::goim_credentials::{self, GoimClient};
use super::{LogicService, comet_ref, invalid};
use crate::accounts::Identity;
use crate::error::directory_refusal;

/// Longest platform the directory takes.
const PLATFORM_BYTES_MAX: usize = 32;

/// A connection whose credential holds.
struct Known {
    /// Without key and rooms.
    reply: ConnectReply,
    /// The key a goim client chose.
    chosen_key: Option<SessionKey>,
    platform: String,
    /// `None` = it was believed, or is nobody.
    identity: Option<Identity>,
}

impl LogicService {
    pub(super) async fn connect(&self, request: ConnectRequest) -> Result<ConnectReply, Refusal> {
        let comet = comet_ref(request.comet)?;
        let credential =
            request.credential.ok_or_else(|| Refusal::new(Code::Unauthenticated, "log in first"))?;
        let Known { mut reply, chosen_key, platform, identity } =
            self.identify(credential, request.platform).await?;
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
            platform: client(&platform),
            addressable: is_chosen,
            login: LoginTag::new(reply.login),
        };
        let sessions = std::slice::from_ref(&session);
        self.app.directory.add_sessions(&comet, sessions).await.map_err(directory_refusal)?;
        // Asked after the session is recorded: whoever ends the log-in from
        // now on finds the session, and what ended before shows here.
        if let Some(identity) = identity
            && let Err(refusal) = self.app.accounts.confirm(&identity).await
        {
            return Err(self.undo(&comet, sessions, refusal).await);
        }
        // Read after the session is recorded: who becomes a member from now
        // on is told by way of the session.
        if let Some(user) = user.filter(|_| reply.goim_heartbeat_ms == 0) {
            match self.app.conversations.rooms_of(user).await {
                Ok(rooms) => reply.rooms = rooms.iter().map(ToString::to_string).collect(),
                Err(refusal) => return Err(self.undo(&comet, sessions, refusal).await),
            }
        }
        if let Some(user) = user {
            self.app.presence.came(user);
        }
        Ok(reply)
    }

    /// Who it is, as far as the credential says.
    async fn identify(&self, credential: Credential, platform: String) -> Result<Known, Refusal> {
        let accounts = &self.app.accounts;
        let identity = match credential {
            // That it is live is asked once the session is recorded.
            Credential::Bearer(token) => accounts.read_bearer(&token)?,
            Credential::Sid(sid) => accounts.authenticate_cookie(&sid).await?,
            Credential::GoimAuth(body) => {
                let client = goim_credentials::check(accounts, self.goim_auth, &body).await?;
                return Ok(self.goim_reply(client));
            }
        };
        let reply = ConnectReply {
            user: Some(identity.user.clone()),
            expires_at_ms: identity.expires_at_ms,
            login: LoginTag::of(&identity.login_id).get(),
            ..ConnectReply::default()
        };
        Ok(Known { reply, chosen_key: None, platform, identity: Some(identity) })
    }

    fn goim_reply(&self, client: GoimClient) -> Known {
        let identity = client.identity;
        let reply = ConnectReply {
            user: Some(client.user.unwrap_or_default()),
            goim_room: client.room.map(|room| room.to_string()).unwrap_or_default(),
            accepts: client.accepts,
            goim_heartbeat_ms: self.goim_heartbeat_ms,
            expires_at_ms: identity.as_ref().map_or(0, |identity| identity.expires_at_ms),
            login: identity.as_ref().map_or(0, |identity| LoginTag::of(&identity.login_id).get()),
            ..ConnectReply::default()
        };
        Known { reply, chosen_key: client.key, platform: client.platform, identity }
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

/// The platform as the directory takes it, left alone or not.
pub(super) fn client(platform: &str) -> String {
    match platform.strip_suffix(AWAY) {
        Some(kind) => plain(kind) + AWAY,
        None => plain(platform),
    }
}

fn plain(platform: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    platform.chars().filter(is_plain).take(PLATFORM_BYTES_MAX).collect()
}
