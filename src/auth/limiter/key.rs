//! What attempts are counted by: hashes, so that neither names nor addresses are kept and every key has one length.

use std::net::IpAddr;

use ring::digest::{Context, SHA256};

/// The name under which a password is tried, whether it belongs to anybody or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameKey(pub(super) [u8; 32]);

impl NameKey {
    /// `folded` as names are before they are looked up.
    pub fn of(folded: &str) -> Self {
        Self(hash(&[b"name", folded.as_bytes()]))
    }
}

/// What strangers can have many addresses of, and one of.
pub(super) fn prefix(address: IpAddr) -> (Vec<u8>, u8) {
    match address.to_canonical() {
        IpAddr::V4(address) => (address.octets().into_iter().take(3).collect(), 24),
        IpAddr::V6(address) => (address.octets().into_iter().take(8).collect(), 64),
    }
}

pub(super) fn address_key(address: IpAddr) -> [u8; 32] {
    let (prefix, length) = prefix(address);
    hash(&[b"address", &[length], &prefix])
}

/// Each part with its length before it, so that no two lists of parts run into the same bytes.
pub(super) fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    let mut key = [0; 32];
    for (to, from) in key.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_prefix_is_one_stranger() {
        let of = |text: &str| prefix(text.parse().unwrap());
        assert_eq!(of("192.0.2.1"), of("192.0.2.254"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.77"));
        assert_ne!(of("192.0.2.1"), of("192.0.3.1"));
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::2"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
        assert_ne!(of("192.0.2.1").1, of("2001:db8::").1);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
    }
}
