//! What clients watch, and typing.

use oort_api::error::Refusal;
use oort_api::ids::{ConversationId, SessionKey, UserId};
use oort_api::pb::oort::v1 as pb;

use super::sessions::session_entries;
use super::{LogicService, comet_ref, invalid};
use crate::error::directory_refusal;
use crate::presence::Typing;

impl LogicService {
    pub(super) async fn watch(
        &self,
        user: UserId,
        command: pb::WatchCommand,
    ) -> Result<pb::WatchResult, Refusal> {
        let conversations: Vec<ConversationId> =
            command.conversations.into_iter().filter_map(ConversationId::new).collect();
        let users: Vec<UserId> = command.users.into_iter().filter_map(UserId::new).collect();
        let presence = &self.app.presence;
        let watchable = presence.watchable(user, &conversations).await?;
        let users = if users.is_empty() { Vec::new() } else { presence.of(user, &users).await? };
        Ok(pb::WatchResult { conversations: watchable.into_iter().map(ConversationId::get).collect(), users })
    }

    pub(super) async fn away(
        &self,
        user: UserId,
        command: pb::AwayCommand,
    ) -> Result<pb::AwayResult, Refusal> {
        let comet = comet_ref(command.comet)?;
        let sessions = session_entries(command.session.into_iter().collect())?;
        if sessions.iter().any(|session| session.user != Some(user)) {
            return Err(invalid("session: of the user"));
        }
        self.app.directory.restate_sessions(&comet, &sessions).await.map_err(directory_refusal)?;
        self.app.presence.altered(user);
        Ok(pb::AwayResult {})
    }

    pub(super) fn typing(
        &self,
        user: UserId,
        key: &str,
        command: &pb::TypingCommand,
    ) -> Result<pb::TypingResult, Refusal> {
        let conversation = ConversationId::new(command.conversation)
            .ok_or_else(|| invalid("conversation: a positive number"))?;
        let key = SessionKey::new(key).map_err(|fault| invalid(format!("key: {fault}")))?;
        let typing = Typing { key, active: command.active, is_member: command.is_member };
        self.app.presence.types(user, conversation, typing);
        Ok(pb::TypingResult {})
    }
}
