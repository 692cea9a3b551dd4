//! How MySQL finds rows: the statements of this suite, as the server saw them, are explained on full tables.

use std::collections::BTreeSet;
use std::pin::Pin;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, from_value_opt};

use tokio::task::JoinSet;

use super::SCENARIOS;
use super::fixture::Fixture;

/// A test of the contract.
pub(crate) type Scenario = fn(Fixture) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// Rows in each table: enough that reading all of them is never the quickest way.
const ROWS: u32 = 5_000;

/// A plan may touch so many rows of one table.
const TOUCHED_MAX: i64 = 500;

/// Tables that hold a handful of rows for ever, and may be read whole.
const SMALL: [&str; 4] = ["signing_keys", "operators", "owners", "api_keys"];

/// Databases whose statements are looked at.
const PREFIX: &str = "oort_plans_";

/// What these test is not which statements there are.
pub(super) const PASSED_OVER: [&str; 4] =
    ["migrations::", "model::", "races::", "groups::a_group_of_a_hundred_thousand"];

/// What these have several servers run is what they have one run.
const SAME_WHERE_SHARDED: [&str; 16] = [
    "accounts::",
    "codes::",
    "cursors::",
    "details::",
    "expiries::",
    "history::",
    "hooks::",
    "migrations::",
    "model::",
    "operators::",
    "outbox::",
    "races::",
    "receipts::",
    "search::",
    "unread::",
    "user_events::",
];

/// Tests run at once.
pub(super) const AT_ONCE: usize = 8;

/// Statements that may read more, and why. The first two run once in `logic.relay.interval_ms`, on a table of at most
/// `logic.publisher.backlog.rows_max` rows, in an index alone.
const ALLOWED: [&str; 6] = [
    // One row, whichever.
    "SELECT 6 FROM notification_targets LIMIT 6",
    // Gauges.
    "SELECT (SELECT COUNT(*) FROM outbox), (SELECT created_at_ms FROM outbox ORDER BY id LIMIT 6)",
    // The first row of a node that is gone, beside the rows of those that are not.
    "SELECT DISTINCT o.owner FROM outbox o LEFT JOIN owners w ON w.owner = o.owner WHERE o.owner <> 'v6' AND \
     (w.owner IS NULL OR w.lease_until_ms <= CAST(UNIX_TIMESTAMP(NOW(6)) * 6 AS SIGNED)) LIMIT 6",
    // Reads as many rows as its limit says, in the order of the primary key: the server's count is of all that follow.
    "SELECT c.id, c.last_seq, COALESCE(s.seq, 6) FROM conversations c LEFT JOIN search_cursors s \
     ON s.conversation_id = c.id WHERE c.id > 6 ORDER BY c.id LIMIT 6",
    // Gauges, once in ten times `logic.notifications.interval_ms`: at most 10,000 entries of an index each.
    "SELECT (SELECT COUNT(*) FROM (SELECT 6 FROM notification_feed LIMIT 6) f), \
     (SELECT COUNT(*) FROM (SELECT 6 FROM notifications LIMIT 6) q), \
     (SELECT created_at_ms FROM notifications ORDER BY created_at_ms LIMIT 6)",
    // Gauges and a bound, once in ten times `logic.hooks.after.interval_ms` where there is such a hook: at most
    // `conversations_max` entries of an index.
    "SELECT (SELECT COUNT(*) FROM (SELECT 6 FROM hook_queue LIMIT 6) q), \
     (SELECT since_ms FROM hook_queue ORDER BY since_ms LIMIT 6)",
];

// A fixture that goes away holds up its thread until its database is gone, which waits for connections that others close.
#[tokio::test(flavor = "multi_thread", worker_threads = 10)]
async fn every_statement_finds_its_rows_by_an_index() {
    let full = Fixture::mysql_called("oort_full_");
    full.migrate().await.expect("migrates");
    let mut connection = full.mysql_connection().await;
    fill(&mut connection).await;
    let statements = observed(&mut connection).await;
    assert!(statements.len() > 50, "the log of the server was read: {statements:#?}");
    let mut scans = Vec::new();
    for statement in statements.iter().filter(|statement| !ALLOWED.contains(&&***statement)) {
        if let Some(scan) = scan_of(&mut connection, statement).await {
            scans.push(scan);
        }
    }
    connection.disconnect().await.expect("closes");
    assert!(scans.is_empty(), "{} of {} scan:\n{}", scans.len(), statements.len(), scans.join("\n\n"));
}

