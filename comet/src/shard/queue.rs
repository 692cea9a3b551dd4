//! What waits for a shard, in order, and what may go before its turn.
//!
//! A fan-out to a large room takes tens of milliseconds. Between its portions, deliveries that have no order to keep with
//! anything before them go ahead: order is promised within a conversation, and membership changes are waited for.

use std::collections::{HashSet, VecDeque};

use oort_api::RoomKey;
use tokio::sync::mpsc;

use super::inbox::{Delivery, Done, Inbound, Target};

/// The inbox of a shard, and what was taken from it and is not done.
#[derive(Debug)]
pub(crate) struct Queue {
    inbox: mpsc::Receiver<Inbound>,
    waiting: VecDeque<Inbound>,
    /// Most messages taken from the inbox at a time.
    messages_max: usize,
}

impl Queue {
    pub(crate) fn new(inbox: mpsc::Receiver<Inbound>, messages_max: usize) -> Self {
        Self { inbox, waiting: VecDeque::new(), messages_max }
    }

    /// Waits until there is something to do. False: nothing will come any more. Cancel safe.
    pub(crate) async fn fill(&mut self) -> bool {
        if self.waiting.is_empty() {
            let mut taken = Vec::new();
            self.inbox.recv_many(&mut taken, self.messages_max).await;
            self.waiting.extend(taken);
        }
        !self.waiting.is_empty()
    }

    /// The deliveries that come first, up to a message of another kind.
    pub(crate) fn take_deliveries(&mut self) -> (Vec<Delivery>, Vec<Done>) {
        let (mut deliveries, mut dones) = (Vec::new(), Vec::new());
        while let Some(message) = self.waiting.pop_front() {
            match message {
                Inbound::Deliver { deliveries: more, done } => {
                    if deliveries.is_empty() {
                        deliveries = more;
                    } else {
                        deliveries.extend(more);
                    }
                    dones.push(done);
                }
                other => {
                    self.waiting.push_front(other);
                    break;
                }
            }
        }
        (deliveries, dones)
    }

    /// The next message, whatever it is.
    pub(crate) fn take(&mut self) -> Option<Inbound> {
        self.waiting.pop_front()
    }

    /// The next deliveries that may go ahead of what is under way and of all that waits before them, and that reach few
    /// enough connections for `is_small`.
    pub(crate) fn take_ahead(
        &mut self,
        under_way: &mut UnderWay,
        is_small: impl Fn(&[Delivery]) -> bool,
    ) -> Option<(Vec<Delivery>, Done)> {
        loop {
            if under_way.looked_at >= self.waiting.len() {
                if under_way.is_barred || self.waiting.len() >= self.messages_max {
                    return None;
                }
                self.waiting.push_back(self.inbox.try_recv().ok()?);
            }
            let place = under_way.looked_at;
            match self.waiting.get(place)? {
                Inbound::Deliver { deliveries, .. }
                    if under_way.lets_pass(deliveries) && is_small(deliveries) =>
                {
                    if let Some(Inbound::Deliver { deliveries, done }) = self.waiting.remove(place) {
                        return Some((deliveries, done));
                    }
                }
                Inbound::Deliver { deliveries, .. } => {
                    under_way.looked_at += 1;
                    under_way.add(deliveries.iter().map(|delivery| &delivery.target));
                }
                _ => {
                    under_way.looked_at += 1;
                    under_way.is_barred = true;
                }
            }
        }
    }
}

/// Whom something is for that is under way, or waits: nothing else for them may go ahead of it.
#[derive(Debug, Default)]
pub(crate) struct UnderWay {
    rooms: HashSet<RoomKey>,
    connections: bool,
    everyone: bool,
    /// Something else than a delivery waits: nothing goes ahead of that.
    is_barred: bool,
    /// Messages that wait and were found not to go ahead.
    looked_at: usize,
}

