//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
