//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use oort_api::bus::LetterPlace;
use oort_api::ids::{ConversationId, Seq, UserId};
use oort_logic::policy::operators::OperatorRole;

/// A chat and push server. Without a command it is a whole server in one process.
#[derive(Debug, Parser)]
#[command(name = "oort", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Settings to lay over the defaults (see `oort config`).
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to be, or do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Holds client connections (needs logic).
    Comet,
    /// Accepts sends and serves the HTTP API (needs MySQL, Kafka, Redis).
    Logic,
    /// Moves messages from the bus to the comets (needs Kafka, Redis).
    Job,
    /// Brings the store's schema and the bus's topics up to date.
    Migrate {
        /// Only tell what is missing; exit with 1 if anything is.
        #[arg(long)]
        check: bool,
    },
    /// Checks ports, limits, clock and every backend: a line each, with cause and fix.
    Doctor,
    /// Prints the effective settings with each value's origin; secrets are masked.
    Config,
    /// Issues a token for servers that push.
    Token {
        /// How long it is valid, in days.
        #[arg(long, default_value_t = 365)]
        days: u32,
    },
    /// Web Push: what browsers are notified with while they are away.
    #[command(subcommand)]
    Push(PushCommand),
    /// Who may look after the server (the operator role).
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Tells where a message has been: asks every process of the cluster, or the one at `admin.listen`.
    Trace {
        /// The conversation's id.
        conversation: ConversationId,
        /// The message's place there.
        seq: Seq,
    },
    /// Has messages delivered once more to whoever is online, marked as a replay (Kafka).
    Replay(ReplayArguments),
    /// Records of the bus that were given up on (Kafka).
    #[command(subcommand)]
    Dlq(DlqCommand),
}

/// What is to be delivered once more.
#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArguments {
    /// Of this conversation.
    #[arg(long, requires = "from_seq")]
    pub(crate) conversation: Option<ConversationId>,
    /// From this message of it on.
    #[arg(long, requires = "conversation")]
    pub(crate) from_seq: Option<Seq>,
    /// Up to this one.
    #[arg(long, requires = "conversation")]
    pub(crate) to_seq: Option<Seq>,
    /// To this user alone; without --conversation, of all of the user's.
    #[arg(long)]
    pub(crate) user: Option<UserId>,
    /// Written from then on, ms since the epoch.
    #[arg(long, requires = "user", conflicts_with = "conversation")]
    pub(crate) since_ms: Option<i64>,
    /// Also to clients that do not know oort.v1 and may show them twice.
    #[arg(long)]
    pub(crate) to_all_clients: bool,
}

/// What to do for Web Push.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum PushCommand {
    /// Makes a key for `logic.notifications.webpush.private_key`, and prints it with its public part.
    Keys,
}

/// What to do with the operator role.
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Gives the role to an account; makes the account when there is none.
    Create {
        /// User name.
        name: String,
        /// `viewer` looks on, `moderator` looks after what people do, `administrator` after all. Another role than
        /// before takes its place.
        #[arg(long, value_parser = operator_role, default_value = "administrator")]
        role: OperatorRole,
        /// Read a new account's password from standard input instead of making one up.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Takes the role away; the account stays.
    Remove {
        /// User name.
        name: String,
    },
    /// Lists who has the role.
    List,
}

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum DlqCommand {
    /// Lists them, oldest first.
    List {
        /// Only those behind this place, `<partition>-<offset>`.
        #[arg(long)]
        after: Option<LetterPlace>,
        /// Most letters to list.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Publishes them again. They stay in the dead-letter topic; what still makes no sense comes back.
    Replay {
        /// Only those behind this place, `<partition>-<offset>`.
        #[arg(long)]
        after: Option<LetterPlace>,
        /// Most letters to publish.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
}

fn operator_role(name: &str) -> Result<OperatorRole, String> {
    OperatorRole::parse(name).ok_or_else(|| "viewer, moderator or administrator".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
