//! What attempts are counted by: hashes, so that neither names nor addresses are kept and every key
//! has one length.

use ring::digest::{Context, SHA256};

use crate::http::shell::client::Prefix;

/// The name under which a password is tried, whether it belongs to anybody or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameKey(pub(super) [u8; 32]);

impl NameKey {
    /// `folded` as names are before they are looked up.
    pub fn of(folded: &str) -> Self {
        Self(hash(&[b"name", folded.as_bytes()]))
    }
}

pub(super) fn address_key(prefix: &Prefix) -> [u8; 32] {
    hash(&[b"address", &[prefix.length()], prefix.bytes()])
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
    fn parts_do_not_run_into_each_other() {
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
    }
}
