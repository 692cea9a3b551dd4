//! One lane for each server of the store: what is committed there is written, published and relayed by itself, in the
//! order of its commits. With one server there is one.

use std::sync::Arc;

use futures_util::future::join_all;
use oort_api::error::Refusal;
use oort_api::ids::ConversationId;
use tokio_util::sync::CancellationToken;

use crate::batcher::{Answer, Batcher};
use crate::commits::Commits;
use crate::cursors::Cursors;
use crate::metrics::Metrics;
use crate::published::{Published, delete_some};
use crate::publisher::Publisher;
use crate::relay::Relay;
use crate::store::{About, CursorMove, Error, NewMessage, Outbox, Standing, Store};

/// What writes at one server, and takes from there to the bus.
#[derive(Debug, Clone)]
pub struct Lane {
    /// Turns of transactions with an outbox row.
    pub commits: Arc<Commits>,
    /// Writes messages.
    pub batcher: Arc<Batcher>,
    /// Writes cursors.
    pub cursors: Arc<Cursors>,
    /// Takes rows to the bus.
    pub publisher: Arc<Publisher>,
    /// Rows the bus has.
    pub published: Arc<Published>,
    /// Holds the lease of this node's rows.
    pub relay: Relay,
    /// Where the rows are.
    pub outbox: Arc<dyn Outbox>,
    /// Counters; its gauges are of this lane.
    pub metrics: Metrics,
}

impl Lane {
    /// Deletes what the bus has, and lets others take over the rest.
    pub(crate) async fn hand_over(&self) {
        while self.published.waiting() > 0 && delete_some(&*self.outbox, &self.published, &self.metrics).await
        {
        }
        self.relay.release().await;
    }

    /// Renews the lease and takes over what is left of others, until `stop`.
    pub(crate) async fn renew(self, stop: CancellationToken) {
        self.relay.run(stop).await;
    }

    /// Publishes until drained or aborted.
    pub(crate) async fn publish(self, drain: CancellationToken, abort: CancellationToken) {
        self.publisher.run(drain, abort).await;
    }
}

/// All of them.
#[derive(Debug)]
pub struct Lanes {
    store: Arc<dyn Store>,
    lanes: Vec<Lane>,
}

impl Lanes {
    /// As many as the store has servers, in their order.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, lanes: Vec<Lane>) -> Self {
        Self { store, lanes }
    }

    /// Each.
    pub fn iter(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.iter()
    }

    fn at(&self, server: usize) -> &Lane {
        // A store names no server that it has no outbox for.
        self.lanes.get(server).unwrap_or(&self.lanes[0])
    }

    fn of(&self, conversation: ConversationId) -> &Lane {
        self.at(self.store.server_of(conversation))
    }

    /// Where transactions about this take their turn.
    ///
    /// # Errors
    /// As the store has it, where it has to look.
    pub async fn commits(&self, about: About<'_>) -> Result<Arc<Commits>, Error> {
        Ok(Arc::clone(&self.at(self.store.server_about(about).await?).commits))
    }

    /// Members of a group up to which they are told of each other's cursors.
    #[must_use]
    pub fn told_members_max(&self) -> u32 {
        self.lanes[0].cursors.told_members_max()
    }

    /// [`Cursors::advance`] where the conversation is.
    ///
    /// # Errors
    /// As there.
    pub async fn advance(&self, step: CursorMove) -> Result<Standing, Refusal> {
        self.of(step.conversation).cursors.advance(step).await
    }

    /// [`Batcher::append_all`], for groups that may be at several servers. Those of one server stay in order and fail
    /// together, as there; between servers there is no order to keep.
    pub async fn append_all(&self, groups: Vec<Vec<NewMessage>>) -> Vec<Answer> {
        if self.lanes.len() == 1 {
            return self.lanes[0].batcher.append_all(groups).await;
        }
        let mut parts: Vec<(Vec<usize>, Vec<Vec<NewMessage>>)> = vec![Default::default(); self.lanes.len()];
        for (place, group) in groups.into_iter().enumerate() {
            let server = group.first().map_or(0, |message| self.store.server_of(message.conversation));
            let Some((places, groups)) = parts.get_mut(server) else { continue };
            places.push(place);
            groups.push(group);
        }
        let parts = parts.into_iter().zip(&self.lanes).map(async |((places, groups), lane)| {
            let answers = lane.batcher.append_all(groups).await;
            places.into_iter().zip(answers).collect::<Vec<_>>()
        });
        let mut all: Vec<(usize, Answer)> = join_all(parts).await.into_iter().flatten().collect();
        all.sort_by_key(|&(place, _)| place);
        all.into_iter().map(|(_, answer)| answer).collect()
    }

    /// Takes nothing more.
    pub fn close(&self) {
        for lane in &self.lanes {
            lane.batcher.close();
            lane.cursors.close();
        }
    }
}
