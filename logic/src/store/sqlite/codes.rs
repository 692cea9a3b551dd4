//! Mailed codes and passwords.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tonic::async_trait;

use super::SqliteStore;
use super::accounts::{self, By};
use super::logins::{end_logins, user as user_id};
use crate::store::departures::DELETED;
use crate::store::{CodeGuess, Codes, Credentials, Error, MailedCode, NewUser, PasswordReset};

/// Expired codes cleared away with each new one.
const CLEARED: u32 = 100;

#[async_trait]
impl Codes for SqliteStore {
    async fn put_code(&self, code: &MailedCode) -> Result<(), Error> {
        let code = code.clone();
        self.write(move |connection| put(connection, &code)).await
    }

    async fn create_user_by_code(&self, user: &NewUser, guess: &CodeGuess) -> Result<Option<User>, Error> {
        let (user, guess) = (user.clone(), guess.clone());
        self.write(move |connection| create_user(connection, &user, &guess)).await
    }

    async fn reset_password(
        &self,
        guess: &CodeGuess,
        password_hash: &str,
    ) -> Result<Option<PasswordReset>, Error> {
        let (guess, password_hash) = (guess.clone(), password_hash.to_owned());
        self.write(move |connection| reset(connection, &guess, &password_hash)).await
    }

    async fn credentials_by_id(&self, id: UserId) -> Result<Option<Credentials>, Error> {
        self.read(move |connection| accounts::credentials(connection, By::Id(id.get()))).await
    }

    async fn set_password(
        &self,
        user: UserId,
        old_hash: &str,
        password_hash: &str,
        keep_login: &str,
    ) -> Result<Option<Vec<String>>, Error> {
        let (old, new) = (old_hash.to_owned(), password_hash.to_owned());
        let keep_login = keep_login.to_owned();
        self.write(move |connection| set(connection, user, (&old, &new), &keep_login)).await
    }
}

fn put(connection: &mut Connection, code: &MailedCode) -> Result<(), Error> {
    let transaction = connection.transaction()?;
    transaction
        .prepare_cached(
            "DELETE FROM mailed_codes WHERE (email_key, purpose) IN
             (SELECT email_key, purpose FROM mailed_codes WHERE expires_at_ms <= ? LIMIT ?)",
        )?
        .execute(params![code.created_at_ms, CLEARED])?;
    transaction
        .prepare_cached(
            "INSERT INTO mailed_codes (email_key, purpose, code_hash, attempts, expires_at_ms)
             VALUES (?, ?, ?, 0, ?) ON CONFLICT (email_key, purpose) DO UPDATE SET
             code_hash = excluded.code_hash, attempts = 0, expires_at_ms = excluded.expires_at_ms",
        )?
        .execute(params![code.email, code.purpose.number(), code.hash, code.expires_at_ms])?;
    Ok(transaction.commit()?)
}

fn create_user(
    connection: &mut Connection,
    user: &NewUser,
    guess: &CodeGuess,
) -> Result<Option<User>, Error> {
    let transaction = connection.transaction()?;
    let created = match redeem(&transaction, guess)? {
        // A name that is taken leaves the code as it was: nothing is committed.
        true => Some(accounts::insert_user(&transaction, user)?),
        false => None,
    };
    transaction.commit()?;
    Ok(created)
}

fn reset(
    connection: &mut Connection,
    guess: &CodeGuess,
    password_hash: &str,
) -> Result<Option<PasswordReset>, Error> {
    let transaction = connection.transaction()?;
    let mut reset = None;
    if redeem(&transaction, guess)? {
        let changed = transaction
            .prepare_cached("UPDATE users SET password_hash = ? WHERE email_key = ? RETURNING id")?
            .query_row(params![password_hash, guess.email], |row| user_id(row, 0))
            .optional()?;
        if let Some(user) = changed {
            reset = Some(PasswordReset { user, ended: end_logins(&transaction, user, "")? });
        }
    }
    transaction.commit()?;
    Ok(reset)
}

fn set(
    connection: &mut Connection,
    user: UserId,
    (old_hash, password_hash): (&str, &str),
    keep_login: &str,
) -> Result<Option<Vec<String>>, Error> {
    let transaction = connection.transaction()?;
    let changed = transaction
        .prepare_cached(
            "UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?
             AND NOT EXISTS (SELECT 1 FROM departures d WHERE d.user_id = users.id AND d.state = ?)",
        )?
        .execute(params![password_hash, user.get(), old_hash, DELETED])?;
    let ended = match changed {
        0 => None,
        _ => Some(end_logins(&transaction, user, keep_login)?),
    };
    transaction.commit()?;
    Ok(ended)
}

/// Uses a code up when it is right, and counts it when it is wrong.
fn redeem(transaction: &Transaction<'_>, guess: &CodeGuess) -> Result<bool, Error> {
    let purpose = guess.purpose.number();
    let found = transaction
        .prepare_cached(
            "SELECT code_hash, attempts, expires_at_ms FROM mailed_codes WHERE email_key = ? AND purpose = ?",
        )?
        .query_row(params![guess.email, purpose], |row| {
            Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, u32>(1)?, row.get::<_, i64>(2)?))
        })
        .optional()?;
    let Some((hash, attempts, expires_at_ms)) = found else { return Ok(false) };
    if expires_at_ms <= guess.now_ms || attempts >= guess.attempts_max {
        return Ok(false);
    }
    let is_right = hash == guess.hash;
    let sql = match is_right {
        true => "DELETE FROM mailed_codes WHERE email_key = ? AND purpose = ?",
        false => "UPDATE mailed_codes SET attempts = attempts + 1 WHERE email_key = ? AND purpose = ?",
    };
    transaction.prepare_cached(sql)?.execute(params![guess.email, purpose])?;
    Ok(is_right)
}
