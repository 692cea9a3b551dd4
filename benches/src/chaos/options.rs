//! What `oort-bench chaos` is told.

use std::path::PathBuf;

use clap::Args;

use crate::crowd::options::CrowdOptions;
use crate::system::SystemOptions;

/// Options of `oort-bench chaos`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Faults, comma-separated; without it all that are possible in the shape.
    #[arg(long, value_delimiter = ',')]
    pub(crate) faults: Vec<String>,
    /// How often each happens.
    #[arg(long, default_value_t = 1)]
    pub(crate) rounds: usize,
    /// How long a fault lasts, seconds; each between half and one and a half times as long.
    #[arg(long, default_value_t = 4.0)]
    pub(crate) hold: f64,
    /// How long the crowd goes on after each fault, seconds, once everybody is connected again.
    #[arg(long, default_value_t = 3.0)]
    pub(crate) calm: f64,
    /// The script that runs the services of --services, to break them.
    #[arg(long, value_name = "PATH", default_value = "deploy/local/services.sh")]
    pub(crate) services_script: PathBuf,
    /// Folder for the ledger, the table and the figures. The ledger of a run without a fault of Oort's is removed.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Keeps the ledger in any case.
    #[arg(long)]
    pub(crate) keep_ledger: bool,
    /// No progress on stderr.
    #[arg(long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) crowd: CrowdOptions,
    #[command(flatten)]
    pub(crate) system: SystemOptions,
}
