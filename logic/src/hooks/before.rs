//! The hook that is asked before a message is stored.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use http::{StatusCode, Uri};
use oort_api::error::{Code, Refusal};
use oort_api::pb::oort::v1::ConversationKind;
use rustls::ClientConfig;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::config::{self, OnFailure, kinds};
use super::metrics::Metrics;
use super::question::{Question, call_id};
use crate::config::Limits;
use crate::conversations::check_content;
use crate::store::HookKinds;
use crate::webhook::client::{Bounds, Client, Speaks, post};
use crate::webhook::guard::Guard;
use crate::webhook::signature::{Secret, headers, now_s};

/// What a sender is told when the hook gives no reason.
const NO_REASON: &str = "the rules of this server refuse it";

/// The hook.
#[derive(Debug)]
pub struct Before {
    config: config::Before,
    kinds: HookKinds,
    limits: Limits,
    uri: Uri,
    secret: Secret,
    client: Client,
    calls: Semaphore,
    metrics: Metrics,
}

/// What it says of a text, or of all of a call.
#[derive(Debug, Clone, Deserialize)]
struct Said {
    allow: bool,
    /// To be stored in place of the text.
    content: Option<String>,
    /// Why not, for the sender.
    reason: Option<String>,
}

/// The body of its answer.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Answer {
    One(Said),
    Each(Vec<Said>),
}

/// What is to be done with a text: store it, as it is or another in its place, or refuse it.
pub(crate) type Verdict = Result<Option<String>, Refusal>;

/// How much it did, in this process since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Stored as they were.
    pub allowed: u64,
    /// Another text was stored.
    pub replaced: u64,
    /// Refused by it.
    pub refused: u64,
    /// Stored though there was no answer.
    pub passed_unasked: u64,
    /// Refused as there was no answer.
    pub refused_unasked: u64,
}

impl Before {
    pub(super) fn new(
        config: &config::Before,
        limits: &Limits,
        (secret, tls): (&Secret, &Arc<ClientConfig>),
        metrics: &Metrics,
    ) -> Result<Self, String> {
        let uri = Guard::Any.check(&config.url).map_err(|fault| format!("before.url {fault}"))?;
        let bounds = Bounds {
            timeout: Duration::from_millis(config.timeout_ms),
            answer_bytes_max: config.answer_bytes_max,
            // As many as may be under way: a call does not wait for a handshake.
            idle_per_host_max: config.calls_max,
        };
        let client = Client::new(Guard::Any, Speaks::One, tls, bounds);
        Ok(Self {
            kinds: kinds(&config.kinds),
            limits: limits.clone(),
            uri,
            secret: secret.clone(),
            client,
            calls: Semaphore::new(config.calls_max),
            metrics: metrics.clone(),
            config: config.clone(),
        })
    }

    /// Whether it is asked about conversations of this kind.
    pub(crate) fn is_asked_about(&self, kind: ConversationKind) -> bool {
        self.kinds.has(kind)
    }

    /// Notes texts that were stored by an earlier attempt: they are not asked about again.
    pub(crate) fn note_repeats(&self, count: usize) {
        self.metrics.asked("repeated", wide(count));
    }

