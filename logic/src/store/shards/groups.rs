//! Groups are at one server each; what users make of them for themselves is at home.

use oort_api::ids::ConversationId;
use oort_api::pb::oort::v1::User;
use tonic::async_trait;

use super::super::mysql::conversation_settings::not_member;
use super::super::{
    ConversationInfo, ConversationSettings, Error, GroupDetails, GroupLink, GroupOrder, GroupStore, NewGroup,
    NewLink, OutboxRow, SettingsChange, Store as _,
};
use super::ShardedStore;
use super::outbox::marked;
use oort_api::ids::UserId;

#[async_trait]
impl GroupStore for ShardedStore {
    async fn found_group(
        &self,
        owner: &str,
        new: &NewGroup,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
        self.new_group(owner, new).await
    }

    async fn change_group(&self, owner: &str, order: &GroupOrder) -> Result<Option<OutboxRow>, Error> {
        let server = self.place(order.group);
        let named = order.named().iter().map(|user| user.get()).collect::<Vec<_>>();
        self.ensure(server, named.into_iter().chain([order.actor.id])).await?;
        Ok(self.server(server).change_group(owner, order).await?.map(|row| marked(server, row)))
    }

    async fn group(&self, id: ConversationId, user: UserId) -> Result<Option<GroupDetails>, Error> {
        self.of(id).group(id, user).await
    }

    async fn create_link(&self, new: &NewLink) -> Result<(GroupLink, [u8; 32]), Error> {
        self.of(new.group).create_link(new).await
    }

    async fn links(&self, id: ConversationId) -> Result<Vec<GroupLink>, Error> {
        self.of(id).links(id).await
    }

    async fn revoke_link(&self, id: ConversationId, link: i64) -> Result<bool, Error> {
        self.of(id).revoke_link(id, link).await
    }

    async fn join_by_link(
        &self,
        owner: &str,
        token_hash: &[u8; 32],
        user: &User,
        members_max: u32,
        now_ms: i64,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
        let server = self.linked(token_hash).await?;
        self.ensure(server, [user.id]).await?;
        let (info, row) =
            self.server(server).join_by_link(owner, token_hash, user, members_max, now_ms).await?;
        Ok((info, row.map(|row| marked(server, row))))
    }

    async fn set_for_user(
        &self,
        owner: &str,
        change: &SettingsChange,
    ) -> Result<(ConversationSettings, Option<OutboxRow>), Error> {
        match self.of(change.conversation).conversation(change.conversation, change.user).await? {
            Some((_, true)) => {}
            Some((_, false)) => return Err(Error::Refused(not_member())),
            None => return Err(Error::NoConversation),
        }
        let (settings, row) = self.home().set_for_member(owner, change).await?;
        Ok((settings, row.map(|row| marked(0, row))))
    }
}
