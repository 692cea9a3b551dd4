//! One tick: everything that waited for this shard, sent with one write per connection.
//!
//! Frames for the same room are put together once, whoever else gets something in between: order matters within a
//! conversation, and a conversation's frames stay in order. A connection that only one room touches gets one slice; one
//! that several touch gets them in one vectored write.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use oort_api::RoomKey;
use oort_api::trail::{Mark, now_us};
use smallvec::SmallVec;

use super::Shard;
use super::inbox::{Delivery, Done, Target};
use super::queue::{Queue, UnderWay};
use crate::connection::{Connection, Given, Tally};
use crate::delivery::{Chunk, Class, Prepared};
use crate::register::ConnectionId;

#[doc(hidden)]
pub mod bench;

/// Connections looked at together, so that their memory is fetched at the same time and not one after the other.
const GROUP: usize = 16;

/// Frames that go to the same connections.
struct Part {
    chunk: Chunk,
    target: Target,
    exclude: Option<Arc<[ConnectionId]>>,
    /// So many have it in their sockets, or waiting within their budget.
    sessions: Cell<u32>,
    /// So many are behind.
    behind: Cell<u32>,
}

impl Part {
    fn new(frame: Arc<Prepared>, target: Target, exclude: Option<Arc<[ConnectionId]>>) -> Self {
        Self { chunk: Chunk::of(frame), target, exclude, sessions: Cell::new(0), behind: Cell::new(0) }
    }

    /// What became of it for one more connection.
    fn count(&self, given: Given) {
        match given {
            Given::Got => self.sessions.set(self.sessions.get() + 1),
            Given::Behind => self.behind.set(self.behind.get() + 1),
            Given::Nothing => {}
        }
    }
}

/// A connection and the parts it gets.
struct Touched {
    slot: u32,
    parts: SmallVec<[u32; 4]>,
}

/// A connection that a part is for.
#[derive(Clone, Copy)]
struct Receiver<'a> {
    slot: u32,
    connection: &'a Connection,
}

impl Shard {
    /// Sends everything in `deliveries`. `dones` are let go when all of it lies in sockets or outboxes.
    /// What has no order to keep with them and comes meanwhile to `queue` goes ahead.
    pub(crate) async fn tick(
        self: &Rc<Self>,
        deliveries: Vec<Delivery>,
        dones: Vec<Done>,
        queue: &mut Queue,
    ) {
        let started = std::time::Instant::now();
        let (paced, at_once): (Vec<_>, Vec<_>) = deliveries
            .into_iter()
            .partition(|delivery| matches!(delivery.target, Target::EveryonePaced { .. }));
        let parts = plan(at_once, self.node.config.coalesce_bytes_max);
        let portion = self.node.config.sends_per_yield;
        let (few, many) = few_and_many(parts, |target| self.size(target) > portion);
        let mut tally = Tally::default();
        // Those for few are done, and not in the way of what comes meanwhile, before those for many begin.
        for (parts, behind) in [(&few, &many), (&many, &Vec::new())] {
            let mut under_way = UnderWay::default();
            under_way.add(parts.iter().chain(behind).map(|part| &part.target));
            match parts.as_slice() {
                [] => {}
                [part] => self.send_one(part, queue, under_way, &mut tally).await,
                parts => self.send_many(parts, queue, under_way, &mut tally).await,
            }
            self.note(parts);
        }
        self.count(&tally);
        for delivery in paced {
            self.spawn_paced(delivery, &dones);
        }
        self.node.metrics.tick_seconds.observe(started.elapsed().as_secs_f64());
    }

