//! Accounts: who somebody is, and how they prove it.
//!
//! A *log-in* is one device of one user. It proves itself by an access token
//! (JWT, short-lived, renewed by a refresh token that changes with each use)
//! or by a cookie. Servers prove themselves by server tokens.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use oort_api::clock::now_ms;
use oort_api::directory::{Directory, LoginTag};
use oort_api::error::{Code, Refusal};
use oort_api::ids::UserId;
use oort_api::metrics::Counter;
use oort_api::pb::oort::v1::User;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::error::directory_refusal;
use crate::kicks::Kicks;
use crate::mail::Mailer;
use crate::reads::Reads;
use crate::seen::Seen;
use crate::store::{
    Admission, Begun, Device, DevicePolicy, EarlyKey, Login, NewDevice, NewUser, Rotation, SigningKey, Store,
};

mod changes;
mod codes;
mod config;
mod guesses;
mod live_logins;
mod lockout;
mod metrics;
pub mod names;
mod passwords;
pub(crate) mod secret;
mod session;
mod sign_up;
mod tokens;

pub use codes::CodesConfig;
pub use config::{Config, OnDelete, SignUp};
pub use metrics::Metrics;
pub use session::{CookieSession, Identity, Proven, Registration, Session};
pub use tokens::Scope;
pub(crate) use tokens::fuzzing;

use live_logins::LiveLogins;
use lockout::Lockout;
use passwords::Passwords;
use session::user_id;
use tokens::Tokens;

/// Creates an account for a command that runs beside the servers, by their rules.
///
/// # Errors
/// As [`Accounts::register`].
pub async fn register_alone(
    store: &dyn Store,
    config: &Config,
    registration: Registration,
) -> Result<User, Refusal> {
    let passwords = Passwords::new(config, Counter::default()).await?;
    create(store, &passwords, registration).await
}

async fn create(
    store: &dyn Store,
    passwords: &Passwords,
    registration: Registration,
) -> Result<User, Refusal> {
    let user = new_user(passwords, registration, None).await?;
    Ok(store.create_user(&user).await?)
}

/// The account, checked.
async fn new_user(
    passwords: &Passwords,
    registration: Registration,
    key: Option<EarlyKey>,
) -> Result<NewUser, Refusal> {
    let Registration { username, email, password } = registration;
    names::check_username(&username)?;
    let email = email.map(|email| names::fold_email(&email));
    email.as_deref().map_or(Ok(()), names::check_email)?;
    names::check_password(&password)?;
    let password_hash = passwords.hash(&password).await?;
    let username_key = names::fold_username(&username);
    Ok(NewUser { username, username_key, email, password_hash, created_at_ms: now_ms(), key })
}

/// What accounts work with.
#[derive(Debug)]
pub struct Parts {
    /// Where accounts are.
    pub store: Arc<dyn Store>,
    /// Asked whether log-ins are live.
    pub reads: Arc<Reads>,
    /// Told who was seen.
    pub seen: Arc<Seen>,
    /// Ends the connections of a log-in that ended.
    pub kicks: Arc<Kicks>,
    /// Where wrong passwords are counted.
    pub directory: Arc<dyn Directory>,
    /// Sends codes.
    pub mailer: Arc<Mailer>,
    /// Whoever runs the tier waits for these tasks.
    pub tasks: TaskTracker,
    /// How long keys of clients' requests are kept, ms.
    pub client_keys_kept_ms: u64,
}

/// Creates accounts, logs in and out, and tells who a credential belongs to.
#[derive(Debug)]
pub struct Accounts {
    store: Arc<dyn Store>,
    reads: Arc<Reads>,
    seen: Arc<Seen>,
    kicks: Arc<Kicks>,
    directory: Arc<dyn Directory>,
    tasks: TaskTracker,
    config: Config,
    tokens: Tokens,
    passwords: Passwords,
    lockout: Lockout,
    /// Codes asked for, by e-mail address.
    requests: Lockout,
    mailer: Arc<Mailer>,
    client_keys_kept_ms: i64,
    live: LiveLogins,
    metrics: Metrics,
}

