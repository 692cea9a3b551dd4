//! Changes of cursors of a JSON client. They go beside its other commands, so that sends never wait for them: one call at a
//! time, and of what comes meanwhile for one room the furthest. What waits is bounded.

use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use oort_api::codec::envelope::ServerFrame;
use oort_api::error::{Code, Refusal};
use oort_api::pb::oort::v1::CursorCommand;
use oort_api::pb::oort::v1::receive_reply::Result as Answer;
use oort_api::pb::oort::v1::receive_request::Command;

use super::json::{receive, refuse, unexpected};
use crate::connection::Connection;
use crate::shard::Shard;

/// Connections with a call under way, by version: what waits behind it.
pub(crate) type Underway = RefCell<HashMap<i64, Waiting>>;

/// What came while a call was under way. It is there exactly as long as one is.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    rooms: VecDeque<Asked>,
    frames: usize,
}

/// One cursor, and what the answers name.
#[derive(Debug)]
struct Asked {
    command: CursorCommand,
    request_ids: Vec<Option<String>>,
}

impl Waiting {
    /// False: no more fits.
    fn put(&mut self, command: CursorCommand, request_id: Option<String>, frames_max: usize) -> bool {
        if self.frames >= frames_max {
            return false;
        }
        self.frames += 1;
        let held = self.rooms.iter_mut().find(|held| held.command.conversation == command.conversation);
        if let Some(held) = held {
            held.command.delivered_seq = held.command.delivered_seq.max(command.delivered_seq);
            held.command.read_seq = held.command.read_seq.max(command.read_seq);
            held.request_ids.push(request_id);
        } else {
            self.rooms.push_back(Asked { command, request_ids: vec![request_id] });
        }
        true
    }

    fn next(&mut self) -> Option<Asked> {
        let next = self.rooms.pop_front()?;
        self.frames -= next.request_ids.len();
        Some(next)
    }
}

/// Has the cursor moved. The answer comes when it is stored.
pub(crate) fn advance(
    shard: &Rc<Shard>,
    connection: &Rc<Connection>,
    command: CursorCommand,
    request_id: Option<String>,
) {
    let frames_max = shard.node.config.json.cursors_waiting_max;
    let fits = match shard.cursors.borrow_mut().entry(connection.id.version) {
        Entry::Occupied(mut waiting) => waiting.get_mut().put(command, request_id.clone(), frames_max),
        Entry::Vacant(place) => {
            place.insert(Waiting::default());
            let (shard, connection) = (Rc::clone(shard), Rc::clone(connection));
            let asked = Asked { command, request_ids: vec![request_id.clone()] };
            tokio::task::spawn_local(async move { run(&shard, &connection, asked).await });
            true
        }
    };
    if !fits {
        let refusal =
            Refusal::new(Code::Overloaded, "too many cursor frames wait; send fewer, the last one counts");
        refuse(shard, connection, &refusal, request_id.as_deref());
    }
}

async fn run(shard: &Rc<Shard>, connection: &Connection, first: Asked) {
    let version = connection.id.version;
    let mut next = Some(first);
    while let Some(asked) = next {
        let answer = receive(shard, connection, Command::Cursor(asked.command)).await;
        if connection.is_closing() {
            break;
        }
        answer_all(shard, connection, answer, &asked.request_ids);
        next = shard.cursors.borrow_mut().get_mut(&version).and_then(Waiting::next);
    }
    shard.cursors.borrow_mut().remove(&version);
}

/// Each frame gets its answer; those that named nothing get one together.
fn answer_all(
    shard: &Rc<Shard>,
    connection: &Connection,
    answer: Result<Option<Answer>, Refusal>,
    request_ids: &[Option<String>],
) {
    let cursor = match answer {
        Ok(Some(Answer::Cursor(result))) => result.cursor.ok_or_else(unexpected),
        Ok(_) => Err(unexpected()),
        Err(refusal) => Err(refusal),
    };
    let named = request_ids.iter().filter(|id| id.is_some());
    for request_id in named.chain(request_ids.iter().find(|id| id.is_none())) {
        match &cursor {
            Ok(event) => {
                let frame = ServerFrame::Cursor { event, request_id: request_id.as_deref() };
                connection.send_json(&shard.node, &frame);
            }
            Err(refusal) => refuse(shard, connection, refusal, request_id.as_deref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(conversation: i64, delivered_seq: i64, read_seq: i64) -> CursorCommand {
        CursorCommand { conversation, delivered_seq, read_seq }
    }

    #[test]
    fn the_furthest_of_a_room_goes_and_every_frame_is_answered() {
        let mut waiting = Waiting::default();
        assert!(waiting.put(command(7, 5, 1), Some("a".into()), 3));
        assert!(waiting.put(command(8, 1, 1), None, 3));
        assert!(waiting.put(command(7, 4, 4), Some("b".into()), 3));
        assert!(!waiting.put(command(9, 1, 1), None, 3), "no more than three frames");
        let first = waiting.next().expect("the first room");
        assert_eq!(first.command, command(7, 5, 4));
        assert_eq!(first.request_ids, [Some("a".to_owned()), Some("b".to_owned())]);
        assert!(waiting.put(command(9, 1, 1), None, 3), "there is room again");
        assert_eq!(waiting.next().map(|asked| asked.command.conversation), Some(8));
        assert_eq!(waiting.next().map(|asked| asked.command.conversation), Some(9));
        assert!(waiting.next().is_none() && waiting.frames == 0);
    }
}