    /// The connections a part is for, without those that left meanwhile.
    fn receivers(&self, part: &Part, mut each: impl FnMut(Receiver<'_>)) {
        let connections = self.connections.borrow();
        let operation = part.chunk.frames().first().map_or(0, |frame| frame.operation());
        let is_wanted = |connection: &Connection| {
            let is_excluded = part.exclude.as_ref().is_some_and(|exclude| exclude.contains(&connection.id));
            !is_excluded && connection.is_registered.get()
        };
        let mut give = |slot: u32, connection: &Connection| {
            if is_wanted(connection) {
                each(Receiver { slot, connection });
            }
        };
        match &part.target {
            Target::Room(room) => {
                for member in self.rooms.borrow().members(room) {
                    if let Some(connection) = connections.0.get(member.slot as usize) {
                        give(member.slot, connection);
                    }
                }
            }
            Target::Connections(ids) => {
                let found = ids.iter().filter_map(|id| connections.get(*id));
                found.filter(|connection| connection.accepts(operation)).for_each(|c| give(c.id.slot, c));
            }
            Target::Everyone | Target::EveryonePaced { .. } => {
                let all = connections.0.iter().map(|(_, connection)| connection);
                all.filter(|connection| connection.accepts(operation)).for_each(|c| give(c.id.slot, c));
            }
        }
    }

    /// Notes of each message how many sessions got it.
    fn note(&self, parts: &[Part]) {
        let now_us = now_us();
        for part in parts {
            let mark = Mark::Written { sessions: part.sessions.get(), behind: part.behind.get() };
            for frame in part.chunk.frames() {
                if let Class::Message { conversation, seq } = frame.class() {
                    self.node.trail.note(now_us, conversation, seq, mark);
                }
            }
        }
    }

    /// One part: no lists, one write per connection.
    async fn send_one(&self, part: &Part, queue: &mut Queue, mut under_way: UnderWay, tally: &mut Tally) {
        let mut slots = Vec::new();
        match (&part.target, &part.exclude) {
            // Every member is registered, so their connections need not be looked at before they are written to.
            (Target::Room(room), None) => {
                slots.extend(self.rooms.borrow().members(room).iter().map(|member| member.slot));
            }
            _ => self.receivers(part, |receiver| slots.push(receiver.slot)),
        }
        // A slot may change hands while others get their turn.
        let newest = self.node.newest_version();
        let segments = slots.chunks(self.node.config.sends_per_yield);
        let last = segments.len().saturating_sub(1);
        for (index, segment) in segments.enumerate() {
            {
                let connections = self.connections.borrow();
                for group in segment.chunks(GROUP) {
                    let mut members: SmallVec<[(&Connection, bool); GROUP]> = SmallVec::new();
                    for slot in group {
                        if let Some(connection) = connections.0.get(*slot as usize)
                            && connection.id.version <= newest
                        {
                            members.push((connection, connection.is_clear()));
                        }
                    }
                    for (connection, _) in members {
                        part.count(connection.deliver(&self.node, &part.chunk, tally));
                    }
                }
            }
            if index < last {
                self.let_others_go(queue, &mut under_way, tally).await;
            }
        }
    }

    /// Between two portions of a fan-out: other tasks, and deliveries that may go ahead of it.
    async fn let_others_go(&self, queue: &mut Queue, under_way: &mut UnderWay, tally: &mut Tally) {
        tokio::task::yield_now().await;
        let portion = self.node.config.sends_per_yield;
        let mut sends = 0;
        while sends < portion
            && let Some((deliveries, done)) =
                queue.take_ahead(under_way, |deliveries| self.reach(deliveries) <= portion)
        {
            sends += self.reach(&deliveries).max(1);
            let parts = plan(deliveries, self.node.config.coalesce_bytes_max);
            let touched = self.touch(&parts);
            self.send_touched(&parts, &touched, i64::MAX, tally);
            self.note(&parts);
            drop(done);
        }
    }

    /// How many connections deliveries are for, at most.
    fn reach(&self, deliveries: &[Delivery]) -> usize {
        deliveries.iter().map(|delivery| self.size(&delivery.target)).fold(0, usize::saturating_add)
    }

    fn size(&self, target: &Target) -> usize {
        match target {
            Target::Room(room) => self.rooms.borrow().members(room).len(),
            Target::Connections(ids) => ids.len(),
            Target::Everyone | Target::EveryonePaced { .. } => usize::MAX,
        }
    }

    /// Several parts: lists of what each connection gets, then one write per connection.
    async fn send_many(&self, parts: &[Part], queue: &mut Queue, mut under_way: UnderWay, tally: &mut Tally) {
        let touched = self.touch(parts);
        let newest = self.node.newest_version();
        let segments = touched.chunks(self.node.config.sends_per_yield);
        let last = segments.len().saturating_sub(1);
        for (index, segment) in segments.enumerate() {
            self.send_touched(parts, segment, newest, tally);
            if index < last {
                self.let_others_go(queue, &mut under_way, tally).await;
            }
        }
    }

    /// One write for each connection; those newer than `newest` came later to their slots.
    fn send_touched(&self, parts: &[Part], touched: &[Touched], newest: i64, tally: &mut Tally) {
        let connections = self.connections.borrow();
        let (mut chunks, mut gets): (Vec<&Chunk>, Vec<&Part>) = (Vec::new(), Vec::new());
        for Touched { slot, parts: indices } in touched {
            let Some(connection) = connections.0.get(*slot as usize) else { continue };
            if connection.id.version > newest {
                continue;
            }
            gets.clear();
            gets.extend(indices.iter().filter_map(|&part| parts.get(part as usize)));
            if let [part] = gets.as_slice() {
                part.count(connection.deliver(&self.node, &part.chunk, tally));
                continue;
            }
            chunks.clear();
            chunks.extend(gets.iter().map(|part| &part.chunk));
            let mut gets = gets.iter();
            let mut given = |given| gets.next().into_iter().for_each(|part| part.count(given));
            connection.deliver_pieces(&self.node, &chunks, tally, &mut given);
        }
    }

    /// Who gets what: those whom a part for few is for come first, so that they need not wait for those of a part for many.
    fn touch(&self, parts: &[Part]) -> Vec<Touched> {
        let mut touched: Vec<Touched> = Vec::new();
        let mut by_size: Vec<(usize, u32)> =
            parts.iter().map(|part| self.size(&part.target)).zip(0..).collect();
        by_size.sort_unstable();
        for (_, index) in by_size {
            let Some(part) = parts.get(index as usize) else { continue };
            self.receivers(part, |Receiver { slot, connection }| {
                match touched.get_mut(connection.touch.get() as usize) {
                    Some(known) => known.parts.push(index),
                    None => {
                        connection.touch.set(u32::try_from(touched.len()).unwrap_or(Connection::UNTOUCHED));
                        touched.push(Touched { slot, parts: SmallVec::from_slice(&[index]) });
                    }
                }
            });
        }
        let connections = self.connections.borrow();
        for Touched { slot, parts } in &mut touched {
            // As they came.
            parts.sort_unstable();
            if let Some(connection) = connections.0.get(*slot as usize) {
                connection.touch.set(Connection::UNTOUCHED);
            }
        }
        touched
    }

    /// A broadcast at a pace is a task of its own, so that nothing waits for
    /// it: it is acked when it begins, as acks come in order and those of
    /// messages would wait behind it. Only beyond `paced_broadcasts_max` is
    /// the ack held, until this one ends.
    fn spawn_paced(self: &Rc<Self>, delivery: Delivery, dones: &[Done]) {
        let Target::EveryonePaced { per_second } = delivery.target else { return };
        let shard = Rc::clone(self);
        let is_one_too_many = self.paced.get() >= self.node.config.paced_broadcasts_max;
        let dones = if is_one_too_many { dones.to_vec() } else { Vec::new() };
        self.paced.set(self.paced.get() + 1);
        tokio::task::spawn_local(async move {
            shard.send_paced(delivery, per_second).await;
            shard.paced.set(shard.paced.get() - 1);
            drop(dones);
        });
    }

    async fn send_paced(&self, delivery: Delivery, per_second: u32) {
        /// Portions per second.
        const PORTIONS: usize = 20;
        let mut ids = Vec::new();
        let part = Part::new(Arc::clone(&delivery.frame), Target::Everyone, delivery.exclude);
        self.receivers(&part, |receiver| ids.push(receiver.connection.id));
        let limit_s = usize::try_from(self.node.config.pace_limit_ms.div_ceil(1000)).unwrap_or(1).max(1);
        let portion = (per_second as usize).max(ids.len() / limit_s).div_ceil(PORTIONS).max(1);
        let mut tally = Tally::default();
        for (index, ids) in ids.chunks(portion).enumerate() {
            if index > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(1000 / PORTIONS as u64)).await;
            }
            let connections = self.connections.borrow();
            for connection in ids.iter().filter_map(|id| connections.get(*id)) {
                connection.deliver(&self.node, &part.chunk, &mut tally);
            }
        }
        self.count(&tally);
    }
}

