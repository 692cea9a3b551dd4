//! Notifications for devices that are away, by whatever wakes them: webhooks,
//! Web Push, FCM, APNs. (What goes to devices that are connected is a *push*,
//! and job's and comet's.)
//!
//! A send writes the feed in its own transaction (`feed`); a node turns that
//! into a queue of one row for each device and conversation; and those are
//! sent until they are taken (`courier`). Any node does any of it, under
//! leases: at least once, each with an id by which a receiver knows it again.

mod config;
mod courier;
mod feed;
mod metrics;
mod notice;
mod sender;
mod verdict;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use oort_api::clock::now_ms;
use oort_api::directory::Directory;
use oort_api::error::{Code, Refusal};
use oort_api::ids::UserId;
use uuid::Uuid;

pub use config::{Apns, Config, Fcm, WebPush};
pub use metrics::Metrics;
pub use sender::vapid::generate as generate_vapid_key;

use crate::store::{self, Store, Target, TargetKind};
use crate::webhook::guard::Guard;
use crate::webhook::signature::SECRET_PREFIX;
use sender::Senders;
use sender::aes128gcm::{AUTH_BYTES, POINT_BYTES, is_point};

/// Secret of a webhook, bytes; Standard Webhooks wants 24 to 64.
const SECRET_BYTES: usize = 24;

/// Sends notifications, and keeps where they go.
#[derive(Debug)]
pub struct Notifications {
    config: Config,
    store: Arc<dyn Store>,
    directory: Arc<dyn Directory>,
    senders: Senders,
    metrics: Metrics,
}

/// What a client names as its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A server of its own.
    Webhook {
        /// Its URL.
        endpoint: String,
    },
    /// A browser's subscription.
    WebPush {
        /// URL of its push service.
        endpoint: String,
        /// Its public key, base64url.
        p256dh: String,
        /// Its secret, base64url.
        auth: String,
    },
    /// An Android device.
    Fcm {
        /// Its registration token.
        token: String,
    },
    /// An Apple device.
    Apns {
        /// Its device token, hexadecimal.
        token: String,
    },
}

/// What cannot be done just now.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Directory(#[from] oort_api::directory::Error),
}

impl Notifications {
    /// Reads keys and certificates.
    ///
    /// # Errors
    /// What of the settings cannot work.
    pub fn new(
        config: Config,
        store: Arc<dyn Store>,
        directory: Arc<dyn Directory>,
        metrics: Metrics,
    ) -> Result<Self, String> {
        let senders = Senders::new(&config)?;
        Ok(Self { config, store, directory, senders, metrics })
    }

    /// The kinds of targets that can be told.
    #[must_use]
    pub fn kinds(&self) -> Vec<TargetKind> {
        TargetKind::ALL.into_iter().filter(|&kind| self.senders.has(kind)).collect()
    }

    /// What browsers subscribe with, where Web Push is set up.
    #[must_use]
    pub fn vapid_public_key(&self) -> Option<&str> {
        self.senders.vapid_public_key()
    }

    /// Sets the target of a log-in, in place of any it had.
    ///
    /// # Errors
    /// `invalid_field`; `not_found` when the user has no such log-in; `unavailable`.
    pub async fn set(&self, user: UserId, login_id: &str, asked: Asked) -> Result<Target, Refusal> {
        let (kind, address, secret) = self.read(asked)?;
        let target = Target {
            id: Uuid::new_v4().to_string(),
            login_id: login_id.to_owned(),
            user,
            kind,
            address,
            secret,
            created_at_ms: now_ms(),
        };
        self.store.put_target(&target).await?.ok_or_else(no_login)
    }

    /// The target of a log-in.
    ///
    /// # Errors
    /// `not_found` when it has none; `unavailable`.
    pub async fn of(&self, user: UserId, login_id: &str) -> Result<Target, Refusal> {
        self.store.target(login_id, user).await?.ok_or_else(no_target)
    }

    /// Removes the target of a log-in, and what waits for it. Without one there is nothing to do.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn remove_of(&self, user: UserId, login_id: &str) -> Result<(), Refusal> {
        while let Some(target) = self.store.target(login_id, user).await? {
            if self.store.remove_target(login_id, &target.id).await? {
                break;
            }
        }
        Ok(())
    }

    /// The secret of a webhook as its receiver is told it.
    #[must_use]
    pub fn secret_text(target: &Target) -> Option<String> {
        (target.kind == TargetKind::Webhook)
            .then(|| format!("{SECRET_PREFIX}{}", STANDARD.encode(&target.secret)))
    }

    fn read(&self, asked: Asked) -> Result<(TargetKind, String, Vec<u8>), Refusal> {
        let (kind, address) = match &asked {
            Asked::Webhook { endpoint } => (TargetKind::Webhook, endpoint),
            Asked::WebPush { endpoint, .. } => (TargetKind::WebPush, endpoint),
            Asked::Fcm { token } => (TargetKind::Fcm, token),
            Asked::Apns { token } => (TargetKind::Apns, token),
        };
        if !self.kinds().contains(&kind) {
            return Err(invalid(format!("kind: this server sends no notifications by {}", kind.as_str())));
        }
        if address.is_empty() || address.len() > self.config.address_bytes_max {
            let most = self.config.address_bytes_max;
            return Err(invalid(format!("endpoint or token: 1 to {most} bytes")));
        }
        let secret = match &asked {
            Asked::Webhook { endpoint } => {
                self.check(endpoint)?;
                let mut secret = vec![0; SECRET_BYTES];
                getrandom::fill(&mut secret).map_err(|_| Refusal::new(Code::Internal, "internal error"))?;
                secret
            }
            Asked::WebPush { endpoint, p256dh, auth } => {
                self.check(endpoint)?;
                let decode = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
                let point = decode(p256dh).filter(|point| point.len() == POINT_BYTES && is_point(point));
                let point =
                    point.ok_or_else(|| invalid("keys.p256dh: is not a public key of P-256, base64url"))?;
                let auth = decode(auth).filter(|auth| auth.len() == AUTH_BYTES);
                let auth = auth.ok_or_else(|| invalid("keys.auth: is not 16 bytes, base64url"))?;
                [point, auth].concat()
            }
            Asked::Fcm { token } => {
                let is_token = token.bytes().all(|byte| byte.is_ascii_graphic());
                is_token.then(Vec::new).ok_or_else(|| invalid("token: is not one of FCM"))?
            }
            Asked::Apns { token } => {
                let is_token = token.len() >= 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
                is_token.then(Vec::new).ok_or_else(|| invalid("token: is not a device token, hexadecimal"))?
            }
        };
        Ok((kind, address.clone(), secret))
    }

    fn check(&self, endpoint: &str) -> Result<(), Refusal> {
        let guard = if self.config.private_networks { Guard::Any } else { Guard::Public };
        let is_ascii = endpoint.bytes().all(|byte| byte.is_ascii_graphic());
        let checked = if is_ascii { guard.check(endpoint).map(drop) } else { Err("is not a URL") };
        checked.map_err(|fault| invalid(format!("endpoint: {fault}")))
    }

    fn lease_ms(&self) -> i64 {
        i64::try_from(self.config.lease_ms).unwrap_or(i64::MAX)
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidField, message)
}

fn no_login() -> Refusal {
    Refusal::new(Code::NotFound, "you have no such log-in; it may have ended")
}

fn no_target() -> Refusal {
    Refusal::new(Code::NotFound, "this log-in is not notified anywhere")
}
