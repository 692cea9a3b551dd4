//! Processes and their leases: a key for each, and a list of their ids.

use std::time::Duration;

use ::redis::Value;

use super::link::Op;
use super::{RedisDirectory, entries, scripts};
use crate::directory::{Error, NodeEntry};

/// How long the id of a process is kept after its last report. Longer than
/// any lease, so that a live one is never left out.
const FORGET_AFTER: Duration = Duration::from_secs(3600);
/// Processes listed at most: those that reported last.
const NODES_MAX: isize = 4096;

impl RedisDirectory {
    pub(super) async fn record_node(&self, node: &NodeEntry, lease: Duration) -> Result<(), Error> {
        let json = node.to_json()?;
        let mut set = ::redis::cmd("SET");
        set.arg(self.keys.node(&node.id)).arg(json).arg("PX").arg(lease_ms(lease));
        let args = vec![node.id.clone(), FORGET_AFTER.as_secs().to_string()];
        let ops = vec![Op::plain(set), Op::script(&scripts::NOTE_NODE, self.keys.nodes(), args)];
        self.link.run(ops).await.map(drop)
    }

    pub(super) async fn live_nodes(&self) -> Result<Vec<NodeEntry>, Error> {
        let mut ids = ::redis::cmd("ZREVRANGE");
        ids.arg(self.keys.nodes()).arg(0).arg(NODES_MAX - 1);
        let ids = self.link.run(vec![Op::plain(ids)]).await?.into_iter().next().unwrap_or(Value::Nil);
        let ids: Vec<String> = entries::read(ids)?;
        let mut nodes = Vec::with_capacity(ids.len());
        for value in self.link.run(ids.iter().map(|id| Op::get(&self.keys.node(id))).collect()).await? {
            let json: Option<String> = entries::read(value)?;
            nodes.extend(json.and_then(|json| NodeEntry::from_json(&json)));
        }
        Ok(nodes)
    }
}

fn lease_ms(lease: Duration) -> u64 {
    u64::try_from(lease.min(FORGET_AFTER).as_millis()).unwrap_or(1).max(1)
}
