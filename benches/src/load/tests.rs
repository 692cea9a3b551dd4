//! The load against a stand-in server that misbehaves on purpose: what it does has to be found out.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::mpsc;
use std::thread;

use super::connect;
use super::driver::{Line, Role, Work, drive};
use super::http::Requests;
use super::http_sender::HttpSender;
use super::schedule::Schedule;
use super::socket::Socket;
use super::tally::{Shared, Tally};
use super::wire::Wire;
use crate::clock::now_ns;
use crate::report::Verdict;

/// Seqs that a stand-in shows its member, in order, when send number `seq` is answered.
type Shows = fn(i64) -> Vec<i64>;

/// A server with one conversation, "7", whose first `sends` sends it answers with 1, 2, 3, ….
fn stand_in(shows: Shows) -> (SocketAddr, SocketAddr) {
    let (api, comet) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let places = (api.local_addr().unwrap(), comet.local_addr().unwrap());
    let (sent, shown) = mpsc::channel::<(i64, String)>();
    thread::spawn(move || {
        let (mut member, _) = comet.accept().unwrap();
        read_until(&mut member, |text| text.ends_with("\r\n\r\n"));
        member.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").unwrap();
        text(&mut member, r#"{"type":"hello","payload":{"rooms":[{"id":"7","head":0}]}}"#);
        while let Ok((seq, id)) = shown.recv() {
            for seq in shows(seq) {
                let message = format!(r#"{{"seq":{seq},"clientMsgId":"{id}"}}"#);
                let payload = format!(r#"{{"roomId":"7","messages":[{message}]}}"#);
                text(&mut member, &format!(r#"{{"type":"serverMessages","payload":{payload}}}"#));
            }
        }
    });
    thread::spawn(move || {
        let mut seq = 0;
        while let Ok((mut sender, _)) = api.accept() {
            // Every third answer ends the connection, so that the load has to connect again.
            for answer in 0..3 {
                let request = read_until(&mut sender, |text| text.ends_with("\"}"));
                let Some(id) = request.split(r#""clientMsgId":""#).nth(1).and_then(|rest| rest.get(..33))
                else {
                    return;
                };
                seq += 1;
                // The member may be gone when the last send is answered.
                drop(sent.send((seq, id.to_owned())));
                let body = format!(r#"{{"seq":{seq}}}"#);
                let close = if answer == 2 { "connection: close\r\n" } else { "" };
                let head = format!("HTTP/1.1 200 OK\r\n{close}content-length: {}\r\n\r\n", body.len());
                sender.write_all((head + &body).as_bytes()).unwrap();
            }
        }
    });
    places
}

fn read_until(stream: &mut TcpStream, done: impl Fn(&str) -> bool) -> String {
    let (mut text, mut part) = (String::new(), [0; 4096]);
    while !done(&text) {
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return String::new(),
            Ok(read) => text.push_str(std::str::from_utf8(&part[..read]).unwrap()),
        }
    }
    text
}

/// One unmasked text frame of less than 64 KiB.
fn text(stream: &mut TcpStream, text: &str) {
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    let frame = [&[0x81, 126], length.as_slice(), text.as_bytes()].concat();
    // The load ends the connection when it has what it waits for.
    drop(stream.write_all(&frame));
}

/// Ten sends, 50 ms apart.
fn run(shows: Shows) -> Tally {
    let (api, comet) = stand_in(shows);
    let index = std::sync::Arc::new(std::iter::once(("7".to_owned(), 0)).collect());
    let (wire, heads) = connect::open(comet, "token").unwrap();
    let member = Line { wire, role: Role::Socket(Box::new(Socket::new(index, &heads, None))) };
    let sender = HttpSender::new(api, Requests::new("h", "token", 10), vec![0], 0);
    let sender = Line { wire: Wire::connect(api).unwrap(), role: Role::Http(sender) };
    let start = now_ns();
    let measured: Range<u64> = start..start + 500_000_000;
    let work = Work {
        schedule: Schedule::share(20, &measured, 0, 1),
        lines: vec![member, sender],
        measured,
        wait_ns: 2_000_000_000,
        deliveries_per_send: 1,
        first_number: 0,
    };
    let shared = Shared::new(vec!["7".to_owned()], 1);
    let tally = drive(work, &shared).unwrap();
    assert_eq!(tally.unanswered, 0);
    assert_eq!(tally.answered.histogram().len(), 10, "answered, or counted as not begun");
    tally
}

/// Sends that were begun: on a busy machine not all are.
fn begun(tally: &Tally) -> u64 {
    let begun = 10 - tally.not_begun;
    assert!(begun >= 3, "too few sends found their time: {begun}");
    begun
}

#[test]
fn a_good_server_passes() {
    let tally = run(|seq| vec![seq]);
    let begun = begun(&tally);
    assert_eq!(tally.verdict(), Verdict { delivered: begun, ..Verdict::default() });
    assert_eq!((tally.acked.len() as u64, tally.delivered.histogram().len()), (begun, 10));
}

#[test]
fn a_lost_message_is_found() {
    let tally = run(|seq| if seq == 2 { Vec::new() } else { vec![seq] });
    assert_eq!(tally.verdict(), Verdict { delivered: begun(&tally) - 1, lost: 1, ..Verdict::default() });
}

#[test]
fn a_repeated_message_is_found() {
    let tally = run(|seq| vec![seq; if seq == 3 { 2 } else { 1 }]);
    assert_eq!(tally.verdict(), Verdict { delivered: begun(&tally), duplicated: 1, ..Verdict::default() });
}

#[test]
fn a_disordered_message_is_found() {
    let tally = run(|seq| match seq {
        2 => Vec::new(),
        3 => vec![3, 2],
        _ => vec![seq],
    });
    assert_eq!(tally.verdict(), Verdict { delivered: begun(&tally), reordered: 1, ..Verdict::default() });
}
