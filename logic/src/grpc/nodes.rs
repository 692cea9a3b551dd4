//! What a comet's process says about itself, into the directory.

use std::time::Duration;

use oort_api::directory::{Answer, NodeEntry};
use oort_api::error::Refusal;
use oort_api::pb::oort::v1 as pb;

use super::{LogicService, invalid};
use crate::error::directory_refusal;

/// Longest lease of a process, ms.
const LEASE_MS_MAX: i64 = 600_000;
/// Answers taken with one report; more than there are questions.
const ANSWERS_MAX: usize = 64;

impl LogicService {
    pub(super) async fn record_node(
        &self,
        request: pb::AnnounceNodeRequest,
    ) -> Result<pb::AnnounceNodeReply, Refusal> {
        let node = NodeEntry::from_json(&request.entry).ok_or_else(|| invalid("entry: cannot be read"))?;
        let lease_ms = request.lease_ms.clamp(0, LEASE_MS_MAX).unsigned_abs();
        let lease = Duration::from_millis(lease_ms);
        let directory = &self.app.directory;
        directory.announce_node(&node, lease).await.map_err(directory_refusal)?;
        for json in request.answers.iter().take(ANSWERS_MAX) {
            let answer = Answer::from_json(json).ok_or_else(|| invalid("answers: one cannot be read"))?;
            directory.answer(&answer).await.map_err(directory_refusal)?;
        }
        let questions = directory.questions().await.map_err(directory_refusal)?;
        let questions = questions.iter().filter_map(|question| question.to_json().ok());
        Ok(pb::AnnounceNodeReply { questions: questions.collect() })
    }
}
