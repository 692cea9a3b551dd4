//! Whether the memory of a process stays flat.
//!
//! Judged is its last life, if it was long enough. A first third of it is left out: caches fill. Of the rest, the median of the last
//! quarter may be above that of the first by no more than a share, or a few MiB: medians, so that what one fault needs for a while
//! does not count, and what remains after each does.

use serde::Serialize;

use super::memory::{Memory, Used};

/// So much more is no growth, whatever the share: an allocator moves in steps.
const STEP_MIB: f64 = 4.0;

/// When memory counts as flat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Terms {
    /// Most growth, percent.
    pub(crate) growth_percent_max: f64,
    /// Shortest life that is judged, s.
    pub(crate) life_min_s: f64,
}

/// What is said of one process.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Flatness {
    pub(crate) process: String,
    /// How often it was started.
    pub(crate) starts: usize,
    /// How long its last life was, s.
    pub(crate) life_s: f64,
    /// Median of the first quarter after the warm-up of that life, MiB.
    pub(crate) before_mib: f64,
    /// Median of the last quarter, MiB.
    pub(crate) after_mib: f64,
    pub(crate) growth_percent: f64,
    /// Most at any time, MiB.
    pub(crate) peak_mib: f64,
    pub(crate) verdict: Verdict,
}

/// Flat, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Flat,
    Grows,
    /// Its last life was too short.
    TooShort,
    /// It is not Oort's.
    NotJudged,
}

impl Verdict {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Grows => "GROWS",
            Self::TooShort => "life too short",
            Self::NotJudged => "not Oort's",
        }
    }
}

/// Every process, by name.
pub(crate) fn judge(memory: &Memory, terms: Terms) -> Vec<Flatness> {
    memory.iter().filter_map(|(name, used)| one(name, used, terms)).collect()
}

fn one(name: &str, used: &Used, terms: Terms) -> Option<Flatness> {
    let samples = &used.lives.last()?.samples;
    let (first, last) = (samples.first()?, samples.last()?);
    let after_warmup = &samples[samples.len() / 3..];
    let quarter = (after_warmup.len() / 4).max(1);
    let before_mib = median(&after_warmup[..quarter]);
    let after_mib = median(&after_warmup[after_warmup.len() - quarter..]);
    let growth_percent = (after_mib / before_mib - 1.0) * 100.0;
    let life_s = last.0 - first.0;
    let verdict = match () {
        () if !used.is_oort => Verdict::NotJudged,
        () if life_s < terms.life_min_s => Verdict::TooShort,
        () if growth_percent > terms.growth_percent_max && after_mib - before_mib > STEP_MIB => {
            Verdict::Grows
        }
        () => Verdict::Flat,
    };
    Some(Flatness {
        process: name.to_owned(),
        starts: used.lives.len(),
        life_s,
        before_mib,
        after_mib,
        growth_percent,
        peak_mib: used.points().iter().map(|(_, mib)| *mib).fold(0.0, f64::max),
        verdict,
    })
}

fn median(samples: &[(f64, f64)]) -> f64 {
    let mut sorted: Vec<_> = samples.iter().map(|(_, mib)| *mib).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::memory::Life;

    const TERMS: Terms = Terms { growth_percent_max: 10.0, life_min_s: 600.0 };

    /// A process of which a sample was taken every 5 s.
    fn used(lives: &[&dyn Fn(f64) -> f64], minutes: u32) -> Used {
        let mut now_s = 0.0;
        let lives = lives.iter().zip(1..).map(|(mib, pid)| {
            let begun_s = now_s;
            let samples = (0..minutes * 12).map(|_| {
                now_s += 5.0;
                (now_s, mib(now_s - begun_s))
            });
            Life { pid, samples: samples.collect() }
        });
        Used { is_oort: true, lives: lives.collect() }
    }

    fn verdict(used: &Used) -> Verdict {
        one("comet-1", used, TERMS).unwrap().verdict
    }

    #[test]
    fn caches_that_fill_and_peaks_are_no_growth() {
        assert_eq!(verdict(&used(&[&|at| 100.0_f64.min(40.0 + at / 5.0)], 40)), Verdict::Flat);
        let peaks = |at: f64| if at % 300.0 < 60.0 { 400.0 } else { 60.0 };
        assert_eq!(verdict(&used(&[&peaks], 40)), Verdict::Flat);
        assert_eq!(verdict(&used(&[&|at| 12.0 + at / 1000.0], 40)), Verdict::Flat, "3 MiB are a step");
    }

    #[test]
    fn a_leak_is_found() {
        // 1 MiB a minute on 60 MiB.
        assert_eq!(verdict(&used(&[&|at| 60.0 + at / 60.0], 40)), Verdict::Grows);
        // Also when it comes in steps, one for each of the faults.
        assert_eq!(verdict(&used(&[&|at| 60.0 + 5.0 * (at / 300.0).floor()], 40)), Verdict::Grows);
    }

    #[test]
    fn only_the_last_life_counts_if_it_is_long_enough() {
        assert_eq!(verdict(&used(&[&|at| 60.0 + at / 10.0, &|_| 60.0], 40)), Verdict::Flat);
        assert_eq!(verdict(&used(&[&|at| 60.0 + at / 60.0], 9)), Verdict::TooShort);
        let other = Used { is_oort: false, ..used(&[&|at| 60.0 + at], 40) };
        assert_eq!(verdict(&other), Verdict::NotJudged);
    }
}
