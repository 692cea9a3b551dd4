//! A store whose appends can be held and made to fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::oort::v1::{Conversation, Message, User};
use oort_logic::store::*;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tonic::async_trait;

#[derive(Debug)]
pub(crate) struct TestStore {
    inner: Arc<dyn Store>,
    /// One permit lets one append through.
    pub(crate) turns: Semaphore,
    /// Nothing is accepted.
    pub(crate) is_down: AtomicBool,
    /// The next append is committed, but its caller hears nothing.
    pub(crate) loses_an_answer: AtomicBool,
    /// Sizes of the batches that began.
    pub(crate) batches: Mutex<Vec<usize>>,
    /// Published ids deleted inside appends.
    pub(crate) deleted_inside: Mutex<Vec<i64>>,
}

impl TestStore {
    /// Lets everything through.
    pub(crate) fn open(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self::with_turns(inner, Semaphore::MAX_PERMITS))
    }

    /// Holds appends until it gets permits.
    pub(crate) fn held(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self::with_turns(inner, 0))
    }

    fn with_turns(inner: Arc<dyn Store>, turns: usize) -> Self {
        Self {
            inner,
            turns: Semaphore::new(turns),
            is_down: AtomicBool::new(false),
            loses_an_answer: AtomicBool::new(false),
            batches: Mutex::default(),
            deleted_inside: Mutex::default(),
        }
    }
}

fn down() -> Error {
    Error::Unavailable("down".to_owned())
}

macro_rules! pass_on {
    ($(fn $name:ident(&self $(, $argument:ident: $type:ty)*) -> $returns:ty;)*) => {
        #[async_trait]
        impl Store for TestStore {
            $(async fn $name(&self $(, $argument: $type)*) -> Result<$returns, Error> {
                if self.is_down.load(Ordering::Relaxed) {
                    return Err(down());
                }
                self.inner.$name($($argument),*).await
            })*

            async fn append(&self, owner: &str, batch: &[NewMessage], published: &[i64], now_ms: i64)
            -> Result<(Vec<Appended>, Option<OutboxRow>), Error> {
                self.batches.lock().push(batch.len());
                self.turns.acquire().await.expect("open").forget();
                if self.is_down.load(Ordering::Relaxed) {
                    return Err(down());
                }
                let answer = self.inner.append(owner, batch, published, now_ms).await?;
                self.deleted_inside.lock().extend_from_slice(published);
                match self.loses_an_answer.swap(false, Ordering::Relaxed) {
                    true => Err(down()),
                    false => Ok(answer),
                }
            }
        }
    };
}

pass_on! {
    fn check(&self) -> ();
    fn create_user(&self, user: &NewUser) -> User;
    fn credentials_by_name(&self, username_key: &str) -> Option<Credentials>;
    fn credentials_by_email(&self, email: &str) -> Option<Credentials>;
    fn user(&self, id: UserId) -> Option<User>;
    fn find_users(&self, prefix: &str, limit: u32) -> Vec<User>;
    fn create_login(&self, login: &Login, device: &NewDevice, admission: &Admission) -> Begun;
    fn end_other_logins(&self, user: UserId, keep: &str) -> Vec<String>;
    fn live_logins(&self, ids: &[Arc<str>], now_ms: i64) -> Vec<Option<UserId>>;
    fn login(&self, id: &str, now_ms: i64) -> Option<(Login, User)>;
    fn login_by_cookie(&self, cookie_hash: &[u8; 32], now_ms: i64) -> Option<(Login, User)>;
    fn rotate_refresh(&self, old: &[u8; 32], new: &[u8; 32], now_ms: i64, expires_at_ms: i64) -> Rotation;
    fn end_login(&self, id: &str, user: UserId) -> bool;
    fn devices_of(&self, user: UserId, now_ms: i64, limit: u32) -> Vec<Device>;
    fn note_seen(&self, seen: &Sightings) -> ();
    fn last_seen(&self, users: &[UserId]) -> Vec<(UserId, i64)>;
    fn signing_keys(&self, candidate: &SigningKey) -> Vec<SigningKey>;
    fn create_room(&self, owner: &str, name: &str, creator: &User, now_ms: i64) -> (ConversationInfo, OutboxRow);
    fn direct(&self, owner: &str, creator: &User, peer: UserId, now_ms: i64) -> (ConversationInfo, Option<OutboxRow>);
    fn conversation(&self, id: ConversationId, user: UserId) -> Option<(ConversationInfo, bool)>;
    fn members(&self, id: ConversationId, after: i64, limit: u32) -> Vec<Member>;
    fn rooms_of_all(&self, users: &[UserId], rooms_max: u32) -> Vec<Vec<ConversationId>>;
    fn entries_of_all(&self, users: &[UserId], rooms_max: u32) -> Vec<Vec<Entry>>;
    fn filled_all(&self, fillings: &[Filling]) -> Vec<Vec<Conversation>>;
    fn move_cursors(&self, owner: &str, moves: &[CursorMove], told_members_max: u32, now_ms: i64) -> (Vec<Moved>, Option<OutboxRow>);
    fn cursors(&self, id: ConversationId, limit: u32) -> Vec<MemberCursor>;
    fn history(&self, id: ConversationId, range: Range, limit: u32) -> Page;
    fn prune(&self, id: ConversationId, below: Seq, limit: u32) -> u64;
    fn outbox(&self, owner: &str, after: i64, limit: u32) -> Vec<OutboxRow>;
    fn outbox_delete(&self, ids: &[i64]) -> ();
    fn outbox_renew(&self, owner: &str, lease_ms: i64) -> ();
    fn outbox_adopt(&self, owner: &str, limit: u32) -> u64;
    fn outbox_backlog(&self, now_ms: i64) -> (u64, i64);
    fn grant_operator(&self, user: UserId, now_ms: i64) -> bool;
    fn revoke_operator(&self, user: UserId) -> bool;
    fn is_operator(&self, user: UserId) -> bool;
    fn operators(&self, limit: u32) -> Vec<Operator>;
    fn add_audit(&self, audit: &NewAudit) -> i64;
    fn audit(&self, before: i64, limit: u32) -> Vec<Audit>;
}

