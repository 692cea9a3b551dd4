//! Codes sent by mail, and what they and passwords change.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use tonic::async_trait;

use super::{Credentials, Error, NewUser};

/// What a mailed code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// An account with the address.
    SignUp,
    /// A new password for the account with the address.
    Reset,
}

impl Purpose {
    /// As the store has it.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::SignUp => 1,
            Self::Reset => 2,
        }
    }
}

/// A code to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailedCode {
    /// Folded e-mail address it went to.
    pub email: String,
    /// What it is for.
    pub purpose: Purpose,
    /// SHA-256 of address, purpose and code.
    pub hash: [u8; 32],
    /// ms since the epoch.
    pub created_at_ms: i64,
    /// ms since the epoch; after it the code is void.
    pub expires_at_ms: i64,
}

/// A code as somebody gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeGuess {
    /// Folded e-mail address.
    pub email: String,
    /// What for.
    pub purpose: Purpose,
    /// SHA-256 of address, purpose and code.
    pub hash: [u8; 32],
    /// Wrong ones after which the code is void.
    pub attempts_max: u32,
    /// ms since the epoch.
    pub now_ms: i64,
}

/// A password that was reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordReset {
    /// Whose.
    pub user: UserId,
    /// Their log-ins, which were ended.
    pub ended: Vec<String>,
}

/// Mailed codes and passwords. A code is looked at and used up in the
/// transaction that does what it is for; a wrong one is counted.
#[async_trait]
pub trait Codes: Send + Sync {
    /// Keeps a code in place of the one before for the same address and purpose.
    async fn put_code(&self, code: &MailedCode) -> Result<(), Error>;
    /// Creates an account; `None` when the code is wrong. A name or address that is taken leaves the code as it was.
    async fn create_user_by_code(&self, user: &NewUser, guess: &CodeGuess) -> Result<Option<User>, Error>;
    /// Sets the password of the account with the address, and ends its log-ins; `None` when the code is wrong.
    async fn reset_password(
        &self,
        guess: &CodeGuess,
        password_hash: &str,
    ) -> Result<Option<PasswordReset>, Error>;
    /// By id; none of an account that was deleted.
    async fn credentials_by_id(&self, id: UserId) -> Result<Option<Credentials>, Error>;
    /// Replaces a password by its hash, and ends all log-ins but one; answers those. `None` when the old hash is no
    /// longer the account's: then nothing changed.
    async fn set_password(
        &self,
        user: UserId,
        old_hash: &str,
        password_hash: &str,
        keep_login: &str,
    ) -> Result<Option<Vec<String>>, Error>;
}
