//! The store as a logic node reaches it: late, at times not at all, and with answers that are lost on the way back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oort_api::ids::{ConversationId, FileId, Seq, UserId};
use oort_api::pb::oort::v1::{Conversation, Message, User};
use oort_logic::policy::operators::OperatorRole;
use oort_logic::store::memory::MemoryStore;
use oort_logic::store::*;
use tokio::time::sleep;
use tonic::async_trait;

use crate::dice;
use crate::life::Life;

/// The store of a run.
#[derive(Debug, Default)]
pub(crate) struct Durable {
    pub(crate) memory: MemoryStore,
    /// Nothing is answered.
    pub(crate) is_down: AtomicBool,
    /// Every third transaction fails, one way or the other.
    pub(crate) is_flaky: AtomicBool,
}

/// The way of one incarnation to the store.
#[derive(Debug)]
pub(crate) struct StoreLink {
    pub(crate) durable: Arc<Durable>,
    pub(crate) life: Life,
}

fn down() -> Error {
    Error::Unavailable("the simulation says so".to_owned())
}

impl StoreLink {
    async fn reach(&self) -> Result<(), Error> {
        sleep(dice::latency()).await;
        if self.durable.is_down.load(Ordering::Relaxed) {
            sleep(dice::ms(1, 200)).await;
            return Err(down());
        }
        Ok(())
    }

    fn fails(&self) -> bool {
        dice::chance(if self.durable.is_flaky.load(Ordering::Relaxed) { 170 } else { 5 })
    }
}

macro_rules! reads {
    ($(fn $name:ident(&self $(, $argument:ident: $type:ty)*) -> $returns:ty;)*) => {
        #[async_trait]
        impl Store for StoreLink {
            fn outboxes(self: Arc<Self>) -> Vec<Arc<dyn Outbox>> {
                vec![self]
            }

            $(async fn $name(&self $(, $argument: $type)*) -> Result<$returns, Error> {
                self.life.guard(async {
                    self.reach().await?;
                    let done = self.durable.memory.$name($($argument),*).await;
                    sleep(dice::latency()).await;
                    if self.fails() { Err(down()) } else { done }
                }).await
            })*

            /// Fails before its commit, at it, or when it is done already.
            async fn append(&self, owner: &str, batch: &[NewMessage], published: &[i64], now_ms: i64)
            -> Result<(Vec<Appended>, Option<OutboxRow>), Error> {
                self.life.guard(async {
                    self.reach().await?;
                    if self.fails() {
                        self.durable.memory.append_in_vain(batch, now_ms);
                        return Err(down());
                    }
                    let done = self.durable.memory.append(owner, batch, published, now_ms).await;
                    sleep(dice::latency()).await;
                    if self.fails() { Err(down()) } else { done }
                }).await
            }
        }
    };
}

reads! {
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
    fn direct(&self, owner: &str, creator: &User, peer: UserId, now_ms: i64)
        -> (ConversationInfo, Option<OutboxRow>);
    fn conversation(&self, id: ConversationId, user: UserId) -> Option<(ConversationInfo, bool)>;
    fn members(&self, id: ConversationId, after: i64, limit: u32) -> Vec<Member>;
    fn rooms_of_all(&self, users: &[UserId], rooms_max: u32) -> Vec<Vec<ConversationId>>;
    fn entries_of_all(&self, users: &[UserId], rooms_max: u32) -> Vec<Vec<Entry>>;
    fn filled_all(&self, fillings: &[Filling]) -> Vec<Vec<Conversation>>;
    fn history(&self, id: ConversationId, range: Range, limit: u32) -> Page;
    fn move_cursors(&self, owner: &str, moves: &[CursorMove], told_members_max: u32, now_ms: i64)
        -> (Vec<Moved>, Option<OutboxRow>);
    fn cursors(&self, id: ConversationId, limit: u32) -> Vec<MemberCursor>;
    fn grant_operator(&self, user: UserId, role: OperatorRole, now_ms: i64) -> bool;
    fn revoke_operator(&self, user: UserId) -> bool;
    fn operator_role(&self, user: UserId) -> Option<OperatorRole>;
    fn operators(&self, limit: u32) -> Vec<Operator>;
    fn add_audit(&self, audit: &NewAudit) -> i64;
    fn audit(&self, before: i64, limit: u32) -> Vec<Audit>;
}

