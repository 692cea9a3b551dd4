//! What a thing costs over what it was done with: more members, more rooms, more comets.

use std::collections::BTreeMap;

use super::RunResult;
use super::curves::{Curve, over};
use super::group::plain;
use super::number::words;

/// Costs that are drawn.
const COSTS: &[&str] = &["cpu_us_per_message", "cpu_us_per_send", "cpu_us_per_delivery"];
/// Fewer points are no curve.
const POINTS_MIN: usize = 3;

/// A plot for each parameter and cost where results differ in nothing else, in at least three values.
pub(super) fn plots(results: &[&RunResult]) -> Vec<String> {
    let mut names: Vec<&str> =
        results.iter().flat_map(|result| result.params.keys()).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let each = names.iter().flat_map(|name| COSTS.iter().map(move |cost| (*name, *cost)));
    each.filter_map(|(name, cost)| plot(results, name, cost)).collect()
}

fn plot(results: &[&RunResult], param: &str, cost: &str) -> Option<String> {
    let mut lines: BTreeMap<(String, String), Vec<(f64, f64)>> = BTreeMap::new();
    for result in results {
        let at = result.params.get(param).and_then(serde_json::Value::as_f64);
        let (Some(at), Some(figure)) = (at, result.figures.get(cost)) else { continue };
        lines.entry(rest(result, param)).or_default().push((at, figure.median()));
    }
    lines.retain(|_, points| {
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        points.dedup_by(|one, other| one.0.total_cmp(&other.0).is_eq());
        points.len() >= POINTS_MIN
    });
    if lines.is_empty() {
        return None;
    }
    let curves: Vec<_> =
        lines.iter().map(|((name, _), points)| Curve { name: name.clone(), points }).collect();
    Some(over(&curves, &param.replace('_', " "), &words(cost)))
}

/// Whose a point is: the target with those parameters that are words, and, to keep lines apart, the other numbers.
fn rest(result: &RunResult, param: &str) -> (String, String) {
    let others = result.params.iter().filter(|(name, _)| name.as_str() != param);
    let (numbers, words): (Vec<_>, Vec<_>) = others.partition(|(_, value)| value.is_number());
    let words = words.into_iter().map(|(_, value)| plain(value));
    let name: Vec<_> = std::iter::once(result.target.clone()).chain(words).collect();
    let numbers: Vec<_> = numbers.into_iter().map(|(name, value)| format!("{name} {value}")).collect();
    (name.join(" "), numbers.join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::Figure;
    use crate::report::tests::result as empty;

    fn result(target: &str, members: u32, body: u32, cost: f64) -> RunResult {
        let params = [("members", json!(members)), ("body_bytes", json!(body)), ("mode", json!("one"))];
        let mut result = empty("fanout", target);
        result.params = params.map(|(name, value)| (name.to_owned(), value)).into();
        result.figures.insert("cpu_us_per_message".to_owned(), Figure::once(cost));
        result
    }

    #[test]
    fn what_differs_in_one_number_is_a_line() {
        let all = [
            result("oort", 1000, 100, 2.0),
            result("oort", 10, 100, 3.0),
            result("oort", 100, 100, 2.5),
            result("oort", 100, 900, 9.0),
            result("floor", 10, 100, 1.0),
        ];
        let plots = plots(&all.iter().collect::<Vec<_>>());
        assert_eq!(plots.len(), 1, "{plots:?}");
        assert!(plots[0].contains("members") && plots[0].contains("oort one"), "{}", plots[0]);
        assert_eq!(plots[0].matches("<polyline").count(), 1);
    }
}
