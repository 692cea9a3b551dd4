//! Fills the store of a system past its API, by SQL: millions of people and groups in minutes.
//!
//! People are numbered from 0; twenty who follow each other share their groups, and the groups of one person lie far apart
//! in their table, as those of somebody who joined them over the years do.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use rusqlite::Connection;

use crate::clock;
use crate::system::{Shape, System, SystemOptions};

/// Members of a group.
const GROUP_SIZE: u64 = 20;
/// Ids of what is filled in begin here, so that they meet none of the system's own.
const FIRST_ID: u64 = 1_000_000_000;
/// Rows written by one transaction.
const ROWS_AT_ONCE: u64 = 100_000;
/// Kind of a group, and of a text (`oort.v1`).
const GROUP: u8 = 2;
const TEXT: u8 = 0;

/// How much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amount {
    /// People; a multiple of twenty.
    pub(crate) users: u64,
    /// Groups that each is in.
    pub(crate) groups: u64,
}

/// The store under a system.
#[derive(Debug)]
pub(crate) enum Filler {
    /// The file.
    Sqlite(Connection),
    /// Port of the server on this machine, and the database.
    Mysql(String, String),
}

impl Filler {
    /// Beside a system that was started here.
    pub(crate) fn beside(system: &System, options: &SystemOptions) -> anyhow::Result<Self> {
        if options.shape == Shape::Standalone {
            let path = PathBuf::from(system.setting("OORT_NODE__DATA_DIR")?).join("oort.db");
            let connection = Connection::open(path)?;
            connection.busy_timeout(Duration::from_secs(30))?;
            // What is filled in can be filled in again.
            connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000")?;
            return Ok(Self::Sqlite(connection));
        }
        let url = system.setting("OORT_LOGIC__STORE__URL")?;
        let (server, database) = url.rsplit_once('/').context("a URL without a database")?;
        let port = server.rsplit_once(':').context("a URL without a port")?.1;
        Ok(Self::Mysql(port.to_owned(), database.to_owned()))
    }

    /// Writes it; `done` is told how much of it there is, 0 to 1. Everybody has the password of the account `like`.
    pub(crate) fn fill(
        &self,
        amount: Amount,
        like: &str,
        mut done: impl FnMut(u64, u64),
    ) -> anyhow::Result<()> {
        ensure!(amount.users > 0 && amount.users.is_multiple_of(GROUP_SIZE), "people come by {GROUP_SIZE}");
        let groups = amount.users / GROUP_SIZE * amount.groups;
        let rows = amount.users * (amount.groups + 1) + 2 * groups;
        let mut written = 0;
        for (count, statement) in statements(amount, like) {
            for from in (0..count).step_by(usize::try_from(ROWS_AT_ONCE)?) {
                let to = count.min(from + ROWS_AT_ONCE);
                self.run(&statement.replace("NUMBERS", &self.numbers(from, to)))?;
                written += to - from;
                done(written, rows);
            }
        }
        self.run(match self {
            Self::Sqlite(_) => "ANALYZE",
            Self::Mysql(..) => "ANALYZE TABLE users, conversations, members, messages",
        })
    }

    fn numbers(&self, from: u64, to: u64) -> String {
        let last = to - 1;
        match self {
            Self::Sqlite(_) => format!(
                "(WITH RECURSIVE n(seq) AS (SELECT {from} UNION ALL SELECT seq + 1 FROM n WHERE seq < {last})
                  SELECT seq FROM n) AS n"
            ),
            Self::Mysql(..) => format!("seq_{from}_to_{last} AS n"),
        }
    }

    fn run(&self, statement: &str) -> anyhow::Result<()> {
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch(statement)?),
            Self::Mysql(port, database) => {
                let mut command = Command::new("mariadb");
                command.args(["--no-defaults", "--host=127.0.0.1", "--user=root", "--batch"]);
                command.arg(format!("--port={port}")).arg(format!("--database={database}"));
                let output = command.arg("--execute").arg(statement).output();
                let output = output.context("the program `mariadb` is needed")?;
                ensure!(output.status.success(), "mysql: {}", String::from_utf8_lossy(&output.stderr).trim());
                Ok(())
            }
        }
    }
}

/// Name to log in with.
pub(crate) fn name(user: u64) -> String {
    format!("filled-{user}")
}

/// Each with its number of rows; `NUMBERS` stands for a table of the numbers of some of them.
fn statements(amount: Amount, like: &str) -> Vec<(u64, String)> {
    let (now_ms, rings) = (clock::wall_ms(), amount.users / GROUP_SIZE);
    let groups = rings * amount.groups;
    let name = "CONCAT('filled-', n.seq)";
    let mut all = vec![
        (
            amount.users,
            format!(
                "INSERT INTO users (id, username, username_key, password_hash, created_at_ms)
                 SELECT {FIRST_ID} + n.seq, {name}, {name},
                        (SELECT password_hash FROM (SELECT password_hash FROM users WHERE username = '{like}') AS one),
                        {now_ms} FROM NUMBERS"
            ),
        ),
        (
            groups,
            format!(
                "INSERT INTO conversations (id, kind, name, creator_id, last_seq, last_at_ms, created_at_ms, members_count)
                 SELECT {FIRST_ID} + n.seq, {GROUP}, CONCAT('group ', n.seq), {FIRST_ID} + n.seq % {rings} * {GROUP_SIZE}, 1,
                        {now_ms}, {now_ms}, {GROUP_SIZE} FROM NUMBERS"
            ),
        ),
        (
            groups,
            format!(
                "INSERT INTO messages (conversation_id, seq, sender_id, sender_name, kind, content, created_at_ms)
                 SELECT {FIRST_ID} + n.seq, 1, {FIRST_ID} + n.seq % {rings} * {GROUP_SIZE},
                        CONCAT('filled-', n.seq % {rings} * {GROUP_SIZE}), {TEXT}, CONCAT('welcome to group ', n.seq), {now_ms}
                 FROM NUMBERS"
            ),
        ),
    ];
    let member = |pass: u64| {
        format!(
            "INSERT INTO members (conversation_id, user_id, joined_at_ms, role)
             SELECT {FIRST_ID} + {pass} * {rings} + (n.seq - n.seq % {GROUP_SIZE}) / {GROUP_SIZE}, {FIRST_ID} + n.seq, {now_ms},
                    CASE WHEN n.seq % {GROUP_SIZE} = 0 THEN 2 ELSE 0 END FROM NUMBERS"
        )
    };
    all.extend((0..amount.groups).map(|pass| (amount.users, member(pass))));
    all
}
