//! Whether the tier can do its work: what readiness asks.

use std::sync::Arc;
use std::time::Duration;

use oort_api::bus::Producer;
use oort_api::directory::Directory;

use crate::store::{ReplicaState, Store};

/// Longest wait for the answer of one part.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks each part the tier depends on. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Checks {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) producer: Arc<dyn Producer>,
    pub(crate) directory: Arc<dyn Directory>,
}

/// Answer of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The part: `store`, `shards` and `replicas` (where there are any), `bus` or `directory`.
    pub name: &'static str,
    /// What is wrong with it, if anything.
    pub fault: Option<String>,
    /// Without it the tier answers nothing; without the others it goes on
    /// with less.
    pub is_vital: bool,
}

impl Checks {
    /// Asks all of them at the same time.
    pub async fn run(&self) -> Vec<Check> {
        let (store, shards, replicas, bus, directory) = tokio::join!(
            patiently(async { self.store.check().await.map_err(|cause| cause.to_string()) }),
            tokio::time::timeout(PATIENCE, self.store.further_servers()),
            tokio::time::timeout(PATIENCE, self.store.replicas()),
            patiently(async { self.producer.check().await.map_err(|cause| cause.to_string()) }),
            patiently(async { self.directory.check().await.map_err(|cause| cause.to_string()) }),
        );
        let mut checks = vec![Check { name: "store", fault: store, is_vital: true }];
        // Not vital: what the others have is answered.
        checks.extend(of_several("shards", shards.ok()));
        checks.extend(of_several("replicas", replicas.ok()));
        checks.push(Check { name: "bus", fault: bus, is_vital: false });
        checks.push(Check { name: "directory", fault: directory, is_vital: false });
        checks
    }
}

/// `None`: they were not known in time, as the primary does not answer, or there are none.
fn of_several(name: &'static str, states: Option<Vec<ReplicaState>>) -> Option<Check> {
    let states = states.filter(|states| !states.is_empty())?;
    let faults: Vec<String> = states
        .into_iter()
        .filter_map(|ReplicaState { name, fault }| Some(format!("{name}: {}", fault?)))
        .collect();
    let fault = (!faults.is_empty()).then(|| faults.join("; "));
    Some(Check { name, fault, is_vital: false })
}

async fn patiently(check: impl Future<Output = Result<(), String>>) -> Option<String> {
    match tokio::time::timeout(PATIENCE, check).await {
        Ok(outcome) => outcome.err(),
        Err(_) => Some(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}
