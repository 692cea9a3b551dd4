//! Results side by side: one group per scenario and parameters, its targets in a fixed order.

use std::collections::BTreeMap;

use serde_json::Value;

use super::RunResult;

/// What clients speak is a parameter in which targets differ that belong side by side.
const DIALECT: &str = "dialect";

/// Targets of one scenario under the same parameters.
#[derive(Debug)]
pub(super) struct Group<'a> {
    /// Name of the scenario.
    pub(super) scenario: &'a str,
    /// `members 1000, mode one`.
    pub(super) params: String,
    /// Ours first, then the floor, then peers by name.
    pub(super) results: Vec<&'a RunResult>,
}

impl Group<'_> {
    /// The target of a result, with what its clients speak where the target is there more than once.
    pub(super) fn label(&self, result: &RunResult) -> String {
        let is_alone = self.results.iter().filter(|other| other.target == result.target).count() < 2;
        match result.params.get(DIALECT) {
            Some(dialect) if !is_alone => format!("{} {}", result.target, plain(dialect)),
            _ => result.target.clone(),
        }
    }
}

impl<'a> Group<'a> {
    /// Notes, each once, with those they are about; nobody where it is all of them.
    pub(super) fn notes(&self) -> Vec<(Vec<String>, &'a str)> {
        let mut notes: Vec<(Vec<String>, &str)> = Vec::new();
        for result in &self.results {
            for note in &result.notes {
                match notes.iter_mut().find(|(_, known)| known == note) {
                    Some((of, _)) => of.push(self.label(result)),
                    None => notes.push((vec![self.label(result)], note)),
                }
            }
        }
        for (of, _) in &mut notes {
            if of.len() == self.results.len() {
                of.clear();
            }
        }
        notes
    }
}

/// Whether two results were told the same but for what clients speak.
pub(super) fn is_same_run(one: &RunResult, other: &RunResult) -> bool {
    one.scenario == other.scenario && shared(one).eq(shared(other))
}

/// Whether their clients speak the same.
pub(super) fn speaks_same(one: &RunResult, other: &RunResult) -> bool {
    one.params.get(DIALECT) == other.params.get(DIALECT)
}

fn shared(result: &RunResult) -> impl Iterator<Item = (&String, &Value)> {
    result.params.iter().filter(|(name, _)| *name != DIALECT)
}

/// Groups in the order in which their first result appears.
pub(super) fn groups(results: &[RunResult]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for result in results {
        let known =
            groups.iter_mut().find(|group| group.results.iter().any(|of_it| is_same_run(of_it, result)));
        match known {
            Some(group) => group.results.push(result),
            None => {
                groups.push(Group {
                    scenario: &result.scenario,
                    params: params(result),
                    results: vec![result],
                });
            }
        }
    }
    for group in &mut groups {
        group.results.sort_by_key(|result| order(&result.target));
    }
    groups
}

/// Ours, floor, peers.
fn order(target: &str) -> (u8, String) {
    let place = match target {
        _ if target.starts_with("oort") => 0,
        _ if target.starts_with("floor") => 1,
        _ => 2,
    };
    (place, target.to_owned())
}

/// The parameters of a result as text, but for what clients speak.
pub(super) fn params(result: &RunResult) -> String {
    let parts: Vec<_> =
        shared(result).map(|(name, value)| format!("{} {}", name.replace('_', " "), plain(value))).collect();
    parts.join(", ")
}

/// A value without quotes.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Names of anything that the results of a group have, each once, in the order of the alphabet.
pub(super) fn names<'a, T: 'a>(
    results: &[&'a RunResult],
    part: impl Fn(&'a RunResult) -> &'a BTreeMap<String, T>,
) -> Vec<&'a str> {
    let mut names: Vec<&str> =
        results.iter().flat_map(|result| part(result).keys()).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}
