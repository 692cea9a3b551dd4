//! Versioned migrations: `sql/<dialect>/NNNN_name.sql`, embedded, applied in
//! order and once, under a lock.
//!
//! Table `schema_migrations` remembers each applied file with its SHA-256. A
//! database whose applied files differ from this binary's, or that knows newer
//! ones, is refused. SQLite applies all that is pending in one transaction;
//! MySQL commits each DDL statement, so its files can be run again from the
//! start when a run was cut short.

mod mysql;
mod sqlite;

pub(super) use self::mysql::{connected, url_options};
pub use self::mysql::{mysql, mysql_plan};
pub use self::sqlite::{sqlite, sqlite_plan};

use sha2::{Digest, Sha256};

use super::Error;

/// One embedded file.
#[derive(Debug, Clone, Copy)]
struct Migration {
    /// Dense from 1.
    version: i64,
    name: &'static str,
    sql: &'static str,
}

const SQLITE: &[Migration] = &[
    Migration { version: 1, name: "initial", sql: include_str!("../../../../sql/sqlite/0001_initial.sql") },
    Migration { version: 2, name: "cursors", sql: include_str!("../../../../sql/sqlite/0002_cursors.sql") },
    Migration { version: 3, name: "devices", sql: include_str!("../../../../sql/sqlite/0003_devices.sql") },
    Migration {
        version: 4,
        name: "operators",
        sql: include_str!("../../../../sql/sqlite/0004_operators.sql"),
    },
    Migration {
        version: 5,
        name: "user_events",
        sql: include_str!("../../../../sql/sqlite/0005_user_events.sql"),
    },
    Migration {
        version: 6,
        name: "device_kinds",
        sql: include_str!("../../../../sql/sqlite/0006_device_kinds.sql"),
    },
    Migration { version: 7, name: "groups", sql: include_str!("../../../../sql/sqlite/0007_groups.sql") },
    Migration { version: 8, name: "contacts", sql: include_str!("../../../../sql/sqlite/0008_contacts.sql") },
    Migration { version: 9, name: "accounts", sql: include_str!("../../../../sql/sqlite/0009_accounts.sql") },
    Migration {
        version: 10,
        name: "messages",
        sql: include_str!("../../../../sql/sqlite/0010_messages.sql"),
    },
    Migration { version: 11, name: "files", sql: include_str!("../../../../sql/sqlite/0011_files.sql") },
    Migration {
        version: 12,
        name: "moderation",
        sql: include_str!("../../../../sql/sqlite/0012_moderation.sql"),
    },
    Migration {
        version: 13,
        name: "receipts",
        sql: include_str!("../../../../sql/sqlite/0013_receipts.sql"),
    },
    Migration { version: 14, name: "search", sql: include_str!("../../../../sql/sqlite/0014_search.sql") },
    Migration {
        version: 15,
        name: "notifications",
        sql: include_str!("../../../../sql/sqlite/0015_notifications.sql"),
    },
    Migration { version: 16, name: "hooks", sql: include_str!("../../../../sql/sqlite/0016_hooks.sql") },
    Migration { version: 17, name: "expiry", sql: include_str!("../../../../sql/sqlite/0017_expiry.sql") },
    Migration {
        version: 18,
        name: "kept_mutes",
        sql: include_str!("../../../../sql/sqlite/0018_kept_mutes.sql"),
    },
    Migration { version: 19, name: "shards", sql: include_str!("../../../../sql/sqlite/0019_shards.sql") },
];

const MYSQL: &[Migration] = &[
    Migration { version: 1, name: "initial", sql: include_str!("../../../../sql/mysql/0001_initial.sql") },
    Migration { version: 2, name: "cursors", sql: include_str!("../../../../sql/mysql/0002_cursors.sql") },
    Migration { version: 3, name: "devices", sql: include_str!("../../../../sql/mysql/0003_devices.sql") },
    Migration {
        version: 4,
        name: "operators",
        sql: include_str!("../../../../sql/mysql/0004_operators.sql"),
    },
    Migration {
        version: 5,
        name: "user_events",
        sql: include_str!("../../../../sql/mysql/0005_user_events.sql"),
    },
    Migration {
        version: 6,
        name: "device_kinds",
        sql: include_str!("../../../../sql/mysql/0006_device_kinds.sql"),
    },
    Migration { version: 7, name: "groups", sql: include_str!("../../../../sql/mysql/0007_groups.sql") },
    Migration { version: 8, name: "contacts", sql: include_str!("../../../../sql/mysql/0008_contacts.sql") },
    Migration { version: 9, name: "accounts", sql: include_str!("../../../../sql/mysql/0009_accounts.sql") },
    Migration { version: 10, name: "messages", sql: include_str!("../../../../sql/mysql/0010_messages.sql") },
    Migration { version: 11, name: "files", sql: include_str!("../../../../sql/mysql/0011_files.sql") },
    Migration {
        version: 12,
        name: "moderation",
        sql: include_str!("../../../../sql/mysql/0012_moderation.sql"),
    },
    Migration { version: 13, name: "receipts", sql: include_str!("../../../../sql/mysql/0013_receipts.sql") },
    Migration { version: 14, name: "search", sql: include_str!("../../../../sql/mysql/0014_search.sql") },
    Migration {
        version: 15,
        name: "notifications",
        sql: include_str!("../../../../sql/mysql/0015_notifications.sql"),
    },
    Migration { version: 16, name: "hooks", sql: include_str!("../../../../sql/mysql/0016_hooks.sql") },
    Migration { version: 17, name: "expiry", sql: include_str!("../../../../sql/mysql/0017_expiry.sql") },
    Migration {
        version: 18,
        name: "kept_mutes",
        sql: include_str!("../../../../sql/mysql/0018_kept_mutes.sql"),
    },
    Migration { version: 19, name: "shards", sql: include_str!("../../../../sql/mysql/0019_shards.sql") },
];

