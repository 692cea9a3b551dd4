//! An SMTP server: takes what it is sent (RFC 5321, without TLS and log-in) and shows it to the test.
//!
//! On threads of its own, so that it outlives the runtime of the test that started it. Included by the cross-tier
//! suite as well.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What was received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
}

impl Received {
    /// The line of the text that is nothing but digits.
    pub(crate) fn code(&self) -> String {
        let is_code = |line: &&str| line.len() >= 6 && line.bytes().all(|byte| byte.is_ascii_digit());
        let code = self.text.lines().map(str::trim).find(is_code);
        code.unwrap_or_else(|| panic!("no code: {}", self.text)).to_owned()
    }
}

#[derive(Debug, Default)]
struct State {
    mails: Mutex<Vec<Received>>,
    refuses: AtomicBool,
    stays_silent: AtomicBool,
}

/// A running server.
#[derive(Debug, Clone)]
pub(crate) struct Smtp {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

impl Smtp {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || drop(converse(&stream, &state)));
            }
        });
        Self { address, state }
    }

    /// As `logic.mail.url` has it.
    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// From now on no mail is taken.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.state.refuses.store(refuses, Ordering::SeqCst);
    }

    /// From now on it takes connections and says nothing.
    pub(crate) fn stay_silent(&self) {
        self.state.stays_silent.store(true, Ordering::SeqCst);
    }

    /// All mails to this address, in the order they came.
    pub(crate) fn mails_to(&self, to: &str) -> Vec<Received> {
        let mails = self.state.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.iter().filter(|mail| mail.to == to).cloned().collect()
    }

    /// The newest mail to this address: the answer came after the mail did.
    pub(crate) fn newest_to(&self, to: &str) -> Received {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(mail) = self.mails_to(to).pop() {
                return mail;
            }
            assert!(Instant::now() < deadline, "no mail to {to}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn converse(stream: &TcpStream, state: &State) -> io::Result<()> {
    if state.stays_silent.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_secs(60));
        return Ok(());
    }
    let say = |line: &str| (&*stream).write_all(format!("{line}\r\n").as_bytes());
    say("220 test ESMTP")?;
    let (mut from, mut to) = (String::new(), String::new());
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next().transpose()? {
        let upper = line.to_ascii_uppercase();
        if upper.starts_with("EHLO") || upper.starts_with("HELO") {
            say("250-test")?;
            say("250-SMTPUTF8")?;
            say("250 8BITMIME")?;
        } else if upper.starts_with("MAIL FROM:") {
            from = address(&line);
            say(if state.refuses.load(Ordering::SeqCst) { "451 not now" } else { "250 ok" })?;
        } else if upper.starts_with("RCPT TO:") {
            to = address(&line);
            say("250 ok")?;
        } else if upper == "DATA" {
            say("354 go on")?;
            let mut data = Vec::new();
            loop {
                let Some(line) = lines.next().transpose()? else { return Ok(()) };
                if line == "." {
                    break;
                }
                // RFC 5321 §4.5.2.
                data.push(line.strip_prefix('.').map(str::to_owned).unwrap_or(line));
            }
            let mail = read(&from, &to, &data);
            state.mails.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
            say("250 taken")?;
        } else if upper == "QUIT" {
            return say("221 bye");
        } else {
            say("250 ok")?;
        }
    }
    Ok(())
}

fn address(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map(|(address, _)| address.to_owned()).unwrap_or_default()
}

fn read(from: &str, to: &str, data: &[String]) -> Received {
    let end = data.iter().position(String::is_empty).unwrap_or(data.len());
    let header = |name: &str| {
        let line = data[..end].iter().find(|line| line.to_ascii_lowercase().starts_with(name));
        line.map(|line| line[name.len()..].trim().to_owned()).unwrap_or_default()
    };
    let encoding = header("content-transfer-encoding:");
    assert!(matches!(&*encoding, "7bit" | "8bit" | ""), "not written plainly: {encoding}");
    let text = data.get(end + 1..).unwrap_or_default().join("\n");
    Received { from: from.to_owned(), to: to.to_owned(), subject: header("subject:"), text }
}
