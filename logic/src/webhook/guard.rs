//! Which addresses of a client's choice the server talks to: whoever has an
//! account may name one, and must not reach through the server what only the
//! server can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use http::uri::Scheme;

/// Whose word an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// A client's: with TLS, and to public addresses alone.
    Public,
    /// The operator's, or a client's whom the operator believes.
    Any,
}

impl Guard {
    /// Whether a URL may be talked to, before its name is looked up; or why not.
    pub(crate) fn check(self, address: &str) -> Result<Uri, &'static str> {
        let uri: Uri = address.parse().map_err(|_| "is not a URL")?;
        let is_https = uri.scheme() == Some(&Scheme::HTTPS);
        let is_http = uri.scheme() == Some(&Scheme::HTTP);
        let is_fine = is_https || is_http && self == Self::Any;
        if !is_fine {
            return Err("must begin with https://");
        }
        let authority = uri.authority().ok_or("names no host")?;
        if authority.as_str().contains('@') {
            return Err("must not hold a user name");
        }
        let host = authority.host();
        if host.is_empty() {
            return Err("names no host");
        }
        match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(ip) if !self.admits(ip) => Err("is not a public address"),
            _ => Ok(uri),
        }
    }

    /// Whether an address that a name stands for may be talked to.
    pub(crate) fn admits(self, ip: IpAddr) -> bool {
        self == Self::Any || is_public(ip)
    }
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        // Carriers' own, protocol assignments, 6to4 relays, benchmarks, reserved.
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99)
        || (a == 198 && (b == 18 || b == 19))
        || a >= 240;
    !is_special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        // IPv4 in other clothes: mapped, NAT64, 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(embedded(high, low))
        }
        [0x2002, high, low, ..] => is_public_v4(embedded(high, low)),
        // Teredo, benchmarks, ORCHID and the rest of the protocol assignments; documentation.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        // Only this block is given out to be reached from everywhere.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_pass() {
        for public in ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::808:808"] {
            assert!(Guard::Public.admits(public.parse().expect("an address")), "{public}");
        }
        for private in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!Guard::Public.admits(private.parse().expect("an address")), "{private}");
            assert!(Guard::Any.admits(private.parse().expect("an address")), "{private}");
        }
    }

    #[test]
    fn urls_of_clients_are_checked() {
        for good in ["https://push.example/a?b", "https://push.example:8443/", "https://1.1.1.1/"] {
            assert!(Guard::Public.check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "push.example",
            "/path",
            "http://push.example/",
            "ftp://push.example/",
            "https:///x",
            "https://user:password@push.example/",
            "https://127.0.0.1/",
            "https://[::1]:8080/",
            "https://10.1.2.3/",
            "https://[::ffff:192.168.0.1]/",
            "https://a b/",
        ] {
            assert!(Guard::Public.check(bad).is_err(), "{bad}");
        }
        assert!(Guard::Any.check("http://127.0.0.1:9/").is_ok());
        assert!(Guard::Any.check("ftp://127.0.0.1:9/").is_err());
    }
}
