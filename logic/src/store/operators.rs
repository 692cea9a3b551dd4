//! Who may look after the server, and what they did.

use oort_api::pb::oort::v1::User;

use crate::policy::operators::OperatorRole;

/// Somebody who looks after the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Who.
    pub user: User,
    /// What they may.
    pub role: OperatorRole,
    /// ms since the epoch.
    pub granted_at_ms: i64,
}

/// Something an operator is about to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAudit {
    /// ms since the epoch.
    pub at_ms: i64,
    /// Who does it; 0 = the command line.
    pub actor_id: i64,
    /// What: a stable name, at most 64 bytes.
    pub action: &'static str,
    /// To whom or what, at most 255 characters.
    pub subject: String,
    /// More, as JSON.
    pub details: String,
}

/// Something an operator did, or tried to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Rises with each.
    pub id: i64,
    /// ms since the epoch.
    pub at_ms: i64,
    /// Who did it; 0 = the command line.
    pub actor_id: i64,
    /// Their name; empty = the command line.
    pub actor_name: String,
    /// What: a stable name.
    pub action: String,
    /// To whom or what.
    pub subject: String,
    /// More, as JSON.
    pub details: String,
}
