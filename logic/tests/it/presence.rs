//! Presence, typing and the ends of connections: what is published, and what is not.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use oort_api::clock::now_ms;
use oort_api::directory::memory::MemoryDirectory;
use oort_api::directory::{AWAY, CometInfo, CometRef, Directory, LoginTag, RoomEntry, SessionEntry};
use oort_api::ids::{ConversationId, RoomKey, SessionKey, UserId};
use oort_api::metrics::Registry;
use oort_api::op;
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::oort::v1::{PresenceEvent, TypingEvent, User};
use oort_logic::Metrics;
use oort_logic::contacts::policy::Operation;
use oort_logic::kicks::{self, Kicks, Reason};
use oort_logic::metrics::TransientKind;
use oort_logic::presence::{Config, Parts, Presence, Typing};
use oort_logic::seen::{self, Seen};
use oort_logic::store::{
    Admission, ContactAct, ContactBounds, ContactStep, Login, NewDevice, Privacy, Store,
};
use oort_logic::users::Users;
use prost::Message as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::support::bus::TestBus;
use crate::support::{sqlite, until, user as account};

struct World {
    presence: Arc<Presence>,
    directory: Arc<MemoryDirectory>,
    bus: Arc<TestBus>,
    store: Arc<dyn Store>,
    seen: Arc<Seen>,
    metrics: Metrics,
    comet: CometRef,
    _running: AbortOnDropHandle<()>,
    _folder: tempfile::TempDir,
}

fn info(comet: &CometRef) -> CometInfo {
    CometInfo {
        comet: comet.clone(),
        grpc_address: "local".to_owned(),
        ws_address: String::new(),
        tcp_address: String::new(),
        weight: 1,
        connections: 0,
        addresses: 0,
        draining: false,
        announcing: false,
        announcements: 0,
        room_counts: [].into(),
    }
}

fn id(user: &User) -> UserId {
    UserId::new(user.id).expect("positive")
}

fn key(text: &str) -> SessionKey {
    SessionKey::new(text).expect("valid")
}

fn parts(
    directory: &Arc<MemoryDirectory>,
    bus: &Arc<TestBus>,
    store: &Arc<dyn Store>,
    seen: &Arc<Seen>,
    metrics: &Metrics,
) -> Parts {
    Parts {
        directory: directory.clone(),
        producer: bus.clone(),
        store: store.clone(),
        seen: seen.clone(),
        users: Arc::new(Users::new(store.clone(), 100)),
        metrics: metrics.clone(),
    }
}

fn running(config: Config, parts: Parts) -> (Arc<Presence>, AbortOnDropHandle<()>) {
    let presence = Arc::new(Presence::new(config, parts));
    let running = presence.clone();
    let running = tokio::spawn(async move { running.run(CancellationToken::new()).await });
    (presence, AbortOnDropHandle::new(running))
}

impl World {
    async fn start(config: Config) -> Self {
        let (folder, store) = sqlite();
        let metrics = Metrics::register(&mut Registry::default());
        let (directory, bus) = (Arc::new(MemoryDirectory::default()), TestBus::new());
        let seen = Arc::new(Seen::new(seen::Config::default(), store.clone(), metrics.clone()));
        let (presence, _running) = running(config, parts(&directory, &bus, &store, &seen, &metrics));
        let comet = CometRef { id: "c".to_owned(), epoch: 1 };
        directory.renew(&info(&comet), Duration::from_secs(600)).await.expect("renewed");
        Self { presence, directory, bus, store, seen, metrics, comet, _running, _folder: folder }
    }

    /// Another logic in the place of this one, which ends without a word.
    fn die(&mut self, config: Config) {
        let parts = parts(&self.directory, &self.bus, &self.store, &self.seen, &self.metrics);
        (self.presence, self._running) = running(config, parts);
    }

    /// Ends connections, until it is dropped.
    fn kicks(&self) -> (Arc<Kicks>, AbortOnDropHandle<()>) {
        let config = kicks::Config { retry_ms: 1, ..kicks::Config::default() };
        let directory: Arc<dyn Directory> = self.directory.clone();
        let (store, bus) = (self.store.clone(), self.bus.clone());
        let kicks = Arc::new(Kicks::new(config, store, directory, bus, self.metrics.clone()));
        let running = kicks.clone();
        let running = tokio::spawn(async move { running.run(CancellationToken::new()).await });
        (kicks, AbortOnDropHandle::new(running))
    }

    fn session(user: &User, text: &str, login: Option<LoginTag>) -> SessionEntry {
        let platform = "web".to_owned();
        SessionEntry { user: Some(id(user)), key: key(text), version: 1, platform, addressable: false, login }
    }

