//! A range of addresses, written as CIDR.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// `10.0.0.0/8`, `fd00::/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let one = text.parse::<IpAddr>().map(IpNet::from);
        let range = one.or_else(|_error| text.parse::<IpNet>()).ok();
        // Clients of the form ::ffff:a.b.c.d are seen as IPv4, so such a range would never match.
        let is_mapped = |range: &IpNet| matches!(range.addr(), IpAddr::V6(address) if address.to_ipv4_mapped().is_some());
        range
            .filter(|range| *range == range.trunc() && !is_mapped(range))
            .map(Self)
            .ok_or_else(|| {
                "expected an address or a range such as 10.0.0.0/8 or fd00::/8, without bits behind the prefix"
                    .to_owned()
            })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_what_shares_its_prefix() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("192.0.2.128/25", "::ffff:192.0.2.129", "192.0.2.127"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("::1/128", "::1", "::2"),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert!(parsed.contains(inside.parse().unwrap()), "{network}");
            assert!(!parsed.contains(outside.parse().unwrap()), "{network}");
            assert_eq!(parsed.to_string().parse::<Network>().unwrap(), parsed);
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "10",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "10.0.0.0/+8",
            "::1/129",
            "fd00::1/8",
            "a/8",
            "::ffff:10.0.0.0/104",
        ] {
            text.parse::<Network>().unwrap_err();
        }
    }
}
