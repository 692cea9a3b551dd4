//! A store whose appends can be held and made to fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oort_api::ids::{ConversationId, FileId, Seq, UserId};
use oort_api::pb::oort::v1::{Conversation, Message, User};
use oort_logic::policy::operators::OperatorRole;
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
    /// The next append is committed, but its caller hears nothing; the next part of a file is added, and added again.
    pub(crate) loses_an_answer: AtomicBool,
    /// Sizes of the batches that began.
    pub(crate) batches: Mutex<Vec<usize>>,
    /// Every call, by name.
    pub(crate) calls: Mutex<Vec<&'static str>>,
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
            calls: Mutex::default(),
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
            fn outboxes(self: Arc<Self>) -> Vec<Arc<dyn Outbox>> {
                vec![self]
            }

            $(async fn $name(&self $(, $argument: $type)*) -> Result<$returns, Error> {
                self.calls.lock().push(stringify!($name));
                if self.is_down.load(Ordering::Relaxed) {
                    return Err(down());
                }
                self.inner.$name($($argument),*).await
            })*

            async fn append(&self, owner: &str, batch: &[NewMessage], published: &[i64], now_ms: i64)
            -> Result<(Vec<Appended>, Option<OutboxRow>), Error> {
                self.calls.lock().push("append");
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
    fn was_made(&self, key: &ClientKey, now_ms: i64) -> bool;
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
    fn grant_operator(&self, user: UserId, role: OperatorRole, now_ms: i64) -> bool;
    fn revoke_operator(&self, user: UserId) -> bool;
    fn operator_role(&self, user: UserId) -> Option<OperatorRole>;
    fn operators(&self, limit: u32) -> Vec<Operator>;
    fn add_audit(&self, audit: &NewAudit) -> i64;
    fn audit(&self, before: i64, limit: u32) -> Vec<Audit>;
}

