//! Whose address a request comes from: the peer's, or what a trusted proxy says of whom it forwards
//! for.
//!
//! A proxy appends, a client invents: so the list is read from its right end, and the first address
//! that is no trusted proxy is the client. What cannot be read ends the walk at the proxy that
//! handed it on; nothing left of it has a witness. Headers are known by their exact names:
//! `X_Forwarded_For` is another header, which nobody reads.

use std::net::{IpAddr, SocketAddr};

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use crate::config::{ForwardedHeader, Http};
use crate::kernel::error::ApiError;
use crate::kernel::types::PrincipalId;

/// The address limits and the audit go by; IPv4 written as IPv6 is IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    pub fn of(settings: &Http, peer: IpAddr, headers: &HeaderMap) -> Self {
        let trusted = |address| settings.trusts(address);
        let mut known = peer.to_canonical();
        if !trusted(known) {
            return Self(known);
        }
        let (name, read): (_, fn(&str) -> Option<IpAddr>) = match settings.forwarded_header {
            ForwardedHeader::XForwardedFor => ("x-forwarded-for", address),
            ForwardedHeader::Forwarded => ("forwarded", forwarded_for),
        };
        // Repeated lines are one list in the order of their arrival.
        let lines: Vec<&HeaderValue> = headers.get_all(name).iter().collect();
        for line in lines.into_iter().rev() {
            let Ok(line) = line.to_str() else { break };
            // Quotes are not minded: an address has no comma, and an open quote of a client must
            // not swallow what follows it.
            for element in line.rsplit(',').map(str::trim) {
                if element.is_empty() {
                    continue;
                }
                let Some(next) = read(element) else {
                    return Self(known);
                };
                known = next;
                if !trusted(known) {
                    return Self(known);
                }
            }
        }
        Self(known)
    }
}

/// What a stranger can have many addresses of, and one of: /24 of IPv4, /64 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Prefix {
    V4([u8; 3]),
    V6([u8; 8]),
}

impl Prefix {
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::V4(bytes) => bytes,
            Self::V6(bytes) => bytes,
        }
    }

    /// In bits.
    pub fn length(&self) -> u8 {
        match self {
            Self::V4(_) => 24,
            Self::V6(_) => 64,
        }
    }
}

/// Whom a limit counts: users and workloads each by themselves, everybody else by where they come
/// from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    Known(PrincipalId),
    Stranger(Prefix),
}

/// `for` of one element of `Forwarded` (RFC 7239): `for="[2001:db8::1]:4711";proto=https`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut values = element.split(';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value)
    });
    let value = values.next()?.trim();
    if values.next().is_some() {
        return None;
    }
    let bare = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    address(bare.unwrap_or(value))
}

/// An address as proxies write it: alone, in brackets, with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let parsed = match bare {
        Some(inner) => inner.parse().ok().filter(IpAddr::is_ipv6),
        None => text
            .parse()
            .ok()
            .or_else(|| text.parse::<SocketAddr>().ok().map(|with| with.ip())),
    };
    parsed.map(|address| address.to_canonical())
}

/// The middleware has put it there.
impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let known = parts.extensions.get().copied();
        known.ok_or_else(|| {
            ApiError::internal(anyhow::anyhow!(
                "a request came without its client's address"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_prefix_is_one_stranger() {
        let of = |text: &str| Prefix::of(text.parse().unwrap());
        assert_eq!(of("192.0.2.1"), of("192.0.2.254"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.77"));
        assert_ne!(of("192.0.2.1"), of("192.0.3.1"));
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::2"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
        assert_ne!(of("192.0.2.1").length(), of("2001:db8::").length());
    }
}