    async fn connect(&self, user: &User, text: &str) {
        let session = Self::session(user, text, None);
        self.directory.add_sessions(&self.comet, &[session]).await.expect("added");
        self.presence.came(id(user));
    }

    async fn disconnect(&self, user: &User, text: &str) {
        let session = Self::session(user, text, None);
        self.directory.remove_sessions(&self.comet, &[session]).await.expect("removed");
        self.presence.went(id(user));
    }

    async fn watch(&self, room: RoomKey) {
        self.directory.enter_rooms(&self.comet, &[RoomEntry { room, version: 1 }]).await.expect("entered");
    }

    fn published(&self) -> Vec<PushMsg> {
        self.bus.taken().iter().map(|record| PushMsg::decode(record.value.clone()).expect("a push")).collect()
    }

    async fn wait_published(&self, count: usize) -> Vec<PushMsg> {
        until("it is published", || async { self.bus.taken().len() >= count }).await;
        self.published()
    }

    fn shed(&self, kind: TransientKind) -> u64 {
        self.metrics.transient_shed.get_or_create(&kind.into()).get()
    }
}

fn people(push: &PushMsg) -> Vec<(i64, bool)> {
    assert_eq!(push.operation, op::PRESENCE);
    let event = PresenceEvent::decode(push.msg.clone()).expect("an event");
    event.users.iter().map(|user| (user.user_id, user.online)).collect()
}

fn quick() -> Config {
    Config { grace_ms: 1, gather_ms: 1, ..Config::default() }
}

#[tokio::test]
async fn what_nobody_watches_is_not_published() {
    let world = World::start(quick()).await;
    let (ada, bob) = (account(&*world.store, "ada").await, account(&*world.store, "bob").await);
    let room = ConversationId::new(1).expect("positive");
    world.connect(&ada, "a").await;
    world.presence.types(id(&ada), room, Typing { key: key("a"), active: true, is_member: true });
    world.disconnect(&ada, "a").await;
    // Bob is watched: what is told of him comes after what would have been told of ada.
    world.watch(RoomKey::presence(id(&bob))).await;
    world.connect(&bob, "b").await;
    let told = world.wait_published(1).await;
    assert_eq!((people(&told[0]), told[0].room.as_str()), (vec![(bob.id, true)], "presence://2"));
    world.disconnect(&bob, "b").await;
    let told = world.wait_published(2).await;
    assert_eq!((people(&told[1]), told.len()), (vec![(bob.id, false)], 2));
    let seen = world.seen.last(&[id(&ada), id(&bob)]).await.expect("answers");
    assert_eq!(seen.len(), 2, "both were seen");
    assert_eq!(world.shed(TransientKind::Presence) + world.shed(TransientKind::Typing), 0);
}

#[tokio::test]
async fn typing_goes_to_those_who_watch_but_the_user_who_types() {
    let world = World::start(quick()).await;
    let (ada, bob) = (account(&*world.store, "ada").await, account(&*world.store, "bob").await);
    let (direct, _) = world.store.direct("o", &ada, id(&bob), 1).await.expect("made");
    world.connect(&ada, "a1").await;
    world.connect(&ada, "a2").await;
    world.watch(RoomKey::typing(direct.id)).await;
    let typing = Typing { key: key("a1"), active: true, is_member: false };
    world.presence.types(id(&ada), direct.id, typing.clone());
    let told = world.wait_published(1).await;
    assert_eq!(
        (told[0].operation, &told[0].exclude_keys[..]),
        (op::TYPING, &["a1".to_owned(), "a2".to_owned()][..])
    );
    let event = TypingEvent::decode(told[0].msg.clone()).expect("an event");
    assert_eq!(event, TypingEvent { conversation: direct.id.get(), user: Some(ada), active: true });

    // Somebody who is no member is not told of.
    let eve = account(&*world.store, "eve").await;
    assert_eq!(world.presence.watchable(id(&eve), &[direct.id]).await, Ok(Vec::new()));
    world.presence.types(id(&eve), direct.id, Typing { key: key("e"), ..typing });
    until("it is shed", || async { world.shed(TransientKind::Typing) == 1 }).await;
    assert_eq!(world.published().len(), 1);
}

