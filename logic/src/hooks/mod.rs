//! Hooks: a server of the operator's that is asked *before* a message is
//! stored, and one that is told *after*.
//!
//! The first is a call within a bounded time on the way of a send; what
//! becomes of a message when there is no answer is a setting. The second is
//! told what is in the store, at least once and in the order of each
//! conversation, until it takes it. Both calls are signed as notifications are.

mod after;
mod before;
mod config;
mod events;
mod metrics;
mod question;

use std::sync::Arc;

use secrecy::ExposeSecret;

pub use after::{After, Counted as AfterCounted};
pub(crate) use before::Verdict;
pub use before::{Before, Counted as BeforeCounted};
pub use config::{After as AfterConfig, Before as BeforeConfig, Config, Kind, OnFailure};
pub use metrics::Metrics;
pub(crate) use question::Question;

use crate::config::Limits;
use crate::store::{HookKinds, Store};
use crate::webhook::client::tls;
use crate::webhook::signature::Secret;

/// Both hooks, as far as they are set up.
#[derive(Debug)]
pub struct Hooks {
    /// Asked before a message is stored.
    pub before: Option<Arc<Before>>,
    /// Told after a message was stored.
    pub after: Option<Arc<After>>,
}

impl Hooks {
    /// Reads secret and certificates, and has the store write what is to be told.
    ///
    /// # Errors
    /// What of the settings cannot work.
    pub fn new(
        config: &Config,
        limits: &Limits,
        store: &Arc<dyn Store>,
        metrics: &Metrics,
    ) -> Result<Self, String> {
        let is_used = !config.before.url.is_empty() || !config.after.url.is_empty();
        if !is_used {
            store.want_hooks(HookKinds::default());
            return Ok(Self { before: None, after: None });
        }
        let secret = Secret::read(config.secret.expose_secret()).ok_or("secret is none")?;
        let tls = tls(&config.roots_file)?;
        let before = match config.before.url.is_empty() {
            true => None,
            false => Some(Before::new(&config.before, limits, (&secret, &tls), metrics)?),
        };
        let after = match config.after.url.is_empty() {
            true => None,
            false => Some(After::new(&config.after, Arc::clone(store), (&secret, &tls), metrics)?),
        };
        store.want_hooks(after.as_ref().map_or_else(HookKinds::default, After::kinds));
        Ok(Self { before: before.map(Arc::new), after: after.map(Arc::new) })
    }
}
