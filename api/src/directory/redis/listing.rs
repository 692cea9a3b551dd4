//! The sessions of one user, for people to look at.

use std::collections::HashMap;

use ::redis::Value;

use super::RedisDirectory;
use super::entries::{self, Place};
use super::link::Op;
use crate::directory::{Error, UserSession};
use crate::ids::{SessionKey, UserId};

impl RedisDirectory {
    pub(super) async fn list_sessions(&self, user: UserId) -> Result<Vec<UserSession>, Error> {
        let fields = self.link.run(vec![Op::hash(&self.keys.user(user))]).await?.pop().unwrap_or(Value::Nil);
        let fields: HashMap<String, String> = entries::read(fields)?;
        let mut sessions: Vec<UserSession> =
            fields.iter().filter_map(|(key, text)| session(key, text)).collect();
        let live = self.live_among(sessions.iter().map(|session| &session.comet)).await?;
        sessions.retain(|session| live.contains(&session.comet));
        Ok(sessions)
    }
}

fn session(key: &str, text: &str) -> Option<UserSession> {
    let Place { comet, .. } = text.parse().ok()?;
    let platform = text.splitn(4, '|').nth(3).unwrap_or_default().to_owned();
    Some(UserSession { key: SessionKey::new(key).ok()?, comet, platform })
}
