//! Checks a ledger: one pass over its lines, then one over what the store held in the end. Linear in both.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::AddAssign;

use super::line::{Event, Line, Placed};
use super::violation::{Promise, Violation};

/// Violations that are kept; more are only counted.
const KEPT_MAX: usize = 100;

/// What a ledger says, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Lines read.
    pub lines: u64,
    /// Messages sent.
    pub sends: u64,
    /// Attempts beyond the first.
    pub repeated_sends: u64,
    /// Answers that a message is stored.
    pub acked: u64,
    /// Messages that the store held in the end.
    pub stored: u64,
    /// Devices that are members of anything.
    pub devices: u64,
    /// Messages that came by themselves.
    pub live: u64,
    /// Messages that came again; clients drop them by their seq.
    pub repeated_live: u64,
    /// Pages of history.
    pub pages: u64,
    /// Connections that were greeted.
    pub connections: u64,
    /// Faults, and their ends.
    pub faults: u64,
    /// Counts of unread messages that were checked.
    pub unread: u64,
    /// Promises broken.
    pub violations: u64,
    /// The first of them, in the order in which they show.
    pub first: Vec<Violation>,
}

impl Summary {
    /// A few lines for people.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "{} lines: {} sends ({} repeats), {} acknowledged, {} stored; {} devices, {} connections, {} live messages \
             ({} again, dropped by seq), {} pages, {} counts of unread; {} faults\n{}",
            self.lines,
            self.sends,
            self.repeated_sends,
            self.acked,
            self.stored,
            self.devices,
            self.connections,
            self.live,
            self.repeated_live,
            self.pages,
            self.unread,
            self.faults,
            if self.violations == 0 { "every promise holds" } else { "PROMISES ARE BROKEN" },
        )
    }
}

/// Of two ledgers together.
impl AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.sends += other.sends;
        self.repeated_sends += other.repeated_sends;
        self.acked += other.acked;
        self.stored += other.stored;
        self.devices += other.devices;
        self.live += other.live;
        self.repeated_live += other.repeated_live;
        self.pages += other.pages;
        self.connections += other.connections;
        self.faults += other.faults;
        self.unread += other.unread;
        self.violations += other.violations;
        self.first.extend(other.first);
    }
}

/// Reads lines, keeps what has to be known of them.
#[derive(Debug, Default)]
pub struct Checker {
    rooms: HashMap<usize, Room>,
    /// Where each send was acknowledged or seen: (conversation, seq).
    places: HashMap<String, (usize, i64)>,
    open: HashMap<String, usize>,
    sent: HashSet<String>,
    views: HashMap<(usize, usize), View>,
    /// Heads that a connection under way must know: of all conversations when it began.
    connecting: HashMap<usize, HashMap<usize, i64>>,
    unread: Vec<(usize, Unread)>,
    summary: Summary,
}

#[derive(Debug, Default)]
struct Room {
    base: i64,
    /// The newest place that was acknowledged so far.
    acked: i64,
    /// What anybody saw where.
    messages: HashMap<i64, String>,
    acks: Vec<(i64, String)>,
    stored: HashMap<i64, (String, Option<usize>)>,
    members: Vec<usize>,
}

/// What a device has of a conversation.
#[derive(Debug, Default)]
struct View {
    /// Everything newer than the base and up to here.
    whole: i64,
    /// Further ones.
    beyond: BTreeSet<i64>,
    /// The newest that came by itself over this connection.
    live: i64,
    /// What the pages under way must reach, by what was asked for.
    asked: HashMap<Option<i64>, i64>,
    claimed: Option<i64>,
}

#[derive(Debug)]
struct Unread {
    device: Option<usize>,
    room: usize,
    account: usize,
    read: i64,
    head: i64,
    unread: i64,
}

impl View {
    fn has(&self, seq: i64) -> bool {
        seq <= self.whole || self.beyond.contains(&seq)
    }

    fn take(&mut self, seq: i64) {
        if seq == self.whole + 1 {
            self.whole = seq;
            while self.beyond.remove(&(self.whole + 1)) {
                self.whole += 1;
            }
        } else if seq > self.whole {
            self.beyond.insert(seq);
        }
    }
}

