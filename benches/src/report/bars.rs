//! Bars with their spread: one per target, in rows under the parameters they belong to.

use std::fmt::Write as _;

use super::Figure;
use super::curves::{colour, compact};
use super::html::escape;
use super::number::short;
use super::scale::Scale;

/// Bars under one heading.
#[derive(Debug)]
pub(super) struct Cluster<'a> {
    /// The parameters.
    pub(super) heading: &'a str,
    /// (target, figure), in the order to draw.
    pub(super) bars: Vec<(String, &'a Figure)>,
}

const WIDTH: f64 = 560.0;
const LEFT: f64 = 112.0;
const RIGHT: f64 = 120.0;
const BAR: f64 = 14.0;
const ROW: f64 = 19.0;
const HEADING: f64 = 22.0;
const GAP: f64 = 8.0;
const AXIS: f64 = 34.0;

/// One plot of all clusters over the same axis.
pub(super) fn bars(clusters: &[Cluster<'_>], axis_title: &str) -> String {
    let high =
        clusters.iter().flat_map(|cluster| &cluster.bars).map(|(_, figure)| figure.max()).fold(0.0, f64::max);
    let x = Scale::linear(high, LEFT, WIDTH - RIGHT);
    let rows: f64 = clusters
        .iter()
        .map(|cluster| HEADING + GAP + ROW * f64::from(u32::try_from(cluster.bars.len()).unwrap_or(u32::MAX)))
        .sum();
    let height = rows + AXIS;
    let mut svg =
        format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">", escape(axis_title));
    for tick in x.ticks() {
        let at = x.at(tick);
        let _ = write!(svg, "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"4\" y2=\"{rows:.1}\"/>");
        let _ = write!(
            svg,
            "<text class=\"mid\" x=\"{at:.1}\" y=\"{:.1}\">{}</text>",
            rows + 14.0,
            compact(tick)
        );
    }
    let _ = write!(
        svg,
        "<text class=\"mid\" x=\"{}\" y=\"{:.1}\">{}</text>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        rows + 30.0,
        escape(axis_title)
    );
    let mut top = 0.0;
    for cluster in clusters {
        let _ = write!(
            svg,
            "<text class=\"heading\" x=\"0\" y=\"{:.1}\">{}</text>",
            top + 15.0,
            escape(cluster.heading)
        );
        top += HEADING;
        for (target, figure) in &cluster.bars {
            svg.push_str(&bar(target, figure, &x, top));
            top += ROW;
        }
        top += GAP;
    }
    svg.push_str("</svg>");
    svg
}

/// The bar to the median, a line from the least to the greatest sample, the median in figures.
fn bar(target: &str, figure: &Figure, x: &Scale, top: f64) -> String {
    let (zero, median, middle) = (x.at(0.0), x.at(figure.median()), top + BAR / 2.0);
    let mut svg = String::new();
    let _ = write!(
        svg,
        "<text class=\"end\" x=\"{}\" y=\"{:.1}\">{}</text>",
        LEFT - 6.0,
        middle + 3.5,
        escape(target)
    );
    let _ = write!(
        svg,
        "<rect class=\"bar {}\" x=\"{zero:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"2\"/>",
        colour(target),
        (median - zero).max(1.0)
    );
    let (least, most) = (x.at(figure.min()), x.at(figure.max()));
    if most - least >= 1.0 {
        let _ = write!(
            svg,
            "<path class=\"spread\" d=\"M{least:.1} {middle:.1}H{most:.1}M{least:.1} {:.1}v6M{most:.1} {:.1}v6\"/>",
            middle - 3.0,
            middle - 3.0
        );
    }
    let _ = write!(
        svg,
        "<text class=\"value\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        most.max(median) + 6.0,
        middle + 3.5,
        short(figure.median())
    );
    svg
}
