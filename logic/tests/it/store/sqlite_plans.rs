//! How SQLite finds rows: the statements of this suite, as the library ran them, are explained by it.
//!
//! It decides by what indexes there are, and not by how full tables are (nothing runs `ANALYZE`), so empty ones do.

use std::collections::BTreeSet;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr;

use parking_lot::Mutex;
use rusqlite::types::Null;
use rusqlite::{Connection, auto_extension, ffi};

use super::fixture::Fixture;
use super::plans::{AT_ONCE, PASSED_OVER, contract};

/// Tables that hold a handful of rows for ever, and may be read whole.
const SMALL: [&str; 4] = ["signing_keys", "operators", "owners", "api_keys"];

/// Folders of databases whose statements are looked at.
const PREFIX: &str = "oort_plans_";

/// The beginnings of statements that may read more, and why.
const ALLOWED: [&str; 6] = [
    // Gauges, as in MySQL.
    "SELECT (SELECT COUNT(*) FROM outbox), (SELECT created_at_ms FROM outbox ORDER BY id LIMIT 1)",
    "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM notification_feed LIMIT 10000) f),",
    // Gauges and a bound, as in MySQL: at most `conversations_max` entries of an index, in its order.
    "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM hook_queue LIMIT ?)),",
    "SELECT conversation_id, seq, change_seq FROM hook_queue ORDER BY since_ms LIMIT ?",
    // The first rows of a process that is gone, in the order of the primary key, as in MySQL.
    "SELECT o.id FROM outbox o LEFT JOIN owners w ON w.owner = o.owner",
    // Whether there is any row at all: it reads one.
    "INSERT INTO notification_feed (payload, created_at_ms, due_at_ms) SELECT ?1, ?2, ?2 WHERE EXISTS",
];

/// Every statement that a connection of the test has run.
static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

#[expect(unsafe_code, reason = "only the library itself knows what it runs")]
mod watch {
    use super::*;

    /// Whatever connection opens a database of the test is watched from then on.
    pub(super) fn begin() {
        // SAFETY: `attach` opens and closes no database and changes no list of extensions.
        unsafe { auto_extension::register_auto_extension(attach) }.expect("registers");
    }

    unsafe extern "C" fn attach(
        db: *mut ffi::sqlite3,
        _message: *mut *mut c_char,
        _api: *const ffi::sqlite3_api_routines,
    ) -> c_int {
        // SAFETY: the library calls with a connection that lives; its answer is null or a text that ends with zero.
        let path = unsafe { ffi::sqlite3_db_filename(db, c"main".as_ptr()) };
        if path.is_null() {
            return ffi::SQLITE_OK;
        }
        // SAFETY: not null, and not freed before the connection is.
        let path = unsafe { CStr::from_ptr(path) };
        if !path.to_string_lossy().contains(PREFIX) {
            return ffi::SQLITE_OK;
        }
        // SAFETY: `note` is called with what it expects for this mask, and uses no context.
        unsafe { ffi::sqlite3_trace_v2(db, ffi::SQLITE_TRACE_STMT, Some(note), ptr::null_mut()) }
    }

    unsafe extern "C" fn note(
        _event: c_uint,
        _context: *mut c_void,
        statement: *mut c_void,
        _text: *mut c_void,
    ) -> c_int {
        // SAFETY: of this event the third argument is the statement that begins to run.
        let sql = unsafe { ffi::sqlite3_sql(statement.cast()) };
        if !sql.is_null() {
            // SAFETY: not null, ends with zero, and lives as long as the statement.
            let sql = unsafe { CStr::from_ptr(sql) }.to_string_lossy();
            SEEN.lock().insert(sql.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        0
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_statement_finds_its_rows_by_an_index() {
    watch::begin();
    contract(&PASSED_OVER, AT_ONCE, |scenario| async move {
        let fixture = Fixture::sqlite_called(PREFIX);
        fixture.migrate().await.expect("migrates");
        scenario(fixture).await;
    })
    .await;
    let fixture = Fixture::sqlite().await;
    let connection = Connection::open(&fixture.sqlite_settings().path).expect("opens");
    let is_explained = |sql: &&String| {
        ["SELECT", "UPDATE", "DELETE", "INSERT"].iter().any(|verb| sql.starts_with(verb))
            && !sql.contains("schema_migrations")
            && !sql.contains("sqlite_master")
            && !ALLOWED.iter().any(|allowed| sql.starts_with(allowed))
    };
    let seen = SEEN.lock().clone();
    let statements: Vec<&String> = seen.iter().filter(is_explained).collect();
    assert!(statements.len() > 150, "the library was watched: {statements:#?}");
    let scans: Vec<String> = statements.iter().filter_map(|sql| scan_of(&connection, sql)).collect();
    assert!(scans.is_empty(), "{} of {} scan:\n{}", scans.len(), statements.len(), scans.join("\n\n"));
}

/// How the library would run it, when it reads a table whole.
fn scan_of(connection: &Connection, sql: &str) -> Option<String> {
    let explained = || -> rusqlite::Result<Vec<String>> {
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        let nulls = vec![Null; explain.parameter_count()];
        let rows = explain.query_map(rusqlite::params_from_iter(nulls), |row| row.get(3))?;
        rows.collect()
    };
    match explained() {
        Err(error) => Some(format!("{sql}\n    cannot be explained: {error}")),
        Ok(plan) => {
            let scan = plan.iter().find(|step| is_scan(step, sql, &plan))?;
            Some(format!("{sql}\n    {scan}"))
        }
    }
}

fn is_scan(step: &str, sql: &str, plan: &[String]) -> bool {
    let Some(rest) = step.strip_prefix("SCAN ") else { return false };
    let name = rest.split_whitespace().next().unwrap_or_default();
    // Rows of a part that has a plan of its own, beside this one.
    let is_part = rest == "CONSTANT ROW"
        || rest.ends_with("-ROW VALUES CLAUSE")
        || name.starts_with('(')
        || plan.iter().any(|other| {
            ["CO-ROUTINE ", "MATERIALIZE "].iter().any(|made| other.strip_prefix(made) == Some(name))
        });
    let is_small = SMALL.iter().any(|small| *small == name || sql.contains(&format!("{small} {name} ")));
    !is_part && !is_small
}

#[test]
fn scans_are_told_from_searches() {
    let connection = Connection::open_in_memory().expect("opens");
    connection
        .execute_batch("CREATE TABLE t (a INTEGER PRIMARY KEY, b, c); CREATE INDEX t_b ON t (b);")
        .expect("creates");
    for (sql, is_scan) in [
        ("SELECT a FROM t WHERE a = ?", false),
        ("SELECT c FROM t WHERE b > ? ORDER BY b LIMIT ?", false),
        ("SELECT 1 FROM (SELECT a FROM t WHERE b = ? LIMIT 5) x", false),
        ("SELECT a FROM t WHERE c = ?", true),
        ("SELECT COUNT(*) FROM t", true),
        ("SELECT b FROM t ORDER BY b", true),
        ("UPDATE t SET c = 1 WHERE c = ?", true),
        ("SELECT nothing FROM nowhere", true),
    ] {
        assert_eq!(scan_of(&connection, sql).is_some(), is_scan, "{sql}");
    }
}
