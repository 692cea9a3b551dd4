//! What the HTTP API counts.

use std::collections::HashMap;

use http::{Method, StatusCode};
use oort_api::Code;
use oort_api::metrics::{Counter, Family, Gauge, Histogram, Registry, SECONDS_BUCKETS};
use prometheus_client::encoding::EncodeLabelSet;

/// Counters of the HTTP API.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram>,
    refusals: Family<CodeLabels, Counter>,
    pub(super) under_way: Gauge,
    pub(super) panics: Counter,
    pub(super) timeouts: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: String,
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    code: &'static str,
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS_BUCKETS)
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(seconds),
            refusals: Family::default(),
            under_way: Gauge::default(),
            panics: Counter::default(),
            timeouts: Counter::default(),
        }
    }
}

impl Metrics {
    /// Makes them known to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "http_requests",
            "HTTP requests answered, by route and class of status",
            metrics.requests.clone(),
        );
        registry.register(
            "http_request_seconds",
            "Time from an HTTP request's headers to its answer, by route",
            metrics.seconds.clone(),
        );
        registry.register("http_refusals", "HTTP requests refused, by error code", metrics.refusals.clone());
        registry.register(
            "http_requests_under_way",
            "HTTP requests being answered",
            metrics.under_way.clone(),
        );
        registry.register("http_panics", "HTTP requests whose handler panicked", metrics.panics.clone());
        registry.register("http_timeouts", "HTTP requests not answered in time", metrics.timeouts.clone());
        metrics
    }

    /// Requests refused with this code.
    fn refusals(&self, code: Code) -> Counter {
        self.refusals.get_or_create_owned(&CodeLabels { code: code.as_str() })
    }
}

/// Classes of status, 1xx to 5xx.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The metrics of each route, looked up once so that a request does not make labels.
#[derive(Debug)]
pub(super) struct RouteMetrics {
    routes: HashMap<String, Vec<(Method, Observed)>>,
    other: Observed,
}

#[derive(Debug, Clone)]
pub(super) struct Observed {
    by_class: [Counter; 5],
    seconds: Histogram,
}

impl RouteMetrics {
    pub(super) fn new(metrics: &Metrics, routes: impl IntoIterator<Item = (Method, String)>) -> Self {
        let mut by_path: HashMap<String, Vec<(Method, Observed)>> = HashMap::new();
        for (method, path) in routes {
            let observed = Observed::new(metrics, method.as_str(), &path);
            by_path.entry(path).or_default().push((method, observed));
        }
        Self { routes: by_path, other: Observed::new(metrics, "other", "other") }
    }

    /// Of a known route, else those that all the rest share: what clients
    /// make up must not become labels.
    pub(super) fn of(&self, method: &Method, path: Option<&str>) -> &Observed {
        path.and_then(|path| self.routes.get(path))
            .and_then(|methods| methods.iter().find(|(known, _)| known == method))
            .map_or(&self.other, |(_, observed)| observed)
    }
}

impl Observed {
    fn new(metrics: &Metrics, method: &str, route: &str) -> Self {
        let (method, route) = (method.to_owned(), route.to_owned());
        Self {
            by_class: CLASSES.map(|status| {
                let labels = RequestLabels { method: method.clone(), route: route.clone(), status };
                metrics.requests.get_or_create_owned(&labels)
            }),
            seconds: metrics.seconds.get_or_create_owned(&RouteLabels { method, route }),
        }
    }

    pub(super) fn record(&self, status: StatusCode, seconds: f64) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        if let Some(counter) = self.by_class.get(class) {
            counter.inc();
        }
        self.seconds.observe(seconds);
    }
}

/// The counter of each code, looked up once.
#[derive(Debug)]
pub(super) struct Codes(Vec<(Code, Counter)>);

impl Codes {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self(Code::ALL.iter().map(|&code| (code, metrics.refusals(code))).collect())
    }

    pub(super) fn inc(&self, code: Code) {
        if let Some((_, counter)) = self.0.iter().find(|(known, _)| *known == code) {
            counter.inc();
        }
    }
}
