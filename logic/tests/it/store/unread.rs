//! Unread, against its definition: after every step of a random history, what the store says, what the definition
//! counts, and what a client computes from the events it got are the same for everyone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use oort_api::ids::ConversationId;
use oort_api::op;
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::goim::logic::push_msg::Type;
use oort_api::pb::oort::v1::conversation_event::Change;
use oort_api::pb::oort::v1::{Conversation, ConversationKind, CursorEvent, User};
use oort_logic::store::{OutboxRow, Store};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use prost::Message as _;

use super::cursors::{TOLD_MAX, step, user_of};
use super::fixture::{
    Changes, Fixture, NOW, conversation, id, message, pushed_event, pushed_message, records, unique,
};

/// Steps of one history.
const STEPS: usize = 150;

#[derive(Debug, Clone)]
enum Step {
    Send {
        user: usize,
        place: usize,
    },
    Cursor {
        user: usize,
        place: usize,
        delivered: i64,
        read: i64,
    },
    Join {
        user: usize,
        place: usize,
    },
    Leave {
        user: usize,
        place: usize,
    },
    NewUser,
    /// The client connects anew.
    Hello {
        user: usize,
    },
}

fn any_step() -> impl Strategy<Value = Step> {
    let (user, place) = (0..6_usize, 0..5_usize);
    prop_oneof![
        8 => (user.clone(), place.clone()).prop_map(|(user, place)| Step::Send { user, place }),
        6 => (user.clone(), place.clone(), 0..40_i64, 0..40_i64)
            .prop_map(|(user, place, delivered, read)| Step::Cursor { user, place, delivered, read }),
        2 => (user.clone(), place.clone()).prop_map(|(user, place)| Step::Join { user, place }),
        1 => (user.clone(), place).prop_map(|(user, place)| Step::Leave { user, place }),
        1 => Just(Step::NewUser),
        2 => user.prop_map(|user| Step::Hello { user }),
    ]
}

/// What a client knows of a room: `unread` counted at `head`, and the later messages of others.
#[derive(Debug, Default, Clone)]
struct Shown {
    read_seq: i64,
    head: i64,
    unread: i64,
    later: BTreeSet<i64>,
}

impl Shown {
    fn of(room: &Conversation) -> Self {
        Self { read_seq: room.read_seq, head: room.head, unread: room.unread, later: BTreeSet::new() }
    }

    fn unread(&self) -> i64 {
        let later = self.later.iter().filter(|&&seq| seq > self.head).count();
        self.unread + i64::try_from(later).expect("small")
    }

    fn take(&mut self, event: &CursorEvent) {
        if event.read_seq > self.read_seq || (event.read_seq == self.read_seq && event.head >= self.head) {
            (self.read_seq, self.head, self.unread) = (event.read_seq, event.head, event.unread);
        }
    }
}

/// What the definition says, in its simplest words.
#[derive(Debug, Default)]
struct Room {
    /// Senders by seq - 1.
    senders: Vec<i64>,
    /// `None`: everyone.
    members: Option<BTreeSet<i64>>,
    /// Where users have read to.
    read: BTreeMap<i64, i64>,
}

impl Room {
    fn head(&self) -> i64 {
        i64::try_from(self.senders.len()).expect("small")
    }

    fn has(&self, user: i64) -> bool {
        self.members.as_ref().is_none_or(|members| members.contains(&user))
    }

    fn unread(&self, user: i64) -> i64 {
        let read = usize::try_from(self.read.get(&user).copied().unwrap_or(0)).expect("small");
        let others = self.senders[read..].iter().filter(|&&sender| sender != user).count();
        i64::try_from(others).expect("small")
    }
}

struct World {
    store: Arc<dyn Store>,
    users: Vec<User>,
    places: Vec<ConversationId>,
    model: BTreeMap<i64, Room>,
    /// By user, by room.
    clients: Vec<BTreeMap<i64, Shown>>,
}

