//! Notifications: in no simulation is anybody notified.

use oort_api::ids::{ConversationId, UserId};
use tonic::async_trait;

use super::MemoryStore;
use crate::store::{
    Due, Error, FeedRow, Listener, NewNotification, NotificationBacklog, NotificationStore, Settled, Target,
};

#[async_trait]
impl NotificationStore for MemoryStore {
    async fn put_target(&self, _target: &Target) -> Result<Option<Target>, Error> {
        Err(Error::Internal("not simulated".to_owned()))
    }

    async fn target(&self, _login_id: &str, _user: UserId) -> Result<Option<Target>, Error> {
        Ok(None)
    }

    async fn remove_target(&self, _login_id: &str, _id: &str) -> Result<bool, Error> {
        Ok(false)
    }

    async fn take_feed(&self, _now_ms: i64, _lease_ms: i64, _limit: u32) -> Result<Vec<FeedRow>, Error> {
        Ok(Vec::new())
    }

    async fn delete_feed(&self, _ids: &[i64]) -> Result<(), Error> {
        Ok(())
    }

    async fn trim_feed(&self, _rows_max: u32, _limit: u32) -> Result<u64, Error> {
        Ok(0)
    }

    async fn listeners(&self, _id: ConversationId, _after: i64, _limit: u32) -> Result<Vec<Listener>, Error> {
        Ok(Vec::new())
    }

    async fn queue_notifications(
        &self,
        _new: &[NewNotification],
        _device_rows_max: u32,
        _now_ms: i64,
    ) -> Result<u64, Error> {
        Ok(0)
    }

    async fn take_notifications(&self, _now_ms: i64, _lease_ms: i64, _limit: u32) -> Result<Vec<Due>, Error> {
        Ok(Vec::new())
    }

    async fn settle_notifications(&self, _settled: &[Settled], _now_ms: i64) -> Result<(), Error> {
        Ok(())
    }

    async fn notification_backlog(&self, _now_ms: i64) -> Result<NotificationBacklog, Error> {
        Ok(NotificationBacklog::default())
    }
}