    /// Asks about texts of one sender, in one call if they fit: a verdict for each.
    ///
    /// Refusals: `rejected`; `unavailable` when there is no answer and that is how it is set up.
    pub(crate) async fn ask(&self, questions: &[Question<'_>]) -> Vec<Verdict> {
        let portions = portions(questions, self.config.call_bytes_max);
        join_all(portions.into_iter().map(|some| self.ask_some(some))).await.concat()
    }

    async fn ask_some(&self, questions: &[Question<'_>]) -> Vec<Verdict> {
        let began = Instant::now();
        let answer = self.call(questions).await;
        self.metrics.before_call.observe(began.elapsed().as_secs_f64());
        match answer {
            Ok(said) => said.into_iter().map(|said| self.verdict(said)).collect(),
            Err(cause) => {
                self.metrics.before_failures.get_or_create(&[("cause", cause)]).inc();
                tracing::debug!(cause, "the hook before a send gives no answer");
                let (outcome, verdict) = match self.config.on_failure {
                    OnFailure::Open => ("passed_unasked", Ok(None)),
                    OnFailure::Closed => ("refused_unasked", Err(unanswered())),
                };
                self.metrics.asked(outcome, wide(questions.len()));
                vec![verdict; questions.len()]
            }
        }
    }

    /// What it says of each text, or why that is not known.
    async fn call(&self, questions: &[Question<'_>]) -> Result<Vec<Said>, &'static str> {
        let _turn = self.calls.try_acquire().map_err(|_| "busy")?;
        let (id, now_s) = (call_id(questions), now_s());
        let messages: Vec<_> = questions.iter().map(Question::told).collect();
        let data = json!({ "id": id, "messages": messages });
        let body = json!({ "type": "message.before", "timestamp": now_s, "data": data }).to_string();
        let headers = headers(self.secret.bytes(), &id, now_s, &body);
        let answer = self.client.send(post(self.uri.clone(), headers, body)).await?;
        if answer.status.is_redirection() {
            return Err("redirection");
        }
        if answer.status != StatusCode::OK {
            return Err("status");
        }
        read(&answer.body, questions, &self.limits).ok_or("answer")
    }

    fn verdict(&self, said: Said) -> Verdict {
        let (outcome, verdict) = match (said.allow, said.content) {
            (true, None) => ("allowed", Ok(None)),
            (true, Some(content)) => ("replaced", Ok(Some(content))),
            (false, _) => {
                let reason = shown(&said.reason.unwrap_or_default(), self.config.reason_chars_max);
                ("refused", Err(Refusal::new(Code::Rejected, reason)))
            }
        };
        self.metrics.asked(outcome, 1);
        verdict
    }

    /// How much it did.
    #[must_use]
    pub fn counted(&self) -> Counted {
        let count = |outcome| self.metrics.asked.get_or_create(&[("outcome", outcome)]).get();
        Counted {
            allowed: count("allowed"),
            replaced: count("replaced"),
            refused: count("refused"),
            passed_unasked: count("passed_unasked"),
            refused_unasked: count("refused_unasked"),
        }
    }

    /// What becomes of a message when there is no answer.
    #[must_use]
    pub fn on_failure(&self) -> OnFailure {
        self.config.on_failure
    }
}

/// Parts of at most so many bytes, or of one question.
fn portions<'a, 'q>(questions: &'a [Question<'q>], bytes_max: usize) -> Vec<&'a [Question<'q>]> {
    let mut bytes = questions.first().map_or(0, Question::bytes);
    let fits = |_: &Question<'_>, next: &Question<'_>| {
        bytes += next.bytes();
        let fits = bytes <= bytes_max;
        if !fits {
            bytes = next.bytes();
        }
        fits
    };
    questions.chunk_by(fits).collect()
}

/// An answer that makes sense: what it says of each question.
fn read(body: &[u8], questions: &[Question<'_>], limits: &Limits) -> Option<Vec<Said>> {
    let said = match serde_json::from_slice(body).ok()? {
        Answer::Each(each) => each,
        // One text for several messages is nobody's intention.
        Answer::One(one) if one.content.is_some() && questions.len() > 1 => return None,
        Answer::One(one) => vec![one; questions.len()],
    };
    let fits = said.len() == questions.len()
        && said.iter().zip(questions).all(|(said, question)| {
            said.content.as_deref().is_none_or(|content| {
                let is_left_out = content.is_empty() && question.has_attachment();
                is_left_out || check_content(content, limits).is_ok()
            })
        });
    fits.then_some(said)
}

/// The reason as a sender is shown it.
fn shown(reason: &str, chars_max: usize) -> String {
    let reason: String = reason.chars().filter(|c| !c.is_control()).take(chars_max).collect();
    let reason = reason.trim();
    if reason.is_empty() { NO_REASON.to_owned() } else { reason.to_owned() }
}

fn unanswered() -> Refusal {
    Refusal::new(
        Code::Unavailable,
        "what is asked before each message does not answer; nothing was stored, try again",
    )
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
