//! Deliveries waiting for one comet, bounded in number and bytes. Sans-I/O.

use std::collections::VecDeque;

use oort_api::pb::goim::logic::push_msg::Effect;
use oort_api::pb::oort::v1::Delivery;
use prost::Message as _;

/// A delivery and what is owed for it.
#[derive(Debug)]
pub(crate) struct Item<S> {
    pub(crate) delivery: Delivery,
    /// `None` = nobody waits for it any longer.
    pub(crate) share: Option<S>,
    bytes: usize,
}

impl<S> Item<S> {
    pub(crate) fn new(delivery: Delivery, share: S) -> Self {
        let bytes = delivery.encoded_len();
        Self { delivery, share: Some(share), bytes }
    }

    /// It changes who is in a room. No resync makes up for it, so it goes
    /// last when something must go.
    pub(crate) fn has_effect(&self) -> bool {
        self.delivery.effect != i32::from(Effect::None)
    }
}

/// Most that may wait, and most that may travel in one batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) deliveries_max: usize,
    pub(crate) bytes_max: usize,
}

/// A bounded queue in order of arrival.
#[derive(Debug)]
pub(crate) struct DeliveryQueue<S> {
    bounds: Bounds,
    items: VecDeque<Item<S>>,
    bytes: usize,
}

impl<S> DeliveryQueue<S> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, items: VecDeque::new(), bytes: 0 }
    }

    /// Whether the item fits. An empty queue takes an item of any size.
    pub(crate) fn has_room_for(&self, item: &Item<S>) -> bool {
        self.items.is_empty()
            || (self.items.len() < self.bounds.deliveries_max
                && self.bytes + item.bytes <= self.bounds.bytes_max)
    }

    /// Takes an item that fits.
    pub(crate) fn push(&mut self, item: Item<S>) {
        self.bytes += item.bytes;
        self.items.push_back(item);
    }

    /// Takes what fits one batch, in order; at least one item if there is any.
    pub(crate) fn take(&mut self, batch: Bounds) -> Vec<Item<S>> {
        let mut taken_bytes = 0;
        let count = self
            .items
            .iter()
            .take(batch.deliveries_max)
            .take_while(|item| {
                taken_bytes += item.bytes;
                taken_bytes <= batch.bytes_max
            })
            .count()
            .max(1)
            .min(self.items.len());
        let taken: Vec<Item<S>> = self.items.drain(..count).collect();
        self.bytes -= taken.iter().map(|item| item.bytes).sum::<usize>();
        taken
    }

    /// Makes room by half of the bounds: drops the oldest items, those with
    /// an effect only when no others are left. Answers with what was dropped.
    pub(crate) fn drop_oldest(&mut self) -> Vec<Item<S>> {
        let half =
            Bounds { deliveries_max: self.bounds.deliveries_max / 2, bytes_max: self.bounds.bytes_max / 2 };
        let mut dropped = self.drop_until(half, |item| !item.has_effect());
        dropped.extend(self.drop_until(half, |_| true));
        dropped
    }

    /// Drops everything without an effect. Answers with what was dropped and
    /// with what was owed for the rest, which stays.
    pub(crate) fn give_up(&mut self) -> (Vec<Item<S>>, Vec<S>) {
        let dropped = self.drop_until(Bounds { deliveries_max: 0, bytes_max: 0 }, |item| !item.has_effect());
        (dropped, self.items.iter_mut().filter_map(|item| item.share.take()).collect())
    }

    /// Takes everything.
    pub(crate) fn clear(&mut self) -> Vec<Item<S>> {
        self.bytes = 0;
        self.items.drain(..).collect()
    }

    /// What is owed for everything that waits.
    pub(crate) fn shares(&self) -> impl Iterator<Item = &S> {
        self.items.iter().filter_map(|item| item.share.as_ref())
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn drop_until(&mut self, target: Bounds, may_drop: impl Fn(&Item<S>) -> bool) -> Vec<Item<S>> {
        let (mut dropped, mut kept) = (Vec::new(), VecDeque::new());
        while self.items.len() + kept.len() > target.deliveries_max || self.bytes > target.bytes_max {
            let Some(item) = self.items.pop_front() else { break };
            if may_drop(&item) {
                self.bytes -= item.bytes;
                dropped.push(item);
            } else {
                kept.push_back(item);
            }
        }
        kept.append(&mut self.items);
        self.items = kept;
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(share: u32, effect: Effect) -> Item<u32> {
        Item::new(Delivery { room: "r".repeat(8), effect: effect.into(), ..Delivery::default() }, share)
    }

    fn queue(deliveries_max: usize, bytes_max: usize) -> DeliveryQueue<u32> {
        DeliveryQueue::new(Bounds { deliveries_max, bytes_max })
    }

    fn shares(items: &[Item<u32>]) -> Vec<u32> {
        items.iter().filter_map(|item| item.share).collect()
    }

    #[test]
    fn the_bounds_hold_but_one_item_always_fits() {
        let mut queue = queue(2, 5);
        assert!(queue.has_room_for(&item(1, Effect::None)));
        queue.push(item(1, Effect::None));
        assert!(!queue.has_room_for(&item(2, Effect::None)));
        assert_eq!(queue.take(Bounds { deliveries_max: 9, bytes_max: 1 }).len(), 1);
        assert_eq!((queue.len(), queue.bytes()), (0, 0));
        assert!(queue.take(Bounds { deliveries_max: 9, bytes_max: 1 }).is_empty());
    }

    #[test]
    fn a_batch_is_bounded_in_deliveries_and_bytes() {
        let mut queue = queue(100, 10_000);
        for share in 0..10 {
            queue.push(item(share, Effect::None));
        }
        let bytes = queue.bytes() / 10;
        assert_eq!(shares(&queue.take(Bounds { deliveries_max: 3, bytes_max: 10_000 })), [0, 1, 2]);
        assert_eq!(shares(&queue.take(Bounds { deliveries_max: 9, bytes_max: bytes * 2 + 1 })), [3, 4]);
        assert_eq!((queue.len(), queue.bytes()), (5, bytes * 5));
    }

    #[test]
    fn the_oldest_go_first_and_effects_last() {
        let mut queue = queue(4, 10_000);
        for (share, effect) in [(1, Effect::Join), (2, Effect::None), (3, Effect::None), (4, Effect::Leave)] {
            queue.push(item(share, effect));
        }
        assert_eq!(shares(&queue.drop_oldest()), [2, 3]);
        assert_eq!(shares(&queue.take(Bounds { deliveries_max: 9, bytes_max: 10_000 })), [1, 4]);
    }

    #[test]
    fn giving_up_keeps_effects_but_owes_nothing() {
        let mut queue = queue(4, 10_000);
        for (share, effect) in [(1, Effect::None), (2, Effect::Join), (3, Effect::None)] {
            queue.push(item(share, effect));
        }
        let (dropped, owed) = queue.give_up();
        assert_eq!((shares(&dropped), owed), (vec![1, 3], vec![2]));
        assert_eq!(queue.shares().count(), 0);
        assert_eq!(queue.len(), 1);
    }
}