impl Accounts {
    /// Reads the signing keys; the first start of all creates one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn new(parts: Parts, config: Config, metrics: Metrics) -> Result<Self, Refusal> {
        let Parts { store, reads, seen, kicks, directory, mailer, tasks, client_keys_kept_ms } = parts;
        let candidate = fresh_signing_key()?;
        let keys = store.signing_keys(&candidate).await?;
        let tokens = Tokens::new(&config.issuer, &keys)
            .ok_or_else(|| Refusal::new(Code::Internal, "the store has no signing key"))?;
        let passwords = Passwords::new(&config, metrics.hashing_refusals.clone()).await?;
        Ok(Self {
            lockout: Lockout::new(Arc::clone(&directory), config.attempts()),
            requests: Lockout::new(
                Arc::clone(&directory),
                config.codes.requests(config.attempts_watched_max),
            ),
            directory,
            mailer,
            live: LiveLogins::new(&config),
            store,
            reads,
            seen,
            kicks,
            tasks,
            config,
            tokens,
            passwords,
            client_keys_kept_ms: i64::try_from(client_keys_kept_ms).unwrap_or(i64::MAX),
            metrics,
        })
    }

    /// Creates an account, whatever people must do to sign up.
    ///
    /// # Errors
    /// [`Code::InvalidField`], [`Code::UsernameTaken`], [`Code::EmailTaken`], [`Code::Overloaded`],
    /// [`Code::Unavailable`].
    pub async fn register(&self, registration: Registration) -> Result<User, Refusal> {
        let user = create(&*self.store, &self.passwords, registration).await?;
        self.metrics.created.inc();
        Ok(user)
    }

    /// Begins a log-in with tokens for a user who has proved who they are, on this device.
    ///
    /// # Errors
    /// [`Code::AlreadyLoggedIn`], [`Code::Banned`], [`Code::LoginFailed`] when the password was changed meanwhile,
    /// [`Code::Unavailable`].
    pub async fn begin_session(
        &self,
        proven: impl Into<Proven> + Send,
        device: &NewDevice,
    ) -> Result<Session, Refusal> {
        let proven = proven.into();
        let (refresh_token, refresh_hash) = secret::generate()?;
        let login = self.new_login(&proven.user, refresh_hash, None, self.config.refresh_ttl_ms)?;
        self.begin(&login, device, self.config.devices).await?;
        self.look_again(&login, &proven).await?;
        self.session(proven.user, &login, refresh_token)
    }

    /// The same for an account of the server's own, whatever the policy: each of its nodes is a device.
    ///
    /// # Errors
    /// [`Code::Unavailable`].
    pub async fn begin_own_session(&self, user: User, device: &NewDevice) -> Result<Session, Refusal> {
        let (refresh_token, refresh_hash) = secret::generate()?;
        let login = self.new_login(&user, refresh_hash, None, self.config.refresh_ttl_ms)?;
        self.begin(&login, device, DevicePolicy::Multi).await?;
        self.session(user, &login, refresh_token)
    }

    /// Begins a log-in with a cookie for a user who has proved who they are, on this device.
    ///
    /// # Errors
    /// As [`begin_session`](Self::begin_session).
    pub async fn begin_cookie_session(
        &self,
        proven: impl Into<Proven> + Send,
        device: &NewDevice,
    ) -> Result<CookieSession, Refusal> {
        let proven = proven.into();
        // Nobody gets this refresh token: a cookie is not refreshed.
        let (_, refresh_hash) = secret::generate()?;
        let (sid, cookie_hash) = secret::generate()?;
        let login =
            self.new_login(&proven.user, refresh_hash, Some(cookie_hash), self.config.cookie_ttl_ms)?;
        self.begin(&login, device, self.config.devices).await?;
        self.look_again(&login, &proven).await?;
        Ok(CookieSession { user: proven.user, sid, max_age_s: self.config.cookie_ttl_ms / 1000 })
    }

    /// Ends a log-in again whose password was changed before it was recorded. Whoever changes it from now on finds the
    /// log-in.
    async fn look_again(&self, login: &Login, proven: &Proven) -> Result<(), Refusal> {
        let Some(hash) = &proven.password_hash else { return Ok(()) };
        let found = self.store.credentials_by_id(login.user_id).await?;
        if found.is_some_and(|now| now.password_hash == *hash && now.deactivated_at_ms.is_none()) {
            return Ok(());
        }
        self.store.end_login(&login.id, login.user_id).await?;
        Err(guesses::login_failed())
    }

    /// Records a log-in as the policy allows it, and closes the connections of those that make way.
    async fn begin(&self, login: &Login, device: &NewDevice, policy: DevicePolicy) -> Result<(), Refusal> {
        let connected = match policy {
            DevicePolicy::RefuseSecond => self.connected(login.user_id).await?,
            _ => HashSet::new(),
        };
        let admission = Admission { policy, logins_max: self.config.logins_max, connected };
        let (store, kicks) = (Arc::clone(&self.store), Arc::clone(&self.kicks));
        let (login, device) = (login.clone(), device.clone());
        let beginning = self.finish(async move {
            let begun = store.create_login(&login, &device, &admission).await;
            match &begun {
                Ok(Begun::Admitted { ended }) => {
                    ended.iter().for_each(|id| kicks.login_ended(login.user_id, id));
                }
                Ok(Begun::Banned(..) | Begun::Refused) => {}
                Ok(Begun::Found) | Err(_) => kicks.logins_ended(login.user_id),
            }
            Ok(begun?)
        });
        match beginning.await? {
            Begun::Admitted { ended } => {
                self.metrics.logins_replaced.inc_by(ended.len() as u64);
                ended.iter().for_each(|id| self.live.forget(id));
                Ok(())
            }
            Begun::Found => Ok(()),
            Begun::Banned(until_ms, reason) => {
                self.metrics.banned_refused.inc();
                Err(banned(until_ms, &reason))
            }
            Begun::Refused => {
                self.metrics.second_logins_refused.inc();
                let text = "the account is in use on another device; log out there first";
                Err(Refusal::new(Code::AlreadyLoggedIn, text))
            }
        }
    }

    /// Log-ins of the user with a connection, as the directory knows.
    async fn connected(&self, user: UserId) -> Result<HashSet<LoginTag>, Refusal> {
        let sessions = self.directory.sessions(user).await.map_err(directory_refusal)?;
        Ok(sessions.into_iter().filter_map(|session| session.login).collect())
    }

    /// Ends the log-ins of the user but for this one, and the connections they opened; tells how many.
    ///
    /// # Errors
    /// [`Code::Unavailable`].
    pub async fn end_others(&self, identity: &Identity) -> Result<usize, Refusal> {
        let (user, keep) = (identity.user_id()?, Arc::clone(&identity.login_id));
        let (store, kicks) = (Arc::clone(&self.store), Arc::clone(&self.kicks));
        let ending = self.finish(async move {
            let ended = store.end_other_logins(user, &keep).await;
            // As in `end_all`.
            kicks.logins_ended(user);
            Ok(ended?)
        });
        let ended = ending.await?;
        ended.iter().for_each(|id| self.live.forget(id));
        Ok(ended.len())
    }

    fn new_login(
        &self,
        user: &User,
        refresh_hash: secret::Hash,
        cookie_hash: Option<secret::Hash>,
        ttl_ms: u64,
    ) -> Result<Login, Refusal> {
        let now_ms = now_ms();
        Ok(Login {
            id: uuid::Uuid::new_v4().to_string(),
            user_id: user_id(user)?,
            refresh_hash,
            cookie_hash,
            created_at_ms: now_ms,
            expires_at_ms: later(now_ms, ttl_ms),
        })
    }

    /// Exchanges a refresh token for new tokens; it is good once. Given a
    /// second time, its log-in is ended, and the connections it opened.
    ///
    /// # Errors
    /// [`Code::Unauthenticated`], [`Code::RefreshReused`], [`Code::Unavailable`].
    pub async fn refresh(&self, refresh_token: &str) -> Result<Session, Refusal> {
        let old = secret::hash_of(refresh_token).ok_or_else(|| self.unauthenticated())?;
        let (token, new) = secret::generate()?;
        let now_ms = now_ms();
        let expires_at_ms = later(now_ms, self.config.refresh_ttl_ms);
        let (store, kicks) = (Arc::clone(&self.store), Arc::clone(&self.kicks));
        let rotation = self.finish(async move {
            let rotation = store.rotate_refresh(&old, &new, now_ms, expires_at_ms).await?;
            if let Rotation::Reused { login_id, user_id } = &rotation {
                kicks.login_ended(*user_id, login_id);
            }
            Ok(rotation)
        });
        match rotation.await? {
            Rotation::Rotated(login) => {
                let user = self.store.user(login.user_id).await?;
                let user = user.ok_or_else(|| self.unauthenticated())?;
                self.metrics.refreshes.inc();
                self.session(user, &login, token)
            }
            Rotation::Reused { login_id, .. } => {
                self.metrics.refresh_reuses.inc();
                self.live.forget(&login_id);
                Err(Refusal::new(
                    Code::RefreshReused,
                    "this refresh token was used before; the log-in is ended, log in again",
                ))
            }
            Rotation::Unknown => Err(self.unauthenticated()),
        }
    }

    fn session(&self, user: User, login: &Login, refresh_token: String) -> Result<Session, Refusal> {
        let now_ms = now_ms();
        let expires_at_ms = later(now_ms, self.config.access_ttl_ms).min(login.expires_at_ms);
        let (iat, exp) = (seconds(now_ms), seconds(expires_at_ms));
        let access_token = self.tokens.issue_user(user.id, &user.username, &login.id, iat, exp)?;
        Ok(Session {
            user,
            access_token,
            access_expires_at_ms: milliseconds(exp),
            refresh_token,
            refresh_expires_at_ms: login.expires_at_ms,
        })
    }

    /// Ends the log-in, and the connections it opened. Other nodes notice within `login_check_ms`.
    ///
    /// # Errors
    /// [`Code::Unavailable`].
    pub async fn logout(&self, identity: &Identity) -> Result<(), Refusal> {
        self.end(identity.user_id()?, &identity.login_id).await.map(drop)
    }

    /// As [`logout`](Self::logout), of any log-in of the user; `false` when there was none.
    ///
    /// # Errors
    /// [`Code::Unavailable`].
    pub async fn end(&self, user: UserId, login_id: &str) -> Result<bool, Refusal> {
        let (store, kicks, id) = (Arc::clone(&self.store), Arc::clone(&self.kicks), login_id.to_owned());
        let ending = self.finish(async move {
            let was_there = store.end_login(&id, user).await?;
            // Also when it was over before: an earlier attempt may not have come so far.
            kicks.login_ended(user, &id);
            Ok(was_there)
        });
        let was_there = ending.await?;
        self.live.forget(login_id);
        Ok(was_there)
    }

    /// Runs in a task of its own: an asker that goes away does not stop it between its steps.
    async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.tasks.spawn(work).await.unwrap_or_else(|cause| {
            tracing::error!(%cause, "the task that ended a log-in ended");
            Err(Refusal::new(Code::Internal, "internal error"))
        })
    }

    /// Log-ins that the store ended are asked about again at once by this node.
    pub(crate) fn forget(&self, logins: &[String]) {
        logins.iter().for_each(|login| self.live.forget(login));
    }

    /// The live log-ins of a user, the newest first.
    ///
    /// # Errors
    /// [`Code::Unavailable`].
    pub async fn devices(&self, user: UserId) -> Result<Vec<Device>, Refusal> {
        Ok(self.store.devices_of(user, now_ms(), self.config.logins_listed_max).await?)
    }

    /// Whose access token this is.
    ///
    /// # Errors
    /// [`Code::Unauthenticated`], [`Code::Unavailable`].
    pub async fn authenticate_bearer(&self, token: &str) -> Result<Identity, Refusal> {
        let identity = self.read_bearer(token)?;
        self.check_live(&identity).await?;
        Ok(identity)
    }

    /// Whose access token this is, whether or not its log-in is live: it is to be
    /// [confirmed](Self::confirm).
    ///
    /// # Errors
    /// [`Code::Unauthenticated`].
    pub fn read_bearer(&self, token: &str) -> Result<Identity, Refusal> {
        let claims = self.tokens.verify_user(token).ok_or_else(|| self.unauthenticated())?;
        let id: UserId = claims.sub.parse().map_err(|_| self.unauthenticated())?;
        Ok(Identity {
            user: User { id: id.get(), username: claims.name },
            login_id: claims.sid.into(),
            expires_at_ms: milliseconds(claims.exp),
        })
    }

    /// Whose cookie this is.
    ///
    /// # Errors
    /// [`Code::Unauthenticated`], [`Code::Unavailable`].
    pub async fn authenticate_cookie(&self, sid: &str) -> Result<Identity, Refusal> {
        let hash = secret::hash_of(sid).ok_or_else(|| self.unauthenticated())?;
        if let Some(identity) = self.live.of_cookie(&hash) {
            let checked = match identity.expires_at_ms > now_ms() {
                true => self.check_live(&identity).await,
                false => Err(self.unauthenticated()),
            };
            if checked.as_ref().is_err_and(|refusal| refusal.code == Code::Unauthenticated) {
                self.live.forget_cookie(&hash);
            }
            return checked.map(|()| identity);
        }
        let asked_at = Instant::now();
        self.metrics.login_checks.inc();
        let found = self.store.login_by_cookie(&hash, now_ms()).await?;
        let (login, user) = found.ok_or_else(|| self.unauthenticated())?;
        let identity = Identity { user, login_id: login.id.into(), expires_at_ms: login.expires_at_ms };
        self.live.set_live(identity.login_id.clone(), asked_at);
        self.seen.login(&identity.login_id, identity.user_id()?);
        self.live.set_cookie(hash, identity.clone());
        Ok(identity)
    }

    async fn check_live(&self, identity: &Identity) -> Result<(), Refusal> {
        if self.live.is_live(&identity.login_id, Instant::now()) {
            return Ok(());
        }
        self.confirm(identity).await
    }

    /// Asks the store whether the log-in is live, whatever was remembered of it.
    ///
    /// # Errors
    /// [`Code::Unauthenticated`], [`Code::Overloaded`], [`Code::Unavailable`].
    pub async fn confirm(&self, identity: &Identity) -> Result<(), Refusal> {
        let asked_at = Instant::now();
        self.metrics.login_checks.inc();
        let owner = self.reads.login(identity.login_id.clone()).await?;
        if owner.is_some_and(|owner| owner.get() == identity.user.id) {
            self.live.set_live(identity.login_id.clone(), asked_at);
            self.seen.login(&identity.login_id, identity.user_id()?);
            return Ok(());
        }
        self.live.forget(&identity.login_id);
        Err(self.unauthenticated())
    }

    /// As [`server_token`], by this tier's keys.
    ///
    /// # Errors
    /// [`Code::Internal`].
    pub fn issue_server_token(&self, scopes: &[Scope], ttl: Duration) -> Result<String, Refusal> {
        issue(&self.tokens, scopes, ttl)
    }

    /// Whether this server token allows `scope`.
    ///
    /// # Errors
    /// [`Code::Unauthenticated`] when it is none, [`Code::Forbidden`] when it allows other things.
    pub fn authorise_server(&self, token: &str, scope: Scope) -> Result<(), Refusal> {
        match self.tokens.verify_server(token, scope).ok_or_else(|| self.unauthenticated())? {
            true => Ok(()),
            false => Err(Refusal::new(Code::Forbidden, "the server token does not allow this")),
        }
    }

    /// Users whose name begins with `prefix`, regardless of case, by name.
    ///
    /// # Errors
    /// [`Code::Unavailable`].
    pub async fn find_users(&self, prefix: &str, limit: Option<u32>) -> Result<Vec<User>, Refusal> {
        let limit = limit.unwrap_or(self.config.users_found_max).min(self.config.users_found_max);
        if prefix.chars().count() > *names::USERNAME_CHARS.end() {
            return Ok(Vec::new());
        }
        self.store.find_users(&names::fold_username(prefix), limit).await.map_err(Refusal::from)
    }

    /// The refusal of a credential, counted.
    fn unauthenticated(&self) -> Refusal {
        self.metrics.token_refusals.inc();
        Refusal::new(Code::Unauthenticated, "the credential is wrong, expired or ended; log in again")
    }
}

