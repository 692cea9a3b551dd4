//! What the threads of a replica do, for people.

use mysql_async::prelude::Queryable;
use mysql_async::{Pool, Row, Value};

/// One sentence. Texts of errors are not repeated: they may quote rows.
///
/// # Errors
/// The server's, when the account may not ask (`REPLICA MONITOR`).
pub(super) async fn of(pool: &Pool) -> Result<String, mysql_async::Error> {
    let row: Option<Row> = pool.get_conn().await?.query_first("SHOW REPLICA STATUS").await?;
    Ok(row.map_or_else(|| "it replicates from nobody".to_owned(), |row| worded(&|name| text(&row, name))))
}

/// MariaDB says `Slave_…` and `…_Master` where MySQL says `Replica_…` and `…_Source`.
fn worded(column: &dyn Fn(&str) -> Option<String>) -> String {
    let either = |one: &str, other: &str| column(one).or_else(|| column(other)).unwrap_or_default();
    let (io, sql) = (
        either("Slave_IO_Running", "Replica_IO_Running"),
        either("Slave_SQL_Running", "Replica_SQL_Running"),
    );
    let behind_s = either("Seconds_Behind_Master", "Seconds_Behind_Source");
    let error = |name: &str| column(name).filter(|number| number != "0" && !number.is_empty());
    let mut said = format!("its IO thread says {io}, its SQL thread says {sql}");
    if !behind_s.is_empty() {
        said.push_str(&format!(", {behind_s} s behind"));
    }
    for number in ["Last_IO_Errno", "Last_SQL_Errno"].into_iter().filter_map(error) {
        said.push_str(&format!(", error {number}"));
    }
    said
}

fn text(row: &Row, name: &str) -> Option<String> {
    let index = row.columns_ref().iter().position(|column| column.name_str() == name)?;
    match row.as_ref(index)? {
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::Int(number) => Some(number.to_string()),
        Value::UInt(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_servers_are_understood() {
        let of = |pairs: &'static [(&'static str, &'static str)]| {
            worded(&move |name| {
                pairs.iter().find(|(column, _)| *column == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let stopped =
            of(&[("Slave_IO_Running", "Yes"), ("Slave_SQL_Running", "No"), ("Last_SQL_Errno", "1062")]);
        assert_eq!(stopped, "its IO thread says Yes, its SQL thread says No, error 1062");
        let late = of(&[
            ("Replica_IO_Running", "Yes"),
            ("Replica_SQL_Running", "Yes"),
            ("Seconds_Behind_Source", "7"),
            ("Last_IO_Errno", "0"),
        ]);
        assert_eq!(late, "its IO thread says Yes, its SQL thread says Yes, 7 s behind");
    }
}
