//! Sealing what must not be read in the database: with a key that the replicas share and the
//! database does not have.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::error::Unspecified;
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

use super::keys::{Key, KeySet};
use crate::http::answer::Seal;

fn key_of(key: &Key) -> Result<LessSafeKey, Unspecified> {
    let secret = hmac::sign(&key.derive, b"chartroom sealed answers");
    UnboundKey::new(&AES_256_GCM, secret.as_ref()).map(LessSafeKey::new)
}

impl Seal for KeySet {
    /// With the key that signs.
    fn seal(&self, plain: &[u8]) -> anyhow::Result<Vec<u8>> {
        let failed = |Unspecified| anyhow::anyhow!("nothing can be sealed");
        let key = self
            .signing()
            .ok_or_else(|| anyhow::anyhow!("no signing key"))?;
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(failed)?;
        let mut body = plain.to_vec();
        key_of(key)
            .and_then(|key| {
                let nonce = Nonce::assume_unique_for_key(nonce);
                key.seal_in_place_append_tag(nonce, Aad::empty(), &mut body)
            })
            .map_err(failed)?;
        Ok([nonce.as_slice(), &body].concat())
    }

    /// With whichever key sealed it; `None` where that is not among them any more.
    fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
        self.all().find_map(|key| {
            let mut body = body.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let plain = key_of(key)
                .ok()?
                .open_in_place(nonce, Aad::empty(), &mut body)
                .ok()?;
            Some(plain.to_vec())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::keys;
    use std::time::Duration;

    #[test]
    fn what_is_sealed_opens_while_its_key_is_there_and_unchanged() {
        let directory =
            std::env::temp_dir().join(format!("chartroom-keys-{}", uuid::Uuid::new_v4()));
        let first = keys::generate(&directory, Duration::ZERO).unwrap();
        let before = KeySet::read(&directory).unwrap();
        let sealed = before.seal(b"crt_secret").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_ne!(before.seal(b"crt_secret").unwrap(), sealed);
        assert_eq!(before.open(&sealed).unwrap(), b"crt_secret");
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert_eq!(before.open(&changed), None, "byte {index}");
            assert_eq!(before.open(&sealed[..index]), None, "{index} bytes");
        }

        keys::generate(&directory, Duration::ZERO).unwrap();
        let rotated = KeySet::read(&directory).unwrap();
        assert_eq!(rotated.open(&sealed).unwrap(), b"crt_secret");
        std::fs::remove_file(first).unwrap();
        assert_eq!(KeySet::read(&directory).unwrap().open(&sealed), None);
        std::fs::remove_dir_all(directory).unwrap();
    }
}