impl UnderWay {
    pub(crate) fn add<'a>(&mut self, targets: impl Iterator<Item = &'a Target>) {
        for target in targets {
            match target {
                Target::Room(room) => {
                    if !self.rooms.contains(room) {
                        self.rooms.insert(room.clone());
                    }
                }
                Target::Connections(_) => self.connections = true,
                Target::Everyone | Target::EveryonePaced { .. } => self.everyone = true,
            }
        }
    }

    fn lets_pass(&self, deliveries: &[Delivery]) -> bool {
        let is_free = |delivery: &Delivery| match &delivery.target {
            Target::Room(room) => !self.rooms.contains(room),
            Target::Connections(_) => !self.connections,
            Target::Everyone | Target::EveryonePaced { .. } => false,
        };
        !self.is_barred && !self.everyone && deliveries.iter().all(is_free)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use oort_api::pb::goim::protocol::Proto;
    use tokio::sync::oneshot;

    use super::*;
    use crate::delivery::Prepared;

    fn room(name: &str) -> Target {
        Target::Room(RoomKey::new(name).unwrap())
    }

    fn deliver(op: i32, targets: &[Target]) -> Inbound {
        let delivery = |target: &Target| Delivery {
            frame: Prepared::new(Proto { op, ..Proto::default() }),
            target: target.clone(),
            exclude: None,
        };
        Inbound::Deliver {
            deliveries: targets.iter().map(delivery).collect(),
            done: Arc::new(oneshot::channel().0),
        }
    }

    /// The operations of what goes ahead of `under_way`, then of what is left.
    fn order(under_way: &[Target], messages: Vec<Inbound>, bound: usize) -> (Vec<i32>, Vec<i32>) {
        let (sender, receiver) = mpsc::channel(100);
        messages.into_iter().for_each(|message| sender.try_send(message).unwrap());
        let mut queue = Queue::new(receiver, bound);
        let mut busy = UnderWay::default();
        busy.add(under_way.iter());
        let mut ahead = Vec::new();
        let is_small = |deliveries: &[Delivery]| deliveries.len() < 3;
        while let Some((deliveries, _)) = queue.take_ahead(&mut busy, is_small) {
            ahead.push(deliveries[0].frame.operation());
        }
        let mut left = Vec::new();
        while let Some(message) = queue.take() {
            left.push(match message {
                Inbound::Deliver { deliveries, .. } => deliveries[0].frame.operation(),
                _ => 0,
            });
        }
        (ahead, left)
    }

    #[test]
    fn another_rooms_messages_go_ahead_and_a_rooms_own_stay_in_order() {
        let messages = vec![
            deliver(1, &[room("big")]),
            deliver(2, &[room("a")]),
            deliver(3, &[Target::Connections(Vec::new())]),
            deliver(4, &[room("b"), room("big")]),
            deliver(5, &[room("b")]),
            deliver(6, &[room("a")]),
        ];
        // 5 is for a room that 4, which must wait, is for as well.
        assert_eq!(order(&[room("big")], messages, 50), (vec![2, 3, 6], vec![1, 4, 5]));
    }

    #[test]
    fn nothing_goes_ahead_of_a_change_of_members_or_a_broadcast() {
        let join = Inbound::Drain { spread_ms: 0 };
        let messages = vec![deliver(1, &[room("a")]), join, deliver(2, &[room("b")])];
        assert_eq!(order(&[room("big")], messages, 50), (vec![1], vec![0]));
        let messages = vec![deliver(1, &[Target::Everyone]), deliver(2, &[room("b")])];
        assert_eq!(order(&[room("big")], messages, 50), (vec![], vec![1, 2]));
        assert_eq!(order(&[Target::Everyone], vec![deliver(1, &[room("a")])], 50), (vec![], vec![1]));
    }

    #[test]
    fn what_is_large_waits_its_turn_and_so_does_what_follows_it() {
        let large = [room("a"), room("b"), room("c")];
        let messages = vec![deliver(1, &large), deliver(2, &[room("c")]), deliver(3, &[room("d")])];
        assert_eq!(order(&[room("big")], messages, 50), (vec![3], vec![1, 2]));
    }

    #[test]
    fn no_more_is_taken_from_the_inbox_than_allowed() {
        let messages = (1..=10).map(|op| deliver(op, &[room("big")])).collect();
        assert_eq!(order(&[room("big")], messages, 4), (vec![], vec![1, 2, 3, 4]));
    }
}
