//! Contacts. Whoever changes what is between two users locks the settings of
//! both first, the smaller id first: so two who do something about each other
//! wait for each other, and what is counted is what there is.

use mysql_async::Conn;
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use tonic::async_trait;

use super::failure::Failure;
use super::lane::{Done, Work, begin, commit};
use super::sql::{Set, Sql, first};
use super::store::{pooled, replicated};
use super::{MysqlStore, cursors, user_events};
use crate::contacts::policy::Tie;
use crate::outbox;
use crate::store::contacts::{Change, Counts, Known, Side, judge, number, privacy_event, tie};
use crate::store::plan::Blocked;
use crate::store::{
    Contact, ContactList, ContactStep, ContactsStore, Error, Finders, OutboxRow, Privacy, Sought, Stepped,
};

/// state, blocked, remark, message, changed_at_ms, expires_at_ms.
type SideColumns = (i64, i64, String, String, i64, i64);
/// find_by_name, find_by_email, find_by_id, sends_receipts, invisible_since_ms.
type PrivacyColumns = (i64, i64, i64, i64, i64);
/// [`SideColumns`], and the peer's id and name.
type ContactColumns = (i64, i64, String, String, i64, i64, i64, String);

#[async_trait]
impl ContactsStore for MysqlStore {
    async fn step_contact(
        &self,
        owner: &str,
        step: &ContactStep,
        now_ms: i64,
    ) -> Result<(Stepped, Option<OutboxRow>), Error> {
        self.transact(owner, &Step { step, now_ms }).await
    }

    async fn contacts(
        &self,
        user: UserId,
        list: ContactList,
        after: i64,
        limit: u32,
        now_ms: i64,
    ) -> Result<Vec<Contact>, Error> {
        replicated!(self, |connection| contacts(connection, (user, list), after, limit, now_ms))
    }

    async fn privacy(&self, user: UserId) -> Result<Privacy, Error> {
        pooled!(self, |connection| privacy(connection, user))
    }

    async fn set_privacy(
        &self,
        owner: &str,
        user: UserId,
        privacy: Privacy,
        now_ms: i64,
    ) -> Result<Option<OutboxRow>, Error> {
        self.transact(owner, &SetPrivacy { user, privacy, now_ms }).await
    }

    async fn find_people(&self, reader: UserId, sought: &Sought, limit: u32) -> Result<Vec<User>, Error> {
        replicated!(self, |connection| find(connection, reader, sought, limit))
    }
}

/// See [`ContactsStore::step_contact`].
#[derive(Debug)]
struct Step<'a> {
    step: &'a ContactStep,
    now_ms: i64,
}

#[async_trait]
impl Work for Step<'_> {
    type Output = (Stepped, Option<OutboxRow>);

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        let known = self.look(connection, owner).await?;
        let (stepped, change) = judge(self.step, known, self.now_ms);
        let Some(change) = change else {
            let mut sql = Sql::default();
            sql.raw("COMMIT").end();
            sql.run(connection).await?;
            return Ok(Done { value: (stepped, None), last_row: None });
        };
        self.write(connection, &change).await?;
        let records = user_events::append(connection, &change.events, self.now_ms).await?;
        let row = commit(connection, owner, outbox::encode(records), self.now_ms).await?;
        Ok(Done { last_row: Some(row.id), value: (stepped, Some(row)) })
    }
}

