//! The set of what is revoked, as requests look at it.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Microseconds since 1970, the resolution of PostgreSQL.
pub(super) type Micros = i64;

/// Subject to when it was revoked. Readers never wait and allocate nothing; a change replaces the whole.
#[derive(Default)]
pub struct Revocations {
    entries: ArcSwap<HashMap<Uuid, Micros>>,
}

impl Revocations {
    /// `session` is the id of a session or API token, which ends for ever; of `user`, what was issued before the revocation ends.
    pub fn is_revoked(&self, session: Uuid, user: Uuid, issued_at: DateTime<Utc>) -> bool {
        let entries = self.entries.load();
        entries.contains_key(&session)
            || entries
                .get(&user)
                .is_some_and(|revoked_at| issued_at.timestamp_micros() <= *revoked_at)
    }

    pub fn len(&self) -> usize {
        self.entries.load().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the table of entries takes; twice as much while it is being replaced.
    pub fn bytes(&self) -> usize {
        self.entries.load().capacity() * (size_of::<(Uuid, Micros)>() + 1) * 8 / 7
    }

    pub(super) fn add(&self, found: &[(Uuid, Micros)]) {
        let now = self.entries.load();
        let is_news = |(subject, at): &(Uuid, Micros)| now.get(subject).is_none_or(|had| had < at);
        if !found.iter().any(is_news) {
            return;
        }
        self.entries.rcu(|now| {
            let mut next = HashMap::clone(now);
            for (subject, at) in found {
                let entry = next.entry(*subject).or_insert(*at);
                *entry = (*entry).max(*at);
            }
            next
        });
    }

    pub(super) fn clear(&self) {
        self.entries.store(Arc::default());
    }

    pub(super) fn drop_before(&self, oldest: Micros) {
        if self.entries.load().values().any(|at| *at < oldest) {
            self.entries.rcu(|now| {
                let kept = now.iter().filter(|(_, at)| **at >= oldest);
                kept.map(|(subject, at)| (*subject, *at))
                    .collect::<HashMap<_, _>>()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: Micros) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(micros).unwrap()
    }

    #[test]
    fn a_session_ends_for_ever_and_a_user_for_what_was() {
        let set = Revocations::default();
        let [session, user, other] = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
        assert!(!set.is_revoked(session, user, at(0)));
        set.add(&[(session, 10), (user, 20)]);
        assert!(set.is_revoked(session, other, at(99)));
        assert!(set.is_revoked(other, user, at(20)));
        assert!(!set.is_revoked(other, user, at(21)));
        // A user's id in the place of a session's is no session.
        assert!(!set.is_revoked(other, session, at(11)));
        set.add(&[(user, 30), (user, 25)]);
        assert!(set.is_revoked(other, user, at(30)));
        set.add(&[(user, 5)]);
        assert!(set.is_revoked(other, user, at(30)));
        set.drop_before(30);
        assert_eq!(set.len(), 1);
        assert!(!set.is_revoked(session, other, at(0)) && set.is_revoked(other, user, at(0)));
    }

    #[test]
    fn a_hundred_thousand_entries_take_few_megabytes() {
        let set = Revocations::default();
        let entries: Vec<_> = (0..100_000).map(|at| (Uuid::now_v7(), at)).collect();
        set.add(&entries);
        assert_eq!(set.len(), 100_000);
        assert!(
            (2_500_000..8_000_000).contains(&set.bytes()),
            "{}",
            set.bytes()
        );
        set.drop_before(99_999);
        assert!(set.len() == 1 && set.bytes() < 1_000);
    }
}