impl World {
    /// An open room older than everyone, one younger, a group, a large group and a direct conversation.
    async fn new(store: Arc<dyn Store>) -> Self {
        let mut world = Self {
            store,
            users: Vec::new(),
            places: Vec::new(),
            model: BTreeMap::new(),
            clients: Vec::new(),
        };
        for _ in 0..3 {
            world.new_user().await;
        }
        let [ada, bob, eve] = [0, 1, 2].map(|index| world.users[index].clone());
        let store = &world.store;
        let (young, _) = store.create_room("node", "Young", &ada, NOW + 1_000_000).await.expect("creates");
        let (team, _) = store.create_group("node", "Team", &ada, &[id(&bob)], NOW).await.expect("creates");
        let all = [id(&bob), id(&eve)];
        let (large, _) = store.create_group("node", "Large", &ada, &all, NOW).await.expect("creates");
        let (direct, _) = store.direct("node", &bob, id(&eve), NOW).await.expect("creates");
        let room = |members: &[&User]| Room {
            members: Some(members.iter().map(|user| user.id).collect()),
            ..Room::default()
        };
        world.places = vec![conversation(1), young.id, team.id, large.id, direct.id];
        let rooms = [
            Room::default(),
            Room::default(),
            room(&[&ada, &bob]),
            room(&[&ada, &bob, &eve]),
            room(&[&bob, &eve]),
        ];
        world.model = world.places.iter().map(|place| place.get()).zip(rooms).collect();
        for user in 0..3 {
            world.hello(user).await;
        }
        world
    }

    async fn new_user(&mut self) {
        let number = self.users.len();
        // Younger than the default rooms, older than "Young".
        let user = user_of(&self.store, &format!("user{number}"), NOW).await;
        for room in self.model.values_mut().take(1) {
            // They are shown it at once, below.
            room.read.insert(user.id, room.head());
        }
        self.users.push(user);
        self.clients.push(BTreeMap::new());
        if !self.places.is_empty() {
            self.hello(number).await;
        }
    }

    async fn hello(&mut self, user: usize) {
        let list = self.store.conversations_of(id(&self.users[user]), 100, 0).await.expect("answers");
        self.clients[user] = list.iter().map(|room| (room.id, Shown::of(room))).collect();
    }

    /// Gives an outbox row to whom its records go.
    fn deliver(&mut self, row: &OutboxRow) {
        for (_, push) in records(row) {
            let everyone = 0..self.users.len();
            for user in everyone.filter(|&user| self.gets(user, &push)).collect::<Vec<_>>() {
                let me = self.users[user].id;
                let client = &mut self.clients[user];
                match push.operation {
                    op::SEND_MESSAGE => {
                        let message = pushed_message(&push);
                        if message.sender.expect("a sender").id != me {
                            client.entry(push.conversation).or_default().later.insert(message.seq);
                        }
                    }
                    op::CURSOR => {
                        let event = CursorEvent::decode(push.msg.clone()).expect("an event");
                        assert_eq!(event.own, event.user_id == me);
                        if event.own {
                            client.entry(push.conversation).or_default().take(&event);
                        }
                    }
                    _ => {
                        let event = pushed_event(&push);
                        let room = event.conversation.clone().expect("a conversation");
                        match event.change() {
                            Change::Left => drop(client.remove(&room.id)),
                            _ => drop(client.insert(room.id, Shown::of(&room))),
                        }
                    }
                }
            }
        }
    }

