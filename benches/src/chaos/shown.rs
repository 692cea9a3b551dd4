//! What a run has shown so far: for the terminal, for people, for programs.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::json;

use crate::ledger::Summary;
use crate::report;
use crate::scenarios::command;
use crate::system::Shape;

use super::flat::{Flatness, Verdict};
use super::memory::Memory;
use super::options::Options;
use super::outcome::Outcome;
use super::table;

/// Of all crowds.
#[derive(Debug)]
pub(crate) struct Shown {
    shape: Shape,
    seed: u64,
    minutes: Option<f64>,
    judged_minutes: f64,
    command: String,
    summary: Summary,
    outcomes: Vec<Outcome>,
    pub(crate) memory: Memory,
    pub(crate) flatness: Vec<Flatness>,
}

impl Shown {
    /// Of a run that begins.
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            shape: options.system.shape,
            seed: options.crowd.seed,
            minutes: options.soak.minutes,
            judged_minutes: options.soak.judged_minutes,
            command: without_folders(options),
            summary: Summary::default(),
            outcomes: Vec::new(),
            memory: Memory::new(),
            flatness: Vec::new(),
        }
    }

    /// How its files are called.
    pub(crate) fn name(&self) -> String {
        let kind = if self.minutes.is_some() { "soak" } else { "chaos" };
        format!("{kind}-{}-{}", self.shape.name(), self.seed)
    }

    /// A crowd came to its end.
    pub(crate) fn add(&mut self, summary: Summary, outcomes: Vec<Outcome>) {
        self.summary += summary;
        self.outcomes.extend(outcomes);
    }

    /// Markdown.
    pub(crate) fn text(&self) -> String {
        let long = self.minutes.map_or_else(String::new, |minutes| format!(", {minutes} minutes"));
        let title = format!("Faults under load: {}, seed {}{long}", self.shape.name(), self.seed);
        let mut text = table::faults(&title, &self.outcomes, &self.summary, &self.command);
        if self.minutes.is_some() {
            text.push_str(&table::memory(&self.flatness));
            text.push_str(&format!("\n![Memory of each process]({}.svg)\n", self.name()));
        }
        text
    }

    /// Writes the table, the figures, and the plot of memory into `folder`.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let file = |kind: &str| folder.join(format!("{}.{kind}", self.name()));
        let Summary { violations, acked, stored, devices, connections, .. } = &self.summary;
        let figures = json!({
            "command": self.command, "seed": self.seed, "shape": self.shape.name(), "minutes": self.minutes,
            "violations": violations, "acked": acked, "stored": stored,
            "devices": devices, "connections": connections, "faults": self.outcomes,
            "flatness": self.flatness, "memory_mib": self.memory,
        });
        let page = file("md");
        fs::write(&page, self.text()).with_context(|| format!("{} cannot be written", page.display()))?;
        fs::write(file("json"), format!("{figures}\n"))?;
        let oort = self.memory.iter().filter(|(_, used)| used.is_oort);
        let points: Vec<_> = oort.map(|(name, used)| (name.clone(), used.points())).collect();
        fs::write(file("svg"), report::memory_plot(&points))?;
        Ok(())
    }

    /// Of a long run: that no memory grows.
    ///
    /// # Errors
    /// "FAIL: …" with whose does, or, if the run was long enough, whose could not be judged.
    pub(crate) fn judge_memory(&self) -> anyhow::Result<()> {
        let Some(minutes) = self.minutes else { return Ok(()) };
        let with = |verdict: Verdict| {
            let found = self.flatness.iter().filter(move |flatness| flatness.verdict == verdict);
            found.map(|flatness| flatness.process.as_str()).collect::<Vec<_>>().join(", ")
        };
        let grows = with(Verdict::Grows);
        ensure!(grows.is_empty(), "FAIL: memory grows: {grows}");
        let too_short = with(Verdict::TooShort);
        ensure!(
            too_short.is_empty() || minutes < 3.0 * self.judged_minutes,
            "FAIL: too short a life to judge the memory of: {too_short}"
        );
        Ok(())
    }
}

/// The command as anybody may give it: folders have names.
fn without_folders(options: &Options) -> String {
    let folders =
        [(&options.system.services, "SERVICES"), (&options.disk, "DISK"), (&options.faketime, "FAKETIME")];
    let named =
        folders.into_iter().filter_map(|(folder, name)| Some((folder.as_ref()?.to_string_lossy(), name)));
    let mut named: Vec<_> = named.collect();
    // One may lie in another.
    named.sort_by_key(|(folder, _)| std::cmp::Reverse(folder.len()));
    named.into_iter().fold(command(), |command, (folder, name)| command.replace(folder.as_ref(), name))
}