/// Rows of all kinds in every table; each number and each text is another one.
async fn fill(connection: &mut Conn) {
    let columns: Vec<(String, String, String, Option<u64>)> = connection
        .query(
            "SELECT table_name, column_name, data_type, character_maximum_length FROM information_schema.columns
             WHERE table_schema = DATABASE() AND table_name <> 'schema_migrations' AND extra NOT LIKE '%GENERATED%'
             ORDER BY table_name, ordinal_position",
        )
        .await
        .expect("lists columns");
    connection.query_drop("SET SESSION foreign_key_checks = 0").await.expect("sets");
    let tables: BTreeSet<&String> = columns.iter().map(|(table, ..)| table).collect();
    for table in tables {
        let of_table = columns.iter().filter(|(of, ..)| of == table);
        let (names, values): (Vec<_>, Vec<_>) = of_table
            .map(|(_, name, kind, length)| {
                let value = match &**kind {
                    "tinyint" => "seq % 4".to_owned(),
                    "bigint" | "int" | "smallint" => "seq".to_owned(),
                    "binary" => format!("LEFT(UNHEX(SHA2(seq, 512)), {})", length.unwrap_or(1)),
                    _ => "CONCAT('v', seq)".to_owned(),
                };
                (format!("`{name}`"), value)
            })
            .unzip();
        let (names, values) = (names.join(","), values.join(","));
        let insert = format!("INSERT IGNORE INTO `{table}` ({names}) SELECT {values} FROM seq_1_to_{ROWS}");
        connection.query_drop(insert).await.expect("fills");
        connection.query_drop(format!("ANALYZE TABLE `{table}`")).await.expect("analyses");
    }
}

/// Runs the tests of the contract, but for those whose names begin so, some at a time.
pub(super) async fn contract<F>(passed_over: &[&str], at_once: usize, each: impl Fn(Scenario) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let asked =
        SCENARIOS.iter().filter(|(name, _)| !passed_over.iter().any(|prefix| name.starts_with(prefix)));
    let scenarios: Vec<Scenario> = asked.map(|(_, scenario)| *scenario).collect();
    for together in scenarios.chunks(at_once) {
        together.iter().map(|&scenario| each(scenario)).collect::<JoinSet<()>>().join_all().await;
    }
}

/// The distinct statements that the contract has a server run, without the values in them.
async fn observed(connection: &mut Conn) -> BTreeSet<String> {
    let since: Option<String> = connection.query_first("SELECT NOW(6)").await.expect("answers");
    let since = since.expect("a time");
    connection.query_drop("SET GLOBAL log_output = 'TABLE', GLOBAL general_log = ON").await.expect("logs");
    contract(&PASSED_OVER, AT_ONCE, |scenario| async move {
        let fixture = Fixture::mysql_called(PREFIX);
        fixture.migrate().await.expect("migrates");
        scenario(fixture).await;
    })
    .await;
    contract(&SAME_WHERE_SHARDED, AT_ONCE, |scenario| async move {
        let fixture = Fixture::sharded_called(PREFIX);
        fixture.migrate().await.expect("migrates");
        scenario(fixture).await;
    })
    .await;
    connection.query_drop("SET GLOBAL general_log = OFF").await.expect("stops logging");
    let said: Vec<(Vec<u8>,)> = connection
        .exec(
            "SELECT s.argument FROM mysql.general_log s
             WHERE s.event_time >= ? AND s.command_type IN ('Query', 'Execute') AND s.thread_id IN
                 (SELECT c.thread_id FROM mysql.general_log c WHERE c.event_time >= ?
                  AND c.command_type = 'Connect' AND c.argument LIKE CONCAT('% on ', ?, '%'))",
            (&since, &since, PREFIX),
        )
        .await
        .expect("reads the log");
    let of_packet = |packet: &str| split(packet).map(|statement| plain(&statement)).collect::<Vec<_>>();
    let all = said.into_iter().flat_map(|(text,)| of_packet(&String::from_utf8_lossy(&text)));
    let is_explained = |statement: &String| {
        let text = statement.to_ascii_uppercase();
        ["SELECT", "UPDATE", "DELETE"].iter().any(|verb| text.starts_with(verb))
            && !text.contains("INFORMATION_SCHEMA")
            && !text.contains("SCHEMA_MIGRATIONS")
            && text.contains("WHERE") | text.contains("FROM")
    };
    all.filter(is_explained).collect()
}

