//! Processes and their leases.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::directory::NodeEntry;

#[derive(Debug, Default)]
pub(super) struct Nodes(HashMap<String, (NodeEntry, Instant)>);

impl Nodes {
    pub(super) fn announce(&mut self, node: &NodeEntry, lease: Duration) {
        let now = Instant::now();
        self.0.retain(|_, (_, ends)| *ends > now);
        self.0.insert(node.id.clone(), (node.clone(), now + lease));
    }

    pub(super) fn live(&self) -> Vec<NodeEntry> {
        let now = Instant::now();
        self.0.values().filter(|(_, ends)| *ends > now).map(|(node, _)| node.clone()).collect()
    }
}
