//! The checker is checked: it takes what a good server does, and refuses each way of doing worse.

use super::checker::{Checker, Summary};
use super::line::{Event, Line, Placed};
use super::story;
use super::violation::Promise;

/// Two conversations, three devices of three accounts, members of both.
const DEVICES: usize = 3;
const ROOMS: usize = 2;
/// Seq of the system message that each conversation begins with.
const BASE: i64 = 1;

/// A run of a good server, from a seed.
struct World {
    state: u64,
    lines: Vec<Line>,
    /// Ids by conversation and place, with the sender.
    stored: Vec<Vec<(String, usize)>>,
    /// What each device has: everything up to here. Absent: offline.
    has: Vec<[i64; ROOMS]>,
    online: [bool; DEVICES],
}

impl World {
    fn draw(&mut self, of: usize) -> usize {
        // xorshift64 (Marsaglia 2003).
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 33).unwrap() % of
    }

    fn write(&mut self, device: Option<usize>, event: Event) {
        let at_ns = self.lines.len() as u64 * 1_000_000;
        self.lines.push(Line { at_ns, device, event });
    }

    fn head(&self, room: usize) -> i64 {
        BASE + i64::try_from(self.stored[room].len()).unwrap()
    }

    fn message(&self, room: usize, seq: i64) -> Placed {
        Placed { seq, id: self.stored[room][usize::try_from(seq - BASE - 1).unwrap()].0.clone() }
    }

    fn send(&mut self, room: usize, sender: usize) {
        let id = format!("m{}-{}", room, self.stored[room].len());
        self.write(Some(sender), Event::Send { room, id: id.clone() });
        if self.draw(4) == 0 {
            self.write(Some(sender), Event::Refused { room, id: id.clone(), code: "unavailable".into() });
            self.write(Some(sender), Event::Send { room, id: id.clone() });
        }
        self.stored[room].push((id.clone(), sender));
        let seq = self.head(room);
        for device in 0..DEVICES {
            // Now and then one misses it, and pulls it later.
            if self.online[device] && self.has[device][room] == seq - 1 && self.draw(5) > 0 {
                let message = self.message(room, seq);
                self.write(Some(device), Event::Live { room, message: message.clone() });
                if self.draw(8) == 0 {
                    self.write(Some(device), Event::Live { room, message });
                }
                self.has[device][room] = seq;
            }
        }
        self.write(Some(sender), Event::Ack { room, id: id.clone(), seq });
        if self.draw(6) == 0 {
            self.write(Some(sender), Event::Ack { room, id, seq });
        }
    }

    fn pull(&mut self, device: usize, room: usize) {
        loop {
            let (after, head) = (self.has[device][room], self.head(room));
            self.write(Some(device), Event::Asked { room, after: Some(after) });
            let last = head.min(after + 3);
            let messages: Vec<_> = (after + 1..=last).map(|seq| self.message(room, seq)).collect();
            let more = last < head;
            self.write(Some(device), Event::Page { room, after: Some(after), messages, more, head });
            self.has[device][room] = last;
            if !more {
                return;
            }
        }
    }

    fn connect(&mut self, device: usize) {
        self.write(Some(device), Event::Connecting);
        self.online[device] = true;
        let heads = (0..ROOMS).map(|room| (room, self.head(room))).collect();
        self.write(Some(device), Event::Hello { heads });
        (0..ROOMS).for_each(|room| self.pull(device, room));
    }

    fn count_unread(&mut self, device: usize, room: usize) {
        let (read, head) = (self.has[device][room], self.head(room));
        let after = usize::try_from(read - BASE).unwrap();
        let unread = self.stored[room][after..].iter().filter(|(_, sender)| *sender != device).count();
        let unread = i64::try_from(unread).unwrap();
        self.write(Some(device), Event::Unread { room, account: device, read, head, unread });
    }

    fn run(seed: u64, steps: usize) -> Vec<Line> {
        let mut world = Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            lines: Vec::new(),
            stored: vec![Vec::new(); ROOMS],
            has: vec![[BASE; ROOMS]; DEVICES],
            online: [false; DEVICES],
        };
        for room in 0..ROOMS {
            world.write(None, Event::Conversation { room, base: BASE });
            (0..DEVICES).for_each(|device| world.write(Some(device), Event::Member { room }));
        }
        for _ in 0..steps {
            let (device, room) = (world.draw(DEVICES), world.draw(ROOMS));
            match world.draw(8) {
                0 if world.online[device] => {
                    world.online[device] = false;
                    world.write(Some(device), Event::Closed);
                }
                0 | 1 if !world.online[device] => world.connect(device),
                1 => world.write(None, Event::Fault { what: "nothing".into() }),
                2 if world.online[device] => world.pull(device, room),
                3 => world.count_unread(device, room),
                _ => world.send(room, device),
            }
        }
        for device in 0..DEVICES {
            world.connect(device);
            for room in 0..ROOMS {
                let seq = world.head(room);
                world.write(Some(device), Event::Whole { room, seq });
            }
        }
        for room in 0..ROOMS {
            for (at, (id, sender)) in world.stored[room].clone().into_iter().enumerate() {
                let message = Placed { seq: BASE + 1 + i64::try_from(at).unwrap(), id };
                world.write(None, Event::Stored { room, account: Some(sender), message });
            }
        }
        world.lines
    }
}