/// Puts frames together that go to the same room.
fn plan(deliveries: Vec<Delivery>, bytes_max: usize) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    // The last part of each room, while more may be added to it.
    let mut of_room: HashMap<RoomKey, usize> = HashMap::new();
    for Delivery { frame, target, exclude } in deliveries {
        let next = parts.len();
        if let Target::Room(room) = &target {
            if exclude.is_some() {
                of_room.remove(room);
            } else if let Some(part) = of_room.get(room).and_then(|&index| parts.get_mut(index))
                && fits(&part.chunk, &frame, bytes_max)
            {
                part.chunk.push(frame);
                continue;
            } else {
                of_room.insert(room.clone(), next);
            }
        }
        parts.push(Part::new(frame, target, exclude));
    }
    parts
}

/// Parts for few connections, and those for many, each in their order. What would overtake something that it has an order to
/// keep with is among the many: as in [`Queue::take_ahead`], what is for connections keeps it with all that is, and everything
/// with a broadcast.
fn few_and_many(parts: Vec<Part>, is_for_many: impl Fn(&Target) -> bool) -> (Vec<Part>, Vec<Part>) {
    let is_for_some = |part: &Part| matches!(part.target, Target::Connections(_));
    let is_for_all = |part: &Part| matches!(part.target, Target::Everyone | Target::EveryonePaced { .. });
    if parts.iter().any(is_for_all) {
        return (Vec::new(), parts);
    }
    let some_are_many = parts.iter().any(|part| is_for_some(part) && is_for_many(&part.target));
    let (many, few) =
        parts.into_iter().partition(|part| is_for_many(&part.target) || some_are_many && is_for_some(part));
    (few, many)
}