/// The same for the further parts of the store.
macro_rules! pass_on_part {
    ($part:ident: $(fn $name:ident(&self $(, $argument:ident: $type:ty)*) -> $returns:ty;)*
     $(with { $($own:tt)* })?) => {
        #[async_trait]
        impl $part for TestStore {
            $($($own)*)?
            $(async fn $name(&self $(, $argument: $type)*) -> Result<$returns, Error> {
                self.calls.lock().push(stringify!($name));
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

pass_on_part! { Expiries:
    fn take_expiries(&self, now_ms: i64, hold_ms: i64, limit: u32) -> Vec<(ConversationId, Seq)>;
    fn settle_expiries(&self, settled: &[ExpirySettled]) -> ();
    fn set_direct_expiry(&self, owner: &str, asked: &DirectExpiry) -> Option<OutboxRow>;
}

pass_on_part! { Hidden:
    fn hide(&self, owner: &str, user: UserId, conversation: ConversationId, seq: Seq, now_ms: i64) -> (Hid, Option<OutboxRow>);
    fn hidden_of(&self, user: UserId, stretches: &[Stretch]) -> Vec<(i64, i64)>;
}

pass_on_part! { Receipts:
    fn receipt_place(&self, id: ConversationId, seq: Seq, user: UserId) -> Option<ReceiptPlace>;
    fn readers(&self, of: ReceiptOf, after: i64, limit: u32) -> Vec<Reader>;
    fn count_readers(&self, of: ReceiptOf, max: u32) -> u32;
    fn invisible(&self, users: &[UserId]) -> Vec<(UserId, i64)>;
    fn blocked_by(&self, users: &[UserId], limit: u32) -> Vec<(UserId, UserId)>;
    fn blockers_of(&self, users: &[UserId], limit: u32) -> Vec<(UserId, UserId)>;
    fn blockers_among(&self, users: &[UserId], blocked: UserId) -> Vec<UserId>;
}

pass_on_part! { Search:
    fn index(&self, ids: &[ConversationId], limit: u32) -> Indexed;
    fn compare(&self, after: i64, limit: u32) -> Compared;
    fn lease_sweep(&self, owner: &str, now_ms: i64, lease_ms: i64, at: Option<i64>) -> Option<i64>;
    fn searched(&self, user: UserId, rooms_max: u32) -> Vec<Searched>;
    fn postings(&self, words: &[String], looks: &[Look], limit: u32) -> Vec<Vec<Posting>>;
    fn messages_at(&self, places: &[(i64, i64)]) -> Vec<Message>;
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

pass_on_part! { Outbox:
    fn outbox(&self, owner: &str, after: i64, limit: u32) -> Vec<OutboxRow>;
    fn outbox_delete(&self, ids: &[i64]) -> ();
    fn outbox_renew(&self, owner: &str, lease_ms: i64) -> ();
    fn outbox_adopt(&self, owner: &str, limit: u32) -> u64;
    fn outbox_backlog(&self, now_ms: i64) -> (u64, i64);
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
    fn erase_messages(&self, owner: &str, server: usize, user: &User, limit: u32, now_ms: i64) -> Erased;
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

pass_on_part! { Files:
    fn create_file(&self, new: &NewFile) -> StoredFile;
    fn file(&self, id: FileId) -> Option<StoredFile>;
    fn may_read_file(&self, id: FileId, user: UserId) -> bool;
    fn finish_file(&self, id: FileId, finished: &Finished, due_ms: i64) -> bool;
    fn discard_file(&self, id: FileId, why: Discard) -> Discarded;
    fn due_files(&self, now_ms: i64, limit: u32) -> Vec<FileId>;
    fn forget_file(&self, id: FileId) -> ();
    fn discard_files_of(&self, user: UserId) -> ();
    fn files_of(&self, user: UserId, after: i64, limit: u32) -> Vec<StoredFile>;
    with {
        async fn add_part(&self, id: FileId, part: &NewPart) -> Result<bool, Error> {
            let is_added = self.inner.add_part(id, part).await?;
            match self.loses_an_answer.swap(false, Ordering::Relaxed) {
                // Run again, as over a connection that was lost.
                true => self.inner.add_part(id, part).await,
                false => Ok(is_added),
            }
        }
    }
}

pass_on_part! { Sanctions:
    fn sanction(&self, owner: &str, new: &NewSanction) -> Sanctioned;
    fn lift(&self, owner: &str, kind: SanctionKind, user: UserId, now_ms: i64) -> (bool, Option<OutboxRow>);
    fn sanctions_of(&self, users: &[UserId], now_ms: i64) -> Vec<Sanction>;
    fn sanctions(&self, kind: SanctionKind, after: i64, limit: u32, now_ms: i64) -> Vec<Sanction>;
}

pass_on_part! { ApiKeys:
    fn create_api_key(&self, new: &NewApiKey) -> Option<ApiKey>;
    fn api_key(&self, hash: &[u8; 32], now_ms: i64) -> Option<ApiKey>;
    fn note_api_key(&self, id: i64, now_ms: i64) -> ();
    fn api_keys(&self, limit: u32) -> Vec<ApiKey>;
    fn revoke_api_key(&self, id: i64) -> bool;
}

pass_on_part! { NotificationStore:
    fn put_target(&self, target: &Target) -> Option<Target>;
    fn target(&self, login_id: &str, user: UserId) -> Option<Target>;
    fn remove_target(&self, login_id: &str, id: &str) -> bool;
    fn take_feed(&self, now_ms: i64, lease_ms: i64, limit: u32) -> Vec<FeedRow>;
    fn delete_feed(&self, ids: &[i64]) -> ();
    fn trim_feed(&self, rows_max: u32, limit: u32) -> u64;
    fn listeners(&self, id: ConversationId, after: i64, limit: u32) -> Vec<Listener>;
    fn queue_notifications(&self, new: &[NewNotification], device_rows_max: u32, now_ms: i64) -> u64;
    fn take_notifications(&self, now_ms: i64, lease_ms: i64, limit: u32) -> Vec<Due>;
    fn settle_notifications(&self, settled: &[Settled], now_ms: i64) -> ();
    fn notification_backlog(&self, now_ms: i64) -> NotificationBacklog;
}

pass_on_part! { HookStore:
    fn askings(&self, sender: UserId, messages: &[(ConversationId, String)]) -> Vec<Asking>;
    fn take_hooks(&self, now_ms: i64, lease_ms: i64, limit: u32) -> Vec<HookDue>;
    fn settle_hook(&self, place: &HookPlace, settled: HookSettled, now_ms: i64) -> u64;
    fn hook_backlog(&self, now_ms: i64, count_max: u32) -> HookBacklog;
    fn oldest_hooks(&self, limit: u32) -> Vec<HookPlace>;
}
