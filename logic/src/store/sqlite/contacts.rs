//! Contacts.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use tonic::async_trait;

use super::{SqliteStore, accounts, cursors, outbox, user_events};
use crate::contacts::policy::Tie;
use crate::outbox::encode;
use crate::store::contacts::{Change, Counts, Known, Side, judge, number, privacy_event, tie};
use crate::store::plan::Blocked;
use crate::store::{
    Contact, ContactList, ContactStep, ContactsStore, Error, Finders, OutboxRow, Privacy, Sought, Stepped,
};

#[async_trait]
impl ContactsStore for SqliteStore {
    async fn step_contact(
        &self,
        owner: &str,
        step: &ContactStep,
        now_ms: i64,
    ) -> Result<(Stepped, Option<OutboxRow>), Error> {
        let (owner, step) = (owner.to_owned(), step.clone());
        self.publish(
            move |connection| take(connection, &owner, &step, now_ms),
            |(_, row)| row.as_ref().map(|row| row.id),
        )
        .await
    }

    async fn contacts(
        &self,
        user: UserId,
        list: ContactList,
        after: i64,
        limit: u32,
        now_ms: i64,
    ) -> Result<Vec<Contact>, Error> {
        self.read(move |connection| contacts(connection, (user, list), after, limit, now_ms)).await
    }

    async fn privacy(&self, user: UserId) -> Result<Privacy, Error> {
        self.read(move |connection| privacy(connection, user)).await
    }

    async fn set_privacy(
        &self,
        owner: &str,
        user: UserId,
        privacy: Privacy,
        now_ms: i64,
    ) -> Result<Option<OutboxRow>, Error> {
        let owner = owner.to_owned();
        self.publish(
            move |connection| set_privacy(connection, &owner, user, privacy, now_ms),
            |row| row.as_ref().map(|row| row.id),
        )
        .await
    }

    async fn find_people(&self, reader: UserId, sought: &Sought, limit: u32) -> Result<Vec<User>, Error> {
        let sought = sought.clone();
        self.read(move |connection| find(connection, reader, &sought, limit)).await
    }
}

fn take(
    connection: &mut Connection,
    owner: &str,
    step: &ContactStep,
    now_ms: i64,
) -> Result<(Stepped, Option<OutboxRow>), Error> {
    let transaction = connection.transaction()?;
    let (stepped, change) = judge(step, look(&transaction, step, now_ms)?, now_ms);
    let Some(change) = change else { return Ok((stepped, None)) };
    write(&transaction, step, &change)?;
    let records = user_events::append(&transaction, &change.events, now_ms)?;
    let row = outbox::insert(&transaction, owner, encode(records), now_ms)?;
    transaction.commit()?;
    Ok((stepped, Some(row)))
}

fn look(transaction: &Transaction<'_>, step: &ContactStep, now_ms: i64) -> Result<Known, Error> {
    let (actor, peer) = (step.actor.id, step.peer.get());
    if step.sweeps() {
        for user in [actor, peer] {
            forget_expired(transaction, user, now_ms)?;
        }
    }
    Ok(Known {
        peer: accounts::user(transaction, peer)?.ok_or(Error::NoUser(peer))?,
        mine: side(transaction, actor, peer)?,
        theirs: side(transaction, peer, actor)?,
        counts: if step.needs_counts() {
            count(transaction, (actor, peer), now_ms)?
        } else {
            Counts::default()
        },
    })
}

fn count(transaction: &Transaction<'_>, (actor, peer): (i64, i64), now_ms: i64) -> Result<Counts, Error> {
    let mut tied = transaction.prepare_cached(
        "SELECT COUNT(*) FROM contacts WHERE user_id = ? AND state = ?
         AND (expires_at_ms = 0 OR expires_at_ms > ?)",
    )?;
    let mut tied = |user: i64, tie| tied.query_row([user, number(tie), now_ms], |row| row.get(0));
    Ok(Counts {
        asked: tied(actor, Tie::Asked)?,
        asking: tied(peer, Tie::Asking)?,
        contacts: tied(actor, Tie::Contact)?,
        contacts_of_peer: tied(peer, Tie::Contact)?,
        blocks: transaction
            .prepare_cached("SELECT COUNT(*) FROM contacts WHERE user_id = ? AND blocked = 1")?
            .query_row([actor], |row| row.get(0))?,
    })
}