impl Migration {
    fn checksum(&self) -> String {
        use std::fmt::Write as _;
        let digest = Sha256::digest(self.sql.as_bytes());
        digest.iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    fn label(&self) -> String {
        format!("{:04}_{}", self.version, self.name)
    }
}

/// A row of `schema_migrations`.
#[derive(Debug, Clone)]
struct Applied {
    version: i64,
    name: String,
    checksum: String,
}

/// What a migration run found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Files applied by this run, `NNNN_name`, in order.
    pub applied: Vec<String>,
    /// Version of the schema now.
    pub version: i64,
}

/// What a migration run would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Version of the schema now; 0 = empty.
    pub version: i64,
    /// Files to apply, `NNNN_name`, in order. Empty: the schema is current.
    pub pending: Vec<String>,
}

impl Plan {
    /// Refuses a schema that is not current, with the fix in the text.
    pub(super) fn require_current(&self) -> Result<(), Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let pending = self.pending.join(", ");
        Err(Error::Schema(format!(
            "version {}, migrations pending: {pending}; run `oort migrate`",
            self.version
        )))
    }
}

fn pending(all: &'static [Migration], applied: &[Applied]) -> Result<&'static [Migration], Error> {
    for (index, row) in applied.iter().enumerate() {
        let Some(ours) = all.get(index) else {
            return Err(Error::Schema(format!(
                "the database has migration {:04}_{}, which this binary does not know: run the newer release",
                row.version, row.name
            )));
        };
        if ours.version != row.version || ours.checksum() != row.checksum {
            return Err(Error::Schema(format!(
                "migration {} differs from {:04}_{} that was applied to this database: \
                 it belongs to another build; use the binary that made it or a fresh database",
                ours.label(),
                row.version,
                row.name
            )));
        }
    }
    Ok(&all[applied.len()..])
}

fn plan_of(all: &'static [Migration], applied: &[Applied]) -> Result<Plan, Error> {
    let pending = pending(all, applied)?.iter().map(Migration::label).collect();
    Ok(Plan { version: applied.last().map_or(0, |row| row.version), pending })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(migration: &Migration) -> Applied {
        Applied {
            version: migration.version,
            name: migration.name.to_owned(),
            checksum: migration.checksum(),
        }
    }

    #[test]
    fn versions_are_dense_and_both_dialects_have_the_same() {
        let versions = |all: &[Migration]| all.iter().map(|m| (m.version, m.name)).collect::<Vec<_>>();
        assert_eq!(versions(SQLITE), versions(MYSQL));
        assert!(SQLITE.iter().zip(1..).all(|(migration, version)| migration.version == version));
    }

    #[test]
    fn what_was_applied_is_not_pending() {
        let rows: Vec<Applied> = SQLITE.iter().map(applied).collect();
        assert_eq!(pending(SQLITE, &[]).expect("fine").len(), SQLITE.len());
        assert!(pending(SQLITE, &rows).expect("fine").is_empty());
    }

    #[test]
    fn a_changed_or_unknown_file_is_refused() {
        let mut rows: Vec<Applied> = SQLITE.iter().map(applied).collect();
        rows.push(Applied { version: 999, name: "later".into(), checksum: String::new() });
        assert!(matches!(pending(SQLITE, &rows), Err(Error::Schema(text)) if text.contains("newer release")));
        rows[0].checksum = "00".into();
        assert!(matches!(pending(SQLITE, &rows), Err(Error::Schema(text)) if text.contains("differs")));
    }
}
