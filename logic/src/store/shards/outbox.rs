//! Each server has an outbox of its own. An id says the server in its low bits, so those of one server rise as its
//! commits do; between servers they say nothing.

use std::sync::Arc;

use futures_util::future::try_join_all;
use oort_api::clock::now_ms;
use tonic::async_trait;

use super::super::{Error, Outbox, OutboxRow};
use super::ShardedStore;

/// Most servers of a store: an id of a row tells so many apart.
pub const SERVERS_MAX: usize = 64;
pub(super) const SERVERS: i64 = 64;

fn number(server: usize) -> i64 {
    i64::try_from(server).unwrap_or(0)
}

/// A row of a server, for those who know several.
pub(super) fn marked(server: usize, row: OutboxRow) -> OutboxRow {
    OutboxRow { id: row.id * SERVERS + number(server), ..row }
}

/// The outbox of one of the servers.
#[derive(Debug)]
pub(super) struct OneOutbox {
    pub(super) store: Arc<ShardedStore>,
    pub(super) server: usize,
}

#[async_trait]
impl Outbox for OneOutbox {
    async fn outbox(&self, owner: &str, after: i64, limit: u32) -> Result<Vec<OutboxRow>, Error> {
        self.store.rows_at(self.server, owner, after, limit).await
    }

    async fn outbox_delete(&self, ids: &[i64]) -> Result<(), Error> {
        self.store.outbox_delete(ids).await
    }

    async fn outbox_renew(&self, owner: &str, lease_ms: i64) -> Result<(), Error> {
        self.store.server(self.server).outbox_renew(owner, lease_ms).await
    }

    async fn outbox_adopt(&self, owner: &str, limit: u32) -> Result<u64, Error> {
        // What else the dead left undone. A server that does not answer keeps nobody from adopting.
        if self.server == 0
            && let Err(cause) = self.store.finish_copies(now_ms()).await
        {
            tracing::warn!(%cause, "what was changed of users is not copied to all servers yet");
        }
        self.store.server(self.server).outbox_adopt(owner, limit).await
    }

    async fn outbox_backlog(&self, now_ms: i64) -> Result<(u64, i64), Error> {
        self.store.server(self.server).outbox_backlog(now_ms).await
    }
}

/// All of them together.
#[async_trait]
impl Outbox for ShardedStore {
    async fn outbox(&self, owner: &str, after: i64, limit: u32) -> Result<Vec<OutboxRow>, Error> {
        let mut all = Vec::new();
        for server in 0..self.servers.len() {
            all.extend(self.rows_at(server, owner, after, limit).await?);
        }
        all.sort_by_key(|row| row.id);
        all.truncate(limit as usize);
        Ok(all)
    }

    async fn outbox_delete(&self, ids: &[i64]) -> Result<(), Error> {
        for (server, ids) in self.unmarked(ids) {
            self.server(server).outbox_delete(&ids).await?;
        }
        Ok(())
    }

    async fn outbox_renew(&self, owner: &str, lease_ms: i64) -> Result<(), Error> {
        try_join_all(self.servers.iter().map(|server| server.outbox_renew(owner, lease_ms))).await.map(drop)
    }

    async fn outbox_adopt(&self, owner: &str, limit: u32) -> Result<u64, Error> {
        let mut adopted = 0;
        for store in &self.servers {
            let left = u64::from(limit).saturating_sub(adopted);
            if left == 0 {
                break;
            }
            adopted += store.outbox_adopt(owner, u32::try_from(left).unwrap_or(limit)).await?;
        }
        Ok(adopted)
    }

    async fn outbox_backlog(&self, now_ms: i64) -> Result<(u64, i64), Error> {
        let mut all = (0, 0);
        for store in &self.servers {
            let (rows, oldest_ms) = store.outbox_backlog(now_ms).await?;
            all = (all.0 + rows, all.1.max(oldest_ms));
        }
        Ok(all)
    }
}

impl ShardedStore {
    /// Ids of each server that has some, as it knows them.
    pub(super) fn unmarked(&self, ids: &[i64]) -> Vec<(usize, Vec<i64>)> {
        let of = |server: usize| {
            let own = ids.iter().filter(|&&id| id % SERVERS == number(server));
            (server, own.map(|id| id / SERVERS).collect::<Vec<i64>>())
        };
        (0..self.servers.len()).map(of).filter(|(_, ids)| !ids.is_empty()).collect()
    }

    async fn rows_at(
        &self,
        server: usize,
        owner: &str,
        after: i64,
        limit: u32,
    ) -> Result<Vec<OutboxRow>, Error> {
        let after = (after - number(server)).div_euclid(SERVERS);
        let rows = self.server(server).outbox(owner, after, limit).await?;
        Ok(rows.into_iter().map(|row| marked(server, row)).collect())
    }
}
