//! Codes sent by mail: asked for, and used once.
//!
//! Whoever asks learns nothing about accounts: a mail goes out in any case, and
//! says what is the matter to those who read it alone.

use std::net::IpAddr;
use std::time::Duration;

use oort_api::clock::now_ms;
use oort_api::directory::{Attempt, AttemptKey, AttemptRules, Settled};
use oort_api::error::{Code, Refusal};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::config::TTL_MS_MAX;
use super::guesses::must_wait;
use super::{Accounts, later, lockout, names, secret};
use crate::mail::{Mail, Mailer};
use crate::store::{CodeGuess, MailedCode, Purpose};

/// Settings of codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CodesConfig {
    /// Digits of a code.
    pub digits: u32,
    /// Life of a code, ms.
    pub ttl_ms: u64,
    /// Wrong ones after which a code is void.
    pub attempts_max: u32,
    /// Codes that may be asked for with one e-mail address before the next one has to wait.
    pub requests_free: u32,
    /// The first wait, ms; it doubles with each further code.
    pub requests_wait_min_ms: u64,
    /// Longest wait, ms.
    pub requests_wait_max_ms: u64,
    /// Time without a request after which the earlier ones are forgotten, ms.
    pub requests_forget_ms: u64,
}

impl Default for CodesConfig {
    fn default() -> Self {
        Self {
            digits: 6,
            ttl_ms: 10 * 60 * 1000,
            attempts_max: 5,
            requests_free: 3,
            requests_wait_min_ms: 60_000,
            requests_wait_max_ms: 3600 * 1000,
            requests_forget_ms: 24 * 3600 * 1000,
        }
    }
}

impl CodesConfig {
    /// Everything that cannot work, one sentence each.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        check((6..=12).contains(&self.digits), "digits is not within 6 to 12");
        check((1_000..=24 * 3600 * 1000).contains(&self.ttl_ms), "ttl_ms is not within 1 s to 1 day");
        check((1..=100).contains(&self.attempts_max), "attempts_max is not within 1 to 100");
        check(self.requests_free >= 1, "requests_free is 0: nobody could ask for a code");
        check(self.requests_wait_min_ms >= 1, "requests_wait_min_ms is 0: nothing would grow");
        check(
            (self.requests_wait_min_ms..=TTL_MS_MAX).contains(&self.requests_wait_max_ms),
            "requests_wait_max_ms is less than requests_wait_min_ms, or more than ten years",
        );
        check(
            (1..=TTL_MS_MAX).contains(&self.requests_forget_ms),
            "requests_forget_ms is 0, or more than ten years",
        );
        faults
    }

    pub(super) fn requests(&self, remembered_max: usize) -> AttemptRules {
        AttemptRules {
            free: self.requests_free,
            wait_min: Duration::from_millis(self.requests_wait_min_ms),
            wait_max: Duration::from_millis(self.requests_wait_max_ms),
            forget_after: Duration::from_millis(self.requests_forget_ms),
            remembered_max,
        }
    }
}

impl Accounts {
    /// Mails a code; answers when it ends, ms since the epoch. Answers the same whether or not there is an account with
    /// the address.
    ///
    /// # Errors
    /// [`Code::InvalidField`], [`Code::Forbidden`] when nobody may sign up with the address, [`Code::RateLimited`],
    /// [`Code::Overloaded`], [`Code::Unavailable`] when the mail was not sent.
    pub async fn mail_code(&self, purpose: Purpose, email: &str) -> Result<i64, Refusal> {
        self.mailer.check()?;
        let email = names::fold_email(email);
        names::check_email(&email)?;
        Mailer::check_address(&email)?;
        if purpose == Purpose::SignUp {
            self.check_allowed(Some(&email))?;
        }
        let request = lockout::key(&format!("mail\n{email}"), None);
        if let Attempt::Wait(wait) = self.requests.attempt(&request).await {
            self.metrics.code_refusals.inc();
            return Err(must_wait(
                wait,
                "too many codes were asked for with this address; wait, then try again",
            ));
        }
        match self.mail(purpose, &email).await {
            Ok(expires_at_ms) => {
                self.metrics.codes.inc();
                Ok(expires_at_ms)
            }
            Err(refusal) => {
                self.requests.settle(&request, Settled::NotMade).await;
                Err(refusal)
            }
        }
    }

    async fn mail(&self, purpose: Purpose, email: &str) -> Result<i64, Refusal> {
        let is_known = self.store.credentials_by_email(email).await?.is_some();
        let (code, now_ms) = (random_code(self.config.codes.digits)?, now_ms());
        let expires_at_ms = later(now_ms, self.config.codes.ttl_ms);
        // Kept also where nobody is told it: so both take as long.
        self.store
            .put_code(&MailedCode {
                email: email.to_owned(),
                purpose,
                hash: hash(email, purpose, &code),
                created_at_ms: now_ms,
                expires_at_ms,
            })
            .await?;
        let mail = written(purpose, email, is_known, &code, self.config.codes.ttl_ms);
        self.mailer.send(mail).await?;
        Ok(expires_at_ms)
    }