/// 0: without end.
fn banned(until_ms: i64, reason: &str) -> Refusal {
    let until = if until_ms == 0 { String::new() } else { format!(" until {until_ms} (ms since the epoch)") };
    Refusal::new(Code::Banned, format!("this account is banned{until}: {reason}"))
}

fn later(now_ms: i64, ttl_ms: u64) -> i64 {
    now_ms.saturating_add(i64::try_from(ttl_ms).unwrap_or(i64::MAX))
}

fn seconds(ms: i64) -> u64 {
    u64::try_from(ms / 1000).unwrap_or(0)
}

fn milliseconds(s: u64) -> i64 {
    i64::try_from(s).unwrap_or(i64::MAX).saturating_mul(1000)
}

/// A password nobody can guess: 43 characters.
///
/// # Errors
/// [`Code::Internal`] when the system gives no randomness.
pub fn random_password() -> Result<String, Refusal> {
    Ok(secret::generate()?.0)
}

/// A key for a store that has none.
///
/// # Errors
/// [`Code::Internal`] when the system gives no randomness.
pub fn fresh_signing_key() -> Result<SigningKey, Refusal> {
    Ok(SigningKey {
        id: uuid::Uuid::new_v4().to_string(),
        secret: secret::random()?.to_vec(),
        created_at_ms: now_ms(),
    })
}

/// A token for a server of the operator's, signed with the newest of `keys`.
///
/// # Errors
/// [`Code::Internal`], also when there is no key.
pub fn server_token(
    config: &Config,
    keys: &[SigningKey],
    scopes: &[Scope],
    ttl: Duration,
) -> Result<String, Refusal> {
    let tokens = Tokens::new(&config.issuer, keys)
        .ok_or_else(|| Refusal::new(Code::Internal, "the store has no signing key"))?;
    issue(&tokens, scopes, ttl)
}

fn issue(tokens: &Tokens, scopes: &[Scope], ttl: Duration) -> Result<String, Refusal> {
    let iat = seconds(now_ms());
    tokens.issue_server(scopes, iat, iat.saturating_add(ttl.as_secs()))
}
