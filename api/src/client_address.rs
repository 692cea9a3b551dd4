//! Who a client is: the address of its socket, or the one that a proxy tells, if the proxy is believed.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The header in which proxies tell whom they speak for.
pub const FORWARDED_FOR: &str = "x-forwarded-for";

/// Networks whose `X-Forwarded-For` is believed: the proxies before this server, and for a logic node its comets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct TrustedProxies(Vec<IpNet>);

impl TryFrom<Vec<String>> for TrustedProxies {
    type Error = String;

    fn try_from(texts: Vec<String>) -> Result<Self, String> {
        let network = |text: &String| {
            let alone = || text.parse::<IpAddr>().map(IpNet::from);
            text.parse::<IpNet>().or_else(|_| alone()).map_err(|_| {
                format!("trusted_proxies: {text:?} is neither an address nor a network such as 10.0.0.0/8")
            })
        };
        texts.iter().map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl From<TrustedProxies> for Vec<String> {
    fn from(TrustedProxies(networks): TrustedProxies) -> Self {
        networks.iter().map(IpNet::to_string).collect()
    }
}

impl TrustedProxies {
    /// Whether what this address says of others is believed.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client behind `peer`. `lines` are the values of [`FORWARDED_FOR`] in order: each proxy appends whom it saw, so
    /// they are read from the end for as long as who says so is trusted. What a client made up itself is never reached.
    pub fn client<'a>(&self, peer: IpAddr, lines: impl DoubleEndedIterator<Item = &'a [u8]>) -> IpAddr {
        let mut hops = lines.rev().flat_map(|line| line.rsplit(|&byte| byte == b',')).map_while(hop);
        let mut client = peer.to_canonical();
        while self.trusts(client)
            && let Some(before) = hops.next()
        {
            client = before;
        }
        client
    }
}

/// An address as proxies write it, some with the port.
fn hop(bytes: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::from);
    let address = text.parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    address.or_else(with_port).or_else(bare).map(|address: IpAddr| address.to_canonical())
}

/// What counts as one client where addresses are limited: an IPv4 address, or a /64 of IPv6, which one client has to itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientNetwork(IpAddr);

impl From<IpAddr> for ClientNetwork {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => v4.into(),
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        })
    }
}

impl fmt::Display for ClientNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(v4) => v4.fmt(f),
            IpAddr::V6(v6) => write!(f, "{v6}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn trusted(networks: &[&str]) -> TrustedProxies {
        let texts: Vec<String> = networks.iter().map(|text| (*text).to_owned()).collect();
        texts.try_into().expect("networks")
    }

    #[test]
    fn nobody_is_believed_who_is_not_named() {
        let lines = [&b"9.9.9.9, 8.8.8.8"[..]];
        assert_eq!(
            TrustedProxies::default().client(address("10.0.0.1"), lines.into_iter()),
            address("10.0.0.1")
        );
        assert_eq!(
            trusted(&["10.0.0.2"]).client(address("10.0.0.1"), lines.into_iter()),
            address("10.0.0.1")
        );
    }

    #[test]
    fn hops_are_read_from_the_end_until_one_is_a_stranger() {
        let proxies = trusted(&["10.0.0.0/8", "2001:db8::/32", "::1"]);
        for (lines, client) in [
            (&["9.9.9.9"][..], "9.9.9.9"),
            (&["1.1.1.1, 9.9.9.9"], "9.9.9.9"),
            (&["1.1.1.1, 9.9.9.9, 10.2.3.4"], "9.9.9.9"),
            (&["1.1.1.1", "9.9.9.9", "10.2.3.4 , 10.2.3.5"], "9.9.9.9"),
            (&["9.9.9.9:4711, [2001:db8::1]:80"], "9.9.9.9"),
            (&["[2001:db9::7], 2001:db8::1"], "2001:db9::7"),
            (&["10.9.9.9"], "10.9.9.9"),
            // What cannot be read ends the search at who said it.
            (&["9.9.9.9, unknown, 10.2.3.4"], "10.2.3.4"),
            (&[""], "10.0.0.1"),
            (&["\u{ff}\u{1f600}, 9.9.9.9"], "9.9.9.9"),
            (&[], "10.0.0.1"),
        ] {
            assert_eq!(
                proxies.client(address("10.0.0.1"), lines.iter().map(|line| line.as_bytes())),
                address(client),
                "{lines:?}"
            );
        }
        assert_eq!(
            proxies.client(address("::ffff:10.0.0.1"), [&b"9.9.9.9"[..]].into_iter()),
            address("9.9.9.9")
        );
    }

    #[test]
    fn addresses_of_one_client_are_one() {
        let of = |text: &str| ClientNetwork::from(address(text));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2::9"));
        assert_ne!(of("2001:db8:1:2::4"), of("2001:db8:1:3::4"));
        assert_eq!(of("2001:db8:1:2:3::4").to_string(), "2001:db8:1:2::/64");
        assert_eq!(of("10.0.0.1").to_string(), "10.0.0.1");
    }

    #[test]
    fn what_is_no_network_is_told() {
        let fault = TrustedProxies::try_from(vec!["10.0.0.0/8".to_owned(), "here".to_owned()]);
        assert!(fault.is_err_and(|fault| fault.contains("\"here\"")));
    }
}
