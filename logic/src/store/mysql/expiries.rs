//! Messages whose time ends.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, TxOpts};
use oort_api::ids::{ConversationId, Seq};
use oort_api::pb::oort::v1::{Message, MessageKind};
use tonic::async_trait;

use super::MysqlStore;
use super::append::{INSERT_MESSAGES, bump, lock_heads, message, read_heads, read_members};
use super::failure::Failure;
use super::lane::{Done, Work, begin, commit};
use super::sql::{Sql, rows};
use super::store::retried;
use crate::outbox;
use crate::store::expiries::{content, judge};
use crate::store::{DirectExpiry, Error, Expiries, ExpirySettled, OutboxRow};

#[async_trait]
impl Expiries for MysqlStore {
    async fn take_expiries(
        &self,
        now_ms: i64,
        hold_ms: i64,
        limit: u32,
    ) -> Result<Vec<(ConversationId, Seq)>, Error> {
        retried!(self, |connection| take(connection, now_ms, hold_ms, limit))
    }

    async fn settle_expiries(&self, settled: &[ExpirySettled]) -> Result<(), Error> {
        if settled.is_empty() {
            return Ok(());
        }
        retried!(self, |connection| settle(connection, settled))
    }

    async fn set_direct_expiry(&self, owner: &str, asked: &DirectExpiry) -> Result<Option<OutboxRow>, Error> {
        self.transact(owner, asked).await
    }
}

async fn take(
    connection: &mut Conn,
    now_ms: i64,
    hold_ms: i64,
    limit: u32,
) -> Result<Vec<(ConversationId, Seq)>, Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let taken: Vec<(i64, i64)> = rows(
        &mut transaction,
        "SELECT conversation_id, seq FROM expiries FORCE INDEX (expiries_due)
         WHERE due_ms <= ? ORDER BY due_ms LIMIT ? FOR UPDATE SKIP LOCKED",
        (now_ms, limit),
    )
    .await?;
    if taken.is_empty() {
        transaction.rollback().await?;
        return Ok(Vec::new());
    }
    let mut sql = Sql::default();
    for &(conversation, seq) in &taken {
        put_off(&mut sql, conversation, seq, now_ms.saturating_add(hold_ms));
    }
    sql.run(&mut transaction).await?;
    transaction.commit().await?;
    let place = |(conversation, seq)| Some((ConversationId::new(conversation)?, Seq::new(seq)?));
    Ok(taken.into_iter().filter_map(place).collect())
}

async fn settle(connection: &mut Conn, settled: &[ExpirySettled]) -> Result<(), Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let mut sql = Sql::default();
    for &ExpirySettled { conversation, seq, next_ms } in settled {
        match next_ms {
            Some(next_ms) => put_off(&mut sql, conversation.get(), seq.get(), next_ms),
            None => {
                sql.raw("DELETE FROM expiries WHERE conversation_id = ").int(conversation.get());
                sql.raw(" AND seq = ").int(seq.get()).end();
            }
        }
    }
    sql.run(&mut transaction).await?;
    Ok(transaction.commit().await?)
}

fn put_off(sql: &mut Sql, conversation: i64, seq: i64, due_ms: i64) {
    sql.raw("UPDATE expiries SET due_ms = ").int(due_ms).raw(" WHERE conversation_id = ").int(conversation);
    sql.raw(" AND seq = ").int(seq).end();
}

/// Notes what is to be erased, and when: conversation, seq, ms since the epoch; at least one.
pub(super) fn note(sql: &mut Sql, expiries: &[(i64, i64, i64)]) {
    sql.raw("INSERT INTO expiries (conversation_id, seq, due_ms) VALUES ");
    sql.separated("", expiries, |sql, &(conversation, seq, due_ms)| {
        sql.raw("(").int(conversation).raw(",").int(seq).raw(",").int(due_ms).raw(")");
    });
    sql.end();
}

#[async_trait]
impl Work for DirectExpiry {
    type Output = Option<OutboxRow>;

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        let (id, actor) = (self.conversation.get(), &self.actor);
        let mut sql = Sql::default();
        begin(&mut sql, owner);
        let heads = lock_heads(&mut sql, [id]);
        sql.raw(
            "SELECT conversation_id, user_id, role, muted_until_ms FROM members WHERE conversation_id = ",
        );
        let member = sql.int(id).raw(" AND user_id = ").int(actor.id).end();
        let mut sets = sql.run(connection).await?;
        let member = read_members(sets.remove(member))?.remove(&(id, actor.id));
        let head = read_heads(sets.remove(heads))?.remove(&id);
        let mut head = head.ok_or(Error::NoConversation)?;
        if !judge(self, &head, member.as_ref())? {
            connection.query_drop("COMMIT").await?;
            return Ok(Done { value: None, last_row: None });
        }
        let (seq, created_at_ms) = head.next(self.now_ms);
        let said = Message {
            conversation: id,
            seq,
            sender: Some(actor.clone()),
            content: content(self.expires_in_ms),
            created_at_ms,
            kind: MessageKind::System.into(),
            ..Message::default()
        };
        let mut sql = Sql::default();
        sql.raw("UPDATE conversations SET expires_in_ms = ").int(self.expires_in_ms);
        sql.raw(" WHERE id = ").int(id).end();
        bump(&mut sql, id, seq, created_at_ms);
        sql.raw(INSERT_MESSAGES);
        let (place, sender) = ((id, seq, created_at_ms), (actor.id, actor.username.as_str()));
        message(&mut sql, place, sender, None, (MessageKind::System, &said.content, None));
        sql.end();
        sql.run(connection).await?;
        let payload = outbox::encode(vec![outbox::message_record(&said, &head.audience(), "")]);
        let row = commit(connection, owner, payload, self.now_ms).await?;
        Ok(Done { last_row: Some(row.id), value: Some(row) })
    }
}
