//! The set of what is revoked, as requests look at it.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Microseconds since 1970, the resolution of PostgreSQL.
pub(super) type Micros = i64;

/// What ended, when, and until when that must be known.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) subject: Uuid,
    pub(super) revoked_at: Micros,
    pub(super) needed_until: Micros,
}

#[derive(Clone, Copy)]
struct Times {
    revoked_at: Micros,
    needed_until: Micros,
}

impl Times {
    fn or_later(self, other: Self) -> Self {
        Self {
            revoked_at: self.revoked_at.max(other.revoked_at),
            needed_until: self.needed_until.max(other.needed_until),
        }
    }
}

/// By subject. Readers never wait and allocate nothing; a change replaces the whole.
#[derive(Default)]
pub struct Revocations {
    entries: ArcSwap<HashMap<Uuid, Times>>,
}

impl Revocations {
    /// `session` is the id of a session or API token, which ends for ever; of `user`, what was
    /// issued before the revocation ends.
    pub fn is_revoked(&self, session: Uuid, user: Uuid, issued_at: DateTime<Utc>) -> bool {
        let entries = self.entries.load();
        entries.contains_key(&session)
            || entries
                .get(&user)
                .is_some_and(|times| issued_at.timestamp_micros() <= times.revoked_at)
    }

    pub fn len(&self) -> usize {
        self.entries.load().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the table of entries takes; twice as much while it is being replaced.
    pub fn bytes(&self) -> usize {
        self.entries.load().capacity() * (size_of::<(Uuid, Times)>() + 1) * 8 / 7
    }

    pub(super) fn add(&self, found: &[Entry]) {
        let now = self.entries.load();
        let is_news = |entry: &Entry| {
            now.get(&entry.subject).is_none_or(|had| {
                had.revoked_at < entry.revoked_at || had.needed_until < entry.needed_until
            })
        };
        if !found.iter().any(is_news) {
            return;
        }
        self.entries.rcu(|now| {
            let mut next = HashMap::clone(now);
            for entry in found {
                let times = Times {
                    revoked_at: entry.revoked_at,
                    needed_until: entry.needed_until,
                };
                let had = next.entry(entry.subject).or_insert(times);
                *had = had.or_later(times);
            }
            next
        });
    }

    pub(super) fn clear(&self) {
        self.entries.store(Arc::default());
    }

    pub(super) fn drop_ended(&self, now: Micros) {
        let is_over = |times: &Times| times.needed_until < now;
        if self.entries.load().values().any(is_over) {
            self.entries.rcu(|entries| {
                let kept = entries.iter().filter(|(_, times)| !is_over(times));
                kept.map(|(subject, times)| (*subject, *times))
                    .collect::<HashMap<_, _>>()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(subject: Uuid, revoked_at: Micros, needed_until: Micros) -> Entry {
        Entry {
            subject,
            revoked_at,
            needed_until,
        }
    }

    fn at(micros: Micros) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(micros).unwrap()
    }

    #[test]
    fn a_session_ends_for_ever_and_a_user_for_what_was() {
        let set = Revocations::default();
        let [session, user, other] = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
        assert!(!set.is_revoked(session, user, at(0)));
        set.add(&[entry(session, 10, 40), entry(user, 20, 35)]);
        assert!(set.is_revoked(session, other, at(99)));
        assert!(set.is_revoked(other, user, at(20)));
        assert!(!set.is_revoked(other, user, at(21)));
        // A user's id in the place of a session's is no session.
        assert!(!set.is_revoked(other, session, at(11)));
        set.add(&[entry(user, 30, 50), entry(user, 25, 45)]);
        assert!(set.is_revoked(other, user, at(30)));
        set.add(&[entry(user, 5, 30)]);
        assert!(set.is_revoked(other, user, at(30)));
        set.drop_ended(40);
        assert_eq!(set.len(), 2);
        set.drop_ended(50);
        assert_eq!(set.len(), 1);
        assert!(!set.is_revoked(session, other, at(0)) && set.is_revoked(other, user, at(0)));
    }

    #[test]
    fn a_hundred_thousand_entries_take_few_megabytes() {
        let set = Revocations::default();
        let entries: Vec<_> = (0..100_000)
            .map(|at| entry(Uuid::now_v7(), at, at))
            .collect();
        set.add(&entries);
        assert_eq!(set.len(), 100_000);
        assert!(
            (2_500_000..8_000_000).contains(&set.bytes()),
            "{}",
            set.bytes()
        );
        set.drop_ended(99_999);
        assert!(set.len() == 1 && set.bytes() < 1_000);
    }
}
