//! The network between tiers: who can reach whom.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// Links that are cut now, and those that streams hang on. A link is named by its ends.
#[derive(Debug, Default)]
pub(crate) struct Links(Mutex<BTreeMap<String, CancellationToken>>);

/// The name of a link.
pub(crate) fn between(one: &str, other: &str) -> String {
    format!("{one}~{other}")
}

impl Links {
    /// Breaks when the link does; broken already while the link is cut.
    pub(crate) fn token(&self, link: &str) -> CancellationToken {
        self.0.lock().entry(link.to_owned()).or_default().clone()
    }

    pub(crate) fn is_cut(&self, link: &str) -> bool {
        self.token(link).is_cancelled()
    }

    pub(crate) fn cut(&self, link: &str) {
        self.token(link).cancel();
    }

    pub(crate) fn mend(&self, link: &str) {
        self.0.lock().remove(link);
    }
}