impl Step<'_> {
    fn pair(&self) -> (i64, i64) {
        (self.step.actor.id, self.step.peer.get())
    }

    /// First packet: locks, then looks.
    async fn look(&self, connection: &mut Conn, owner: &str) -> Result<Known, Failure> {
        let (actor, peer) = self.pair();
        let mut sql = Sql::default();
        begin(&mut sql, owner);
        lock(&mut sql, (actor, peer));
        if self.step.sweeps() {
            for user in [actor, peer] {
                forget_expired(&mut sql, user, self.now_ms);
            }
        }
        sql.raw("SELECT id, username FROM users WHERE id = ").int(peer);
        let user = sql.end();
        let [mine, theirs] = [(actor, peer), (peer, actor)].map(|(user, peer)| {
            sql.raw(
                "SELECT state, blocked, remark, message, changed_at_ms, expires_at_ms FROM contacts WHERE user_id = ",
            );
            sql.int(user).raw(" AND peer_id = ").int(peer).end()
        });
        let counts = self.step.needs_counts().then(|| self.count(&mut sql));
        let mut sets = match sql.run(connection).await {
            Err(failure) if failure.no_parent() => return Err(Error::NoUser(peer).into()),
            sets => sets?,
        };
        let counts = match counts {
            Some(index) => sets.remove(index).typed()?.pop().map(read_counts).unwrap_or_default(),
            None => Counts::default(),
        };
        let theirs = side(sets.remove(theirs))?;
        let mine = side(sets.remove(mine))?;
        let found: Option<(i64, String)> = sets.remove(user).typed()?.pop();
        let (id, username) = found.ok_or(Error::NoUser(peer))?;
        Ok(Known { peer: User { id, username }, mine, theirs, counts })
    }

    fn count(&self, sql: &mut Sql) -> usize {
        let (actor, peer) = self.pair();
        let mut open = "SELECT (SELECT COUNT(*) FROM contacts WHERE user_id = ";
        for (user, tie) in [(actor, Tie::Asked), (peer, Tie::Asking)] {
            sql.raw(open).int(user).raw(" AND state = ").int(number(tie));
            sql.raw(" AND expires_at_ms > ").int(self.now_ms);
            open = "), (SELECT COUNT(*) FROM contacts WHERE user_id = ";
        }
        for user in [actor, peer] {
            sql.raw(open).int(user).raw(" AND state = ").int(number(Tie::Contact));
        }
        sql.raw(open).int(actor).raw(" AND blocked = 1)").end()
    }

    async fn write(&self, connection: &mut Conn, change: &Change) -> Result<(), Failure> {
        let (actor, peer) = self.pair();
        let mut sql = Sql::default();
        put(&mut sql, (actor, peer), &change.mine);
        put(&mut sql, (peer, actor), &change.theirs);
        if let Some(blocked) = change.blocked {
            sql.raw("UPDATE conversations SET blocked = ").int(blocked.0);
            sql.raw(" WHERE user_lo = ")
                .int(actor.min(peer))
                .raw(" AND user_hi = ")
                .int(actor.max(peer))
                .end();
        }
        sql.run(connection).await.map(drop)
    }
}

/// Locks what is between two users; nobody else changes it meanwhile.
pub(super) fn lock(sql: &mut Sql, (one, other): (i64, i64)) {
    sql.raw("INSERT INTO contact_settings (user_id) VALUES (").int(one.min(other)).raw("),(");
    sql.int(one.max(other)).raw(") ON DUPLICATE KEY UPDATE user_id = user_id").end();
}

/// Who of two users blocks the other, read under [`lock`].
pub(super) async fn lock_blocked(
    connection: &mut Conn,
    (one, other): (i64, i64),
) -> Result<Blocked, Failure> {
    let mut sql = Sql::default();
    lock(&mut sql, (one, other));
    sql.raw(
        "SELECT user_id FROM contacts FORCE INDEX (PRIMARY) WHERE blocked = 1 AND (user_id, peer_id) IN ((",
    );
    sql.int(one).raw(",").int(other).raw("),(").int(other).raw(",").int(one);
    let found = sql.raw("))").end();
    let blocking: Vec<(i64,)> = sql.run(connection).await?.remove(found).typed()?;
    Ok(Blocked::of((one, blocking.contains(&(one,))), (other, blocking.contains(&(other,)))))
}

/// Requests of or to this user that are over.
fn forget_expired(sql: &mut Sql, user: i64, now_ms: i64) {
    sql.raw("DELETE FROM contacts WHERE user_id = ").int(user).raw(" AND state IN ");
    sql.list([Tie::Asked, Tie::Asking, Tie::Shelved].map(number));
    sql.raw(" AND blocked = 0 AND expires_at_ms <= ").int(now_ms).end();
}

