//! Reads numbers back from the text that `/metrics` shows: the one place
//! where all that a process counts comes together.

use std::collections::HashMap;

/// Values by name, summed over labels; of a histogram also its buckets.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Samples {
    values: HashMap<String, f64>,
    buckets: HashMap<String, Vec<Bucket>>,
}

/// How many observations were at most `bound`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    bound: f64,
    count: f64,
}

impl Samples {
    /// Reads OpenMetrics text; lines that make no sense are passed over.
    pub(super) fn read(text: &str) -> Self {
        let mut samples = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            samples.line(line);
        }
        samples
    }

    fn line(&mut self, line: &str) -> Option<()> {
        let (name, labels, value) = match line.split_once('{') {
            Some((name, rest)) => {
                let (labels, value) = rest.rsplit_once("} ")?;
                (name, labels, value)
            }
            None => {
                let (name, value) = line.split_once(' ')?;
                (name, "", value)
            }
        };
        let value: f64 = value.split(' ').next()?.parse().ok()?;
        if let Some(histogram) = name.strip_suffix("_bucket") {
            let bound = labels.split("le=\"").nth(1)?.split('"').next()?.parse().ok()?;
            let buckets = self.buckets.entry(histogram.to_owned()).or_default();
            match buckets.iter_mut().find(|bucket| bucket.bound == bound) {
                Some(bucket) => bucket.count += value,
                None => buckets.push(Bucket { bound, count: value }),
            }
        } else if name.ends_with("_oldest_seconds") {
            // Ages, one of each server: the oldest is the oldest of all.
            let oldest = self.values.entry(name.to_owned()).or_default();
            *oldest = oldest.max(value);
        } else {
            *self.values.entry(name.to_owned()).or_default() += value;
        }
        Some(())
    }

    /// The value of this name.
    pub(super) fn value(&self, name: &str) -> Option<f64> {
        self.values.get(name).copied()
    }

    /// Whether there is a histogram of this name.
    pub(super) fn has_histogram(&self, name: &str) -> bool {
        self.buckets.contains_key(name)
    }

    /// What `share` of the observations since `before` did not exceed, within
    /// the bucket by interpolation; `None` when there were none.
    pub(super) fn quantile_since(&self, before: &Self, name: &str, share: f64) -> Option<f64> {
        let earlier = before.buckets.get(name);
        let earlier = |bound: f64| {
            let bucket = earlier.and_then(|buckets| buckets.iter().find(|bucket| bucket.bound == bound));
            bucket.map_or(0.0, |bucket| bucket.count)
        };
        let mut buckets: Vec<Bucket> = self.buckets.get(name)?.clone();
        buckets.sort_by(|a, b| a.bound.total_cmp(&b.bound));
        buckets.iter_mut().for_each(|bucket| bucket.count -= earlier(bucket.bound));
        let wanted = buckets.last()?.count * share;
        if wanted <= 0.0 {
            return None;
        }
        let mut below = Bucket { bound: 0.0, count: 0.0 };
        for bucket in buckets {
            if bucket.count >= wanted {
                if bucket.bound.is_infinite() {
                    return Some(below.bound);
                }
                let part = (wanted - below.count) / (bucket.count - below.count).max(f64::MIN_POSITIVE);
                return Some(below.bound + (bucket.bound - below.bound) * part);
            }
            below = bucket;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use oort_api::metrics::{Counter, Family, Gauge, Histogram, Registry};

    use super::*;

    fn close(found: Option<f64>, expected: f64) -> bool {
        found.is_some_and(|found| (found - expected).abs() < 1e-9)
    }

    #[test]
    fn numbers_are_read_as_the_registry_writes_them() {
        let mut registry = Registry::with_prefix("oort");
        let (counter, gauge, histogram) =
            (Counter::<u64>::default(), Gauge::<i64>::default(), Histogram::new([0.1, 0.2, 0.4]));
        let family: Family<[(&'static str, &'static str); 1], Counter> = Family::default();
        registry.register("sends", "Sends", counter.clone());
        registry.register("open", "Open", gauge.clone());
        registry.register("took_seconds", "Took", histogram.clone());
        registry.register("refused", "Refused", family.clone());
        counter.inc_by(5);
        gauge.set(-3);
        family.get_or_create(&[("reason", "a} b")]).inc();
        family.get_or_create(&[("reason", "c")]).inc_by(2);
        let read = || {
            let mut text = String::new();
            prometheus_client::encoding::text::encode(&mut text, &registry).expect("encodes");
            Samples::read(&text)
        };
        let before = read();
        assert_eq!(before.value("oort_sends_total"), Some(5.0));
        assert_eq!(before.value("oort_open"), Some(-3.0));
        assert_eq!(before.value("oort_refused_total"), Some(3.0));
        assert_eq!(before.value("oort_none"), None);
        assert!(before.has_histogram("oort_took_seconds"));
        assert_eq!(before.quantile_since(&Samples::default(), "oort_took_seconds", 0.5), None);
        for _ in 0..50 {
            histogram.observe(0.05);
        }
        for _ in 0..50 {
            histogram.observe(0.3);
        }
        let after = read();
        let quantile = |share| after.quantile_since(&before, "oort_took_seconds", share);
        assert!(close(quantile(0.5), 0.1), "{:?}", quantile(0.5));
        assert!(close(quantile(0.75), 0.3), "{:?}", quantile(0.75));
        assert!(close(quantile(1.0), 0.4), "{:?}", quantile(1.0));
        assert_eq!(after.quantile_since(&after, "oort_took_seconds", 0.5), None, "nothing since");
        histogram.observe(9.0);
        assert!(close(read().quantile_since(&after, "oort_took_seconds", 0.5), 0.4), "above all bounds");
    }
}
