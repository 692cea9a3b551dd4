//! Changes of messages. The conversation is locked first, so its changes have
//! one order, also among its messages.

use mysql_async::Conn;
use oort_api::clock::now_ms;
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::message_extra::Gone;
use oort_api::pb::oort::v1::{ChangeEvent, Message, User};
use prost::Message as _;
use tonic::async_trait;

use super::append::{lock_heads, read_heads, read_members};
use super::failure::Failure;
use super::files::drop_carried;
use super::history::{MESSAGES, stored_messages};
use super::lane::{Done, Work, begin};
use super::sanctions::{ask_mutes, read_mutes};
use super::sql::{Sql, rows};
use super::store::replicated;
use super::{MysqlStore, hooks, search};
use crate::store::changes::{Known, Place, ReactionRows, Step, Verdict, judge, read_extra, shown};
use crate::store::search::Written;
use crate::store::{ChangeBounds, ChangePage, Changed, Changes, Error, HookKinds, NewChange, OutboxRow};

/// change_seq, seq, kind, actor_id, actor_name, emoji, at_ms, content, extra.
type ChangeRow = (i64, i64, i32, i64, String, Vec<u8>, i64, Option<String>, Option<Vec<u8>>);

#[async_trait]
impl Changes for MysqlStore {
    async fn change(
        &self,
        owner: &str,
        change: &NewChange,
        bounds: &ChangeBounds,
        now_ms: i64,
    ) -> Result<(Changed, Option<OutboxRow>), Error> {
        self.transact(owner, &Change { change, bounds, hooked: self.hooks.get(), now_ms }).await
    }

    async fn changes(&self, id: ConversationId, after: i64, limit: u32) -> Result<ChangePage, Error> {
        replicated!(self, |connection| page(connection, id, after, limit))
    }

    async fn own_reactions(
        &self,
        user: UserId,
        messages: &[(i64, i64)],
    ) -> Result<Vec<(i64, i64, String)>, Error> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        replicated!(self, |connection| own_reactions(connection, user, messages))
    }
}

/// See [`Changes::change`].
#[derive(Debug)]
struct Change<'a> {
    change: &'a NewChange,
    bounds: &'a ChangeBounds,
    hooked: HookKinds,
    now_ms: i64,
}

#[async_trait]
impl Work for Change<'_> {
    type Output = (Changed, Option<OutboxRow>);

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        let known = self.look(connection, owner).await?;
        match judge(self.change, known, self.bounds, self.now_ms) {
            Verdict::Write(step) => {
                let id = self.write(connection, owner, &step).await?;
                let Step { message, payload, .. } = *step;
                let row = OutboxRow { id, payload };
                Ok(Done { value: (Changed::Stands(Box::new(message)), Some(row)), last_row: Some(id) })
            }
            Verdict::Trim(message) => {
                let mut sql = Sql::default();
                write_extra(sql.raw("UPDATE messages SET extra = "), &message);
                sql.raw("COMMIT").end();
                sql.run(connection).await?;
                Ok(Done { value: (Changed::Stands(message), None), last_row: None })
            }
            Verdict::Answer(answer) => {
                let mut sql = Sql::default();
                sql.raw("COMMIT").end();
                sql.run(connection).await?;
                Ok(Done { value: (answer, None), last_row: None })
            }
        }
    }
}