#[tokio::test]
async fn who_appears_offline_is_told_of_once_and_never_of_what_they_do() {
    let world = World::start(quick()).await;
    let (ada, bob) = (account(&*world.store, "ada").await, account(&*world.store, "bob").await);
    for user in [&ada, &bob] {
        world.watch(RoomKey::presence(id(user))).await;
    }
    let room = ConversationId::new(1).expect("positive");
    world.watch(RoomKey::typing(room)).await;
    world.connect(&ada, "a").await;
    assert_eq!(people(&world.wait_published(1).await[0]), [(ada.id, true)]);
    let veil = async |is_invisible, now_ms| {
        let privacy = Privacy { is_invisible, ..Privacy::default() };
        world.store.set_privacy("o", id(&ada), privacy, now_ms).await.expect("sets");
        world.presence.veiled(id(&ada));
    };
    veil(true, 77).await;
    assert_eq!(people(&world.wait_published(2).await[1]), [(ada.id, false)]);
    // Whatever she does now comes before what is told of bob, and is not told.
    world.connect(&ada, "a2").await;
    world.presence.altered(id(&ada));
    world.presence.types(id(&ada), room, Typing { key: key("a"), active: true, is_member: true });
    world.disconnect(&ada, "a2").await;
    world.connect(&bob, "b").await;
    assert_eq!(people(&world.wait_published(3).await[2]), [(bob.id, true)]);
    world.disconnect(&bob, "b").await;
    assert_eq!(people(&world.wait_published(4).await[3]), [(bob.id, false)]);
    let asked = async |viewer: &User| {
        let found = world.presence.of(id(viewer), &[id(&ada)]).await.expect("answers").remove(0);
        (found.online, found.last_seen_ms, found.devices.len())
    };
    assert_eq!(asked(&bob).await, (false, 77, 0), "seen when she went behind the veil");
    assert!(asked(&ada).await.0, "she herself knows");
    veil(false, 99).await;
    assert_eq!(people(&world.wait_published(5).await[4]), [(ada.id, true)]);
    assert_eq!((asked(&bob).await.0, world.published().len()), (true, 5));
    assert_eq!(world.shed(TransientKind::Presence) + world.shed(TransientKind::Typing), 0);
}

#[tokio::test]
async fn who_is_blocked_sees_nothing_and_who_blocks_is_not_bothered() {
    let world = World::start(quick()).await;
    let (ada, bob) = (account(&*world.store, "ada").await, account(&*world.store, "bob").await);
    let (direct, _) = world.store.direct("o", &ada, id(&bob), 1).await.expect("made");
    world.watch(RoomKey::presence(id(&ada))).await;
    world.watch(RoomKey::typing(direct.id)).await;
    world.connect(&ada, "a").await;
    world.wait_published(1).await;
    let bounds = ContactBounds { contacts_max: 1, requests_max: 1, blocks_max: 1, request_ttl_ms: 1 };
    let act = ContactAct::Plain(Operation::Block);
    let block = ContactStep { actor: ada.clone(), peer: id(&bob), act, bounds };
    world.store.step_contact("o", &block, 1).await.expect("blocks");
    world.presence.blocked(id(&ada), id(&bob));
    let told = world.wait_published(2).await;
    assert_eq!((people(&told[1]), &told[1].user_ids[..]), (vec![(ada.id, false)], &[bob.id][..]));
    world.presence.altered(id(&ada));
    let told = world.wait_published(3).await;
    assert_eq!((people(&told[2]), &told[2].exclude_user_ids[..]), (vec![(ada.id, true)], &[bob.id][..]));
    let seen = world.presence.of(id(&bob), &[id(&ada)]).await.expect("answers").remove(0);
    assert_eq!((seen.online, seen.last_seen_ms), (false, 0));
    assert!(world.presence.of(id(&ada), &[id(&ada)]).await.expect("answers")[0].online);
    // Typing is told to neither of the two by the other.
    for (count, user, other) in [(4, &bob, &ada), (5, &ada, &bob)] {
        let typing = Typing { key: key("k"), active: true, is_member: true };
        world.presence.types(id(user), direct.id, typing);
        let told = world.wait_published(count).await;
        let last = told.last().expect("told");
        assert_eq!((last.operation, &last.exclude_user_ids[..]), (op::TYPING, &[other.id][..]));
    }
}

#[tokio::test]
async fn devices_are_told_by_kind_and_left_alone() {
    let world = World::start(quick()).await;
    let (ada, bob) = (account(&*world.store, "ada").await, account(&*world.store, "bob").await);
    world.watch(RoomKey::presence(id(&ada))).await;
    world.connect(&ada, "a").await;
    world.wait_published(1).await;
    let away = SessionEntry { platform: format!("phone{AWAY}"), ..World::session(&ada, "a", None) };
    world.directory.restate_sessions(&world.comet, &[away]).await.expect("restated");
    world.presence.altered(id(&ada));
    let told = world.wait_published(2).await;
    let event = PresenceEvent::decode(told[1].msg.clone()).expect("an event");
    let (person, asked) = (&event.users[0], world.presence.of(id(&bob), &[id(&ada)]).await.expect("answers"));
    for person in [person, &asked[0]] {
        let devices: Vec<_> =
            person.devices.iter().map(|device| (device.kind.as_str(), device.away)).collect();
        assert_eq!((person.online, person.away, devices), (true, true, vec![("phone", true)]));
    }
}

