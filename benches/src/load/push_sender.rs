//! A server that pushes: one keep-alive HTTP connection with one request under way, of one push or of a batch.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::bail;

use super::frames::Refusal;
use super::http::Response;
use super::http_sender::Progress;
use super::tag::{TAG_BYTES, Tag};
use super::tally::{Shared, Tally};
use super::wire::Wire;

/// Operation of the pushes: an application's own.
const OPERATION: i32 = 1000;
/// Bits of a push's number that count those of one sender to one user; the sender's own number is above them.
const COUNT_BITS: u32 = 40;

/// What all senders of a run have in common.
#[derive(Debug)]
pub(crate) struct Orders {
    /// Ids of the users pushed to; the run counts them in this order.
    pub(crate) users: Vec<String>,
    /// Token for `Authorization`.
    pub(crate) token: String,
    /// Most pushes in one request; 1 = single pushes.
    pub(crate) batch: usize,
    /// Bytes of each push's body; less than a tag's are as many as a tag's.
    pub(crate) body_bytes: usize,
}

/// What a sender pushed: numbers from 1 on for each user.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The sender's number.
    pub(crate) sender: u64,
    /// By user: the last number given.
    pub(crate) issued: Vec<u64>,
    /// (user, number) that was refused or not answered: it may arrive, and need not.
    pub(crate) not_owed: BTreeSet<(usize, u64)>,
}

/// The state of one sender.
#[derive(Debug)]
pub(crate) struct PushSender {
    pub(crate) address: SocketAddr,
    orders: Arc<Orders>,
    ledger: Ledger,
    turn: usize,
    /// User and tag of each push of the request that is under way.
    under_way: Vec<(usize, Tag)>,
    body: Vec<u8>,
    request: Vec<u8>,
}

/// Sender and count in a push's number.
pub(crate) fn parts(number: u64) -> (u64, u64) {
    (number >> COUNT_BITS, number & ((1 << COUNT_BITS) - 1))
}

impl PushSender {
    /// Sender `number` pushes to all users in turn, beginning with the one of its own number.
    pub(crate) fn new(address: SocketAddr, orders: Arc<Orders>, number: usize) -> Self {
        let issued = vec![0; orders.users.len()];
        let ledger = Ledger { sender: number as u64, issued, not_owed: BTreeSet::new() };
        let (under_way, body, request) = (Vec::new(), Vec::new(), Vec::new());
        Self { address, orders, ledger, turn: number, under_way, body, request }
    }

    /// Pushes it would take into one request now.
    pub(crate) fn free(&self) -> usize {
        if self.under_way.is_empty() { self.orders.batch } else { 0 }
    }

    /// Pushes under way.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// What it pushed; what is not answered need not arrive.
    pub(crate) fn into_ledger(mut self) -> Ledger {
        self.forgive();
        self.ledger
    }

    /// Begins a request with these pushes; only when each was due counts of them.
    pub(crate) fn begin(&mut self, wire: &mut Wire, tags: &[Tag]) -> anyhow::Result<()> {
        for tag in tags {
            let user = self.turn % self.orders.users.len();
            self.turn += 1;
            self.ledger.issued[user] += 1;
            let number = self.ledger.sender << COUNT_BITS | self.ledger.issued[user];
            self.under_way.push((user, Tag { number, ..*tag }));
        }
        self.compose()?;
        Ok(wire.write(&self.request)?)
    }

    /// Repeats over a new connection what was under way on one that ended; whether there was something. It may then
    /// arrive twice.
    pub(crate) fn repeat(&mut self, wire: &mut Wire) -> anyhow::Result<bool> {
        if !self.under_way.is_empty() {
            wire.write(&self.request)?;
        }
        Ok(!self.under_way.is_empty())
    }

