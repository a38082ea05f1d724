//! A range of addresses, written as CIDR.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// `10.0.0.0/8`, `fd00::/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    length: u32,
}

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => shares(
                own.to_bits().into(),
                other.to_bits().into(),
                32,
                self.length,
            ),
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                shares(own.to_bits(), other.to_bits(), 128, self.length)
            }
            _ => false,
        }
    }
}

fn shares(a: u128, b: u128, width: u32, length: u32) -> bool {
    // A shift by all 128 bits is none in Rust, and length 0 admits everything.
    (a ^ b)
        .checked_shr(width.saturating_sub(length))
        .is_none_or(|differing| differing == 0)
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            "expected an address or a range such as 10.0.0.0/8 or fd00::/8, without bits behind the prefix"
                .to_owned()
        };
        let (address, length) = match text.trim().split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_error| expected())?;
        let (bits, width) = match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
            // Clients of this form are seen as IPv4, so the range would never match.
            IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => return Err(expected()),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let length = match length {
            None => width,
            Some(length) if length.bytes().all(|b| b.is_ascii_digit()) => {
                length.parse().map_err(|_error| expected())?
            }
            Some(_) => return Err(expected()),
        };
        if length > width || bits.trailing_zeros() < width - length && bits != 0 {
            return Err(expected());
        }
        Ok(Self { address, length })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
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
