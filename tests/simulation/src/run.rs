//! One seed, from the first device to the verdict.

use std::cell::{Cell, RefCell};
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oort_api::clock::simulated;
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::User;
use oort_api::planted::{self, Bug};
use oort_ledger::{Checker, Event, Line, Placed, Promise, Summary, Violation};
use oort_logic::store::{Outbox as _, Store as _};
use parking_lot::Mutex;
use tokio::runtime::{Builder, LocalOptions};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::book::{self, note};
use crate::bus::Bus;
use crate::comet::{CometNode, Targets};
use crate::device::{Crowd, Device};
use crate::directory::Soft;
use crate::faults::{self, Fault, Planned};
use crate::job::{self, JobNode};
use crate::links::{Links, between};
use crate::logic::{self, Ground, LogicNodes};
use crate::store::Durable;
use crate::{dice, entropy};

/// Nodes of each tier.
const NODES: usize = 2;
const PARTITIONS: usize = 2;
/// Whose each device is.
const DEVICES: [i64; 5] = [1, 1, 2, 3, 4];
const GROUPS: usize = 4;
const OPEN_ROOMS: usize = 2;
/// What the wall clock shows at the beginning, ms since the epoch.
const START_MS: i64 = 1_800_000_000_000;
/// Longest time from the last send until everybody has everything.
const SETTLING: Duration = Duration::from_secs(60);

/// Time for jobs to find the comets, before anybody comes.
const WARM_UP: Duration = Duration::from_millis(2_500);

/// What became of a seed.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) seed: u64,
    pub(crate) lines: Vec<Line>,
    pub(crate) summary: Summary,
    /// Promises broken, but for those that faults of this run excuse.
    pub(crate) broken: Vec<Violation>,
}

impl Outcome {
    fn judge(seed: u64, lines: Vec<Line>) -> Self {
        let mut checker = Checker::default();
        lines.iter().cloned().for_each(|line| checker.read(line));
        let summary = checker.finish();
        let is_delay = |line: &Line| matches!(&line.event, Event::Fault { what } if what.ends_with(DELAYS));
        let may_be_late = lines.iter().any(is_delay);
        let is_excused = |violation: &Violation| may_be_late && violation.promise == Promise::InOrder;
        let broken = summary.first.iter().filter(|violation| !is_excused(violation)).cloned().collect();
        Self { seed, lines, summary, broken }
    }

    /// The story of the first broken promise.
    pub(crate) fn story(&self) -> String {
        let first = self.broken.first().map(|first| oort_ledger::tell(first, self.lines.iter().cloned()));
        format!("{}\n{}", self.summary.text(), first.unwrap_or_default())
    }
}

/// How the note of a fault ends that may delay messages.
const DELAYS: &str = "(messages may be late)";
/// Tells a child what to run: a seed and a bug.
const CHILD: &str = "OORT_SIM_CHILD";
const BUGS: [Bug; 6] = [
    Bug::OffsetBeforeAck,
    Bug::SeqOutsideTransaction,
    Bug::DisconnectWithoutVersion,
    Bug::PublishedBeforeAnswer,
    Bug::HeadsBeforeRooms,
    Bug::SessionsBeforeLease,
];

/// Runs a seed in a process of its own: libraries count in statics, and what they counted decides (tokio seeds the order
/// of `select!` with the number of runtimes there were).
pub(crate) fn run(seed: u64, bug: Option<Bug>) -> Outcome {
    let child = Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", "run::one_seed_in_this_process", "--nocapture"])
        .env(CHILD, format!("{seed} {bug:?}"))
        .output()
        .expect("this program");
    let said = String::from_utf8_lossy(&child.stdout);
    let book = said.lines().find(|line| line.starts_with('[')).filter(|_| child.status.success());
    let Some(book) = book else {
        panic!("seed {seed} with {bug:?} broke down:\n{said}\n{}", String::from_utf8_lossy(&child.stderr));
    };
    Outcome::judge(seed, serde_json::from_str(book).expect("lines of a ledger"))
}

/// What [`run`] starts. Without an order it does nothing.
#[test]
fn one_seed_in_this_process() {
    let Ok(order) = std::env::var(CHILD) else { return };
    let (seed, bug) = order.split_once(' ').expect("a seed and a bug");
    let seed: u64 = seed.parse().expect("a seed");
    let bug = BUGS.into_iter().find(|known| format!("{:?}", Some(known)) == bug);
    // A new thread has drawn no random bytes yet.
    let playing = std::thread::spawn(move || {
        entropy::sow(seed);
        dice::sow(seed);
        planted::plant(bug);
        let mut builder = Builder::new_current_thread();
        builder.enable_all().start_paused(true);
        let runtime = builder.build_local(LocalOptions::default()).expect("a runtime");
        runtime.block_on(play());
        book::close()
    });
    let lines = playing.join().expect("a run");
    println!("\n{}", serde_json::to_string(&lines).expect("JSON"));
}