/// Writes one side; (user, peer).
fn put(sql: &mut Sql, (user, peer): (i64, i64), side: &Side) {
    if side.is_empty() {
        sql.raw("DELETE FROM contacts WHERE user_id = ").int(user).raw(" AND peer_id = ").int(peer).end();
        return;
    }
    sql.raw(
        "INSERT INTO contacts (user_id, peer_id, state, blocked, remark, message, changed_at_ms, expires_at_ms)
         VALUES (",
    );
    sql.int(user).raw(",").int(peer).raw(",").int(number(side.tie)).raw(",").int(side.blocks.into());
    sql.raw(",").text(&side.remark).raw(",").text(&side.message);
    sql.raw(",").int(side.changed_at_ms).raw(",").int(side.expires_at_ms);
    sql.raw(
        ") ON DUPLICATE KEY UPDATE state = VALUES(state), blocked = VALUES(blocked), remark = VALUES(remark),
         message = VALUES(message), changed_at_ms = VALUES(changed_at_ms), expires_at_ms = VALUES(expires_at_ms)",
    );
    sql.end();
}

fn side(set: Set) -> Result<Side, Failure> {
    let found: Option<SideColumns> = set.typed()?.pop();
    Ok(found.map(read_side).unwrap_or_default())
}

fn read_side((state, blocked, remark, message, changed_at_ms, expires_at_ms): SideColumns) -> Side {
    Side { tie: tie(state), blocks: blocked != 0, remark, message, changed_at_ms, expires_at_ms }
}

fn read_counts((asked, asking, contacts, contacts_of_peer, blocks): (i64, i64, i64, i64, i64)) -> Counts {
    Counts { asked, asking, contacts, contacts_of_peer, blocks }
}

async fn contacts(
    connection: &mut Conn,
    (user, list): (UserId, ContactList),
    after: i64,
    limit: u32,
    now_ms: i64,
) -> Result<Vec<Contact>, Failure> {
    let mut sql = Sql::default();
    sql.raw(
        "SELECT c.state, c.blocked, c.remark, c.message, c.changed_at_ms, c.expires_at_ms, c.peer_id,
                COALESCE(u.username, '')
         FROM contacts c LEFT JOIN users u ON u.id = c.peer_id WHERE c.user_id = ",
    );
    sql.int(user.get());
    match list {
        ContactList::Contacts => sql.raw(" AND c.state = ").int(number(Tie::Contact)),
        ContactList::Asking => sql.raw(" AND c.state = ").int(number(Tie::Asking)),
        ContactList::Asked => sql.raw(" AND c.state = ").int(number(Tie::Asked)),
        ContactList::Blocked => sql.raw(" AND c.blocked = 1"),
    };
    if matches!(list, ContactList::Asking | ContactList::Asked) {
        sql.raw(" AND c.expires_at_ms > ").int(now_ms);
    }
    sql.raw(" AND c.peer_id > ").int(after).raw(" ORDER BY c.peer_id LIMIT ").int(limit.into()).end();
    let rows: Vec<ContactColumns> = sql.run(connection).await?.remove(0).typed()?;
    let contact = |(state, blocked, remark, message, changed_at_ms, expires_at_ms, id, username)| {
        let side = read_side((state, blocked, remark, message, changed_at_ms, expires_at_ms));
        side.at(now_ms).contact(User { id, username })
    };
    Ok(rows.into_iter().map(contact).collect())
}

async fn privacy(connection: &mut Conn, user: UserId) -> Result<Privacy, Failure> {
    let found: Option<PrivacyColumns> = first(
        connection,
        "SELECT find_by_name, find_by_email, find_by_id, sends_receipts, invisible_since_ms
         FROM contact_settings WHERE user_id = ?",
        (user.get(),),
    )
    .await?;
    Ok(found.map(read_privacy).unwrap_or_default())
}

fn read_privacy((by_name, by_email, by_id, sends_receipts, invisible_since_ms): PrivacyColumns) -> Privacy {
    Privacy {
        by_name: Finders::of(by_name),
        by_email: Finders::of(by_email),
        by_id: Finders::of(by_id),
        sends_receipts: sends_receipts != 0,
        is_invisible: invisible_since_ms != 0,
    }
}

/// See [`ContactsStore::set_privacy`].
#[derive(Debug)]
struct SetPrivacy {
    user: UserId,
    privacy: Privacy,
    now_ms: i64,
}

#[async_trait]
impl Work for SetPrivacy {
    type Output = Option<OutboxRow>;

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        let user = self.user.get();
        let mut sql = Sql::default();
        begin(&mut sql, owner);
        lock(&mut sql, (user, user));
        sql.raw("SELECT find_by_name, find_by_email, find_by_id, sends_receipts, invisible_since_ms");
        sql.raw(" FROM contact_settings WHERE user_id = ");
        let found = sql.int(user).end();
        let mut sets = match sql.run(connection).await {
            Err(failure) if failure.no_parent() => return Err(Error::NoUser(user).into()),
            sets => sets?,
        };
        let known: Option<PrivacyColumns> = sets.remove(found).typed()?.pop();
        let Privacy { by_name, by_email, by_id, sends_receipts, is_invisible } = self.privacy;
        // Since the first time it was said.
        let since_ms = known.map(|known| known.4).filter(|&since_ms| since_ms != 0).unwrap_or(self.now_ms);
        let mut sql = Sql::default();
        if known.map(read_privacy) == Some(self.privacy) {
            sql.raw("COMMIT").end();
            sql.run(connection).await?;
            return Ok(Done { value: None, last_row: None });
        }
        sql.raw("UPDATE contact_settings SET find_by_name = ").int(by_name.number());
        sql.raw(", find_by_email = ").int(by_email.number()).raw(", find_by_id = ").int(by_id.number());
        sql.raw(", sends_receipts = ").int(sends_receipts.into());
        sql.raw(", invisible_since_ms = ").int(if is_invisible { since_ms } else { 0 });
        sql.raw(" WHERE user_id = ").int(user).end();
        if known.map(read_privacy).unwrap_or_default().sends_receipts != sends_receipts {
            cursors::stamp_all(&mut sql, self.user, self.now_ms);
        }
        sql.run(connection).await?;
        let told = [privacy_event(self.user, self.privacy)];
        let records = user_events::append(connection, &told, self.now_ms).await?;
        let row = commit(connection, owner, outbox::encode(records), self.now_ms).await?;
        Ok(Done { last_row: Some(row.id), value: Some(row) })
    }
}

