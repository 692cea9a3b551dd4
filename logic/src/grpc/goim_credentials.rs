//! Body of goim's op 7: who a goim client says it is.

use oort_api::Code;
use oort_api::error::Refusal;
use oort_api::ids::{RoomKey, SessionKey, UserId};
use oort_api::pb::oort::v1::User;
use serde::Deserialize;

use super::invalid;
use crate::accounts::{Accounts, Identity};
use crate::config::GoimAuth;

/// As goim's clients write it (goim `internal/logic/conn.go`, Connect);
/// `token` is ours. Unknown fields are passed over, as goim does.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    mid: i64,
    key: String,
    room_id: String,
    platform: String,
    accepts: Vec<i32>,
    token: String,
}

/// A goim client whose credentials hold.
#[derive(Debug, PartialEq)]
pub(super) struct GoimClient {
    /// `None` = anonymous.
    pub(super) user: Option<User>,
    /// Who proved it by a token.
    pub(super) identity: Option<Identity>,
    /// The key it chose.
    pub(super) key: Option<SessionKey>,
    pub(super) room: Option<RoomKey>,
    pub(super) platform: String,
    pub(super) accepts: Vec<i32>,
}

/// Operations a client may ask for.
const ACCEPTS_MAX: usize = 256;

/// Reads and checks the credentials.
pub(super) async fn check(accounts: &Accounts, auth: GoimAuth, body: &[u8]) -> Result<GoimClient, Refusal> {
    let body: Body = serde_json::from_slice(body).map_err(|_| {
        Refusal::new(
            Code::InvalidRequest,
            "credentials: JSON of {mid, key, room_id, platform, accepts, token}",
        )
    })?;
    if body.accepts.len() > ACCEPTS_MAX {
        return Err(invalid(format!("accepts: at most {ACCEPTS_MAX} operations")));
    }
    let key = Some(&body.key).filter(|key| !key.is_empty()).map(SessionKey::new).transpose();
    let key = key.map_err(|fault| invalid(format!("key: {fault}")))?;
    let room = Some(&body.room_id).filter(|room| !room.is_empty()).map(|room| goim_room(room)).transpose()?;
    let (user, identity) = match auth {
        GoimAuth::Token => {
            let identity = by_token(accounts, body.mid, &body.token).await?;
            (Some(identity.user.clone()), Some(identity))
        }
        GoimAuth::Open => (UserId::new(body.mid).map(|id| User { id: id.get(), ..User::default() }), None),
    };
    Ok(GoimClient { user, identity, key, room, platform: body.platform, accepts: body.accepts })
}

async fn by_token(accounts: &Accounts, mid: i64, token: &str) -> Result<Identity, Refusal> {
    let wrong = |text| Refusal::new(Code::Unauthenticated, text);
    if token.is_empty() {
        return Err(wrong("token: an access token of user `mid`"));
    }
    let identity = accounts.authenticate_bearer(token).await?;
    if mid != 0 && identity.user.id != mid {
        return Err(wrong("mid is not the token's user"));
    }
    Ok(identity)
}

/// goim's rooms only: a conversation's room is entered by its members, not
/// by whoever names it.
fn goim_room(room: &str) -> Result<RoomKey, Refusal> {
    let fault = || invalid("room_id: `type://id`, at most 128 bytes");
    let key = RoomKey::new(room).map_err(|_| fault())?;
    if room.contains("://") && !key.is_watch() { Ok(key) } else { Err(fault()) }
}