impl Change<'_> {
    /// First packet: locks, then looks.
    async fn look(&self, connection: &mut Conn, owner: &str) -> Result<Known, Failure> {
        let (id, seq, actor) = (self.change.conversation.get(), self.change.seq.get(), self.change.actor.id);
        let mut sql = Sql::default();
        begin(&mut sql, owner);
        let heads = lock_heads(&mut sql, [id]);
        sql.raw("SELECT creator_id, change_seq, changed_at_ms FROM conversations WHERE id = ");
        let place = sql.int(id).end();
        sql.raw(
            "SELECT conversation_id, user_id, role, muted_until_ms FROM members WHERE conversation_id = ",
        );
        let member = sql.int(id).raw(" AND user_id = ").int(actor).end();
        sql.raw(MESSAGES).raw("conversation_id = ").int(id);
        let message = sql.raw(" AND seq = ").int(seq).end();
        sql.raw("SELECT 1 FROM reactions WHERE conversation_id = ").int(id);
        sql.raw(" AND seq = ").int(seq).raw(" AND user_id = ").int(actor);
        let reacted = sql.raw(" AND emoji = ").bytes(self.change.alteration.emoji().as_bytes()).end();
        let mutes = ask_mutes(&mut sql, [actor]);
        let mut sets = sql.run(connection).await?;
        let mute = read_mutes(sets.remove(mutes))?.into_iter().next().map(|(_, until_ms)| until_ms);
        let has_reacted = !sets.remove(reacted).typed::<(i64,)>()?.is_empty();
        let message = stored_messages(sets.remove(message))?.into_iter().next();
        let member = read_members(sets.remove(member))?.remove(&(id, actor));
        let place = sets.remove(place).typed::<(i64, i64, i64)>()?.into_iter().next();
        let head = read_heads(sets.remove(heads))?.remove(&id);
        let place = head.zip(place).map(|(head, (creator, change_seq, changed_at_ms))| Place {
            head,
            creator,
            change_seq,
            changed_at_ms,
        });
        Ok(Known { place, member, mute, message, has_reacted, hooked: self.hooked })
    }

    /// Last packet: writes and commits; answers the id of the outbox row.
    async fn write(&self, connection: &mut Conn, owner: &str, step: &Step) -> Result<i64, Failure> {
        let Step { message, before, event, reactions, is_hooked, payload } = step;
        let (id, seq, actor) = (message.conversation, message.seq, &self.change.actor);
        let mut sql = Sql::default();
        if *is_hooked {
            hooks::enqueue(&mut sql, &[id], self.now_ms);
        }
        sql.raw("UPDATE conversations SET change_seq = ").int(event.change_seq);
        sql.raw(", changed_at_ms = ").int(event.at_ms).raw(" WHERE id = ").int(id).end();
        sql.raw("UPDATE messages SET content = ").text(&message.content).raw(", extra = ");
        write_extra(&mut sql, message);
        let written = Written { conversation: id, seq, at_ms: message.created_at_ms };
        search::revise(&mut sql, written, before, &message.content);
        sql.raw("INSERT INTO changes (conversation_id, change_seq, seq, kind, actor_id, actor_name, emoji, at_ms)");
        sql.raw(" VALUES (").int(id).raw(",").int(event.change_seq).raw(",").int(seq);
        sql.raw(",").int(event.kind.into()).raw(",").int(actor.id).raw(",").text(&actor.username);
        sql.raw(",").bytes(event.emoji.as_bytes()).raw(",").int(event.at_ms).raw(")").end();
        if message.extra.as_ref().is_some_and(|extra| extra.gone() != Gone::NotGone) {
            drop_carried(&mut sql, id, &[seq]);
        }
        match reactions {
            ReactionRows::Keep => {}
            ReactionRows::Insert => {
                sql.raw("INSERT INTO reactions (conversation_id, seq, user_id, emoji) VALUES (").int(id);
                sql.raw(",").int(seq).raw(",").int(actor.id).raw(",");
                sql.bytes(event.emoji.as_bytes()).raw(")").end();
            }
            ReactionRows::Delete => {
                sql.raw("DELETE FROM reactions WHERE conversation_id = ").int(id).raw(" AND seq = ").int(seq);
                sql.raw(" AND user_id = ").int(actor.id);
                sql.raw(" AND emoji = ").bytes(event.emoji.as_bytes()).end();
            }
            ReactionRows::Clear => {
                sql.raw("DELETE FROM reactions WHERE conversation_id = ").int(id);
                sql.raw(" AND seq = ").int(seq).end();
            }
        }
        sql.raw("INSERT INTO outbox (owner, payload, created_at_ms) VALUES (").bytes(owner.as_bytes());
        let row = sql.raw(",").bytes(payload).raw(",").int(self.now_ms).raw(")").end();
        sql.raw("COMMIT").end();
        Ok(sql.run(connection).await?.remove(row).insert_id)
    }
}

/// The end of an update of a message, which sets its extra.
fn write_extra(sql: &mut Sql, message: &Message) {
    match &message.extra {
        Some(extra) => sql.bytes(&extra.encode_to_vec()),
        None => sql.raw("NULL"),
    };
    sql.raw(" WHERE conversation_id = ").int(message.conversation);
    sql.raw(" AND seq = ").int(message.seq).end();
}

async fn page(
    connection: &mut Conn,
    id: ConversationId,
    after: i64,
    limit: u32,
) -> Result<ChangePage, Failure> {
    let mut sql = Sql::default();
    sql.raw("SELECT change_seq FROM conversations WHERE id = ").int(id.get());
    let head: Vec<(i64,)> = {
        let index = sql.end();
        sql.run(connection).await?.remove(index).typed()?
    };
    let (head,) = head.into_iter().next().ok_or(Error::NoConversation)?;
    // What came after the head was read is left for the next page.
    let found: Vec<ChangeRow> = rows(
        connection,
        "SELECT c.change_seq, c.seq, c.kind, c.actor_id, COALESCE(u.username, c.actor_name), c.emoji, c.at_ms,
                m.content, m.extra
         FROM changes c LEFT JOIN messages m ON m.conversation_id = c.conversation_id AND m.seq = c.seq
         LEFT JOIN users u ON u.id = c.actor_id
         WHERE c.conversation_id = ? AND c.change_seq > ? AND c.change_seq <= ?
         ORDER BY c.change_seq LIMIT ?",
        (id.get(), after, head, limit),
    )
    .await?;
    let changes = found.into_iter().map(|row| change_of(id, row)).collect::<Result<Vec<_>, _>>()?;
    Ok(ChangePage::of(changes, after, head))
}

fn change_of(id: ConversationId, row: ChangeRow) -> Result<ChangeEvent, Failure> {
    let (change_seq, seq, kind, actor, name, emoji, at_ms, content, extra) = row;
    let emoji = String::from_utf8(emoji).map_err(|_| Error::Internal("an emoji is not text".into()))?;
    let change = ChangeEvent {
        conversation: id.get(),
        change_seq,
        seq,
        kind,
        actor: Some(User { id: actor, username: name }),
        at_ms,
        emoji,
        ..ChangeEvent::default()
    };
    Ok(shown(change, (&content.unwrap_or_default(), read_extra(extra)?.as_ref()), now_ms()))
}

async fn own_reactions(
    connection: &mut Conn,
    user: UserId,
    messages: &[(i64, i64)],
) -> Result<Vec<(i64, i64, String)>, Failure> {
    let mut sql = Sql::default();
    for &(conversation, seq) in messages {
        sql.raw("SELECT conversation_id, seq, emoji FROM reactions WHERE conversation_id = ")
            .int(conversation);
        sql.raw(" AND seq = ").int(seq).raw(" AND user_id = ").int(user.get()).end();
    }
    let mut found = Vec::new();
    for set in sql.run(connection).await? {
        for (conversation, seq, emoji) in set.typed::<(i64, i64, Vec<u8>)>()? {
            let emoji =
                String::from_utf8(emoji).map_err(|_| Error::Internal("an emoji is not text".into()))?;
            found.push((conversation, seq, emoji));
        }
    }
    Ok(found)
}
