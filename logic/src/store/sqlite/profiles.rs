//! Profiles.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use rusqlite::{Connection, OptionalExtension, params};
use tonic::async_trait;

use super::{SqliteStore, outbox, user_events};
use crate::outbox::encode;
use crate::store::profiles::changed;
use crate::store::{Error, OutboxRow, Person, Profile, ProfileChange, Profiles, Sex};

#[async_trait]
impl Profiles for SqliteStore {
    async fn person(&self, user: UserId) -> Result<Option<Person>, Error> {
        self.read(move |connection| person(connection, user)).await
    }

    async fn change_profile(
        &self,
        owner: &str,
        user: UserId,
        change: &ProfileChange,
        now_ms: i64,
    ) -> Result<(Person, Option<OutboxRow>), Error> {
        let (owner, wanted) = (owner.to_owned(), change.clone());
        self.publish(
            move |connection| change_profile(connection, &owner, user, &wanted, now_ms),
            |(_, row)| row.as_ref().map(|row| row.id),
        )
        .await
    }
}

fn change_profile(
    connection: &mut Connection,
    owner: &str,
    user: UserId,
    change: &ProfileChange,
    now_ms: i64,
) -> Result<(Person, Option<OutboxRow>), Error> {
    let transaction = connection.transaction()?;
    let person = person(&transaction, user)?.ok_or(Error::NoUser(user.get()))?;
    let profile = change.applied_to(&person.profile);
    if profile == person.profile {
        return Ok((person, None));
    }
    transaction
        .prepare_cached(
            "INSERT INTO profiles (user_id, nick, avatar, sex, description) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (user_id) DO UPDATE SET nick = excluded.nick, avatar = excluded.avatar,
             sex = excluded.sex, description = excluded.description",
        )?
        .execute(params![
            user.get(),
            profile.nick,
            profile.avatar,
            profile.sex.number(),
            profile.description
        ])?;
    let records = user_events::append(&transaction, &[changed(user, &profile)], now_ms)?;
    let row = outbox::insert(&transaction, owner, encode(records), now_ms)?;
    transaction.commit()?;
    Ok((Person { profile, ..person }, Some(row)))
}

fn person(connection: &Connection, user: UserId) -> Result<Option<Person>, Error> {
    let found = connection
        .prepare_cached(
            "SELECT u.id, u.username, u.email_key, u.created_at_ms, COALESCE(p.nick, ''),
                    COALESCE(p.avatar, ''), COALESCE(p.sex, 0), COALESCE(p.description, '')
             FROM users u LEFT JOIN profiles p ON p.user_id = u.id
             LEFT JOIN departures d ON d.user_id = u.id WHERE u.id = ? AND d.user_id IS NULL",
        )?
        .query_row([user.get()], |row| {
            Ok(Person {
                user: User { id: row.get(0)?, username: row.get(1)? },
                email: row.get(2)?,
                created_at_ms: row.get(3)?,
                profile: Profile {
                    nick: row.get(4)?,
                    avatar: row.get(5)?,
                    sex: Sex::of_number(row.get(6)?),
                    description: row.get(7)?,
                },
            })
        });
    Ok(found.optional()?)
}
