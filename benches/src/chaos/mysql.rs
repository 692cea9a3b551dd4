//! Breaks MySQL from within: a second connection that cuts, locks, and wins.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

/// Between two cuts of the connections.
const CUT_EVERY: Duration = Duration::from_millis(200);
/// The rows that are locked: the newest conversations, those of the run among them.
const ROWS: usize = 8;
/// So long locks that a deadlock took are asked for again.
const LOCKED: Duration = Duration::from_secs(60);
/// Rows that make a transaction heavy: of two in a deadlock the lighter one loses.
const WEIGHT_ROWS: usize = 500;
/// Who may not write while the server is read-only: one without privileges over the server.
pub(crate) const USER: &str = "oort_chaos";

/// A server on this machine.
#[derive(Debug)]
pub(crate) struct Mysql {
    pub(crate) port: u16,
}

impl Mysql {
    /// Makes the user by whom Oort connects. It may do everything with databases of runs, and nothing else.
    pub(crate) fn make_user(&self) -> anyhow::Result<()> {
        let name = format!("'{USER}'@'%'");
        self.say(&format!(
            "CREATE USER IF NOT EXISTS {name}; GRANT ALL PRIVILEGES ON `oort\\_bench\\_%`.* TO {name}"
        ))
        .map(drop)
    }

    /// Cuts every connection for `time`, again and again.
    pub(crate) fn cut(&self, time: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            let all = "SELECT CONCAT('KILL ', id, ';') FROM information_schema.processlist WHERE id <> CONNECTION_ID() \
                       AND user <> 'system user'";
            let kills = self.say(all)?;
            // One of them may have gone by itself.
            for kill in kills.lines() {
                drop(self.say(kill));
            }
            thread::sleep(CUT_EVERY);
        }
        Ok(())
    }

    /// Keeps every write waiting for `time`.
    pub(crate) fn lock(&self, time: Duration) -> anyhow::Result<()> {
        let seconds = time.as_secs_f64();
        self.say(&format!("FLUSH TABLES WITH READ LOCK; SELECT SLEEP({seconds:.1}); UNLOCK TABLES")).map(drop)
    }

    /// Holds the rows of some conversations of `database` for `time`: longer than Oort waits for a lock, if it is long.
    pub(crate) fn lock_rows(&self, database: &str, time: Duration) -> anyhow::Result<()> {
        let seconds = time.as_secs_f64();
        let locks = format!(
            "USE `{database}`; BEGIN; SELECT id FROM conversations ORDER BY id DESC LIMIT {ROWS} FOR UPDATE; \
             SELECT SLEEP({seconds:.1}); ROLLBACK"
        );
        let give_up = Instant::now() + LOCKED;
        loop {
            match self.say(&locks) {
                // Of a deadlock with a writer this may be the side that loses: again.
                Err(error) if error.to_string().contains("ERROR 1213") && Instant::now() < give_up => {}
                said => return said.map(drop),
            }
        }
    }

    /// For `time`, transactions that first lock the place of each conversation's next message in `database`, then the
    /// conversations: the other way round than Oort does. They are the heavier ones, so Oort's lose. Returns how many deadlocks
    /// there were.
    pub(crate) fn deadlock(&self, database: &str, time: Duration) -> anyhow::Result<u64> {
        let before = self.deadlocks()?;
        // Beside Oort's tables, in its database: gone with it.
        self.say(&format!(
            "USE `{database}`; CREATE TABLE IF NOT EXISTS chaos_weight (id INT AUTO_INCREMENT PRIMARY KEY) ENGINE = InnoDB"
        ))?;
        let weight = vec!["(NULL)"; WEIGHT_ROWS].join(",");
        let ids =
            self.say(&format!("SELECT id FROM `{database}`.conversations ORDER BY id DESC LIMIT {ROWS}"))?;
        let each = |lock: &dyn Fn(&str) -> String| ids.lines().map(lock).collect::<Vec<_>>().concat();
        let places = each(&|id| {
            format!("SELECT seq FROM messages WHERE conversation_id = {id} AND seq > 1000000000 FOR UPDATE;")
        });
        let rows = each(&|id| format!("SELECT id FROM conversations WHERE id = {id} FOR UPDATE;"));
        let end = Instant::now() + time;
        while Instant::now() < end {
            // It may lose all the same.
            drop(self.say(&format!(
                "USE `{database}`; BEGIN; INSERT INTO chaos_weight VALUES {weight}; {places} SELECT SLEEP(0.2); {rows} ROLLBACK"
            )));
        }
        Ok(self.deadlocks()?.saturating_sub(before))
    }

    fn deadlocks(&self) -> anyhow::Result<u64> {
        let said = self.say("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")?;
        let count = said.split_whitespace().nth(1).context("no count of deadlocks")?;
        Ok(count.parse()?)
    }

    /// For `time` nobody but the administrator writes.
    pub(crate) fn read_only(&self, time: Duration) -> anyhow::Result<()> {
        self.say("SET GLOBAL read_only = ON")?;
        thread::sleep(time);
        self.say("SET GLOBAL read_only = OFF").map(drop)
    }

    /// As a replica, for `time` it applies nothing of what it gets.
    pub(crate) fn stand_still(&self, time: Duration) -> anyhow::Result<()> {
        self.say("STOP REPLICA SQL_THREAD")?;
        thread::sleep(time);
        self.say("START REPLICA SQL_THREAD").map(drop)
    }

    fn say(&self, statements: &str) -> anyhow::Result<String> {
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "--host=127.0.0.1", "--user=root", "--batch", "--skip-column-names"]);
        command.arg(format!("--port={}", self.port)).arg("--execute").arg(statements);
        let output = command.output().context("the program `mariadb` is needed")?;
        ensure!(output.status.success(), "mysql: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
