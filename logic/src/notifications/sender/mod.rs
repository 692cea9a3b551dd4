//! How each kind of target is told.

pub(super) mod aes128gcm;
pub(super) mod apns;
pub(super) mod fcm;
mod jwt;
pub(super) mod vapid;
mod webhook;
mod webpush;

use std::time::Duration;

use http::StatusCode;

use super::Config;
use super::notice::Notice;
use crate::store::{Target, TargetKind};
use crate::webhook::client::{Answer, Bounds, Client, Speaks, tls};
use crate::webhook::guard::Guard;
use crate::webhook::signature::header;

/// Most of an answer that is read, bytes: reasons are short.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Connections kept open to one host.
const IDLE_PER_HOST_MAX: usize = 4;

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver has it.
    Taken,
    /// There is nobody at that address any more.
    Gone,
    /// It will never be taken.
    Refused(&'static str),
    /// Another time.
    Again {
        /// Why, for the counter.
        cause: &'static str,
        /// The receiver wants to be left alone for so long.
        after: Option<Duration>,
    },
}

impl Outcome {
    pub(super) const fn again(cause: &'static str) -> Self {
        Self::Again { cause, after: None }
    }

    /// What a status means everywhere.
    fn of(answer: &Answer) -> Self {
        let cause = match answer.status {
            status if status.is_success() => return Self::Taken,
            StatusCode::NOT_FOUND | StatusCode::GONE => return Self::Gone,
            StatusCode::PAYLOAD_TOO_LARGE => return Self::Refused("too_large"),
            StatusCode::TOO_MANY_REQUESTS => "too_many",
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "forbidden",
            status if status.is_server_error() => "server",
            status if status.is_redirection() => "redirection",
            _ => "client",
        };
        Self::Again { cause, after: answer.retry_after }
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Senders {
    webhook: Option<webhook::Webhook>,
    webpush: Option<webpush::WebPush>,
    fcm: Option<fcm::Fcm>,
    apns: Option<apns::Apns>,
}

impl Senders {
    /// Those that are set up; every fault of the settings otherwise.
    pub(super) fn new(config: &Config) -> Result<Self, String> {
        let tls = tls(&config.roots_file)?;
        let bounds = Bounds {
            timeout: Duration::from_millis(config.timeout_ms),
            answer_bytes_max: ANSWER_BYTES_MAX,
            idle_per_host_max: IDLE_PER_HOST_MAX,
        };
        let theirs = if config.private_networks { Guard::Any } else { Guard::Public };
        let theirs = Client::new(theirs, Speaks::One, &tls, bounds);
        let ours = |speaks| Client::new(Guard::Any, speaks, &tls, bounds);
        Ok(Self {
            webhook: config.webhooks.then(|| webhook::Webhook::new(theirs.clone())),
            webpush: webpush::WebPush::new(&config.webpush, theirs),
            fcm: fcm::Fcm::new(&config.fcm, ours(Speaks::One))?,
            apns: apns::Apns::new(&config.apns, ours(Speaks::Two))?,
        })
    }

    /// Whether targets of this kind can be told.
    pub(super) const fn has(&self, kind: TargetKind) -> bool {
        match kind {
            TargetKind::Webhook => self.webhook.is_some(),
            TargetKind::WebPush => self.webpush.is_some(),
            TargetKind::Fcm => self.fcm.is_some(),
            TargetKind::Apns => self.apns.is_some(),
        }
    }

    /// What browsers subscribe with.
    pub(super) fn vapid_public_key(&self) -> Option<&str> {
        self.webpush.as_ref().map(webpush::WebPush::public_key)
    }

    /// Tells a target.
    pub(super) async fn send(&self, target: &Target, notice: &Notice) -> Outcome {
        // Of a kind that is switched off just now.
        let off = Outcome::again("off");
        match target.kind {
            TargetKind::Webhook => match &self.webhook {
                Some(webhook) => webhook.send(target, notice).await,
                None => off,
            },
            TargetKind::WebPush => match &self.webpush {
                Some(webpush) => webpush.send(target, notice).await,
                None => off,
            },
            TargetKind::Fcm => match &self.fcm {
                Some(fcm) => fcm.send(target, notice).await,
                None => off,
            },
            TargetKind::Apns => match &self.apns {
                Some(apns) => apns.send(target, notice).await,
                None => off,
            },
        }
    }

    /// What is talked to for a target: no more than a number of notifications are under way to it.
    pub(super) fn host(target: &Target) -> String {
        match target.kind {
            TargetKind::Webhook | TargetKind::WebPush => {
                let uri: Option<http::Uri> = target.address.parse().ok();
                uri.and_then(|uri| uri.authority().map(ToString::to_string)).unwrap_or_default()
            }
            kind @ (TargetKind::Fcm | TargetKind::Apns) => kind.as_str().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_status_means() {
        let of = |status| {
            let status = StatusCode::from_u16(status).expect("a status");
            Outcome::of(&Answer { status, retry_after: None, body: bytes::Bytes::new() })
        };
        for (status, expected) in [
            (200, Outcome::Taken),
            (201, Outcome::Taken),
            (204, Outcome::Taken),
            (301, Outcome::again("redirection")),
            (400, Outcome::again("client")),
            (401, Outcome::again("forbidden")),
            (403, Outcome::again("forbidden")),
            (404, Outcome::Gone),
            (410, Outcome::Gone),
            (413, Outcome::Refused("too_large")),
            (429, Outcome::again("too_many")),
            (500, Outcome::again("server")),
            (503, Outcome::again("server")),
        ] {
            assert_eq!(of(status), expected, "{status}");
        }
    }
}