/// The same for the further parts of the store.
macro_rules! pass_on_part {
    ($part:ident: $(fn $name:ident(&self $(, $argument:ident: $type:ty)*) -> $returns:ty;)*) => {
        #[async_trait]
        impl $part for TestStore {
            $(async fn $name(&self $(, $argument: $type)*) -> Result<$returns, Error> {
                if self.is_down.load(Ordering::Relaxed) {
                    return Err(down());
                }
                self.inner.$name($($argument),*).await
            })*
        }
    };
}

pass_on_part! { Changes:
    fn change(&self, owner: &str, change: &NewChange, bounds: &ChangeBounds, now_ms: i64) -> (Changed, Option<OutboxRow>);
    fn changes(&self, id: ConversationId, after: i64, limit: u32) -> ChangePage;
    fn own_reactions(&self, user: UserId, messages: &[(i64, i64)]) -> Vec<(i64, i64, String)>;
}

pass_on_part! { Hidden:
    fn hide(&self, owner: &str, user: UserId, conversation: ConversationId, seq: Seq, now_ms: i64) -> (Hid, Option<OutboxRow>);
    fn hidden_of(&self, user: UserId, stretches: &[Stretch]) -> Vec<(i64, i64)>;
}

pass_on_part! { UserEvents:
    fn add_user_events(&self, owner: &str, events: &[NewUserEvent], now_ms: i64) -> Option<OutboxRow>;
    fn event_heads(&self, users: &[UserId]) -> Vec<i64>;
    fn user_events(&self, user: UserId, after: i64, limit: u32) -> EventPage;
    fn forget_user_events(&self, before_ms: i64, limit: u32) -> u64;
}

pass_on_part! { GroupStore:
    fn found_group(&self, owner: &str, new: &NewGroup) -> (ConversationInfo, Option<OutboxRow>);
    fn change_group(&self, owner: &str, order: &GroupOrder) -> Option<OutboxRow>;
    fn group(&self, id: ConversationId, user: UserId) -> Option<GroupDetails>;
    fn create_link(&self, new: &NewLink) -> (GroupLink, [u8; 32]);
    fn links(&self, id: ConversationId) -> Vec<GroupLink>;
    fn revoke_link(&self, id: ConversationId, link: i64) -> bool;
    fn join_by_link(&self, owner: &str, token_hash: &[u8; 32], user: &User, members_max: u32, now_ms: i64)
        -> (ConversationInfo, Option<OutboxRow>);
    fn set_for_user(&self, owner: &str, change: &SettingsChange) -> (ConversationSettings, Option<OutboxRow>);
}

pass_on_part! { Codes:
    fn put_code(&self, code: &MailedCode) -> ();
    fn create_user_by_code(&self, user: &NewUser, guess: &CodeGuess) -> Option<User>;
    fn reset_password(&self, guess: &CodeGuess, password_hash: &str) -> Option<PasswordReset>;
    fn credentials_by_id(&self, id: UserId) -> Option<Credentials>;
    fn set_password(&self, user: UserId, old_hash: &str, password_hash: &str, keep_login: &str) -> Option<Vec<String>>;
}

pass_on_part! { Profiles:
    fn person(&self, user: UserId) -> Option<Person>;
    fn change_profile(&self, owner: &str, user: UserId, change: &ProfileChange, now_ms: i64) -> (Person, Option<OutboxRow>);
}

pass_on_part! { Departures:
    fn deactivate(&self, user: UserId, now_ms: i64) -> Vec<String>;
    fn reactivate(&self, user: UserId) -> ();
    fn delete_account(&self, user: UserId, erase: bool, now_ms: i64) -> Vec<String>;
    fn departing(&self, before_ms: i64, limit: u32) -> Vec<Departure>;
    fn groups_of(&self, user: UserId, limit: u32) -> Vec<ConversationId>;
    fn erase_messages(&self, owner: &str, user: &User, limit: u32, now_ms: i64) -> Erased;
    fn departed(&self, user: UserId) -> ();
    fn messages_by(&self, user: UserId, after: (i64, i64), limit: u32) -> Vec<Message>;
}

pass_on_part! { ContactsStore:
    fn step_contact(&self, owner: &str, step: &ContactStep, now_ms: i64) -> (Stepped, Option<OutboxRow>);
    fn contacts(&self, user: UserId, list: ContactList, after: i64, limit: u32, now_ms: i64) -> Vec<Contact>;
    fn privacy(&self, user: UserId) -> Privacy;
    fn set_privacy(&self, owner: &str, user: UserId, privacy: Privacy, now_ms: i64) -> Option<OutboxRow>;
    fn find_people(&self, reader: UserId, sought: &Sought, limit: u32) -> Vec<User>;
}