macro_rules! reads_of_part {
    ($part:ident: $(fn $name:ident(&self $(, $argument:ident: $type:ty)*) -> $returns:ty;)*) => {
        #[async_trait]
        impl $part for StoreLink {
            $(async fn $name(&self $(, $argument: $type)*) -> Result<$returns, Error> {
                self.life.guard(async {
                    self.reach().await?;
                    let done = self.durable.memory.$name($($argument),*).await;
                    sleep(dice::latency()).await;
                    if self.fails() { Err(down()) } else { done }
                }).await
            })*
        }
    };
}

reads_of_part! { Changes:
    fn change(&self, owner: &str, change: &NewChange, bounds: &ChangeBounds, now_ms: i64)
        -> (Changed, Option<OutboxRow>);
    fn changes(&self, id: ConversationId, after: i64, limit: u32) -> ChangePage;
    fn own_reactions(&self, user: UserId, messages: &[(i64, i64)]) -> Vec<(i64, i64, String)>;
}

reads_of_part! { Hidden:
    fn hide(&self, owner: &str, user: UserId, conversation: ConversationId, seq: Seq, now_ms: i64)
        -> (Hid, Option<OutboxRow>);
    fn hidden_of(&self, user: UserId, stretches: &[Stretch]) -> Vec<(i64, i64)>;
}

reads_of_part! { Receipts:
    fn receipt_place(&self, id: ConversationId, seq: Seq, user: UserId) -> Option<ReceiptPlace>;
    fn readers(&self, of: ReceiptOf, after: i64, limit: u32) -> Vec<Reader>;
    fn count_readers(&self, of: ReceiptOf, max: u32) -> u32;
    fn invisible(&self, users: &[UserId]) -> Vec<(UserId, i64)>;
    fn blocked_by(&self, users: &[UserId], limit: u32) -> Vec<(UserId, UserId)>;
    fn blockers_of(&self, users: &[UserId], limit: u32) -> Vec<(UserId, UserId)>;
    fn blockers_among(&self, users: &[UserId], blocked: UserId) -> Vec<UserId>;
}

/// No simulation searches: what the index asks for costs nothing, and moves nobody's dice.
macro_rules! passes_on {
    ($part:ident: $(fn $name:ident(&self $(, $argument:ident: $type:ty)*) -> $returns:ty;)*) => {
        #[async_trait]
        impl $part for StoreLink {
            $(async fn $name(&self $(, $argument: $type)*) -> Result<$returns, Error> {
                self.durable.memory.$name($($argument),*).await
            })*
        }
    };
}

passes_on! { Search:
    fn index(&self, ids: &[ConversationId], limit: u32) -> Indexed;
    fn compare(&self, after: i64, limit: u32) -> Compared;
    fn lease_sweep(&self, owner: &str, now_ms: i64, lease_ms: i64, at: Option<i64>) -> Option<i64>;
    fn searched(&self, user: UserId, rooms_max: u32) -> Vec<Searched>;
    fn postings(&self, words: &[String], looks: &[Look], limit: u32) -> Vec<Vec<Posting>>;
    fn messages_at(&self, places: &[(i64, i64)]) -> Vec<Message>;
}

// The same for the sweep of messages whose time is over.
passes_on! { Expiries:
    fn take_expiries(&self, now_ms: i64, hold_ms: i64, limit: u32) -> Vec<(ConversationId, Seq)>;
    fn settle_expiries(&self, settled: &[ExpirySettled]) -> ();
    fn set_direct_expiry(&self, owner: &str, asked: &DirectExpiry) -> Option<OutboxRow>;
}

reads_of_part! { UserEvents:
    fn add_user_events(&self, owner: &str, events: &[NewUserEvent], now_ms: i64) -> Option<OutboxRow>;
    fn event_heads(&self, users: &[UserId]) -> Vec<i64>;
    fn user_events(&self, user: UserId, after: i64, limit: u32) -> EventPage;
    fn forget_user_events(&self, before_ms: i64, limit: u32) -> u64;
}

