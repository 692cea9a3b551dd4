//! Password hashing, off the request threads and bounded.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use oort_api::error::{Code, Refusal};
use oort_api::metrics::Counter;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Config;

/// Hashes and verifies passwords with Argon2id.
#[derive(Debug)]
pub(super) struct Passwords {
    argon2: Argon2<'static>,
    /// One permit per hash under way.
    running: Arc<Semaphore>,
    /// One permit per request that computes or waits.
    admitted: Arc<Semaphore>,
    wait: Duration,
    refusals: Counter,
    /// What an unknown user's password is compared with, so that the answer
    /// takes as long as for a known one.
    nobody: Arc<str>,
}

pub(super) fn parameters(config: &Config) -> Result<Params, argon2::Error> {
    Params::new(config.argon2_memory_kib, config.argon2_passes, config.argon2_lanes, None)
}

impl Passwords {
    /// Computes one hash: that of nobody.
    pub(super) async fn new(config: &Config, refusals: Counter) -> Result<Self, Refusal> {
        let parameters = parameters(config).map_err(internal)?;
        let threads = match config.hashing_threads {
            0 => available_parallelism().map_or(1, NonZero::get),
            threads => threads,
        };
        let mut passwords = Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters),
            running: Arc::new(Semaphore::new(threads)),
            admitted: Arc::new(Semaphore::new(config.hashing_waiters_max.saturating_add(threads))),
            wait: config.hashing_wait(),
            refusals,
            nobody: Arc::from(""),
        };
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(internal)?;
        let argon2 = passwords.argon2.clone();
        passwords.nobody = passwords.run(move || hash(&argon2, &random)).await??.into();
        Ok(passwords)
    }

    /// The PHC string of a new password.
    pub(super) async fn hash(&self, password: &str) -> Result<String, Refusal> {
        let (argon2, password) = (self.argon2.clone(), password.to_owned());
        self.run(move || hash(&argon2, password.as_bytes())).await?
    }

    /// Whether the password is the one of `phc`; without `phc` it takes as long and is false.
    pub(super) async fn verify(&self, password: &str, phc: Option<&str>) -> Result<bool, Refusal> {
        let known = phc.is_some();
        let phc: Arc<str> = phc.map_or_else(|| self.nobody.clone(), Arc::from);
        let (argon2, password) = (self.argon2.clone(), password.to_owned());
        self.run(move || {
            let parsed = PasswordHash::new(&phc).map_err(internal)?;
            Ok(argon2.verify_password(password.as_bytes(), &parsed).is_ok() && known)
        })
        .await?
    }

    /// Runs the computation on a blocking thread when one of ours is free.
    async fn run<T: Send + 'static>(
        &self,
        compute: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let Ok(admitted) = self.admitted.clone().try_acquire_owned() else {
            return Err(self.refuse());
        };
        let Ok(Ok(running)) = timeout(self.wait, self.running.clone().acquire_owned()).await else {
            return Err(self.refuse());
        };
        // The permits go with the computation: it goes on when the request is dropped.
        #[cfg(feature = "simulation")]
        if oort_api::clock::simulated::is_on() {
            return Ok(compute());
        }
        let computation = tokio::task::spawn_blocking(move || {
            let _permits = (admitted, running);
            compute()
        });
        computation.await.map_err(internal)
    }

    fn refuse(&self) -> Refusal {
        self.refusals.inc();
        Refusal::new(Code::Overloaded, "too many log-ins at the moment; try again")
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> Result<String, Refusal> {
    let hash: PasswordHash = argon2.hash_password(password).map_err(internal)?;
    Ok(hash.to_string())
}

fn internal(error: impl std::fmt::Display) -> Refusal {
    tracing::error!(%error, "password hashing failed");
    Refusal::new(Code::Internal, "internal error")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap() -> Config {
        Config { argon2_memory_kib: 64, argon2_passes: 1, hashing_threads: 1, ..Config::default() }
    }

    #[tokio::test]
    async fn only_the_password_verifies() {
        let passwords = Passwords::new(&cheap(), Counter::default()).await.expect("parameters");
        let phc = passwords.hash("correct horse").await.expect("hash");
        assert!(phc.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{phc}");
        assert_eq!(passwords.verify("correct horse", Some(&phc)).await, Ok(true));
        assert_eq!(passwords.verify("wrong horse", Some(&phc)).await, Ok(false));
        assert_eq!(passwords.verify("correct horse", None).await, Ok(false));
    }

    #[tokio::test]
    async fn a_full_pool_refuses_at_once_and_counts() {
        let refusals = Counter::default();
        let config = Config { hashing_waiters_max: 1, ..cheap() };
        let passwords = Arc::new(Passwords::new(&config, refusals.clone()).await.expect("parameters"));
        let (release, held) = std::sync::mpsc::channel::<()>();
        let busy = tokio::spawn({
            let passwords = passwords.clone();
            async move { passwords.run(move || held.recv().is_ok()).await }
        });
        let waiting = tokio::spawn({
            let passwords = passwords.clone();
            async move { passwords.run(|| ()).await }
        });
        while passwords.admitted.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = passwords.run(|| ()).await.expect_err("full");
        assert_eq!((refused.code, refusals.get()), (Code::Overloaded, 1));
        release.send(()).expect("held");
        assert_eq!(busy.await.expect("joined"), Ok(true));
        assert_eq!(waiting.await.expect("joined"), Ok(()));
        assert_eq!(passwords.run(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn waiting_has_an_end() {
        let config = Config { hashing_wait_ms: 20, ..cheap() };
        let passwords = Arc::new(Passwords::new(&config, Counter::default()).await.expect("parameters"));
        let (release, held) = std::sync::mpsc::channel::<()>();
        let busy = tokio::spawn({
            let passwords = passwords.clone();
            async move { passwords.run(move || held.recv().is_ok()).await }
        });
        while passwords.running.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(passwords.run(|| ()).await.map_err(|r| r.code), Err(Code::Overloaded));
        release.send(()).expect("held");
        assert_eq!(busy.await.expect("joined"), Ok(true));
    }
}