fn fits(chunk: &Chunk, frame: &Prepared, bytes_max: usize) -> bool {
    chunk.has_room_for(frame, bytes_max)
}

#[cfg(test)]
mod tests {
    use oort_api::pb::goim::protocol::Proto;

    use super::*;

    fn to_room(room: &str, op: i32, exclude: bool) -> Delivery {
        Delivery {
            frame: Prepared::new(Proto { op, ..Proto::default() }),
            target: Target::Room(RoomKey::new(room).unwrap()),
            exclude: exclude.then(|| Arc::from([])),
        }
    }

    fn ops(parts: &[Part]) -> Vec<Vec<i32>> {
        parts.iter().map(|part| part.chunk.frames().iter().map(|f| f.operation()).collect()).collect()
    }

    #[test]
    fn a_rooms_frames_are_put_together_in_order() {
        let deliveries = vec![
            to_room("a", 1, false),
            to_room("b", 2, false),
            to_room("a", 3, false),
            to_room("a", 4, true),
            to_room("a", 5, false),
            to_room("b", 6, false),
        ];
        let parts = plan(deliveries, 1 << 16);
        assert_eq!(ops(&parts), [vec![1, 3], vec![2, 6], vec![4], vec![5]]);
    }

    #[test]
    fn what_is_for_few_goes_first_where_it_overtakes_nothing_of_its_kind() {
        let to_some = |op, count| Delivery {
            target: Target::Connections(vec![ConnectionId { shard: 0, slot: 0, version: 1 }; count]),
            ..to_room("a", op, false)
        };
        let to_all = |op| Delivery { target: Target::Everyone, ..to_room("a", op, false) };
        let split = |deliveries| {
            let (few, many) = few_and_many(plan(deliveries, 1 << 16), |target| match target {
                Target::Room(room) => room.as_str() == "large",
                Target::Connections(ids) => ids.len() > 2,
                Target::Everyone | Target::EveryonePaced { .. } => true,
            });
            (ops(&few), ops(&many))
        };
        let in_turn =
            || vec![to_room("large", 1, false), to_some(2, 1), to_room("a", 3, false), to_some(4, 2)];
        assert_eq!(split(in_turn()), (vec![vec![2], vec![3], vec![4]], vec![vec![1]]));
        let with = |more| in_turn().into_iter().chain([more]).collect();
        assert_eq!(split(with(to_some(5, 3))), (vec![vec![3]], vec![vec![1], vec![2], vec![4], vec![5]]));
        assert_eq!(split(with(to_all(5))), (vec![], vec![vec![1], vec![2], vec![3], vec![4], vec![5]]));
    }

    #[test]
    fn a_piece_is_bounded() {
        let deliveries = (0..10).map(|op| to_room("a", op, false)).collect();
        let parts = plan(deliveries, 600);
        assert_eq!(parts.len(), 5, "two of 256 estimated bytes each");
    }
}
