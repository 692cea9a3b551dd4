//! What users made of conversations for themselves.

use oort_api::Code;
use oort_api::error::Refusal;
use rusqlite::{Connection, OptionalExtension, params};

use super::{conversations, outbox, user_events};
use crate::outbox::encode;
use crate::store::{ConversationSettings, Error, OutboxRow, SettingsChange};

/// See [`crate::store::GroupStore::set_for_user`].
pub(super) fn change(
    connection: &mut Connection,
    owner: &str,
    change: &SettingsChange,
) -> Result<(ConversationSettings, Option<OutboxRow>), Error> {
    let transaction = connection.transaction()?;
    let (user, conversation) = (change.user.get(), change.conversation.get());
    match conversations::conversation(&transaction, change.conversation, change.user)? {
        Some((_, true)) => {}
        Some((_, false)) => {
            let text = "you are not a member of this conversation";
            return Err(Error::Refused(Refusal::new(Code::NotMember, text)));
        }
        None => return Err(Error::NoConversation),
    }
    let held = transaction
        .prepare_cached(
            "SELECT pinned, muted_until_ms FROM conversation_settings WHERE user_id = ? AND conversation_id = ?",
        )?
        .query_row([user, conversation], |row| {
            Ok(ConversationSettings { is_pinned: row.get(0)?, muted_until_ms: row.get(1)? })
        });
    let held = held.optional()?.unwrap_or_default();
    let Some((new, event)) = change.apply(held) else { return Ok((held, None)) };
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO conversation_settings
             (user_id, conversation_id, pinned, muted_until_ms, changed_at_ms) VALUES (?, ?, ?, ?, ?)",
        )?
        .execute(params![user, conversation, new.is_pinned, new.muted_until_ms, change.now_ms])?;
    let records = user_events::append(&transaction, &[event], change.now_ms)?;
    let row = outbox::insert(&transaction, owner, encode(records), change.now_ms)?;
    transaction.commit()?;
    Ok((new, Some(row)))
}
