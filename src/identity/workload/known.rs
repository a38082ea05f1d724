//! What became of tokens a moment ago, by their hashes. Bounded in entries and in time; of those
//! who bring the same token at once, one asks and the others wait for what it learns.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ring::digest;

use super::Refusal;
use crate::identity::jwks::Unavailable;
use crate::kernel::generations::Generations;
use crate::kernel::types::PrincipalId;
use crate::kernel::workload::Workload;

/// Entries remembered.
const REMEMBERED: usize = 8_192;
/// How long a refusal is believed.
const REFUSED: Duration = Duration::from_secs(5);
/// For so long after a failure nobody waits for the API server because of this token.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    pub fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

/// Whose a token is.
#[derive(Clone, Debug)]
pub struct Owner {
    pub workload: Arc<Workload>,
    /// As soon as the database has told.
    pub id: Option<PrincipalId>,
}

/// Why there is no owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum No {
    Refused(Refusal),
    Unavailable(Unavailable),
}

pub type Verdict = Result<Owner, No>;

/// How long a token that was accepted is believed.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// Without asking again.
    pub review: Duration,
    /// While nobody can be asked.
    pub outage: Duration,
}

struct Accepted {
    owner: Owner,
    at: Instant,
    /// Of the token itself.
    expires: Instant,
}

/// What is known of one token. Locked by who asks about it.
#[derive(Default)]
pub struct Entry {
    accepted: Option<Accepted>,
    refused: Option<(Refusal, Instant)>,
    failed: Option<(Unavailable, Instant)>,
}

pub type Slot = Arc<tokio::sync::Mutex<Entry>>;

impl Entry {
    /// `None` where it has to be asked.
    pub fn verdict(&self, lifetimes: Lifetimes) -> Option<Verdict> {
        if let Some(owner) = self.believed(lifetimes.review) {
            return Some(Ok(owner));
        }
        if let Some((refusal, at)) = &self.refused
            && at.elapsed() < REFUSED
        {
            return Some(Err(No::Refused(*refusal)));
        }
        let (error, at) = self.failed.as_ref()?;
        (at.elapsed() < PAUSE).then(|| self.in_outage(error, lifetimes))
    }

    /// Who it was, if that was no longer ago.
    fn believed(&self, lifetime: Duration) -> Option<Owner> {
        let accepted = self.accepted.as_ref()?;
        let now = Instant::now();
        let is_fresh = now.duration_since(accepted.at) < lifetime && now < accepted.expires;
        is_fresh.then(|| accepted.owner.clone())
    }

    fn in_outage(&self, error: &Unavailable, lifetimes: Lifetimes) -> Verdict {
        self.believed(lifetimes.outage)
            .ok_or_else(|| No::Unavailable(error.clone()))
    }

    /// The same token is always the same workload's.
    pub fn accept(&mut self, workload: Workload, lasts: Duration) -> Owner {
        let at = Instant::now();
        let owner = Owner {
            workload: workload.into(),
            id: self.accepted.as_ref().and_then(|known| known.owner.id),
        };
        let accepted = Accepted {
            owner: owner.clone(),
            at,
            expires: at + lasts,
        };
        *self = Self {
            accepted: Some(accepted),
            ..Self::default()
        };
        owner
    }

    pub fn found(&mut self, id: PrincipalId) {
        if let Some(accepted) = &mut self.accepted {
            accepted.owner.id = Some(id);
        }
    }

    pub fn refuse(&mut self, refusal: Refusal) -> No {
        *self = Self {
            refused: Some((refusal, Instant::now())),
            ..Self::default()
        };
        No::Refused(refusal)
    }

    pub fn fail(&mut self, error: Unavailable, lifetimes: Lifetimes) -> Verdict {
        let verdict = self.in_outage(&error, lifetimes);
        self.failed = Some((error, Instant::now()));
        verdict
    }
}

/// By the hash of the token; what is used stays.
pub struct Known(Mutex<Generations<Hash, Slot>>);

impl Default for Known {
    fn default() -> Self {
        Self(Mutex::new(Generations::new(REMEMBERED)))
    }
}

impl Known {
    pub fn find(&self, hash: Hash) -> Option<Slot> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = known.find(&hash)?.clone();
        known.put(hash, slot.clone());
        Some(slot)
    }

    /// For a token that the cluster has signed: what anybody can make up takes no room.
    pub fn find_or_make(&self, hash: Hash) -> Slot {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = known.find(&hash).cloned().unwrap_or_default();
        known.put(hash, slot.clone());
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays() {
        let known = Known::default();
        let used = known.find_or_make(Hash::of("used"));
        for round in 0..2 * REMEMBERED {
            known.find_or_make(Hash::of(&round.to_string()));
            if round % 1_000 == 0 {
                assert!(Arc::ptr_eq(&known.find(Hash::of("used")).unwrap(), &used));
            }
        }
        assert!(known.find(Hash::of("0")).is_none());
    }
}
