//! `oort-bench plan`: what a number of people needs, from what one of each thing costs.

mod costs;
mod demand;
mod page;
mod sizing;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::report;
use demand::{Assumptions, Demand};
use sizing::Sizing;

/// Options of `oort-bench plan`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Users online at the peak; several, comma-separated, make a column each.
    #[arg(long, value_delimiter = ',', required = true)]
    online: Vec<u64>,
    #[command(flatten)]
    assumptions: Assumptions,
    /// File with the unit costs, instead of the published ones.
    #[arg(long, value_name = "FILE")]
    unit_costs: Option<PathBuf>,
    /// Prints the unit costs too, with their sources.
    #[arg(long)]
    costs: bool,
    /// Writes the plan between the markers of this page instead of printing it.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// Prints the plan.
///
/// # Errors
/// When an option makes no sense, or a file cannot be read or written.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let text = text(options)?;
    let Some(path) = &options.write else {
        return report::say(text.trim_end());
    };
    let page = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    std::fs::write(path, report::between_markers(&page, "plan", &text)?)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The plan as Markdown.
fn text(options: &Options) -> anyhow::Result<String> {
    let faults = options.assumptions.faults();
    if !faults.is_empty() {
        bail!("{}", faults.join("; "));
    }
    if options.online.contains(&0) {
        bail!("--online must be above 0");
    }
    let (unit, costs) = costs::read(options.unit_costs.as_deref())?;
    let plans: Vec<(u64, Demand, Sizing)> = options
        .online
        .iter()
        .map(|online| {
            #[expect(clippy::cast_precision_loss, reason = "people are far fewer than 2^52")]
            let demand = Demand::of(*online as f64, &options.assumptions);
            (*online, demand, sizing::size(&demand, &options.assumptions, &unit))
        })
        .collect();
    let mut text = page::plan(&plans);
    if options.costs {
        text.push_str(&page::costs(&costs));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
