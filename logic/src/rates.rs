//! How often one user and one address may ask this node for something. Each node counts for itself.

use std::net::IpAddr;
use std::time::Duration;

use oort_api::client_address::ClientNetwork;
use oort_api::error::{Code, Refusal};
use oort_api::metrics::{Counter, Family};
use oort_api::rate::{Buckets, Rate};
use serde::Deserialize;

use crate::metrics::Metrics;

/// Settings of [`Rates`]. A rate of 0 is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Messages one user may send per second on average, by HTTP and sockets together; a room, group or direct
    /// conversation that they make counts as one, and so does a change of their contacts.
    pub sends_per_second: u32,
    /// Messages one user may send at once after a pause.
    pub sends_burst: u32,
    /// Users whose sends are counted; beyond it the ones that sent nothing for longest are forgotten.
    pub users_watched_max: usize,
    /// Requests under `/api` one address may make per second on average.
    pub requests_per_second: u32,
    /// Requests one address may make at once after a pause.
    pub requests_burst: u32,
    /// Sign-ups and log-ins one address may try per second on average: each costs a password hash.
    pub logins_per_second: u32,
    /// Sign-ups and log-ins one address may try at once after a pause.
    pub logins_burst: u32,
    /// Addresses counted, in each of the two ways; beyond it the ones not heard of for longest are forgotten.
    pub addresses_watched_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sends_per_second: 100,
            sends_burst: 1_000,
            users_watched_max: 100_000,
            requests_per_second: 1_000,
            requests_burst: 5_000,
            logins_per_second: 10,
            logins_burst: 300,
            addresses_watched_max: 100_000,
        }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let bursts = [
            ("sends_burst", self.sends_burst),
            ("requests_burst", self.requests_burst),
            ("logins_burst", self.logins_burst),
        ];
        for (name, burst) in bursts {
            if burst == 0 {
                faults.push(format!("{name} is 0: nothing could be done"));
            }
        }
        let watched = [
            ("users_watched_max", self.users_watched_max),
            ("addresses_watched_max", self.addresses_watched_max),
        ];
        for (name, watched) in watched {
            if watched < 2 {
                faults.push(format!("{name} is less than 2"));
            }
        }
        faults
    }
}

/// What is limited, as the label of the counter says.
type ByWhat = Family<[(&'static str, &'static str); 1], Counter>;

/// The buckets of one node.
#[derive(Debug)]
pub struct Rates {
    /// By user id.
    sends: Option<Buckets<i64>>,
    requests: Option<Buckets<ClientNetwork>>,
    logins: Option<Buckets<ClientNetwork>>,
    limited: ByWhat,
}

impl Rates {
    /// All buckets are full.
    #[must_use]
    pub fn new(config: &Config, metrics: &Metrics) -> Self {
        let rate = |per_second, burst| Rate { per_second, burst };
        let addresses = config.addresses_watched_max;
        Self {
            sends: Buckets::new(rate(config.sends_per_second, config.sends_burst), config.users_watched_max),
            requests: Buckets::new(rate(config.requests_per_second, config.requests_burst), addresses),
            logins: Buckets::new(rate(config.logins_per_second, config.logins_burst), addresses),
            limited: metrics.rate_limited.clone(),
        }
    }

    /// Counts messages of a user, all or none.
    ///
    /// # Errors
    /// [`Code::RateLimited`], with the time after which so many may be sent.
    pub fn send(&self, user: i64, messages: usize) -> Result<(), Refusal> {
        let Some(sends) = &self.sends else { return Ok(()) };
        let count = u32::try_from(messages).unwrap_or(u32::MAX);
        sends
            .take(user, count)
            .map_err(|wait| self.refuse("sends", wait, "you send too much; wait, then send it again"))
    }

    /// Counts a request of an address; `None` is not known and not limited.
    ///
    /// # Errors
    /// [`Code::RateLimited`], with the time after which there may be another.
    pub fn request(&self, address: Option<IpAddr>) -> Result<(), Refusal> {
        let (Some(requests), Some(address)) = (&self.requests, address) else { return Ok(()) };
        requests.take(address.into(), 1).map_err(|wait| {
            self.refuse("requests", wait, "too many requests from your address; wait, then try again")
        })
    }

    /// Counts a sign-up or log-in of an address, whatever becomes of it.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn login(&self, address: Option<IpAddr>) -> Result<(), Refusal> {
        let (Some(logins), Some(address)) = (&self.logins, address) else { return Ok(()) };
        let text = "too many sign-ups and log-ins from your address; wait, then try again";
        logins.take(address.into(), 1).map_err(|wait| self.refuse("logins", wait, text))
    }

    fn refuse(&self, what: &'static str, wait: Duration, text: &str) -> Refusal {
        self.limited.get_or_create(&[("what", what)]).inc();
        // A moment more than nothing, or who waits as told would be refused again.
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        Refusal { retry_after_ms: Some(wait_ms), ..Refusal::new(Code::RateLimited, text) }
    }
}

#[cfg(test)]
mod tests {
    use oort_api::metrics::Registry;

    use super::*;

    #[test]
    fn the_defaults_have_no_fault_and_every_fault_is_told() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
        let config = Config { sends_burst: 0, logins_burst: 0, users_watched_max: 1, ..Config::default() };
        assert_eq!(config.faults().len(), 3);
    }

    #[test]
    fn each_refusal_is_counted_and_says_when_to_come_back() {
        let metrics = Metrics::register(&mut Registry::default());
        let slow = Config {
            sends_per_second: 1,
            sends_burst: 2,
            logins_per_second: 1,
            logins_burst: 1,
            requests_per_second: 0,
            ..Config::default()
        };
        let rates = Rates::new(&slow, &metrics);
        let (ann, address) = (1, Some(IpAddr::from([10, 0, 0, 1])));
        assert_eq!(rates.send(ann, 2), Ok(()));
        let refusal = rates.send(ann, 1).expect_err("too many");
        assert_eq!(refusal.code, Code::RateLimited);
        assert!(refusal.retry_after_ms.is_some_and(|ms| (1..=1_001).contains(&ms)), "{refusal:?}");
        assert_eq!(rates.login(address), Ok(()));
        assert!(rates.login(address).is_err());
        assert_eq!(rates.login(None), Ok(()), "who is not known is not limited");
        (0..10_000).for_each(|_| assert_eq!(rates.request(address), Ok(()), "0 is no limit"));
        for (what, times) in [("sends", 1), ("logins", 1), ("requests", 0)] {
            assert_eq!(metrics.rate_limited.get_or_create(&[("what", what)]).get(), times, "{what}");
        }
    }
}
