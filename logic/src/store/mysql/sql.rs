//! Statements as text: several travel in one packet, which prepared statements
//! cannot. Literals are escaped here and nowhere else; the session's `sql_mode`
//! and character set, which decide how they are read, are set at connect.

use mysql_async::prelude::{FromRow, FromValue, Queryable};
use mysql_async::{Params, Row};

use super::failure::Failure;
use crate::store::Error;

/// SQL under construction.
#[derive(Debug, Default)]
pub(super) struct Sql {
    text: Vec<u8>,
    statements: usize,
}

impl Sql {
    /// Verbatim SQL: constants only.
    pub(super) fn raw(&mut self, sql: &'static str) -> &mut Self {
        self.text.extend_from_slice(sql.as_bytes());
        self
    }

    /// A number.
    pub(super) fn int(&mut self, number: i64) -> &mut Self {
        self.text.extend_from_slice(number.to_string().as_bytes());
        self
    }

    /// A text literal.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.quoted(text.as_bytes())
    }

    /// A binary literal.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.text.extend_from_slice(b"_binary");
        self.quoted(bytes)
    }

    /// Ends the statement; returns its index in the packet.
    pub(super) fn end(&mut self) -> usize {
        self.text.push(b';');
        self.statements += 1;
        self.statements - 1
    }

    /// `(1, 2, 3)`, of at least one.
    pub(super) fn list(&mut self, numbers: impl IntoIterator<Item = i64>) -> &mut Self {
        self.separated("(", numbers, |sql, number| {
            sql.int(number);
        });
        self.raw(")")
    }

    /// Writes each item with `write`, commas between.
    pub(super) fn separated<T>(
        &mut self,
        open: &'static str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.raw(open);
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.raw(",");
            }
            write(self, item);
        }
        self
    }

    /// Size so far, bytes.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    fn quoted(&mut self, bytes: &[u8]) -> &mut Self {
        self.text.reserve(bytes.len() + 2);
        self.text.push(b'\'');
        for &byte in bytes {
            match byte {
                0 => self.text.extend_from_slice(b"\\0"),
                b'\'' | b'\\' => self.text.extend_from_slice(&[b'\\', byte]),
                _ => self.text.push(byte),
            }
        }
        self.text.push(b'\'');
        self
    }

    /// Sends the packet; answers one [`Set`] per statement. The server stops at
    /// the first statement that fails.
    pub(super) async fn run<Q: Queryable>(&self, connection: &mut Q) -> Result<Vec<Set>, Failure> {
        let mut sets = Vec::with_capacity(self.statements);
        let mut result = connection.query_iter(&self.text[..]).await?;
        while sets.len() < self.statements {
            let insert_id = result.last_insert_id();
            let rows = result.collect::<Row>().await?;
            sets.push(Set { rows, insert_id: insert_id.and_then(|id| i64::try_from(id).ok()).unwrap_or(0) });
        }
        Ok(sets)
    }
}

/// What one statement of a packet answered.
#[derive(Debug)]
pub(super) struct Set {
    rows: Vec<Row>,
    /// First automatic id it made, 0 = none.
    pub(super) insert_id: i64,
}

impl Set {
    /// The rows, typed.
    pub(super) fn typed<T: FromRow>(self) -> Result<Vec<T>, Failure> {
        Ok(self.rows.into_iter().map(T::from_row_opt).collect::<Result<_, _>>()?)
    }
}

/// One column of a row that has more than a tuple takes.
pub(super) fn column<T: FromValue>(row: &mut Row, index: usize) -> Result<T, Failure> {
    let fault = || Failure::Refused(Error::Internal(format!("column {index} is not what was asked for")));
    row.take_opt(index).and_then(Result::ok).ok_or_else(fault)
}

/// Rows of a prepared statement.
pub(super) async fn rows<Q, T>(
    connection: &mut Q,
    sql: &str,
    params: impl Into<Params> + Send,
) -> Result<Vec<T>, Failure>
where
    Q: Queryable,
    T: FromRow + Send + 'static,
{
    let result = connection.exec_iter(sql, params).await?;
    let rows = result.try_collect_and_drop::<T>().await?;
    Ok(rows.into_iter().collect::<Result<_, _>>()?)
}

/// The first row of a prepared statement.
pub(super) async fn first<Q, T>(
    connection: &mut Q,
    sql: &str,
    params: impl Into<Params> + Send,
) -> Result<Option<T>, Failure>
where
    Q: Queryable,
    T: FromRow + Send + 'static,
{
    Ok(rows(connection, sql, params).await?.into_iter().next())
}

/// Runs a prepared statement; answers the automatic id it made (0 = none) and
/// the rows it changed.
pub(super) async fn execute<Q: Queryable>(
    connection: &mut Q,
    sql: &str,
    params: impl Into<Params> + Send,
) -> Result<(i64, u64), Failure> {
    let result = connection.exec_iter(sql, params).await?;
    let id = result.last_insert_id().and_then(|id| i64::try_from(id).ok()).unwrap_or(0);
    let changed = result.affected_rows();
    result.drop_result().await?;
    Ok((id, changed))
}