fn check(lines: &[Line]) -> Summary {
    let mut checker = Checker::default();
    lines.iter().cloned().for_each(|line| checker.read(line));
    checker.finish()
}

/// The run is long enough for everything to happen in it.
fn good(seed: u64) -> Vec<Line> {
    World::run(seed, 400)
}

/// Places of the lines that `wanted` picks, and not the first few: those have nothing before them.
fn places(lines: &[Line], wanted: impl Fn(&Event) -> bool) -> Vec<usize> {
    let all = lines.iter().enumerate().filter(|(_, line)| wanted(&line.event)).map(|(at, _)| at);
    all.skip(2).collect()
}

/// Spoils a good ledger in one place; `None` when the run offers no place for it.
type Mutation = fn(&mut Vec<Line>) -> Option<()>;

fn id_of(event: &Event) -> Option<&str> {
    match event {
        Event::Ack { id, .. } => Some(id),
        Event::Live { message, .. } | Event::Stored { message, .. } => Some(&message.id),
        _ => None,
    }
}

/// Every way of being worse, and the promise that it breaks.
const MUTATIONS: &[(&str, Promise, Mutation)] = &[
    ("an acknowledged message is not stored", Promise::AckedIsStored, |lines| {
        let at = *places(lines, |event| matches!(event, Event::Stored { .. })).last()?;
        lines.remove(at);
        Some(())
    }),
    ("a hole in the store", Promise::Dense, |lines| {
        let at = *places(lines, |event| matches!(event, Event::Stored { .. })).first()?;
        lines.remove(at);
        Some(())
    }),
    ("a message is stored twice", Promise::OnePlacePerSend, |lines| {
        let at = *places(lines, |event| matches!(event, Event::Stored { .. })).last()?;
        let mut again = lines[at].clone();
        if let Event::Stored { message, .. } = &mut again.event {
            message.seq += 1;
        }
        lines.push(again);
        Some(())
    }),
    ("a repeat is acknowledged elsewhere", Promise::OnePlacePerSend, |lines| {
        let at = *places(lines, |event| matches!(event, Event::Ack { .. })).first()?;
        let mut again = lines[at].clone();
        if let Event::Ack { seq, .. } = &mut again.event {
            *seq += 1;
        }
        lines.insert(at + 1, again);
        Some(())
    }),
    ("two devices see different messages at a place", Promise::OneMessagePerPlace, |lines| {
        let at = *places(lines, |event| matches!(event, Event::Live { .. })).first()?;
        if let Event::Live { message, .. } = &mut lines[at].event {
            message.id = "another".into();
        }
        Some(())
    }),
    ("the store holds another text than was acknowledged", Promise::AckedIsStored, |lines| {
        let at = *places(lines, |event| matches!(event, Event::Stored { .. })).first()?;
        if let Event::Stored { message, .. } = &mut lines[at].event {
            message.id = "another".into();
        }
        Some(())
    }),
    ("a member never sees the last message", Promise::SeenByAll, |lines| {
        let last = lines.iter().rfind(|line| matches!(line.event, Event::Stored { .. }))?.event.clone();
        let (room, id) = (last.room()?, id_of(&last)?.to_owned());
        for line in lines.iter_mut().filter(|line| line.device == Some(0)) {
            match &mut line.event {
                Event::Page { room: of, messages, .. } if *of == room => {
                    messages.pop_if(|message| message.id == id);
                }
                Event::Live { message, .. } if message.id == id => message.seq = BASE,
                _ => {}
            }
        }
        Some(())
    }),
    ("a member makes no claim in the end", Promise::SeenByAll, |lines| {
        let at = *places(lines, |event| matches!(event, Event::Whole { .. })).last()?;
        lines.remove(at);
        Some(())
    }),
    ("two messages of one connection change places", Promise::InOrder, |lines| {
        let lives = places(lines, |event| matches!(event, Event::Live { .. }));
        let place = |at: usize| match &lines[at].event {
            Event::Live { room, message } => Some((lines[at].device?, *room, message.seq)),
            _ => None,
        };
        let pair = lives.iter().enumerate().find_map(|(nth, first)| {
            let (device, room, seq) = place(*first)?;
            // A repeat may come whenever it likes.
            let known = |line: &Line| match &line.event {
                Event::Live { message, .. } => message.seq == seq,
                Event::Page { messages, .. } => messages.iter().any(|message| message.seq == seq),
                _ => false,
            };
            let mut earlier = lines[..*first].iter().filter(|line| line.device == Some(device));
            if earlier.any(|line| line.event.room() == Some(room) && known(line)) {
                return None;
            }
            let second = lives[nth + 1..].iter().find(|at| place(**at) == Some((device, room, seq + 1)))?;
            let between = lines[*first..*second].iter();
            let same_connection = between.clone().skip(1).all(|line| {
                line.device != Some(device) || line.event.room() != Some(room) && line.event != Event::Closed
            });
            same_connection.then_some((*first, *second))
        })?;
        let (first, second) = (lines[pair.0].event.clone(), lines[pair.1].event.clone());
        (lines[pair.0].event, lines[pair.1].event) = (second, first);
        Some(())
    }),
    ("an answer says that there is no more", Promise::NoMoreIsTrue, |lines| {
        let page = |event: &Event| matches!(event, Event::Page { more: true, .. });
        let at = *places(lines, page).first()?;
        if let Event::Page { more, .. } = &mut lines[at].event {
            *more = false;
        }
        Some(())
    }),
    ("a greeting names an old head", Promise::NoMoreIsTrue, |lines| {
        let at = *places(lines, |event| matches!(event, Event::Hello { .. })).last()?;
        if let Event::Hello { heads } = &mut lines[at].event {
            heads[0].1 -= 1;
        }
        Some(())
    }),
    ("a page has a hole", Promise::PagesAreWhole, |lines| {
        let page = |event: &Event| matches!(event, Event::Page { messages, .. } if messages.len() == 3);
        let at = *places(lines, page).first()?;
        if let Event::Page { messages, .. } = &mut lines[at].event {
            messages.remove(1);
        }
        Some(())
    }),
    ("a count of unread is one too high", Promise::UnreadIsRight, |lines| {
        let at = *places(lines, |event| matches!(event, Event::Unread { .. })).first()?;
        if let Event::Unread { unread, .. } = &mut lines[at].event {
            *unread += 1;
        }
        Some(())
    }),
    ("a send is never answered", Promise::Answered, |lines| {
        let at = *places(lines, |event| matches!(event, Event::Ack { .. })).first()?;
        let id = id_of(&lines[at].event)?.to_owned();
        lines.retain(|line| !matches!(&line.event, Event::Ack { id: named, .. } if *named == id));
        Some(())
    }),
];