#[tokio::test]
async fn a_bus_that_is_behind_costs_what_is_transient_and_nothing_else() {
    let world = World::start(quick()).await;
    let ada = account(&*world.store, "ada").await;
    world.watch(RoomKey::presence(id(&ada))).await;
    world.bus.is_down.store(true, Ordering::Relaxed);
    world.connect(&ada, "a").await;
    until("it is shed", || async { world.shed(TransientKind::Presence) == 1 }).await;
    world.bus.is_down.store(false, Ordering::Relaxed);
    world.connect(&ada, "b").await;
    assert_eq!(people(&world.wait_published(1).await[0]), [(ada.id, true)]);
    // Asking shows the truth all the same.
    let now = world.presence.of(id(&ada), &[id(&ada)]).await.expect("answers");
    assert!(now[0].online && now[0].last_seen_ms > 0, "{now:?}");
}

/// A comet cannot say that its users went when it died, and what only a logic knew that died is told by nobody.
#[tokio::test]
async fn departures_that_nobody_lives_to_tell_are_not_told() {
    let mut world = World::start(Config { grace_ms: 600_000, ..quick() }).await;
    let (ada, bob) = (account(&*world.store, "ada").await, account(&*world.store, "bob").await);
    let eve = account(&*world.store, "eve").await;
    for user in [&ada, &bob, &eve] {
        world.watch(RoomKey::presence(id(user))).await;
    }
    let doomed = CometRef { id: "d".to_owned(), epoch: 1 };
    world.directory.renew(&info(&doomed), Duration::from_millis(1)).await.expect("renewed");
    world.directory.add_sessions(&doomed, &[World::session(&ada, "a", None)]).await.expect("added");
    let is_online =
        async |user: &User| world.presence.of(id(user), &[id(user)]).await.expect("answers")[0].online;
    until("the lease of ada's comet ends", async || !is_online(&ada).await).await;
    world.connect(&bob, "b").await;
    world.wait_published(1).await;
    world.disconnect(&bob, "b").await;
    assert!(!is_online(&bob).await, "watching again shows it");
    world.die(quick());
    world.connect(&eve, "e").await;
    world.wait_published(2).await;
    // Told as theirs would have been, and later.
    world.disconnect(&eve, "e").await;
    let told: Vec<_> = world.wait_published(3).await.iter().map(people).collect();
    assert_eq!(told, [[(bob.id, true)], [(eve.id, true)], [(eve.id, false)]]);
}

#[tokio::test]
async fn more_than_there_is_room_for_is_shed() {
    let world = World::start(Config { waiting_max: 1, grace_ms: 600_000, ..quick() }).await;
    let users: Vec<UserId> = (1..=3).filter_map(UserId::new).collect();
    users.iter().for_each(|user| world.presence.went(*user));
    assert_eq!(world.shed(TransientKind::Presence), 2);
}

