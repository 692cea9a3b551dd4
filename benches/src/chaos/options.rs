//! What `oort-bench chaos` is told.

use std::path::PathBuf;

use clap::Args;

use crate::crowd::options::CrowdOptions;
use crate::system::SystemOptions;

use super::fault::Fault;

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
    /// A small file system that may be filled: one process keeps its data in it, MySQL has its own there already.
    #[arg(long, value_name = "DIR")]
    pub(crate) disk: Option<PathBuf>,
    /// `libfaketimeMT.so.1`: with it the clocks of nodes jump.
    #[arg(long, value_name = "PATH")]
    pub(crate) faketime: Option<PathBuf>,
    /// Idle connections beside the crowd.
    #[arg(long, default_value_t = 0)]
    pub(crate) herd: usize,
    /// Folder for the ledger, the table, the figures and the plot of memory. A ledger without a fault of Oort's is removed.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Keeps the ledger in any case.
    #[arg(long)]
    pub(crate) keep_ledger: bool,
    /// No progress on stderr.
    #[arg(long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) soak: SoakOptions,
    #[command(flatten)]
    pub(crate) crowd: CrowdOptions,
    #[command(flatten)]
    pub(crate) system: SystemOptions,
}

impl Options {
    /// What has to be told for this fault to be possible, and is not.
    pub(crate) fn lacks(&self, fault: Fault) -> Option<&'static str> {
        match fault {
            Fault::DiskFull if self.disk.is_none() => Some("--disk"),
            Fault::Clock(_) if self.faketime.is_none() => Some("--faketime"),
            Fault::Herd if self.herd == 0 => Some("--herd"),
            fault if fault.needs_own_services() && self.system.services.is_none() => Some("--services"),
            fault if fault.needs_replica() && !self.has_replica() => Some("a replica among its --services"),
            _ => None,
        }
    }

    fn has_replica(&self) -> bool {
        self.system.services.as_ref().is_some_and(|folder| folder.join("replicated").exists())
    }
}

/// Options of a long run.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "A long run")]
pub(crate) struct SoakOptions {
    /// Lasts so long instead of --rounds, and judges memory. What ends a process of Oort happens in the first third only.
    #[arg(long)]
    pub(crate) minutes: Option<f64>,
    /// Seconds from the beginning of one fault to that of the next.
    #[arg(long, default_value_t = 60.0)]
    pub(crate) every: f64,
    /// Faults after which the crowd ends, its ledger is checked, and another crowd comes: so neither grows without bound.
    #[arg(long, default_value_t = 10)]
    pub(crate) per_crowd: usize,
    /// Seconds between two samples of memory.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) sample: f64,
    /// By how many percent the memory of a process may grow after the first third of its last life.
    #[arg(long, default_value_t = 10.0)]
    pub(crate) growth_percent: f64,
    /// Shortest life whose memory is judged, minutes. A run of three times as long in which a process has none fails.
    #[arg(long, default_value_t = 10.0)]
    pub(crate) judged_minutes: f64,
}