    fn gets(&self, user: usize, push: &PushMsg) -> bool {
        match push.r#type() {
            Type::Push => push.user_ids.contains(&self.users[user].id),
            // Whoever has the room, has entered it.
            Type::Room => self.clients[user].contains_key(&push.conversation),
            Type::Broadcast => true,
        }
    }

    async fn play(&mut self, step_: Step) {
        let users = self.users.len();
        match step_ {
            Step::Send { user, place } => {
                let (user, place) = (self.users[user % users].clone(), self.places[place]);
                let batch = [message(place, &user, &unique(), "x")];
                let (_, row) = self.store.append("node", &batch, &[], NOW).await.expect("appends");
                let room = self.model.get_mut(&place.get()).expect("known");
                assert_eq!(row.is_some(), room.has(user.id));
                if let Some(row) = row {
                    room.senders.push(user.id);
                    self.deliver(&row);
                }
            }
            Step::Cursor { user, place, delivered, read } => {
                let (user, place) = (self.users[user % users].clone(), self.places[place]);
                let moves = [step(&user, place, delivered, read)];
                let (_, row) = self.store.move_cursors("node", &moves, TOLD_MAX, NOW).await.expect("moves");
                let room = self.model.get_mut(&place.get()).expect("known");
                if room.has(user.id) {
                    let head = room.head();
                    let held = room.read.entry(user.id).or_default();
                    *held = (*held).max(read.min(head));
                }
                row.iter().for_each(|row| self.deliver(row));
            }
            Step::Join { user, place } => {
                let (user, place) = (self.users[user % users].clone(), self.places[2 + place % 2]);
                let actor = self.users[0].clone();
                let added = self.store.add_members("node", place, &actor, &[id(&user)], NOW).await;
                let room = self.model.get_mut(&place.get()).expect("known");
                // The owner leaves when nobody else is there; the group ends with that.
                assert_eq!(added.is_ok(), room.has(actor.id));
                if let Ok(Some(row)) = added {
                    room.read.insert(user.id, room.head());
                    room.members.as_mut().expect("a group").insert(user.id);
                    room.senders.push(actor.id);
                    self.deliver(&row);
                }
            }
            Step::Leave { user, place } => {
                let (user, place) = (self.users[user % users].clone(), self.places[2 + place % 2]);
                // Strangers and the owner are refused.
                let left = self.store.remove_member("node", place, &user, id(&user), NOW).await;
                if let Ok(Some(row)) = left {
                    let room = self.model.get_mut(&place.get()).expect("known");
                    room.members.as_mut().expect("a group").remove(&user.id);
                    room.senders.push(user.id);
                    self.deliver(&row);
                }
            }
            Step::NewUser if users < 6 => self.new_user().await,
            Step::NewUser => {}
            Step::Hello { user } => self.hello(user % users).await,
        }
    }

    async fn check(&self, step: &str) {
        for (user, client) in self.users.iter().zip(&self.clients) {
            let list = self.store.conversations_of(id(user), 100, 0).await.expect("answers");
            for room in list.iter().filter(|room| self.model.contains_key(&room.id)) {
                let what = format!("{step}: user {} in {} ({:?})", user.id, room.id, room.kind());
                let model = &self.model[&room.id];
                assert_eq!(room.head, model.head(), "{what}");
                assert_eq!(room.unread, model.unread(user.id), "{what}: by definition");
                assert_eq!(client[&room.id].unread(), room.unread, "{what}: by the client");
                assert!(room.read_seq <= room.delivered_seq && room.delivered_seq <= room.head, "{what}");
            }
            let mine = self.model.iter().filter(|(_, room)| room.has(user.id)).count();
            let listed = list
                .iter()
                .filter(|room| room.kind() != ConversationKind::Room || self.model.contains_key(&room.id));
            assert_eq!(listed.count(), mine, "{step}: every room of user {}", user.id);
        }
    }
}

pub(crate) async fn unread_is_what_its_definition_counts(fixture: Fixture) {
    let mut world = World::new(fixture.open().await).await;
    let mut runner = TestRunner::default();
    for number in 0..STEPS {
        let step = any_step().new_tree(&mut runner).expect("a step").current();
        let told = format!("step {number} {step:?}");
        world.play(step).await;
        world.check(&told).await;
    }
}
