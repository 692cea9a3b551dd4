use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Instant;

use super::*;
use crate::dialect::{Room, Stage, accept_response};
use crate::mark::Mark;

const ALL: [Dialect; 4] = [Dialect::PacketWs, Dialect::PacketTcp, Dialect::Json, Dialect::Centrifugo];
const STREAM: u16 = 7;
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that cuts its first connections off, then lets `count` clients in and sends each of them these places of a
/// stream, one write each.
fn server(dialect: Dialect, cut_off: usize, count: usize, seqs: Vec<u64>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for _ in 0..cut_off {
            drop(listener.accept().unwrap());
        }
        let mut clients: Vec<_> = (0..count).map(|_| let_in(dialect, listener.accept().unwrap().0)).collect();
        for client in &mut clients {
            for seq in &seqs {
                let body = Mark { stream: STREAM, seq: *seq, due_ns: clock::now_ns() }.body(60);
                client.write_all(&dialect.shown(&[body], seq + 1)).unwrap();
            }
        }
        // Until the clients have gone.
        clients.iter_mut().for_each(|client| drop(client.read(&mut [0; 64])));
    });
    address
}

fn let_in(dialect: Dialect, mut client: TcpStream) -> TcpStream {
    let (mut stage, mut held, mut scratch) = (dialect.first_stage(), Vec::new(), [0; 4096]);
    loop {
        let bytes = client.read(&mut scratch).unwrap();
        assert!(bytes > 0, "the client gives up");
        held.extend_from_slice(&scratch[..bytes]);
        let mut is_asked = dialect.asked_in(&held).is_some();
        if stage == Stage::Upgrading
            && let Some((response, _, taken)) = accept_response(&held)
        {
            client.write_all(&response).unwrap();
            held.drain(..taken);
            stage = Stage::Authenticating;
            is_asked = dialect == Dialect::Json || dialect.asked_in(&held).is_some();
        }
        if is_asked {
            client.write_all(&dialect.welcome()).unwrap();
            return client;
        }
    }
}

fn swarm(dialect: Dialect, address: SocketAddr) -> Swarm {
    let mut swarm =
        Swarm::new(Plan { address, dialect, room: Room::Main, first_number: 0, tls: None }, EVENTS_MAX)
            .unwrap();
    swarm.follow(STREAM, (dialect == Dialect::Json).then_some(1));
    swarm
}

fn until(swarm: &mut Swarm, what: &str, is_so: impl Fn(Tally) -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !is_so(swarm.tally()) {
        swarm.turn(Duration::from_millis(10)).unwrap();
        assert!(Instant::now() < give_up, "{what}: {:?} {:?}", swarm.tally(), swarm.complaint());
    }
}

fn open(swarm: &mut Swarm, count: usize) -> u64 {
    let give_up = Instant::now() + PATIENCE;
    let mut opening = Opening::new(swarm, count, 4);
    while !opening.go_on(swarm).unwrap() {
        swarm.turn(Duration::from_millis(1)).unwrap();
        assert!(Instant::now() < give_up, "{:?} {:?}", swarm.tally(), swarm.complaint());
    }
    opening.refused(swarm)
}

/// The verdict of three clients that were each sent these places of a stream of four, one write each.
fn verdict(dialect: Dialect, seqs: &[u64]) -> Verdict {
    let mut swarm = swarm(dialect, server(dialect, 0, 3, seqs.to_vec()));
    open(&mut swarm, 3);
    let mut distinct = seqs.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    // The last one sent is the last one that comes.
    let last = swarm.tally();
    assert_eq!((last.live, last.refused), (3, 0));
    until(&mut swarm, "messages", |tally| tally.delivered >= 3 * distinct.len() as u64);
    let give_up = Instant::now() + PATIENCE;
    loop {
        let verdict = swarm.verdict(|_| 4);
        if verdict.delivered + verdict.duplicated >= 3 * seqs.len() as u64 {
            assert_eq!(swarm.tally().misnumbered, 0);
            assert_eq!(swarm.latency().histogram().len(), verdict.delivered);
            return verdict;
        }
        swarm.turn(Duration::from_millis(10)).unwrap();
        assert!(Instant::now() < give_up, "{verdict:?}");
    }
}

#[test]
fn an_honest_server_passes_in_every_dialect() {
    for dialect in ALL {
        assert_eq!(
            verdict(dialect, &[0, 1, 2, 3]),
            Verdict { delivered: 12, ..Verdict::default() },
            "{dialect:?}"
        );
    }
}

#[test]
fn a_message_skipped_fails() {
    for dialect in ALL {
        let verdict = verdict(dialect, &[0, 1, 3]);
        assert_eq!((verdict.lost, verdict.is_pass()), (3, false), "{dialect:?}");
    }
}

#[test]
fn a_message_repeated_fails() {
    for dialect in ALL {
        let verdict = verdict(dialect, &[0, 1, 1, 2, 3]);
        assert_eq!((verdict.duplicated, verdict.is_pass()), (3, false), "{dialect:?}");
    }
}

#[test]
fn messages_swapped_fail() {
    for dialect in ALL {
        let verdict = verdict(dialect, &[0, 2, 1, 3]);
        assert_eq!((verdict.reordered, verdict.lost, verdict.is_pass()), (3, 0, false), "{dialect:?}");
    }
}

#[test]
fn a_seq_of_the_server_that_is_not_the_messages_is_seen() {
    let mut swarm = swarm(Dialect::Json, server(Dialect::Json, 0, 1, vec![0]));
    swarm.follow(STREAM, Some(5));
    open(&mut swarm, 1);
    until(&mut swarm, "a message", |tally| tally.delivered == 1);
    assert_eq!(swarm.tally().misnumbered, 1);
}

#[test]
fn clients_that_are_cut_off_come_again() {
    for dialect in ALL {
        let mut swarm = swarm(dialect, server(dialect, 3, 5, vec![0]));
        assert_eq!(open(&mut swarm, 5), 3, "{dialect:?}");
        until(&mut swarm, "a message", |tally| tally.delivered == 5);
        assert_eq!(swarm.tally().live, 5);
        swarm.close_all();
        assert_eq!((swarm.tally().live, swarm.tally().dropped), (0, 0));
    }
}

#[test]
fn a_connection_lost_is_told() {
    let dialect = Dialect::PacketTcp;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || drop(let_in(dialect, listener.accept().unwrap().0)));
    let mut swarm = swarm(dialect, address);
    let mut opening = Opening::new(&swarm, 1, 1);
    opening.go_on(&mut swarm).unwrap();
    until(&mut swarm, "the end", |tally| tally.dropped == 1);
    server.join().unwrap();
    assert_eq!(swarm.tally().live, 0);
    assert!(swarm.complaint().unwrap().contains("ended"));
}
