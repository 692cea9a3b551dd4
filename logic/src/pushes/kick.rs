//! Closing sessions from outside: a frame that comets act on.

use std::time::Duration;

use oort_api::bus::Record;
use oort_api::clock::now_ms;
use oort_api::directory::UserSession;
use oort_api::error::Refusal;
use oort_api::ids::UserId;
use oort_api::op;
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::oort::v1::Kick;
use prost::Message as _;

use super::{LANES, Pushes, fnv1a, refused};

impl Pushes {
    /// Has the comet of this session of the user close it, telling `reason`.
    ///
    /// # Errors
    /// `overloaded`, or `unavailable` when the bus is.
    pub async fn kick(&self, user: UserId, session: &UserSession, reason: &str) -> Result<(), Refusal> {
        let key = session.key.as_str();
        let message = PushMsg {
            operation: op::KICK,
            // Most keys are listed nowhere by themselves, so the comet is named.
            server: session.comet.id.clone(),
            keys: vec![key.to_owned()],
            msg: Kick { reason: reason.to_owned() }.encode_to_vec().into(),
            created_at_ms: now_ms(),
            ..PushMsg::default()
        };
        let lane = fnv1a(key.as_bytes()) % LANES;
        let record = Record {
            key: format!("key-lane-{lane}"),
            value: message.encode_to_vec().into(),
            traceparent: None,
        };
        let patience = Duration::from_millis(self.config.patience_ms);
        self.producer.publish(vec![record], patience).await.map_err(refused)?;
        tracing::info!(user = user.get(), reason, "a session is to end");
        Ok(())
    }
}