/// Everything of a run.
struct Play {
    ground: Ground,
    logic: LogicNodes,
    targets: Targets,
    jobs: RefCell<Vec<Option<JobNode>>>,
    crowd: Rc<Crowd>,
}

async fn play() {
    simulated::begin(START_MS);
    book::open();
    let ground = Ground {
        durable: Arc::new(Durable::default()),
        bus: Bus::new(PARTITIONS),
        soft: Arc::new(Soft::default()),
        links: Arc::new(Links::default()),
    };
    tokio::spawn(Arc::clone(&ground.bus).run());
    tokio::spawn(tick());
    let (rooms, members) = found(&ground).await;
    let (busy_ms, begun) = (1_500 + dice::below(3_000), Instant::now() + WARM_UP);
    let crowd = Rc::new(Crowd {
        comets: RefCell::new((0..NODES).map(|_| None).collect()),
        quiet_from: begun + Duration::from_millis(busy_ms as u64),
        over: CancellationToken::new(),
        has: RefCell::new(vec![vec![0; rooms.len()]; DEVICES.len()]),
        unanswered: Cell::new(0),
        rooms,
    });
    let play = Rc::new(Play {
        ground,
        logic: Arc::new(Mutex::new((0..NODES).map(|_| None).collect())),
        targets: Arc::new(Mutex::new((0..NODES).map(|_| None).collect())),
        jobs: RefCell::new((0..NODES).map(|_| None).collect()),
        crowd: Rc::clone(&crowd),
    });
    for number in 0..NODES {
        play.start_logic(number).await;
        play.start_comet(number);
        play.start_job(number);
    }
    sleep_until(begun).await;
    let mut devices = Vec::new();
    for (number, user) in DEVICES.into_iter().enumerate() {
        let own: Vec<usize> = (0..crowd.rooms.len()).filter(|room| members[*room].contains(&user)).collect();
        own.iter().for_each(|room| note(Some(number), Event::Member { room: *room }));
        let device = Device::new(number, sid(user), own, Rc::clone(&crowd));
        devices.push(tokio::task::spawn_local(device.live()));
    }
    let plan = faults::plan(busy_ms);
    let breaking: Vec<_> = plan
        .into_iter()
        .map(|planned| tokio::task::spawn_local(Rc::clone(&play).break_and_mend(begun, planned)))
        .collect();
    for broken in breaking {
        broken.await.expect("a fault");
    }
    play.settle().await;
    crowd.over.cancel();
    for device in devices {
        device.await.expect("a device");
    }
    play.read_the_store();
}

/// The runtime's time jumps from timer to timer, also when a socket becomes readable: so this is the longest way of a
/// byte.
async fn tick() {
    loop {
        sleep(Duration::from_millis(5)).await;
    }
}