#[tokio::test]
async fn the_connections_of_a_log_in_are_ended_wherever_they_are_once_the_bus_takes_it() {
    let world = World::start(quick()).await;
    let (ada, bob) = (account(&*world.store, "ada").await, account(&*world.store, "bob").await);
    let other = CometRef { id: "d".to_owned(), epoch: 7 };
    world.directory.renew(&info(&other), Duration::from_secs(600)).await.expect("renewed");
    let (phone, laptop) = (Some(LoginTag::of("phone")), Some(LoginTag::of("laptop")));
    let here = [
        World::session(&ada, "a1", phone),
        World::session(&ada, "a2", laptop),
        World::session(&ada, "a3", phone),
        World::session(&bob, "b1", phone),
    ];
    world.directory.add_sessions(&world.comet, &here).await.expect("added");
    world.directory.add_sessions(&other, &[World::session(&ada, "a4", phone)]).await.expect("added");
    let (kicks, _running) = world.kicks();

    world.bus.is_down.store(true, Ordering::Relaxed);
    kicks.login_ended(id(&ada), "phone");
    until("it fails", || async { world.metrics.kick_failures.get() > 1 }).await;
    world.bus.is_down.store(false, Ordering::Relaxed);
    let kicked = world.wait_published(2).await;
    let whom = |push: &PushMsg| {
        (push.server.clone(), push.keys.join(","), String::from_utf8_lossy(&push.msg).into_owned())
    };
    let expected =
        |server: &str, keys: &str, reason: &str| (server.to_owned(), keys.to_owned(), reason.to_owned());
    assert_eq!(
        kicked.iter().map(whom).collect::<Vec<_>>(),
        [expected("c", "a1,a3", "session_ended"), expected("d", "a4", "session_ended"),]
    );
    assert!(kicked.iter().all(|push| push.operation == op::KICK));

    kicks.kick(id(&ada), Some(key("a2")), Reason::Kicked);
    kicks.kick(id(&bob), None, Reason::Kicked);
    kicks.kick(id(&bob), Some(key("none")), Reason::Kicked);
    let kicked = world.wait_published(4).await;
    assert_eq!(
        kicked[2..].iter().map(whom).collect::<Vec<_>>(),
        [expected("c", "a2", "kicked"), expected("c", "b1", "kicked"),]
    );
    assert_eq!((world.metrics.kicks.get(), world.metrics.kicks_dropped.get()), (5, 0));
}
#[tokio::test]
async fn connections_end_whose_log_ins_the_store_does_not_have() {
    let world = World::start(quick()).await;
    let ada = account(&*world.store, "ada").await;
    let login = Login {
        id: "laptop".to_owned(),
        user_id: id(&ada),
        refresh_hash: [1; 32],
        cookie_hash: None,
        created_at_ms: now_ms(),
        expires_at_ms: now_ms() + 600_000,
    };
    let admission = Admission { logins_max: 10, ..Admission::default() };
    world.store.create_login(&login, &NewDevice::default(), &admission).await.expect("begins");
    let tag = |login| Some(LoginTag::of(login));
    let sessions = [
        World::session(&ada, "a1", tag("phone")),
        World::session(&ada, "a2", tag("laptop")),
        World::session(&ada, "a3", None),
        World::session(&ada, "a4", tag("tablet")),
    ];
    world.directory.add_sessions(&world.comet, &sessions).await.expect("added");
    let (kicks, _running) = world.kicks();
    kicks.logins_ended(id(&ada));
    let kicked = world.wait_published(1).await;
    assert_eq!((kicked[0].keys.join(","), &kicked[0].msg[..]), ("a1,a4".to_owned(), &b"session_ended"[..]));
}

/// Nobody finds the sockets of a log-in that ends while a wiped directory is being filled; and what only a logic
/// knew that died is done by nobody.
#[tokio::test]
async fn connections_outlive_a_log_in_that_ends_over_a_wiped_directory_or_unheard() {
    let world = World::start(quick()).await;
    let (ada, bob) = (account(&*world.store, "ada").await, account(&*world.store, "bob").await);
    let of_ada = [World::session(&ada, "a", Some(LoginTag::of("phone")))];
    let of_bob = [World::session(&bob, "b1", None), World::session(&bob, "b2", None)];
    let announce = async |sessions: &[SessionEntry]| {
        world.directory.renew(&info(&world.comet), Duration::from_secs(600)).await.expect("renewed");
        world.directory.add_sessions(&world.comet, sessions).await.expect("added");
    };
    announce(&of_ada).await;
    world.directory.wipe();
    announce(&of_bob).await;
    let (kicks, running) = world.kicks();
    kicks.login_ended(id(&ada), "phone");
    kicks.kick(id(&bob), Some(key("b1")), Reason::Kicked);
    let keys = |kicked: &[PushMsg]| kicked.iter().map(|push| push.keys.join(",")).collect::<Vec<_>>();
    assert_eq!(keys(&world.wait_published(1).await), ["b1"]);
    announce(&of_ada).await;

    world.bus.is_down.store(true, Ordering::Relaxed);
    kicks.login_ended(id(&ada), "phone");
    until("it is tried", || async { world.metrics.kick_failures.get() > 0 }).await;
    drop((kicks, running));
    world.bus.is_down.store(false, Ordering::Relaxed);
    let (kicks, _running) = world.kicks();
    kicks.kick(id(&bob), Some(key("b2")), Reason::Kicked);
    assert_eq!(keys(&world.wait_published(2).await), ["b1", "b2"]);
    let still = world.directory.sessions(id(&ada)).await.expect("answers");
    assert_eq!(
        (still.len(), world.metrics.kicks_dropped.get()),
        (1, 0),
        "ada's socket is there, and not waited for"
    );
}
