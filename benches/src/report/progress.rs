//! What a run is doing, on stderr: one line that changes where a person looks, one line per phase elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use super::OutputOptions;
use super::number::short;

/// Least time between two changes of the line.
const EVERY: Duration = Duration::from_millis(200);

/// The line of one run. Dropped, it leaves the terminal clean.
#[derive(Debug)]
pub(crate) struct Progress {
    title: String,
    phase: String,
    begun: Instant,
    drawn: Option<Instant>,
    style: Style,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// Nothing at all.
    Quiet,
    /// A line per phase.
    Lines,
    /// One line, written over and over.
    Line,
}

impl Progress {
    /// Of a run called `title`: `fanout oort, 1000 members`.
    pub(crate) fn new(output: &OutputOptions, title: impl Into<String>) -> Self {
        let style = match () {
            () if output.quiet => Style::Quiet,
            () if std::io::stderr().is_terminal() => Style::Line,
            () => Style::Lines,
        };
        Self { title: title.into(), phase: String::new(), begun: Instant::now(), drawn: None, style }
    }

    /// The run enters `phase`: `connecting`, `warming up`, `measuring`.
    pub(crate) fn phase(&mut self, phase: impl Into<String>) {
        self.phase = phase.into();
        self.drawn = None;
        if self.style == Style::Lines {
            let line =
                format!("{:>4.0} s  {}: {}\n", self.begun.elapsed().as_secs_f64(), self.title, self.phase);
            self.write(&line);
        }
    }

    /// `done` (0 to 1) of the phase is over, at `rate` things per second now. May be called as often as wanted.
    pub(crate) fn tick(&mut self, done: f64, rate: f64) {
        if self.style != Style::Line || self.drawn.is_some_and(|drawn| drawn.elapsed() < EVERY) {
            return;
        }
        self.drawn = Some(Instant::now());
        let line = format!(
            "\r\x1b[2K{:>3.0} %  {}: {}  {:.0} s  {}/s",
            done.clamp(0.0, 1.0) * 100.0,
            self.title,
            self.phase,
            self.begun.elapsed().as_secs_f64(),
            short(rate)
        );
        self.write(&line);
    }

    /// Progress that cannot be shown is no reason to end a run.
    fn write(&self, text: &str) {
        let mut stderr = std::io::stderr().lock();
        drop(stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.style == Style::Line {
            self.write("\r\x1b[2K");
        }
    }
}
