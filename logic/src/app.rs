//! What both doors of the tier share.

use std::sync::Arc;

use oort_api::directory::Directory;

use crate::accounts::Accounts;
use crate::contacts::Contacts;
use crate::conversations::Conversations;
use crate::departures::Departures;
use crate::events::Events;
use crate::expiry::Expiry;
use crate::exports::Exports;
use crate::files::Files;
use crate::hooks::Hooks;
use crate::keys::Keys;
use crate::kicks::Kicks;
use crate::messages::Messages;
use crate::metrics::Metrics;
use crate::moderation::Moderation;
use crate::notifications::Notifications;
use crate::online::Online;
use crate::operators::Operators;
use crate::presence::Presence;
use crate::profiles::Profiles;
use crate::pushes::Pushes;
use crate::rates::Rates;
use crate::receipts::Receipts;
use crate::replays::Replays;
use crate::search::{Indexer, Searches};
use crate::seen::Seen;
use crate::trails::Trails;
use crate::users::Users;

/// What HTTP and gRPC answer from.
#[derive(Debug)]
pub struct App {
    /// Accounts, log-ins, tokens.
    pub accounts: Accounts,
    /// What users tell of themselves.
    pub profiles: Profiles,
    /// Clears away what deleted accounts leave behind.
    pub departures: Departures,
    /// Erases messages whose time is over.
    pub expiry: Expiry,
    /// All that is kept of a user.
    pub exports: Exports,
    /// Files of users.
    pub files: Files,
    /// Conversations and messages.
    pub conversations: Conversations,
    /// Contacts, requests and blocks.
    pub contacts: Contacts,
    /// What changed for users beside messages.
    pub events: Arc<Events>,
    /// What becomes of messages after they were sent.
    pub messages: Messages,
    /// Finds messages.
    pub searches: Searches,
    /// Makes what was sent findable.
    pub indexer: Arc<Indexer>,
    /// Servers of the operator's that are asked and told of messages.
    pub hooks: Hooks,
    /// How often somebody may ask.
    pub rates: Arc<Rates>,
    /// What wakes devices that are away.
    pub notifications: Arc<Notifications>,
    /// Transient pushes.
    pub pushes: Pushes,
    /// Who has read a message.
    pub receipts: Receipts,
    /// Who is online, who types.
    pub presence: Arc<Presence>,
    /// Ends connections.
    pub kicks: Arc<Kicks>,
    /// When log-ins and users were last seen.
    pub seen: Arc<Seen>,
    /// Counts and nodes.
    pub online: Online,
    /// For those who look after the server.
    pub operators: Operators,
    /// Keys of servers.
    pub keys: Keys,
    /// What operators do about users, messages and groups.
    pub moderation: Moderation,
    /// Where messages have been.
    pub trails: Trails,
    /// Messages delivered once more.
    pub replays: Replays,
    /// Users by id.
    pub users: Arc<Users>,
    /// Where sessions and rooms are recorded.
    pub directory: Arc<dyn Directory>,
    /// Counters of the tier.
    pub metrics: Metrics,
}
