//! How many sockets one client address has, and how fast it opens them. One that comes through a trusted proxy is
//! counted once the proxy has told whose it is.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use oort_api::client_address::ClientNetwork;
use oort_api::rate::{Buckets, Rate};
use parking_lot::Mutex;
use serde::Deserialize;

/// Limits of one client address: an IPv4 address or a /64 of IPv6. 0 is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AddressConfig {
    /// Sockets open at once.
    pub connections_max: u32,
    /// Sockets opened per second, on average.
    pub connects_per_second: u32,
    /// Sockets opened at once after a pause.
    pub connects_burst: u32,
    /// Addresses whose rate is remembered; beyond it the ones not heard of for longest are forgotten.
    pub remembered_max: usize,
}

impl Default for AddressConfig {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            connects_per_second: 256,
            connects_burst: 4_096,
            remembered_max: 100_000,
        }
    }
}

impl AddressConfig {
    /// Everything that is wrong, each fault in a sentence that names the field.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.connects_burst == 0 {
            faults.push("connects_burst: at least 1".to_owned());
        }
        if self.remembered_max < 2 {
            faults.push("remembered_max: at least 2".to_owned());
        }
        faults
    }
}

/// Why a socket is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooMuch {
    /// The address has as many as it may have.
    Open,
    /// It opens them too fast; there may be another after this time.
    Fast(Duration),
}

impl TooMuch {
    /// The value of a metric's label.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Open => "address_connections",
            Self::Fast(_) => "address_rate",
        }
    }
}

/// The sockets of each address.
#[derive(Debug)]
pub(crate) struct Addresses {
    open: Mutex<HashMap<ClientNetwork, u32>>,
    arrivals: Option<Buckets<ClientNetwork>>,
    connections_max: u32,
}

impl Addresses {
    pub(crate) fn new(config: &AddressConfig) -> Self {
        let rate = Rate { per_second: config.connects_per_second, burst: config.connects_burst };
        Self {
            open: Mutex::default(),
            arrivals: Buckets::new(rate, config.remembered_max),
            connections_max: config.connections_max,
        }
    }

    /// Counts a socket, if it may be.
    pub(crate) fn enter(&self, address: IpAddr) -> Result<(), TooMuch> {
        let network = ClientNetwork::from(address);
        let mut open = self.open.lock();
        let count = open.get(&network).copied().unwrap_or_default();
        if self.connections_max > 0 && count >= self.connections_max {
            return Err(TooMuch::Open);
        }
        if let Some(arrivals) = &self.arrivals {
            arrivals.take(network, 1).map_err(TooMuch::Fast)?;
        }
        open.insert(network, count + 1);
        Ok(())
    }

    /// Counts a socket as gone.
    pub(crate) fn leave(&self, address: IpAddr) {
        let network = ClientNetwork::from(address);
        let mut open = self.open.lock();
        if let Some(count) = open.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                open.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_and_so_many_a_second() {
        let config = AddressConfig {
            connections_max: 2,
            connects_per_second: 1,
            connects_burst: 3,
            remembered_max: 10,
        };
        let addresses = Addresses::new(&config);
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!([addresses.enter(at("10.0.0.1")), addresses.enter(at("10.0.0.1"))], [Ok(()), Ok(())]);
        assert_eq!(addresses.enter(at("10.0.0.1")), Err(TooMuch::Open));
        assert_eq!(addresses.enter(at("10.0.0.2")), Ok(()));
        addresses.leave(at("10.0.0.1"));
        assert_eq!(addresses.enter(at("10.0.0.1")), Ok(()));
        addresses.leave(at("10.0.0.1"));
        assert!(matches!(addresses.enter(at("10.0.0.1")), Err(TooMuch::Fast(_))), "the fourth in a moment");
        addresses.leave(at("10.0.0.1"));
        addresses.leave(at("10.0.0.2"));
        assert!(addresses.open.lock().is_empty());
        let many = at("2001:db8::1");
        assert_eq!([addresses.enter(many), addresses.enter(at("2001:db8::2"))], [Ok(()), Ok(())]);
        assert_eq!(addresses.enter(at("2001:db8::3")), Err(TooMuch::Open), "one client's /64");
    }

    #[test]
    fn zero_is_no_limit() {
        let config = AddressConfig { connections_max: 0, connects_per_second: 0, ..AddressConfig::default() };
        let addresses = Addresses::new(&config);
        assert!((0..100_000).all(|_| addresses.enter([10, 0, 0, 1].into()).is_ok()));
    }
}
