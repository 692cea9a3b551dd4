//! What users made of conversations for themselves, which is with the users wherever the conversations are.

use std::collections::{HashMap, HashSet};

use mysql_async::Conn;
use oort_api::ids::{ConversationId, Seq, UserId};

use super::super::MysqlStore;
use super::super::conversation_settings::SetForUser;
use super::super::failure::Failure;
use super::super::hidden::Hide;
use super::super::sql::Sql;
use super::super::store::replicated;
use crate::store::{ConversationSettings, Error, Hid, OutboxRow, SettingsChange};

/// By (user, conversation).
#[derive(Debug, Default)]
pub(in crate::store) struct Own {
    /// Pinned, muted until and changed at (ms since the epoch).
    pub(in crate::store) settings: HashMap<(i64, i64), (bool, i64, i64)>,
    /// The user had messages removed for themselves.
    pub(in crate::store) hidden: HashSet<(i64, i64)>,
}

impl MysqlStore {
    /// What these users made of all their conversations.
    pub(in crate::store) async fn own_of(&self, users: &[UserId]) -> Result<Own, Error> {
        if users.is_empty() {
            return Ok(Own::default());
        }
        replicated!(self, |connection| own(connection, users))
    }

    /// [`Hidden::hide`](crate::store::Hidden::hide) of a message that the user can see at another server.
    pub(in crate::store) async fn hide_seen(
        &self,
        owner: &str,
        user: UserId,
        (conversation, seq): (ConversationId, Seq),
        now_ms: i64,
    ) -> Result<(Hid, Option<OutboxRow>), Error> {
        self.transact(owner, &Hide { user, conversation, seq, now_ms, is_seen: true }).await
    }

    /// [`GroupStore::set_for_user`](crate::store::GroupStore::set_for_user) of a conversation at another server.
    pub(in crate::store) async fn set_for_member(
        &self,
        owner: &str,
        change: &SettingsChange,
    ) -> Result<(ConversationSettings, Option<OutboxRow>), Error> {
        self.transact(owner, &SetForUser { change, is_member: true }).await
    }
}

async fn own(connection: &mut Conn, users: &[UserId]) -> Result<Own, Failure> {
    let readers = || users.iter().map(|user| user.get());
    let mut sql = Sql::default();
    sql.raw(
        "SELECT user_id, conversation_id, pinned, muted_until_ms, changed_at_ms FROM conversation_settings",
    );
    sql.raw(" WHERE user_id IN ").list(readers()).end();
    sql.raw("SELECT DISTINCT user_id, conversation_id FROM hidden WHERE user_id IN ").list(readers()).end();
    let mut sets = sql.run(connection).await?;
    let hidden = sets.remove(1).typed()?.into_iter().collect();
    let settings: Vec<(i64, i64, bool, i64, i64)> = sets.remove(0).typed()?;
    let settings =
        settings.into_iter().map(|(user, id, pinned, muted, at)| ((user, id), (pinned, muted, at)));
    Ok(Own { settings: settings.collect(), hidden })
}
