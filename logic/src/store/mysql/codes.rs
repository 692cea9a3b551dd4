//! Mailed codes and passwords. Whoever changes a password locks the user's
//! row first: a log-in that begins meanwhile waits for it.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, TxOpts};
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use tonic::async_trait;

use super::MysqlStore;
use super::accounts::{self, By};
use super::failure::Failure;
use super::logins::{end_logins, user as user_id};
use super::sql::{execute, first};
use super::store::{pooled, retried};
use crate::store::departures::DELETED;
use crate::store::{CodeGuess, Codes, Credentials, Error, MailedCode, NewUser, PasswordReset};

/// Expired codes cleared away with each new one.
const CLEARED: u32 = 100;

#[async_trait]
impl Codes for MysqlStore {
    async fn put_code(&self, code: &MailedCode) -> Result<(), Error> {
        retried!(self, |connection| put(connection, code))
    }

    async fn create_user_by_code(&self, user: &NewUser, guess: &CodeGuess) -> Result<Option<User>, Error> {
        retried!(self, |connection| create_user(connection, user, guess))
    }

    async fn reset_password(
        &self,
        guess: &CodeGuess,
        password_hash: &str,
    ) -> Result<Option<PasswordReset>, Error> {
        retried!(self, |connection| reset(connection, guess, password_hash))
    }

    async fn credentials_by_id(&self, id: UserId) -> Result<Option<Credentials>, Error> {
        pooled!(self, |connection| accounts::credentials(connection, By::Id(id.get())))
    }

    async fn set_password(
        &self,
        user: UserId,
        old_hash: &str,
        password_hash: &str,
        keep_login: &str,
    ) -> Result<Option<Vec<String>>, Error> {
        let hashes = (old_hash, password_hash);
        retried!(self, |connection| set(connection, user, hashes, keep_login))
    }
}

async fn put(connection: &mut Conn, code: &MailedCode) -> Result<(), Failure> {
    let sql = "DELETE FROM mailed_codes WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?";
    execute(connection, sql, (code.created_at_ms, CLEARED)).await?;
    execute(
        connection,
        "INSERT INTO mailed_codes (email_key, purpose, code_hash, attempts, expires_at_ms)
         VALUES (?, ?, ?, 0, ?) ON DUPLICATE KEY UPDATE
         code_hash = VALUES(code_hash), attempts = 0, expires_at_ms = VALUES(expires_at_ms)",
        (code.email.as_bytes(), code.purpose.number(), &code.hash[..], code.expires_at_ms),
    )
    .await?;
    Ok(())
}

async fn create_user(
    connection: &mut Conn,
    user: &NewUser,
    guess: &CodeGuess,
) -> Result<Option<User>, Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let is_right = redeem(&mut transaction, guess).await?;
    let created = match is_right {
        true => Some(accounts::insert_user(&mut transaction, user).await),
        false => None,
    };
    match created.transpose() {
        Ok(created) => {
            transaction.commit().await?;
            Ok(created)
        }
        Err(failure) => {
            transaction.rollback().await?;
            Err(failure)
        }
    }
}

async fn reset(
    connection: &mut Conn,
    guess: &CodeGuess,
    password_hash: &str,
) -> Result<Option<PasswordReset>, Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    if !redeem(&mut transaction, guess).await? {
        // An earlier attempt may have come to its end: a hash like this is made once.
        let sql = "SELECT id FROM users WHERE email_key = ? AND password_hash = ?";
        let made: Option<(i64,)> =
            first(&mut transaction, sql, (guess.email.as_bytes(), password_hash)).await?;
        transaction.commit().await?;
        let reset = |(id,)| Ok(PasswordReset { user: user_id(id)?, ended: Vec::new() });
        return made.map(reset).transpose();
    }
    let found: Option<(i64,)> = first(
        &mut transaction,
        "SELECT id FROM users WHERE email_key = ? FOR UPDATE",
        (guess.email.as_bytes(),),
    )
    .await?;
    let reset = match found {
        Some((id,)) => {
            execute(&mut transaction, "UPDATE users SET password_hash = ? WHERE id = ?", (password_hash, id))
                .await?;
            Some(PasswordReset { user: user_id(id)?, ended: end_logins(&mut transaction, id, "").await? })
        }
        None => None,
    };
    transaction.commit().await?;
    Ok(reset)
}

async fn set(
    connection: &mut Conn,
    user: UserId,
    (old_hash, password_hash): (&str, &str),
    keep_login: &str,
) -> Result<Option<Vec<String>>, Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    execute(
        &mut transaction,
        "UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?
         AND NOT EXISTS (SELECT 1 FROM departures d WHERE d.user_id = users.id AND d.state = ?)",
        (password_hash, user.get(), old_hash, DELETED),
    )
    .await?;
    // An earlier attempt may have come to its end: a hash like this is made once.
    let sql = "SELECT id FROM users WHERE id = ? AND password_hash = ?";
    let made: Option<(i64,)> = first(&mut transaction, sql, (user.get(), password_hash)).await?;
    let ended = match made {
        None => None,
        Some(_) => Some(end_logins(&mut transaction, user.get(), keep_login).await?),
    };
    transaction.commit().await?;
    Ok(ended)
}

/// Uses a code up when it is right, and counts it when it is wrong.
async fn redeem<Q: Queryable>(transaction: &mut Q, guess: &CodeGuess) -> Result<bool, Failure> {
    let key = (guess.email.as_bytes(), guess.purpose.number());
    let found: Option<(Vec<u8>, i64, i64)> = first(
        transaction,
        "SELECT code_hash, attempts, expires_at_ms FROM mailed_codes
         WHERE email_key = ? AND purpose = ? FOR UPDATE",
        key,
    )
    .await?;
    let Some((hash, attempts, expires_at_ms)) = found else { return Ok(false) };
    if expires_at_ms <= guess.now_ms || attempts >= i64::from(guess.attempts_max) {
        return Ok(false);
    }
    let is_right = hash == guess.hash;
    let sql = match is_right {
        true => "DELETE FROM mailed_codes WHERE email_key = ? AND purpose = ?",
        false => "UPDATE mailed_codes SET attempts = attempts + 1 WHERE email_key = ? AND purpose = ?",
    };
    execute(transaction, sql, key).await?;
    Ok(is_right)
}