/// Requests of or to this user that are over.
fn forget_expired(transaction: &Transaction<'_>, user: i64, now_ms: i64) -> Result<(), Error> {
    let mut delete = transaction.prepare_cached(
        "DELETE FROM contacts WHERE user_id = ? AND state = ? AND blocked = 0 AND expires_at_ms <= ?",
    )?;
    for tie in [Tie::Asked, Tie::Asking, Tie::Shelved] {
        delete.execute([user, number(tie), now_ms])?;
    }
    Ok(())
}

fn write(transaction: &Transaction<'_>, step: &ContactStep, change: &Change) -> Result<(), Error> {
    let (actor, peer) = (step.actor.id, step.peer.get());
    put(transaction, (actor, peer), &change.mine)?;
    put(transaction, (peer, actor), &change.theirs)?;
    if let Some(blocked) = change.blocked {
        transaction
            .prepare_cached("UPDATE conversations SET blocked = ? WHERE user_lo = ? AND user_hi = ?")?
            .execute([blocked.0, actor.min(peer), actor.max(peer)])?;
    }
    Ok(())
}

/// Writes one side; (user, peer).
fn put(transaction: &Transaction<'_>, (user, peer): (i64, i64), side: &Side) -> Result<(), Error> {
    if side.is_empty() {
        transaction
            .prepare_cached("DELETE FROM contacts WHERE user_id = ? AND peer_id = ?")?
            .execute([user, peer])?;
        return Ok(());
    }
    transaction
        .prepare_cached(
            "INSERT INTO contacts
             (user_id, peer_id, state, blocked, remark, message, changed_at_ms, expires_at_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (user_id, peer_id) DO UPDATE SET state = excluded.state, blocked = excluded.blocked,
             remark = excluded.remark, message = excluded.message, changed_at_ms = excluded.changed_at_ms,
             expires_at_ms = excluded.expires_at_ms",
        )?
        .execute(params![
            user,
            peer,
            number(side.tie),
            side.blocks,
            side.remark,
            side.message,
            side.changed_at_ms,
            side.expires_at_ms
        ])?;
    Ok(())
}

const SIDE: &str = "c.state, c.blocked, c.remark, c.message, c.changed_at_ms, c.expires_at_ms";

fn read_side(row: &Row<'_>) -> rusqlite::Result<Side> {
    Ok(Side {
        tie: tie(row.get(0)?),
        blocks: row.get(1)?,
        remark: row.get(2)?,
        message: row.get(3)?,
        changed_at_ms: row.get(4)?,
        expires_at_ms: row.get(5)?,
    })
}

fn side(connection: &Connection, user: i64, peer: i64) -> Result<Side, Error> {
    let sql = format!("SELECT {SIDE} FROM contacts c WHERE c.user_id = ? AND c.peer_id = ?");
    let found = connection.prepare_cached(&sql)?.query_row([user, peer], read_side).optional()?;
    Ok(found.unwrap_or_default())
}

/// Who of two users blocks the other.
pub(super) fn blocked(connection: &Connection, (one, other): (i64, i64)) -> Result<Blocked, Error> {
    let blocks = |user, peer| Ok::<_, Error>(side(connection, user, peer)?.blocks);
    Ok(Blocked::of((one, blocks(one, other)?), (other, blocks(other, one)?)))
}

fn contacts(
    connection: &Connection,
    (user, list): (UserId, ContactList),
    after: i64,
    limit: u32,
    now_ms: i64,
) -> Result<Vec<Contact>, Error> {
    let (column, value) = match list {
        ContactList::Contacts => ("c.state", number(Tie::Contact)),
        ContactList::Asking => ("c.state", number(Tie::Asking)),
        ContactList::Asked => ("c.state", number(Tie::Asked)),
        ContactList::Blocked => ("c.blocked", 1),
    };
    let open = match list {
        ContactList::Contacts | ContactList::Blocked => "",
        ContactList::Asking | ContactList::Asked => "AND c.expires_at_ms > ?5",
    };
    let sql = format!(
        "SELECT {SIDE}, c.peer_id, COALESCE(u.username, '')
         FROM contacts c LEFT JOIN users u ON u.id = c.peer_id
         WHERE c.user_id = ?1 AND {column} = ?2 AND c.peer_id > ?3 {open} ORDER BY c.peer_id LIMIT ?4"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let read = |row: &Row<'_>| {
        let peer = User { id: row.get(6)?, username: row.get(7)? };
        Ok(read_side(row)?.at(now_ms).contact(peer))
    };
    let rows = if open.is_empty() {
        select.query_map(params![user.get(), value, after, limit], read)?
    } else {
        select.query_map(params![user.get(), value, after, limit, now_ms], read)?
    };
    Ok(rows.collect::<Result<_, _>>()?)
}

fn privacy(connection: &Connection, user: UserId) -> Result<Privacy, Error> {
    let found = connection
        .prepare_cached(
            "SELECT find_by_name, find_by_email, find_by_id, sends_receipts, invisible_since_ms <> 0
             FROM contact_settings WHERE user_id = ?",
        )?
        .query_row([user.get()], |row| {
            Ok(Privacy {
                by_name: Finders::of(row.get(0)?),
                by_email: Finders::of(row.get(1)?),
                by_id: Finders::of(row.get(2)?),
                sends_receipts: row.get(3)?,
                is_invisible: row.get(4)?,
            })
        });
    Ok(found.optional()?.unwrap_or_default())
}

fn set_privacy(
    connection: &mut Connection,
    owner: &str,
    user: UserId,
    new: Privacy,
    now_ms: i64,
) -> Result<Option<OutboxRow>, Error> {
    let transaction = connection.transaction()?;
    accounts::users(&transaction, &[user])?;
    let known = privacy(&transaction, user)?;
    if known == new {
        return Ok(None);
    }
    if known.sends_receipts != new.sends_receipts {
        cursors::stamp_all(&transaction, user, now_ms)?;
    }
    transaction
        .prepare_cached(
            // Invisible since the first time it was said.
            "INSERT INTO contact_settings
             (user_id, find_by_name, find_by_email, find_by_id, sends_receipts, invisible_since_ms)
             VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (user_id) DO UPDATE SET find_by_name = excluded.find_by_name,
             find_by_email = excluded.find_by_email, find_by_id = excluded.find_by_id,
             sends_receipts = excluded.sends_receipts,
             invisible_since_ms = CASE WHEN excluded.invisible_since_ms = 0 OR invisible_since_ms = 0
                 THEN excluded.invisible_since_ms ELSE invisible_since_ms END",
        )?
        .execute(params![
            user.get(),
            new.by_name.number(),
            new.by_email.number(),
            new.by_id.number(),
            new.sends_receipts,
            if new.is_invisible { now_ms } else { 0 }
        ])?;
    let records = user_events::append(&transaction, &[privacy_event(user, new)], now_ms)?;
    let row = outbox::insert(&transaction, owner, encode(records), now_ms)?;
    transaction.commit()?;
    Ok(Some(row))
}

/// Users whom the reader may find so.
fn find(connection: &Connection, reader: UserId, sought: &Sought, limit: u32) -> Result<Vec<User>, Error> {
    let usual = Privacy::default();
    let (condition, finders, usual) = match sought {
        Sought::Name(_) => ("u.username_key >= ?1 AND u.username_key < ?2", "s.find_by_name", usual.by_name),
        Sought::Email(_) => ("u.email_key = ?1 AND ?2 = ''", "s.find_by_email", usual.by_email),
        Sought::Id(_) => ("u.id = CAST(?1 AS INTEGER) AND ?2 = ''", "s.find_by_id", usual.by_id),
    };
    let (first, end) = match sought {
        Sought::Name(prefix) => (prefix.clone(), format!("{prefix}{}", char::MAX)),
        Sought::Email(email) => (email.clone(), String::new()),
        Sought::Id(id) => (id.to_string(), String::new()),
    };
    let sql = format!(
        "SELECT u.id, u.username FROM users u LEFT JOIN contact_settings s ON s.user_id = u.id
         LEFT JOIN contacts c ON c.user_id = u.id AND c.peer_id = ?3 AND c.state = ?7
         WHERE {condition} AND NOT EXISTS (SELECT 1 FROM departures d WHERE d.user_id = u.id)
         AND (u.id = ?3 OR COALESCE({finders}, ?4) = ?5
         OR ({finders} = ?6 AND c.user_id IS NOT NULL))
         ORDER BY u.username_key LIMIT ?8"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let values = params![
        first,
        end,
        reader.get(),
        usual.number(),
        Finders::Everyone.number(),
        Finders::Contacts.number(),
        number(Tie::Contact),
        limit
    ];
    let rows = select.query_map(values, |row| Ok(User { id: row.get(0)?, username: row.get(1)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
