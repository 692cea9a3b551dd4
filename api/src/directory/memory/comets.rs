//! Comets and their leases.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::directory::{CometInfo, CometRef, Error, Renewal};

#[derive(Debug, Default)]
pub(super) struct Comets {
    recorded: HashMap<String, Comet>,
    /// One shared copy of each incarnation that entries name.
    shared: HashMap<CometRef, Arc<CometRef>>,
}

#[derive(Debug)]
struct Comet {
    info: CometInfo,
    lease_ends: Instant,
}

impl Comets {
    /// Also tells whether readers must look at the comets anew.
    pub(super) fn renew(&mut self, info: &CometInfo, lease: Duration) -> Result<(Renewal, bool), Error> {
        let now = Instant::now();
        let recorded = self.recorded.get(&info.comet.id).filter(|comet| comet.lease_ends > now);
        let recorded_epoch = recorded.map(|comet| comet.info.comet.epoch);
        if let Some(epoch) = recorded_epoch.filter(|&epoch| epoch > info.comet.epoch) {
            return Err(Error::Superseded { id: info.comet.id.clone(), epoch });
        }
        let known = recorded_epoch == Some(info.comet.epoch);
        let info = CometInfo { announcing: info.announcing || !known, ..info.clone() };
        let said = |info: &CometInfo| (info.announcing, info.announcements);
        let is_changed = !known || recorded.is_none_or(|before| said(&before.info) != said(&info));
        self.recorded.insert(info.comet.id.clone(), Comet { info, lease_ends: now + lease });
        Ok((if known { Renewal::Known } else { Renewal::Unknown }, is_changed))
    }

    pub(super) fn retire(&mut self, comet: &CometRef) {
        if self.recorded.get(&comet.id).is_some_and(|recorded| recorded.info.comet == *comet) {
            self.recorded.remove(&comet.id);
        }
    }

    pub(super) fn live(&self) -> impl Iterator<Item = &CometInfo> {
        let now = Instant::now();
        self.recorded.values().filter(move |comet| comet.lease_ends > now).map(|comet| &comet.info)
    }

    pub(super) fn is_live(&self, comet: &CometRef) -> bool {
        self.recorded
            .get(&comet.id)
            .is_some_and(|recorded| recorded.info.comet == *comet && recorded.lease_ends > Instant::now())
    }

    /// The copy of this incarnation that entries share.
    pub(super) fn shared(&mut self, comet: &CometRef) -> Arc<CometRef> {
        self.shared.entry(comet.clone()).or_insert_with(|| Arc::new(comet.clone())).clone()
    }

    /// Forgets comets whose lease ended and incarnations no entry names.
    pub(super) fn forget_dead(&mut self) {
        let now = Instant::now();
        self.recorded.retain(|_, comet| comet.lease_ends > now);
        self.shared.retain(|_, comet| Arc::strong_count(comet) > 1);
    }
}