/// Accounts and conversations, with the members of each: groups and open rooms of all, and conversations of two. There
/// are many, so that the last message of one, which nothing that follows repairs, is often near a fault.
async fn found(ground: &Ground) -> (Vec<i64>, Vec<Vec<i64>>) {
    let store = &ground.durable.memory;
    for user in 1..=4 {
        store.sign_up(user, cookie(user));
    }
    let all = vec![1, 2, 3, 4];
    let ids: Vec<UserId> = all.iter().filter_map(|id| UserId::new(*id)).collect();
    let user = |id: i64| User { id, username: format!("user{id}") };
    let (mut rooms, mut members, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..GROUPS {
        let title = format!("group{number}");
        let (group, row) = store.create_group("", &title, &user(1), &ids, START_MS).await.expect("a group");
        rooms.push(group.id.get());
        members.push(all.clone());
        told.push(row.id);
    }
    for number in 0..OPEN_ROOMS {
        let name = format!("room{number}");
        let (room, row) = store.create_room("", &name, &user(1), START_MS).await.expect("a room");
        rooms.push(room.id.get());
        members.push(all.clone());
        told.push(row.id);
    }
    for two in [[1, 2], [3, 4]] {
        let other = UserId::new(two[1]).expect("an id");
        let (direct, row) = store.direct("", &user(two[0]), other, START_MS).await.expect("two users");
        rooms.push(direct.id.get());
        members.push(two.to_vec());
        told.extend(row.map(|row| row.id));
    }
    store.outbox_delete(&told).await.expect("nobody was there to be told");
    (0..rooms.len()).for_each(|room| note(None, Event::Conversation { room, base: 0 }));
    (rooms, members)
}

fn cookie(user: i64) -> [u8; 32] {
    [u8::try_from(user).expect("small"); 32]
}

fn sid(user: i64) -> String {
    URL_SAFE_NO_PAD.encode(cookie(user))
}

impl Play {
    async fn start_logic(&self, number: usize) {
        let node = Box::pin(logic::start(&self.ground)).await;
        self.logic.lock()[number] = Some(node);
    }

    fn start_comet(&self, number: usize) {
        let (node, target) = CometNode::start(number, &self.logic, &self.ground.links);
        self.targets.lock()[number] = Some(target);
        self.crowd.comets.borrow_mut()[number] = Some(node);
    }

    fn start_job(&self, number: usize) {
        self.jobs.borrow_mut()[number] = Some(job::start(number, &self.ground, &self.targets));
    }

    async fn break_and_mend(self: Rc<Self>, begun: Instant, planned: Planned) {
        let Planned { fault, after, length } = planned;
        sleep_until(begun + after).await;
        let delays = if fault.may_delay() { DELAYS } else { "" };
        note(None, Event::Fault { what: format!("{fault:?} for {} ms {delays}", length.as_millis()) });
        let Ground { durable, bus, soft, links } = &self.ground;
        match fault {
            Fault::LogicDies(number) => {
                let Some(node) = self.logic.lock()[number].take() else { return };
                node.life.end();
                sleep(length).await;
                self.start_logic(number).await;
            }
            Fault::LogicDrains(number) => {
                let Some(node) = self.logic.lock()[number].take() else { return };
                node.drain.cancel();
                node.life.ended().await;
                sleep(length).await;
                self.start_logic(number).await;
            }
            Fault::JobDies(number) => {
                let Some(node) = self.jobs.borrow_mut()[number].take() else { return };
                node.life.end();
                sleep(length).await;
                bus.expel_the_dead();
                self.start_job(number);
            }
            Fault::JobDrains(number) => {
                let Some(node) = self.jobs.borrow_mut()[number].take() else { return };
                node.drain.cancel();
                node.life.ended().await;
                sleep(length).await;
                self.start_job(number);
            }
            Fault::CometDies(number) => {
                let Some(node) = self.crowd.comets.borrow_mut()[number].take() else { return };
                self.targets.lock()[number] = None;
                node.die();
                sleep(length).await;
                self.start_comet(number);
            }
            Fault::StoreIsDown => {
                durable.is_down.store(true, Ordering::Relaxed);
                sleep(length).await;
                durable.is_down.store(false, Ordering::Relaxed);
            }
            Fault::StoreIsFlaky => {
                durable.is_flaky.store(true, Ordering::Relaxed);
                sleep(length).await;
                durable.is_flaky.store(false, Ordering::Relaxed);
            }
            Fault::BusIsDown => {
                bus.set_down(true);
                sleep(length).await;
                bus.set_down(false);
            }
            Fault::DirectoryIsDown => {
                soft.is_down.store(true, Ordering::Relaxed);
                sleep(length).await;
                soft.is_down.store(false, Ordering::Relaxed);
            }
            Fault::DirectoryIsWiped => soft.memory.wipe(),
            Fault::CometLogicCut(comet, logic) => {
                self.cut(links, &between(&format!("comet{comet}"), &format!("logic{logic}")), length).await;
            }
            Fault::JobCometCut(job, comet) => {
                self.cut(links, &between(&format!("job{job}"), &format!("comet{comet}")), length).await;
            }
        }
    }

    async fn cut(&self, links: &Links, link: &str, length: Duration) {
        links.cut(link);
        sleep(length).await;
        links.mend(link);
    }

    /// Waits until every device has everything, for a bounded time.
    async fn settle(&self) {
        sleep_until(self.crowd.quiet_from).await;
        let deadline = Instant::now() + SETTLING;
        while Instant::now() < deadline {
            let heads: Vec<i64> = (0..self.crowd.rooms.len()).map(|room| self.head(room)).collect();
            let is_whole = |has: &Vec<i64>| has.iter().zip(&heads).all(|(has, head)| has >= head);
            if self.crowd.unanswered.get() == 0 && self.crowd.has.borrow().iter().all(is_whole) {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn messages(&self, room: usize) -> Vec<oort_api::pb::oort::v1::Message> {
        let id = ConversationId::new(self.crowd.rooms[room]).expect("an id");
        self.ground.durable.memory.messages(id)
    }

    fn head(&self, room: usize) -> i64 {
        self.messages(room).last().map_or(0, |last| last.seq)
    }

    fn read_the_store(&self) {
        for room in 0..self.crowd.rooms.len() {
            for message in self.messages(room) {
                let account = message.sender.and_then(|sender| usize::try_from(sender.id).ok());
                let message = Placed { seq: message.seq, id: message.client_msg_id };
                note(None, Event::Stored { room, account, message });
            }
        }
    }
}