impl Checker {
    /// Takes the next line.
    pub fn read(&mut self, line: Line) {
        self.summary.lines += 1;
        let number = usize::try_from(self.summary.lines).ok();
        let device = line.device;
        let broken = |promise, room, seq, id: Option<&str>| Violation {
            promise,
            room,
            seq,
            id: id.map(str::to_owned),
            device,
            line: number,
        };
        match line.event {
            Event::Conversation { room, base } => {
                let room = self.rooms.entry(room).or_default();
                (room.base, room.acked) = (base, base);
            }
            Event::Member { room } => {
                let base = self.rooms.get(&room).map_or(0, |room| room.base);
                let Some(device) = device else { return };
                self.rooms.entry(room).or_default().members.push(device);
                self.views.insert((device, room), View { whole: base, ..View::default() });
            }
            Event::Send { room, id } => {
                if self.sent.insert(id.clone()) {
                    self.summary.sends += 1;
                    self.open.insert(id, room);
                } else {
                    self.summary.repeated_sends += 1;
                }
            }
            Event::Ack { room, id, seq } => {
                self.open.remove(&id);
                self.seen(room, &Placed { seq, id: id.clone() }, &broken);
                let state = self.rooms.entry(room).or_default();
                state.acked = state.acked.max(seq);
                state.acks.push((seq, id));
                self.summary.acked += 1;
            }
            Event::Refused { .. } => {}
            Event::Connecting => {
                let heads = self.rooms.iter().map(|(number, room)| (*number, room.acked)).collect();
                if let Some(device) = device {
                    self.connecting.insert(device, heads);
                }
            }
            Event::Hello { heads } => {
                self.summary.connections += 1;
                let Some(device) = device else { return };
                let known = self.connecting.remove(&device).unwrap_or_default();
                for (room, head) in heads {
                    let must = known.get(&room).copied().unwrap_or_default();
                    if head < must {
                        self.break_promise(broken(Promise::NoMoreIsTrue, room, Some(must), None));
                    }
                    if let Some(view) = self.views.get_mut(&(device, room)) {
                        view.live = 0;
                        view.asked.clear();
                    }
                }
            }
            Event::Live { room, message } => {
                self.summary.live += 1;
                self.seen(room, &message, &broken);
                let Some(view) = device.and_then(|device| self.views.get_mut(&(device, room))) else {
                    return;
                };
                if view.has(message.seq) {
                    self.summary.repeated_live += 1;
                } else if message.seq < view.live {
                    let late = broken(Promise::InOrder, room, Some(message.seq), Some(&message.id));
                    view.take(message.seq);
                    return self.break_promise(late);
                }
                view.live = view.live.max(message.seq);
                view.take(message.seq);
            }
            Event::Behind { .. } | Event::Closed => {}
            Event::Asked { room, after } => {
                let must = self.rooms.get(&room).map_or(0, |room| room.acked);
                if let Some(view) = device.and_then(|device| self.views.get_mut(&(device, room))) {
                    // Of two alike under way the earlier one's duty holds for the first answer.
                    view.asked.entry(after).or_insert(must);
                }
            }
            Event::Page { room, after, messages, more, head } => {
                self.summary.pages += 1;
                let seqs = messages.iter().map(|message| message.seq);
                let first =
                    after.map_or_else(|| messages.first().map_or(0, |first| first.seq), |after| after + 1);
                if let Some((seq, _)) = seqs.zip(first..).find(|(seq, due)| seq != due) {
                    self.break_promise(broken(Promise::PagesAreWhole, room, Some(seq), None));
                }
                for message in &messages {
                    self.seen(room, message, &broken);
                }
                let Some(view) = device.and_then(|device| self.views.get_mut(&(device, room))) else {
                    return;
                };
                messages.iter().for_each(|message| view.take(message.seq));
                let must = view.asked.remove(&after).unwrap_or_default();
                let reached = messages.last().map(|last| last.seq).or(after).unwrap_or_default();
                if (!more || after.is_none()) && reached < must || head < must {
                    self.break_promise(broken(Promise::NoMoreIsTrue, room, Some(must), None));
                }
            }
            Event::Whole { room, seq } => {
                if let Some(view) = device.and_then(|device| self.views.get_mut(&(device, room))) {
                    view.claimed = Some(seq);
                }
            }
            Event::Unread { room, account, read, head, unread } => {
                self.summary.unread += 1;
                let told = Unread { device, room, account, read, head, unread };
                self.unread.push((number.unwrap_or_default(), told));
            }
            Event::Stored { room, account, message } => {
                self.summary.stored += 1;
                self.seen(room, &message, &broken);
                self.rooms.entry(room).or_default().stored.insert(message.seq, (message.id, account));
            }
            Event::Fault { .. } => self.summary.faults += 1,
        }
    }