reads_of_part! { GroupStore:
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

reads_of_part! { Codes:
    fn put_code(&self, code: &MailedCode) -> ();
    fn create_user_by_code(&self, user: &NewUser, guess: &CodeGuess) -> Option<User>;
    fn reset_password(&self, guess: &CodeGuess, password_hash: &str) -> Option<PasswordReset>;
    fn credentials_by_id(&self, id: UserId) -> Option<Credentials>;
    fn set_password(&self, user: UserId, old_hash: &str, password_hash: &str, keep_login: &str) -> Option<Vec<String>>;
}

reads_of_part! { Outbox:
    fn outbox(&self, owner: &str, after: i64, limit: u32) -> Vec<OutboxRow>;
    fn outbox_delete(&self, ids: &[i64]) -> ();
    fn outbox_renew(&self, owner: &str, lease_ms: i64) -> ();
    fn outbox_adopt(&self, owner: &str, limit: u32) -> u64;
    fn outbox_backlog(&self, now_ms: i64) -> (u64, i64);
}

reads_of_part! { Profiles:
    fn person(&self, user: UserId) -> Option<Person>;
    fn change_profile(&self, owner: &str, user: UserId, change: &ProfileChange, now_ms: i64) -> (Person, Option<OutboxRow>);
}

reads_of_part! { Departures:
    fn deactivate(&self, user: UserId, now_ms: i64) -> Vec<String>;
    fn reactivate(&self, user: UserId) -> ();
    fn delete_account(&self, user: UserId, erase: bool, now_ms: i64) -> Vec<String>;
    fn departing(&self, before_ms: i64, limit: u32) -> Vec<Departure>;
    fn groups_of(&self, user: UserId, limit: u32) -> Vec<ConversationId>;
    fn erase_messages(&self, owner: &str, server: usize, user: &User, limit: u32, now_ms: i64) -> Erased;
    fn departed(&self, user: UserId) -> ();
    fn messages_by(&self, user: UserId, after: (i64, i64), limit: u32) -> Vec<Message>;
}

reads_of_part! { ContactsStore:
    fn step_contact(&self, owner: &str, step: &ContactStep, now_ms: i64) -> (Stepped, Option<OutboxRow>);
    fn contacts(&self, user: UserId, list: ContactList, after: i64, limit: u32, now_ms: i64) -> Vec<Contact>;
    fn privacy(&self, user: UserId) -> Privacy;
    fn set_privacy(&self, owner: &str, user: UserId, privacy: Privacy, now_ms: i64) -> Option<OutboxRow>;
    fn find_people(&self, reader: UserId, sought: &Sought, limit: u32) -> Vec<User>;
}

reads_of_part! { Files:
    fn create_file(&self, new: &NewFile) -> StoredFile;
    fn file(&self, id: FileId) -> Option<StoredFile>;
    fn may_read_file(&self, id: FileId, user: UserId) -> bool;
    fn add_part(&self, id: FileId, part: &NewPart) -> bool;
    fn finish_file(&self, id: FileId, finished: &Finished, due_ms: i64) -> bool;
    fn discard_file(&self, id: FileId, why: Discard) -> Discarded;
    fn due_files(&self, now_ms: i64, limit: u32) -> Vec<FileId>;
    fn forget_file(&self, id: FileId) -> ();
    fn discard_files_of(&self, user: UserId) -> ();
    fn files_of(&self, user: UserId, after: i64, limit: u32) -> Vec<StoredFile>;
}

reads_of_part! { Sanctions:
    fn sanction(&self, owner: &str, new: &NewSanction) -> Sanctioned;
    fn lift(&self, owner: &str, kind: SanctionKind, user: UserId, now_ms: i64) -> (bool, Option<OutboxRow>);
    fn sanctions_of(&self, users: &[UserId], now_ms: i64) -> Vec<Sanction>;
    fn sanctions(&self, kind: SanctionKind, after: i64, limit: u32, now_ms: i64) -> Vec<Sanction>;
}

reads_of_part! { ApiKeys:
    fn create_api_key(&self, new: &NewApiKey) -> Option<ApiKey>;
    fn api_key(&self, hash: &[u8; 32], now_ms: i64) -> Option<ApiKey>;
    fn note_api_key(&self, id: i64, now_ms: i64) -> ();
    fn api_keys(&self, limit: u32) -> Vec<ApiKey>;
    fn revoke_api_key(&self, id: i64) -> bool;
}

reads_of_part! { NotificationStore:
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

reads_of_part! { HookStore:
    fn askings(&self, sender: UserId, messages: &[(ConversationId, String)]) -> Vec<Asking>;
    fn take_hooks(&self, now_ms: i64, lease_ms: i64, limit: u32) -> Vec<HookDue>;
    fn settle_hook(&self, place: &HookPlace, settled: HookSettled, now_ms: i64) -> u64;
    fn hook_backlog(&self, now_ms: i64, count_max: u32) -> HookBacklog;
    fn oldest_hooks(&self, limit: u32) -> Vec<HookPlace>;
}
