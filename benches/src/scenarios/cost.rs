//! What something cost the processes of a system, and the result that says so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::Method;
use serde_json::{Value, json};

use super::send::command;
use crate::clock;
use crate::histogram::Recorder;
use crate::load::run::{cpu_ns, ratio, rss};
use crate::report::{Latency, Machine, RunResult, Verdict};
use crate::system::{Api, System};

/// Wait before a request that was refused for now is made again.
const PAUSE: Duration = Duration::from_millis(100);

/// CPU that was used from its beginning on.
pub(super) struct Meter {
    cpu_ns: BTreeMap<String, u64>,
    at_ns: u64,
}

/// What was used in a while.
pub(super) struct Cost {
    pub(super) seconds: f64,
    cpu_ns: BTreeMap<String, u64>,
    rss_bytes: BTreeMap<String, u64>,
}

impl Meter {
    pub(super) fn begin(system: &System) -> anyhow::Result<Self> {
        Ok(Self { cpu_ns: cpu_ns(system)?, at_ns: clock::now_ns() })
    }

    pub(super) fn end(&self, system: &System) -> anyhow::Result<Cost> {
        let seconds = Duration::from_nanos(clock::now_ns() - self.at_ns).as_secs_f64();
        let used = |(name, now): (String, u64)| {
            let used = now.saturating_sub(self.cpu_ns.get(&name).copied().unwrap_or_default());
            (name, used)
        };
        let cpu_ns = cpu_ns(system)?.into_iter().map(used).collect();
        Ok(Cost { seconds, cpu_ns, rss_bytes: rss(system)? })
    }
}

impl Cost {
    /// CPU of each process for one of `count`, µs.
    pub(super) fn cpu_us_each(&self, count: u64) -> BTreeMap<String, f64> {
        self.cpu_ns.iter().map(|(name, ns)| (name.clone(), ratio(*ns, count) / 1e3)).collect()
    }

    /// Seconds of CPU of each process, and its memory, as figures.
    pub(super) fn figures(&self) -> Vec<(String, f64)> {
        let cpu = self.cpu_ns.iter().map(|(name, ns)| (format!("cpu_s_{name}"), ratio(*ns, 1) / 1e9));
        let memory =
            self.rss_bytes.iter().map(|(name, bytes)| (format!("rss_bytes_{name}"), ratio(*bytes, 1)));
        cpu.chain(memory).collect()
    }
}

/// A result without figures yet.
pub(super) fn result(scenario: &str, params: Vec<(&str, Value)>, notes: Vec<String>) -> RunResult {
    RunResult {
        scenario: scenario.to_owned(),
        target: "oort".to_owned(),
        params: params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        figures: BTreeMap::new(),
        ratios: BTreeMap::new(),
        latencies: BTreeMap::new(),
        timeline: Vec::new(),
        cpu_us_per_message: BTreeMap::new(),
        verdict: Verdict::default(),
        command: command(),
        started_at_ms: clock::wall_ms(),
        machine: Machine::of_this(),
        notes,
    }
}

pub(super) fn put(result: &mut RunResult, figures: impl IntoIterator<Item = (String, f64)>) {
    for (name, value) in figures {
        result.figures.entry(name).or_default().samples.push(value);
    }
}

/// One that can log in.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) token: String,
}

/// How answers to many requests were.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) latency: Recorder,
    /// Requests that were refused for now, and made again.
    pub(super) refused: u64,
}

impl Answers {
    fn of(each: &[(u64, u64)]) -> Self {
        let mut answers = Self { latency: Recorder::new(), refused: 0 };
        for (ns, refused) in each {
            answers.latency.record(*ns);
            answers.refused += refused;
        }
        answers
    }

    pub(super) fn shown(&self) -> Latency {
        Latency::of_ns(self.latency.histogram())
    }
}

/// Signs so many people up, `at_once` at the same time.
pub(super) async fn people(
    system: &System,
    run: &str,
    count: usize,
    at_once: usize,
) -> anyhow::Result<(Vec<Person>, Answers)> {
    let asked = stream::iter(0..count).map(|number| {
        let api = system.apis[number % system.apis.len()].clone();
        let name = format!("p{run}-{number}");
        async move {
            let body = json!({ "username": name, "password": name });
            let log_in = json!({ "login": name, "password": name });
            let (answer, took) = insist(&api, "/api/accounts", &body, Some(&log_in)).await?;
            anyhow::Ok((person(name, &answer)?, took))
        }
    });
    let made: Vec<(Person, (u64, u64))> = asked.buffered(at_once).try_collect().await?;
    let (people, took): (Vec<_>, Vec<_>) = made.into_iter().unzip();
    Ok((people, Answers::of(&took)))
}

/// Logs all of them in once more.
pub(super) async fn log_ins(
    system: &System,
    people: &Arc<Vec<Person>>,
    at_once: usize,
) -> anyhow::Result<Answers> {
    let asked = stream::iter(0..people.len()).map(|number| {
        let api = system.apis[number % system.apis.len()].clone();
        let people = Arc::clone(people);
        async move {
            let name = &people[number].name;
            let body = json!({ "login": name, "password": name, "device": "bench", "deviceKind": "phone" });
            Ok::<_, anyhow::Error>(insist(&api, "/api/sessions", &body, None).await?.1)
        }
    });
    let took: Vec<(u64, u64)> = asked.buffer_unordered(at_once).try_collect().await?;
    Ok(Answers::of(&took))
}

/// Asks until it is not refused for now; how long that took in all, ns, and how often it was refused. A sign-up that was
/// refused may have made the account all the same: then it is a log-in, with the body `log_in`.
async fn insist(
    api: &Api,
    mut path: &str,
    mut body: &Value,
    log_in: Option<&Value>,
) -> anyhow::Result<(Value, (u64, u64))> {
    let (begun, mut refused) = (clock::now_ns(), 0);
    loop {
        let (status, bytes) = api.call(Method::POST, path, "", body).await?;
        if let Some(log_in) = log_in.filter(|_| status == 409 && refused > 0) {
            (path, body) = ("/api/sessions", log_in);
            continue;
        }
        if status == 503 || status == 429 {
            refused += 1;
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        ensure!((200..300).contains(&status), "{path}: {status}: {}", String::from_utf8_lossy(&bytes));
        return Ok((serde_json::from_slice(&bytes)?, (clock::now_ns() - begun, refused)));
    }
}

fn person(name: String, session: &Value) -> anyhow::Result<Person> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let id = text(&session["user"]["id"]).context("a session without a user")?;
    let token = text(&session["accessToken"]).context("a session without a token")?;
    Ok(Person { id, name, token })
}