    /// Somebody saw `message` at its place: everybody sees the same there, and it nowhere else.
    fn seen(
        &mut self,
        room: usize,
        message: &Placed,
        broken: &impl Fn(Promise, usize, Option<i64>, Option<&str>) -> Violation,
    ) {
        let Placed { seq, id } = message;
        let known = self.rooms.entry(room).or_default().messages.entry(*seq).or_insert_with(|| id.clone());
        if known != id {
            self.break_promise(broken(Promise::OneMessagePerPlace, room, Some(*seq), Some(id)));
        }
        if !id.is_empty() && *self.places.entry(id.clone()).or_insert((room, *seq)) != (room, *seq) {
            self.break_promise(broken(Promise::OnePlacePerSend, room, Some(*seq), Some(id)));
        }
    }

    fn break_promise(&mut self, violation: Violation) {
        self.summary.violations += 1;
        if self.summary.first.len() < KEPT_MAX {
            self.summary.first.push(violation);
        }
    }

    /// The ledger is at its end: what must be true then.
    #[must_use]
    pub fn finish(mut self) -> Summary {
        let end = |promise, room, seq, id, device| Violation { promise, room, seq, id, device, line: None };
        let mut rooms: Vec<_> = std::mem::take(&mut self.rooms).into_iter().collect();
        rooms.sort_unstable_by_key(|(number, _)| *number);
        for (number, room) in &rooms {
            for (seq, id) in &room.acks {
                if room.stored.get(seq).is_none_or(|(stored, _)| stored != id) {
                    self.break_promise(end(
                        Promise::AckedIsStored,
                        *number,
                        Some(*seq),
                        Some(id.clone()),
                        None,
                    ));
                }
            }
            let head = room.stored.keys().copied().max().unwrap_or(room.base);
            for hole in (room.base + 1..=head).filter(|seq| !room.stored.contains_key(seq)) {
                self.break_promise(end(Promise::Dense, *number, Some(hole), None, None));
            }
            for device in &room.members {
                let view = self.views.get(&(*device, *number));
                let whole = view.map_or(room.base, |view| view.whole);
                let claimed = view.and_then(|view| view.claimed);
                if whole < head || claimed.is_none_or(|claimed| claimed > whole) {
                    let id = room.stored.get(&(whole + 1)).map(|(id, _)| id.clone());
                    self.break_promise(end(Promise::SeenByAll, *number, Some(whole + 1), id, Some(*device)));
                }
            }
        }
        let rooms: HashMap<_, _> =
            rooms.into_iter().map(|(number, room)| (number, Counts::of(&room))).collect();
        for (line, told) in std::mem::take(&mut self.unread) {
            if rooms.get(&told.room).is_none_or(|room| room.unread(&told) != told.unread) {
                let wrong = end(Promise::UnreadIsRight, told.room, Some(told.head), None, told.device);
                self.break_promise(Violation { line: Some(line), ..wrong });
            }
        }
        let mut open: Vec<_> = std::mem::take(&mut self.open).into_iter().collect();
        open.sort_unstable();
        for (id, room) in open {
            self.break_promise(end(Promise::Answered, room, None, Some(id), None));
        }
        let devices: HashSet<_> = self.views.keys().map(|(device, _)| device).collect();
        self.summary.devices = devices.len() as u64;
        self.summary
    }
}

/// Places of each account's own messages in a conversation, rising.
struct Counts {
    base: i64,
    own: HashMap<usize, Vec<i64>>,
}

impl Counts {
    fn of(room: &Room) -> Self {
        let mut own: HashMap<usize, Vec<i64>> = HashMap::new();
        for (seq, (_, account)) in &room.stored {
            if let Some(account) = account {
                own.entry(*account).or_default().push(*seq);
            }
        }
        own.values_mut().for_each(|seqs| seqs.sort_unstable());
        Self { base: room.base, own }
    }

    /// Messages after the one read last, up to the head, that are not the reader's own.
    fn unread(&self, told: &Unread) -> i64 {
        let read = told.read.max(self.base);
        let own = self.own.get(&told.account).map_or(0, |seqs| {
            seqs.partition_point(|seq| *seq <= told.head) - seqs.partition_point(|seq| *seq <= read)
        });
        (told.head - read).max(0) - i64::try_from(own).unwrap_or(i64::MAX)
    }
}
