//! Credentials found good a moment ago, so that a request with an API token, a cookie or a password
//! costs no database read and no hash. Bounded in entries and in time; revocation is asked on every
//! request all the same.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::kernel::generations::Generations;
use crate::kernel::principal::Principal;

/// What a credential is known by here: a keyed hash, so that a dump of memory holds no password.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

type Entries = Generations<Fingerprint, (Principal, Instant)>;

pub struct Cache {
    key: hmac::Key,
    /// A password changed elsewhere is refused by revocation long before; this bounds what
    /// revocation does not know.
    fresh: Duration,
    entries: Mutex<Entries>,
}

impl Cache {
    /// Remembers `entries`, rounded up to even.
    pub fn new(entries: usize, fresh: Duration) -> anyhow::Result<Self> {
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key).or(Err(anyhow::anyhow!(
            "the operating system gave no randomness"
        )))?;
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            fresh,
            entries: Mutex::new(Generations::new(entries)),
        })
    }

    /// Of the parts of a credential, each with its length, so that no two lists of parts are the
    /// same bytes.
    pub fn fingerprint(&self, kind: u8, parts: &[&str]) -> Fingerprint {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&[kind]);
        for part in parts {
            context.update(&part.len().to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.sign().as_ref());
        Fingerprint(bytes)
    }

    pub fn find(&self, fingerprint: Fingerprint) -> Option<Principal> {
        let entries = self.entries();
        let (principal, until) = entries.find(&fingerprint)?;
        (Instant::now() < *until).then(|| principal.clone())
    }

    /// `end` is that of the credential itself, where it has one.
    pub fn remember(&self, fingerprint: Fingerprint, principal: &Principal, end: Option<Instant>) {
        let fresh = Instant::now() + self.fresh;
        let until = end.map_or(fresh, |end| end.min(fresh));
        self.entries().put(fingerprint, (principal.clone(), until));
    }

    /// What was found revoked: nothing stays here that only a revocation keeps out.
    pub fn forget(&self, fingerprint: Fingerprint, principal: &Principal) {
        // Somebody may have looked the credential up anew in the meantime.
        self.entries()
            .remove(&fingerprint, |(known, _)| known == principal);
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
