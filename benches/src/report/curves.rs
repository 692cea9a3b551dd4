//! Line plots: latency over percentiles, throughput over time.

use std::fmt::Write as _;

use super::html::{STYLE, escape};
use super::scale::Scale;

/// One line of a plot.
#[derive(Debug)]
pub(super) struct Curve<'a> {
    /// Whose it is: also its colour.
    pub(super) name: String,
    /// In the order of x.
    pub(super) points: &'a [(f64, f64)],
}

/// Size of a plot and of its margins, in its own units.
const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 124.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 36.0;
/// A y axis over a wider range than this is drawn in decades.
const DECADES_FROM: f64 = 30.0;
/// Least distance between two names at the end of their lines.
const LABEL_GAP: f64 = 13.0;

/// Latency curves: x is the percentile, each nine as wide as the one before; y is ms.
pub(super) fn latency(curves: &[Curve<'_>]) -> String {
    let highest = all(curves).map(|(x, _)| x).filter(|x| *x < 100.0).fold(90.0, f64::max);
    let x = Scale::nines(highest, LEFT, WIDTH - RIGHT);
    let (low, high) = range(curves);
    let y = if low > 0.0 && high / low > DECADES_FROM {
        Scale::log(low, high, HEIGHT - BOTTOM, TOP)
    } else {
        Scale::linear(high, HEIGHT - BOTTOM, TOP)
    };
    plot(curves, &x, &y, "percentile", "ms", &|tick| {
        format!("{tick:.5}").trim_end_matches(['0']).trim_end_matches('.').to_owned()
    })
}

/// Throughput: x is seconds from the start, y is per second.
pub(super) fn timeline(curves: &[Curve<'_>]) -> String {
    let last = all(curves).map(|(x, _)| x).fold(1.0, f64::max);
    let x = Scale::linear(last, LEFT, WIDTH - RIGHT);
    let y = Scale::linear(range(curves).1, HEIGHT - BOTTOM, TOP);
    plot(curves, &x, &y, "seconds", "deliveries/s", &compact)
}

/// Something that is measured again and again: x is minutes from the start.
pub(super) fn over_minutes(curves: &[Curve<'_>], y_title: &str) -> String {
    let last = all(curves).map(|(x, _)| x).fold(0.0, f64::max);
    let x = Scale::linear(last, LEFT, WIDTH - RIGHT);
    let y = Scale::linear(range(curves).1, HEIGHT - BOTTOM, TOP);
    plot(curves, &x, &y, "minutes", y_title, &compact)
}

/// What something costs over what it grows with, in decades where that is far.
pub(super) fn over(curves: &[Curve<'_>], x_title: &str, y_title: &str) -> String {
    let (low, high) =
        all(curves).fold((f64::INFINITY, 0.0_f64), |(low, high), (x, _)| (low.min(x), high.max(x)));
    let x = if low > 0.0 && high / low > DECADES_FROM {
        Scale::log(low, high, LEFT, WIDTH - RIGHT)
    } else {
        Scale::linear(high, LEFT, WIDTH - RIGHT)
    };
    let y = Scale::linear(range(curves).1, HEIGHT - BOTTOM, TOP);
    plot(curves, &x, &y, x_title, y_title, &compact)
}

/// A plot as a file of its own.
pub(super) fn file(svg: &str) -> String {
    let (head, rest) = svg.split_at("<svg".len());
    let rest = rest.replacen('>', &format!("><style>{STYLE}</style>"), 1);
    format!("{head} xmlns=\"http://www.w3.org/2000/svg\"{rest}\n")
}

fn all<'a>(curves: &'a [Curve<'_>]) -> impl Iterator<Item = (f64, f64)> + 'a {
    curves.iter().flat_map(|curve| curve.points.iter().copied())
}

fn range(curves: &[Curve<'_>]) -> (f64, f64) {
    let low = all(curves).map(|(_, y)| y).fold(f64::INFINITY, f64::min);
    let high = all(curves).map(|(_, y)| y).fold(0.0, f64::max);
    (if low.is_finite() { low } else { 0.0 }, high)
}

fn plot(
    curves: &[Curve<'_>],
    x: &Scale,
    y: &Scale,
    x_title: &str,
    y_title: &str,
    x_tick: &dyn Fn(f64) -> String,
) -> String {
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{y_title} over {x_title}\">"
    );
    for tick in y.ticks() {
        let at = y.at(tick);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>",
            WIDTH - RIGHT
        );
        let _ = write!(
            svg,
            "<text class=\"end\" x=\"{}\" y=\"{:.1}\">{}</text>",
            LEFT - 6.0,
            at + 3.5,
            compact(tick)
        );
    }
    for tick in x.ticks() {
        let at = x.at(tick);
        let _ = write!(
            svg,
            "<text class=\"mid\" x=\"{at:.1}\" y=\"{}\">{}</text>",
            HEIGHT - BOTTOM + 15.0,
            x_tick(tick)
        );
    }
    let _ = write!(
        svg,
        "<text class=\"mid\" x=\"{}\" y=\"{}\">{x_title}</text>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 4.0
    );
    let _ = write!(
        svg,
        "<text class=\"mid\" transform=\"translate(11 {}) rotate(-90)\">{y_title}</text>",
        (TOP + HEIGHT - BOTTOM) / 2.0
    );
    for (index, curve) in curves.iter().enumerate().rev() {
        // The second line of a colour is dashed, the third dotted.
        let before =
            curves.iter().take(index).filter(|other| colour(&other.name) == colour(&curve.name)).count();
        let dash = ["", " stroke-dasharray=\"6 4\"", " stroke-dasharray=\"2 3\""][before.min(2)];
        let _ = write!(
            svg,
            "<polyline class=\"line {}\"{dash} points=\"{}\"/>",
            colour(&curve.name),
            path(curve.points, x, y)
        );
    }
    for (curve, at) in curves.iter().zip(label_places(curves, y)) {
        let class = colour(&curve.name);
        let _ = write!(
            svg,
            "<text class=\"name {class}\" x=\"{}\" y=\"{at:.1}\">{}</text>",
            WIDTH - RIGHT + 6.0,
            escape(&curve.name)
        );
    }
    svg.push_str("</svg>");
    svg
}

fn path(points: &[(f64, f64)], x: &Scale, y: &Scale) -> String {
    let mut text = String::new();
    for (px, py) in points {
        let _ = write!(text, "{:.1},{:.1} ", x.at(*px), y.at(*py));
    }
    text
}

/// Names stand where their lines end, moved apart where they would touch.
fn label_places(curves: &[Curve<'_>], y: &Scale) -> Vec<f64> {
    let end =
        |curve: &Curve<'_>| curve.points.last().map_or(HEIGHT - BOTTOM, |(_, value)| y.at(*value)) + 3.5;
    let mut places: Vec<(usize, f64)> = curves.iter().map(end).enumerate().collect();
    places.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut lowest = f64::NEG_INFINITY;
    for (_, at) in &mut places {
        *at = at.max(lowest + LABEL_GAP);
        lowest = *at;
    }
    // What was pushed below the axis goes up again.
    let mut highest = HEIGHT - BOTTOM + 3.5 + LABEL_GAP;
    for (_, at) in places.iter_mut().rev() {
        *at = at.min(highest - LABEL_GAP);
        highest = *at;
    }
    places.sort_by_key(|(index, _)| *index);
    places.into_iter().map(|(_, at)| at).collect()
}

/// The class that gives a target its colour, the same in every plot.
pub(super) fn colour(target: &str) -> &'static str {
    match target {
        _ if target.starts_with("oort") => "c-oort",
        _ if target.starts_with("floor") => "c-floor",
        _ if target.starts_with("goim") => "c-goim",
        _ if target.starts_with("centrifugo") => "c-centrifugo",
        // The tiers of Oort in one plot, each with a colour.
        _ if target.starts_with("comet") => "c-oort",
        _ if target.starts_with("logic") => "c-goim",
        _ if target.starts_with("job") => "c-centrifugo",
        _ => "c-other",
    }
}

/// 1200000 as 1.2M: what fits beside an axis.
pub(super) fn compact(value: f64) -> String {
    let (value, unit) = match value.abs() {
        magnitude if magnitude >= 1e6 => (value / 1e6, "M"),
        magnitude if magnitude >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = format!("{value:.4}");
    format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
}
