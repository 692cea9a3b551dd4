//! A result as it grows, cycle by cycle.

use std::collections::BTreeMap;

use serde_json::Value;

use super::lanes::Lane;
use crate::clock;
use crate::dialect::Dialect;
use crate::histogram::Recorder;
use crate::report::{Latency, Machine, RunResult, Verdict};
use crate::rig::Measured;

/// Samples and sums of one server.
#[derive(Debug)]
pub(crate) struct Outcome {
    result: RunResult,
    latencies: BTreeMap<&'static str, Recorder>,
    cpu_ns: BTreeMap<String, u64>,
    messages: u64,
}

impl Outcome {
    /// Nothing measured yet.
    pub(crate) fn new(scenario: &str, lane: &Lane, params: &[(&str, Value)]) -> Self {
        let mut params: BTreeMap<String, Value> =
            params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        params.insert("dialect".into(), dialect_name(lane.dialect).into());
        if let Some(tls) = lane.setup.target.tls {
            params.insert("tls".into(), tls.name().into());
        }
        let result = RunResult {
            scenario: scenario.into(),
            target: lane.name.into(),
            params,
            figures: BTreeMap::new(),
            ratios: BTreeMap::new(),
            latencies: BTreeMap::new(),
            timeline: Vec::new(),
            cpu_us_per_message: BTreeMap::new(),
            verdict: Verdict::default(),
            command: std::iter::once("oort-bench".to_owned())
                .chain(std::env::args().skip(1))
                .collect::<Vec<_>>()
                .join(" "),
            started_at_ms: clock::wall_ms(),
            machine: Machine::of_this(),
            notes: Vec::new(),
        };
        Self { result, latencies: BTreeMap::new(), cpu_ns: BTreeMap::new(), messages: 0 }
    }

    /// One more sample of a figure.
    pub(crate) fn figure(&mut self, name: &str, sample: f64) {
        self.result.figures.entry(name.into()).or_default().samples.push(sample);
    }

    /// One more sample of a figure and, when the floor has one of the same cycle, of its ratio to it.
    pub(crate) fn compared(&mut self, name: &str, sample: f64, floor: Option<f64>) {
        self.figure(name, sample);
        if let Some(floor) = floor.filter(|floor| *floor > 0.0) {
            self.ratio(name, sample / floor);
        }
    }

    /// One more sample of a ratio.
    pub(crate) fn ratio(&mut self, name: &str, sample: f64) {
        self.result.ratios.entry(name.into()).or_default().samples.push(sample);
    }

    /// Takes verdict, latencies, CPU and timeline of a block.
    pub(crate) fn block(&mut self, measured: &Measured) {
        self.result.verdict += measured.verdict;
        // The crowd's messages are not what is measured; its losses are losses.
        self.result.verdict += Verdict { delivered: 0, ..measured.crowd_verdict };
        self.latencies
            .entry("delivered")
            .or_insert_with(Recorder::new)
            .add(&Recorder::from(&measured.latency));
        for (process, ns) in &measured.cpu_ns {
            *self.cpu_ns.entry(process.clone()).or_default() += ns;
        }
        self.messages += measured.verdict.delivered;
        let offset = self.result.timeline.last().map_or(0.0, |(at, _)| *at);
        self.result.timeline.extend(measured.timeline.iter().map(|(at, rate)| (offset + at, *rate)));
        if measured.behind > 0 {
            self.note(format!("{} times a client was told that it is behind", measured.behind));
        }
        if measured.dropped > 0 {
            let why = measured.complaint.as_deref().unwrap_or("unknown");
            self.note(format!("{} connections were lost; the last: {why}", measured.dropped));
        }
    }

    /// Adds a note, once.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.result.notes.contains(&note) {
            self.result.notes.push(note);
        }
    }

    /// Adds to the verdict.
    pub(crate) fn verdict(&mut self, verdict: Verdict) {
        self.result.verdict += verdict;
    }

    /// The result.
    pub(crate) fn finish(mut self) -> RunResult {
        for (name, recorder) in &self.latencies {
            self.result.latencies.insert((*name).into(), Latency::of_ns(recorder.histogram()));
        }
        if self.messages > 0 {
            let per_message = |ns: u64| as_f64(ns) / 1e3 / as_f64(self.messages);
            self.result.cpu_us_per_message =
                self.cpu_ns.iter().map(|(process, ns)| (process.clone(), per_message(*ns))).collect();
        }
        self.result
    }
}

/// Its name on the command line.
pub(crate) fn dialect_name(dialect: Dialect) -> String {
    serde_json::to_value(dialect).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A count or a time of a run.
#[expect(clippy::cast_precision_loss, reason = "counts and times of a run have fewer digits than an f64")]
pub(crate) fn as_f64(value: u64) -> f64 {
    value as f64
}

/// CPU of the server per message that arrived, µs.
pub(crate) fn cpu_us_per_message(measured: &Measured) -> f64 {
    as_f64(measured.cpu_ns()) / 1e3 / as_f64(measured.verdict.delivered.max(1))
}

/// A percentile of a block's latencies, ms.
pub(crate) fn percentile_ms(measured: &Measured, quantile: f64) -> f64 {
    as_f64(Recorder::from(&measured.latency).histogram().value_at_quantile(quantile)) / 1e6
}