/// The statements of a packet.
fn split(packet: &str) -> impl Iterator<Item = String> {
    let (mut statements, mut is_quoted, mut is_escaped) = (vec![String::new()], false, false);
    for c in packet.chars() {
        if c == ';' && !is_quoted {
            statements.push(String::new());
            continue;
        }
        if c == '\'' && !is_escaped {
            is_quoted = !is_quoted;
        }
        is_escaped = is_quoted && c == '\\' && !is_escaped;
        if let Some(last) = statements.last_mut() {
            last.push(c);
        }
    }
    statements.into_iter()
}

/// One line, each quoted value and each number as one that is there.
fn plain(statement: &str) -> String {
    let (mut plain, mut is_quoted, mut is_escaped) = (String::new(), false, false);
    for c in statement.chars() {
        let is_quote = c == '\'' && !is_escaped;
        is_escaped = is_quoted && c == '\\' && !is_escaped;
        if is_quote {
            plain.push_str(if is_quoted { "6'" } else { "'v" });
            is_quoted = !is_quoted;
        } else if !is_quoted {
            plain.push(c);
        }
    }
    let words: Vec<String> = plain.split_whitespace().map(str::to_owned).collect();
    let mut out = String::new();
    let mut before = ' ';
    let mut is_number = false;
    for c in words.join(" ").chars() {
        let begins = c.is_ascii_digit() && !before.is_alphanumeric() && !matches!(before, '_' | '\'' | '`');
        if begins {
            out.push('6');
            is_number = true;
        } else if !(is_number && c.is_ascii_digit()) {
            is_number = false;
            out.push(c);
        }
        before = c;
    }
    // A list of many is one of two, of values or of pairs.
    for (many, few) in [("6,6,6", "6,6"), ("'v6','v6','v6'", "'v6','v6'"), ("(6,6),(6,6)", "(6,6)")] {
        while out.contains(many) {
            out = out.replace(many, few);
        }
    }
    out
}

/// How the server would run it, when it reads more than it should.
async fn scan_of(connection: &mut Conn, statement: &str) -> Option<String> {
    let plan: Vec<Row> = match connection.query(format!("EXPLAIN {statement}")).await {
        Ok(plan) => plan,
        Err(error) => return Some(format!("{statement}\n    cannot be explained: {error}")),
    };
    let text = |row: &Row, index: usize| {
        row.as_ref(index).and_then(|value| from_value_opt::<String>(value.clone()).ok()).unwrap_or_default()
    };
    let bad = plan.iter().find(|row| {
        let (table, access) = (text(row, 2), text(row, 3));
        let rows = text(row, 8).parse::<i64>().unwrap_or(0);
        let is_scan = access == "ALL" || rows > TOUCHED_MAX;
        is_scan && !table.is_empty() && !table.starts_with('<') && !is_small(statement, &table)
    })?;
    let columns: Vec<String> = (0..bad.len()).map(|index| text(bad, index)).collect();
    Some(format!("{statement}\n    {}", columns.join(" | ")))
}

/// An alias stands for the table in front of it.
fn is_small(statement: &str, alias: &str) -> bool {
    SMALL.iter().any(|small| *small == alias || statement.contains(&format!("{small} {alias}")))
}

#[test]
fn statements_are_told_apart_and_made_plain() {
    let packet = "START TRANSACTION;SELECT a FROM t WHERE b = 'x;\\' y' AND c IN (12,345) LIMIT 3;COMMIT;";
    let statements: Vec<String> = split(packet).collect();
    assert_eq!(statements.len(), 4);
    assert_eq!(plain(&statements[1]), "SELECT a FROM t WHERE b = 'v6' AND c IN (6,6) LIMIT 6");
}
