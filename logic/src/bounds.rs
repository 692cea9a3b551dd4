//! Settings that have a least and a most.

/// What is not within its bounds, one sentence each. Of each: name, value, least, most.
pub(crate) fn faults(bounds: impl IntoIterator<Item = (&'static str, u64, u64, u64)>) -> Vec<String> {
    bounds
        .into_iter()
        .filter(|&(_, value, min, max)| !(min..=max).contains(&value))
        .map(|(name, value, min, max)| format!("{name} is {value}, not within {min} to {max}"))
        .collect()
}