    /// Reads the answer.
    pub(crate) fn read(
        &mut self,
        wire: &mut Wire,
        shared: &Shared,
        tally: &mut Tally,
        now_ns: u64,
    ) -> anyhow::Result<Progress> {
        let Some(response) = Response::read(wire.unread())? else { return Ok(Progress::Waiting) };
        if self.under_way.is_empty() {
            bail!("an HTTP answer to no request");
        }
        match response.status {
            204 => {
                shared.acked.fetch_add(self.under_way.len() as u64, Ordering::Relaxed);
                for (user, tag) in self.under_way.drain(..) {
                    shared.pushed[user].fetch_add(1, Ordering::Relaxed);
                    tally.answer(tag.due_ns, now_ns);
                }
            }
            429 | 503 => {
                let refusal: Refusal<'_> = serde_json::from_slice(response.body)?;
                for (_, tag) in &self.under_way {
                    tally.refuse(&refusal.code);
                    tally.answer(tag.due_ns, now_ns);
                }
                self.forgive();
            }
            status => bail!("a push was answered with {status}: {}", String::from_utf8_lossy(response.body)),
        }
        let (bytes, close) = (response.bytes, response.close);
        wire.consume(bytes);
        Ok(if close { Progress::FreeAndClosed } else { Progress::Free })
    }

    fn forgive(&mut self) {
        let not_owed = self.under_way.drain(..).map(|(user, tag)| (user, parts(tag.number).1));
        self.ledger.not_owed.extend(not_owed);
    }

    /// Writes the request for what is under way.
    fn compose(&mut self) -> anyhow::Result<()> {
        let orders = &self.orders;
        self.body.clear();
        let (path, open, close) =
            if orders.batch == 1 { ("/push/user", "", "") } else { ("/push/batch", r#"{"pushes":["#, "]}") };
        self.body.extend_from_slice(open.as_bytes());
        for (index, (user, tag)) in self.under_way.iter().enumerate() {
            self.body.extend_from_slice(if index == 0 { b"" } else { b"," });
            write!(self.body, r#"{{"userId":"{}","operation":{OPERATION},"body":""#, orders.users[*user])?;
            self.body.extend_from_slice(&tag.text());
            self.body.extend(std::iter::repeat_n(b'x', orders.body_bytes.saturating_sub(TAG_BYTES)));
            self.body.extend_from_slice(br#""}"#);
        }
        self.body.extend_from_slice(close.as_bytes());
        self.request.clear();
        write!(
            self.request,
            "POST {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            self.address,
            orders.token,
            self.body.len()
        )?;
        self.request.extend_from_slice(&self.body);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn sender(batch: usize) -> PushSender {
        let users = vec!["7".to_owned(), "8".to_owned()];
        let orders = Orders { users, token: "t".into(), batch, body_bytes: 40 };
        PushSender::new("127.0.0.1:1".parse().unwrap(), Arc::new(orders), 3)
    }

    fn composed(sender: &mut PushSender, count: u64) -> (String, Value) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut wire = Wire::connect(listener.local_addr().unwrap()).unwrap();
        let tags: Vec<_> = (1..=count).map(|number| Tag { number, due_ns: 5 }).collect();
        sender.begin(&mut wire, &tags).unwrap();
        let text = String::from_utf8(sender.request.clone()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        (head.to_owned(), serde_json::from_str(body).unwrap())
    }

    #[test]
    fn requests_are_whole_and_count_by_user() {
        let (head, body) = composed(&mut sender(1), 1);
        assert!(head.starts_with("POST /push/user HTTP/1.1\r\n"), "{head}");
        assert_eq!((&body["userId"], body["body"].as_str().unwrap().len()), (&"8".into(), 40));

        let mut batched = sender(4);
        let (head, body) = composed(&mut batched, 3);
        assert!(head.starts_with("POST /push/batch HTTP/1.1\r\n"), "{head}");
        let pushes = body["pushes"].as_array().unwrap();
        let numbers = pushes.iter().map(|push| {
            let tag = Tag::parse(&push["body"].as_str().unwrap()[..TAG_BYTES]).unwrap();
            assert_eq!(tag.due_ns, 5);
            (push["userId"].as_str().unwrap(), parts(tag.number))
        });
        assert_eq!(numbers.collect::<Vec<_>>(), [("8", (3, 1)), ("7", (3, 1)), ("8", (3, 2))]);
        assert_eq!((batched.free(), batched.under_way()), (0, 3));
        let ledger = batched.into_ledger();
        assert_eq!((ledger.issued, ledger.not_owed.len()), (vec![1, 2], 3));
    }
}
