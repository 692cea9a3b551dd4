//! What both doors of the tier share.

use std::sync::Arc;

use oort_api::directory::Directory;

use crate::accounts::Accounts;
use crate::conversations::Conversations;
use crate::metrics::Metrics;
use crate::online::Online;
use crate::operators::Operators;
use crate::pushes::Pushes;
use crate::users::Users;

/// What HTTP and gRPC answer from.
#[derive(Debug)]
pub struct App {
    /// Accounts, log-ins, tokens.
    pub accounts: Accounts,
    /// Conversations and messages.
    pub conversations: Conversations,
    /// Transient pushes.
    pub pushes: Pushes,
    /// Counts and nodes.
    pub online: Online,
    /// For those who look after the server.
    pub operators: Operators,
    /// Users by id.
    pub users: Users,
    /// Where sessions and rooms are recorded.
    pub directory: Arc<dyn Directory>,
    /// Counters of the tier.
    pub metrics: Metrics,
}