    /// A code as it was given, counted for the e-mail address and the client's.
    pub(super) async fn begin_guess(
        &self,
        purpose: Purpose,
        email: &str,
        code: &str,
        address: Option<IpAddr>,
    ) -> Result<(AttemptKey, CodeGuess), Refusal> {
        let attempt = lockout::key(&format!("code\n{email}"), address);
        if let Attempt::Wait(wait) = self.lockout.attempt(&attempt).await {
            self.metrics.code_failures.inc();
            return Err(must_wait(wait, "too many wrong codes for this address; wait, then try again"));
        }
        let guess = CodeGuess {
            email: email.to_owned(),
            purpose,
            hash: hash(email, purpose, code.trim()),
            attempts_max: self.config.codes.attempts_max,
            now_ms: now_ms(),
        };
        Ok((attempt, guess))
    }

    /// What the code was good for; `None` = it was wrong.
    pub(super) async fn end_guess<T>(
        &self,
        attempt: &AttemptKey,
        done: Result<Option<T>, Refusal>,
    ) -> Result<T, Refusal> {
        match done {
            Ok(Some(done)) => {
                self.lockout.settle(attempt, Settled::Right).await;
                Ok(done)
            }
            Ok(None) => {
                self.metrics.code_failures.inc();
                let text =
                    "code: it is wrong, was used, has expired, or was tried too often; ask for another";
                Err(Refusal::new(Code::WrongCode, text))
            }
            Err(refusal) => {
                self.lockout.settle(attempt, Settled::NotMade).await;
                Err(refusal)
            }
        }
    }

    pub(super) fn check_allowed(&self, email: Option<&str>) -> Result<(), Refusal> {
        if self.config.is_email_allowed(email) {
            return Ok(());
        }
        Err(Refusal::new(Code::Forbidden, "email: nobody may sign up here with such an address"))
    }
}

/// So many random digits.
fn random_code(digits: u32) -> Result<String, Refusal> {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&secret::random()?[..16]);
    // 2^128 is so much larger that no code is likelier than another.
    let number = u128::from_le_bytes(bytes) % 10_u128.pow(digits);
    Ok(format!("{number:0width$}", width = digits as usize))
}

fn hash(email: &str, purpose: Purpose, code: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [email.as_bytes(), &purpose.number().to_le_bytes(), code.as_bytes()] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn written(purpose: Purpose, email: &str, is_known: bool, code: &str, ttl_ms: u64) -> Mail {
    let minutes = (ttl_ms / 60_000).max(1);
    // Short lines in ASCII travel as they are.
    let good = format!("It is good once, for {minutes} minutes. Tell it to nobody.");
    let ignore = "If you did not ask for this, ignore this mail: nothing was changed.";
    let (subject, text) = match (purpose, is_known) {
        (Purpose::SignUp, false) => ("Your code to sign up", format!("Your code:\n\n{code}\n\n{good}")),
        (Purpose::SignUp, true) => (
            "You have an account already",
            "Somebody asked to sign up with this address, but there is an\n\
             account with it already. Log in, or reset your password."
                .to_owned(),
        ),
        (Purpose::Reset, true) => ("Your code for a new password", format!("Your code:\n\n{code}\n\n{good}")),
        (Purpose::Reset, false) => (
            "There is no account with this address",
            "Somebody asked for a new password with this address, but there is\n\
             no account with it."
                .to_owned(),
        ),
    };
    let text = format!("{text}\n\n{ignore}\n");
    Mail { to: email.to_owned(), subject: subject.to_owned(), text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_digits_and_differ() {
        for digits in [6, 9, 12] {
            let codes: Vec<String> = (0..100).map(|_| random_code(digits).expect("random")).collect();
            assert!(codes.iter().all(|code| {
                code.len() == digits as usize && code.bytes().all(|byte| byte.is_ascii_digit())
            }));
            assert!(codes.iter().any(|code| *code != codes[0]));
        }
    }

    #[test]
    fn a_code_is_of_one_address_and_purpose() {
        let one = hash("a@b", Purpose::Reset, "123456");
        assert_eq!(one, hash("a@b", Purpose::Reset, "123456"));
        assert_ne!(one, hash("a@b", Purpose::SignUp, "123456"));
        assert_ne!(one, hash("b@b", Purpose::Reset, "123456"));
        assert_ne!(one, hash("a@b", Purpose::Reset, "123457"));
    }

    #[test]
    fn only_who_may_use_the_code_is_told_it() {
        for (purpose, is_known, is_told) in [
            (Purpose::SignUp, false, true),
            (Purpose::SignUp, true, false),
            (Purpose::Reset, true, true),
            (Purpose::Reset, false, false),
        ] {
            let mail = written(purpose, "a@b", is_known, "123456", 600_000);
            assert_eq!(mail.text.lines().any(|line| line == "123456"), is_told, "{purpose:?} {is_known}");
        }
    }

    #[test]
    fn the_defaults_have_no_fault_and_every_fault_is_told() {
        assert_eq!(CodesConfig::default().faults(), Vec::<String>::new());
        let bad = CodesConfig { digits: 5, ttl_ms: 0, attempts_max: 0, ..CodesConfig::default() };
        assert_eq!(bad.faults().len(), 3);
    }
}
