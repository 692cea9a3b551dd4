//! Profiles.

use mysql_async::Conn;
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use tonic::async_trait;

use super::failure::Failure;
use super::lane::{Done, Work, begin_now, commit};
use super::sql::{Sql, execute, first};
use super::store::pooled;
use super::{MysqlStore, user_events};
use crate::outbox;
use crate::store::profiles::changed;
use crate::store::{Error, OutboxRow, Person, Profile, ProfileChange, Profiles, Sex};

/// id, username, email_key, created_at_ms, nick, avatar, sex, description.
type Columns = (i64, String, Option<Vec<u8>>, i64, String, String, i64, String);

#[async_trait]
impl Profiles for MysqlStore {
    async fn person(&self, user: UserId) -> Result<Option<Person>, Error> {
        pooled!(self, |connection| person(connection, user))
    }

    async fn change_profile(
        &self,
        owner: &str,
        user: UserId,
        change: &ProfileChange,
        now_ms: i64,
    ) -> Result<(Person, Option<OutboxRow>), Error> {
        self.transact(owner, &Change { user, change, now_ms }).await
    }
}

/// See [`Profiles::change_profile`].
#[derive(Debug)]
struct Change<'a> {
    user: UserId,
    change: &'a ProfileChange,
    now_ms: i64,
}

#[async_trait]
impl Work for Change<'_> {
    type Output = (Person, Option<OutboxRow>);

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        begin_now(connection, owner).await?;
        let user = self.user.get();
        // Of two changes at once, the second sees the first.
        let _: Option<(i64,)> =
            first(connection, "SELECT id FROM users WHERE id = ? FOR UPDATE", (user,)).await?;
        let person = person(connection, self.user).await?.ok_or(Error::NoUser(user))?;
        let profile = self.change.applied_to(&person.profile);
        if profile == person.profile {
            let mut sql = Sql::default();
            sql.raw("COMMIT").end();
            sql.run(connection).await?;
            return Ok(Done { value: (person, None), last_row: None });
        }
        execute(
            connection,
            "INSERT INTO profiles (user_id, nick, avatar, sex, description) VALUES (?, ?, ?, ?, ?)
             ON DUPLICATE KEY UPDATE nick = VALUES(nick), avatar = VALUES(avatar), sex = VALUES(sex),
             description = VALUES(description)",
            (user, &profile.nick, &profile.avatar, profile.sex.number(), &profile.description),
        )
        .await?;
        let events = [changed(self.user, &profile)];
        let records = user_events::append(connection, &events, self.now_ms).await?;
        let row = commit(connection, owner, outbox::encode(records), self.now_ms).await?;
        let last_row = Some(row.id);
        Ok(Done { value: (Person { profile, ..person }, Some(row)), last_row })
    }
}

async fn person(connection: &mut Conn, user: UserId) -> Result<Option<Person>, Failure> {
    let found: Option<Columns> = first(
        connection,
        "SELECT u.id, u.username, u.email_key, u.created_at_ms, COALESCE(p.nick, ''), COALESCE(p.avatar, ''),
                COALESCE(p.sex, 0), COALESCE(p.description, '')
         FROM users u LEFT JOIN profiles p ON p.user_id = u.id LEFT JOIN departures d ON d.user_id = u.id
         WHERE u.id = ? AND d.user_id IS NULL",
        (user.get(),),
    )
    .await?;
    let Some((id, username, email, created_at_ms, nick, avatar, sex, description)) = found else {
        return Ok(None);
    };
    let email = email.map(String::from_utf8).transpose();
    let email = email.map_err(|_| Error::Internal("an e-mail address is not text".into()))?;
    let profile = Profile { nick, avatar, sex: Sex::of_number(sex), description };
    Ok(Some(Person { user: User { id, username }, email, created_at_ms, profile }))
}