/// Users whom the reader may find so.
async fn find(
    connection: &mut Conn,
    reader: UserId,
    sought: &Sought,
    limit: u32,
) -> Result<Vec<User>, Failure> {
    let mut sql = Sql::default();
    sql.raw("SELECT u.id, u.username FROM users u LEFT JOIN contact_settings s ON s.user_id = u.id");
    sql.raw(" LEFT JOIN contacts c ON c.user_id = u.id AND c.peer_id = ").int(reader.get());
    sql.raw(" AND c.state = ").int(number(Tie::Contact)).raw(" WHERE ");
    let (finders, usual) = match sought {
        Sought::Name(prefix) => {
            let end = format!("{prefix}{}", char::MAX);
            sql.raw("u.username_key >= ").bytes(prefix.as_bytes());
            sql.raw(" AND u.username_key < ").bytes(end.as_bytes());
            ("s.find_by_name", Privacy::default().by_name)
        }
        Sought::Email(email) => {
            sql.raw("u.email_key = ").bytes(email.as_bytes());
            ("s.find_by_email", Privacy::default().by_email)
        }
        Sought::Id(id) => {
            sql.raw("u.id = ").int(id.get());
            ("s.find_by_id", Privacy::default().by_id)
        }
    };
    sql.raw(" AND NOT EXISTS (SELECT 1 FROM departures d WHERE d.user_id = u.id) AND (u.id = ")
        .int(reader.get());
    sql.raw(" OR COALESCE(").raw(finders).raw(", ").int(usual.number()).raw(") = ");
    sql.int(Finders::Everyone.number()).raw(" OR (").raw(finders).raw(" = ").int(Finders::Contacts.number());
    sql.raw(" AND c.user_id IS NOT NULL)) ORDER BY u.username_key LIMIT ").int(limit.into()).end();
    let found: Vec<(i64, String)> = sql.run(connection).await?.remove(0).typed()?;
    Ok(found.into_iter().map(|(id, username)| User { id, username }).collect())
}