#[test]
fn what_a_good_server_does_is_taken() {
    for seed in 1..200 {
        let lines = good(seed);
        let summary = check(&lines);
        assert_eq!(summary.first, [], "seed {seed}");
        assert!(
            summary.acked >= 100 && summary.pages > 20 && summary.unread > 10,
            "seed {seed}: {summary:?}"
        );
        assert!(summary.repeated_live > 0 && summary.repeated_sends > 0, "seed {seed}: {summary:?}");
    }
}

#[test]
fn every_mutation_is_refused_for_what_it_is() {
    for (name, promise, mutate) in MUTATIONS {
        let mut applied = 0;
        for seed in 1..40 {
            let mut lines = good(seed);
            if mutate(&mut lines).is_none() {
                continue;
            }
            applied += 1;
            let summary = check(&lines);
            assert!(
                summary.first.iter().any(|violation| violation.promise == *promise),
                "{name}, seed {seed}: {:?}",
                summary.first
            );
            let story = story::tell(&summary.first[0], lines);
            assert!(story.lines().count() > 1, "{name}, seed {seed}: {story}");
        }
        assert!(applied >= 20, "{name}: only {applied} runs had a place for it");
    }
}

#[test]
fn the_story_of_a_lost_message_tells_its_way() {
    let mut lines = good(3);
    let at = *places(&lines, |event| matches!(event, Event::Stored { .. })).first().unwrap();
    let id = id_of(&lines.remove(at).event).unwrap().to_owned();
    let summary = check(&lines);
    let story = story::tell(&summary.first[0], lines);
    for hop in [format!("sends {id}"), format!("{id} is stored as seq"), format!("({id}) by itself")] {
        assert!(story.contains(&hop), "no `{hop}` in:\n{story}");
    }
    assert!(story.lines().count() < 20, "{story}");
}
