//! Axes: from values to pixels, and where the ticks go.

/// One axis of a plot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    kind: Kind,
    /// Pixel of `low`.
    from: f64,
    /// Pixel of `high`.
    to: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Linear,
    /// Decades.
    Log,
    /// Percentiles: each nine takes as much room as the one before.
    Nines,
}

/// A percentile nearer to 100 than this is drawn here.
const NINES_MAX: f64 = 6.0;

impl Scale {
    /// From 0 to a little above `high`.
    pub(super) fn linear(high: f64, from: f64, to: f64) -> Self {
        let high = if high > 0.0 { high } else { 1.0 };
        let step = step(high);
        Self { low: 0.0, high: (high / step).ceil() * step, kind: Kind::Linear, from, to }
    }

    /// Whole decades around `low` to `high`; `low` is above 0.
    pub(super) fn log(low: f64, high: f64, from: f64, to: f64) -> Self {
        let low = low.max(1e-9).log10().floor();
        let high = high.max(1e-9).log10().ceil().max(low + 1.0);
        Self { low: 10_f64.powf(low), high: 10_f64.powf(high), kind: Kind::Log, from, to }
    }

    /// Percentiles from 0 to `high` (100 stands for the last nine that is drawn).
    pub(super) fn nines(high: f64, from: f64, to: f64) -> Self {
        let high = (nines(high) - 1e-6).ceil().clamp(1.0, NINES_MAX);
        Self { low: 0.0, high: 100.0 - 100.0 / 10_f64.powf(high), kind: Kind::Nines, from, to }
    }

    /// Where `value` lies, kept within the axis.
    pub(super) fn at(&self, value: f64) -> f64 {
        let place = |value: f64| match self.kind {
            Kind::Linear => value,
            Kind::Log => value.max(1e-9).log10(),
            Kind::Nines => nines(value),
        };
        let (low, high) = (place(self.low), place(self.high));
        let part = ((place(value) - low) / (high - low)).clamp(0.0, 1.0);
        self.from + part * (self.to - self.from)
    }

    /// Values that deserve a line and a number.
    pub(super) fn ticks(&self) -> Vec<f64> {
        match self.kind {
            Kind::Linear => {
                let step = step(self.high);
                steps(0.0, self.high, step)
            }
            Kind::Log => {
                steps(self.low.log10(), self.high.log10(), 1.0).iter().map(|e| 10_f64.powf(*e)).collect()
            }
            Kind::Nines => {
                let mut ticks = vec![0.0, 50.0];
                ticks.extend(
                    steps(1.0, nines(self.high), 1.0).iter().map(|nine| 100.0 - 100.0 / 10_f64.powf(*nine)),
                );
                ticks
            }
        }
    }
}

/// How many nines a percentile has: 90 has 1, 99 has 2.
fn nines(percentile: f64) -> f64 {
    let rest = (100.0 - percentile) / 100.0;
    if rest <= 0.0 { NINES_MAX } else { (-rest.log10()).clamp(0.0, NINES_MAX) }
}

/// 1, 2 or 5 times a power of ten: about five of them make `high`.
fn step(high: f64) -> f64 {
    let rough = high / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let times = rough / power;
    let times = match () {
        () if times > 5.0 => 10.0,
        () if times > 2.0 => 5.0,
        () if times > 1.0 => 2.0,
        () => 1.0,
    };
    times * power
}

fn steps(low: f64, high: f64, step: f64) -> Vec<f64> {
    let mut values = Vec::new();
    let mut value = low;
    while value <= high + step / 1e6 && values.len() < 64 {
        values.push(value);
        value += step;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-6 * b.abs().max(1.0)
    }

    #[test]
    fn each_nine_takes_the_same_room() {
        let scale = Scale::nines(99.9, 0.0, 300.0);
        assert!(near(scale.at(0.0), 0.0));
        assert!(near(scale.at(90.0), 100.0));
        assert!(near(scale.at(99.0), 200.0));
        assert!(near(scale.at(99.9), 300.0));
        assert!(near(scale.at(100.0), 300.0), "the last one stays within the plot");
    }

    #[test]
    fn ticks_are_round() {
        let linear = Scale::linear(437.0, 0.0, 1.0).ticks();
        assert!(near(linear[1], 100.0), "{linear:?}");
        assert!(near(*linear.last().unwrap_or(&0.0), 500.0), "{linear:?}");
        let log = Scale::log(0.3, 42.0, 0.0, 1.0).ticks();
        assert_eq!(log.len(), 4, "0.1, 1, 10, 100: {log:?}");
    }

    #[test]
    fn an_empty_range_is_an_axis_all_the_same() {
        assert!(Scale::linear(0.0, 0.0, 10.0).at(0.5).is_finite());
        assert!(Scale::log(0.0, 0.0, 0.0, 10.0).at(0.0).is_finite());
    }
}
