//! For how long anything is believed after the database was asked about it: what a revocation has
//! to outlive. Replicas may have other settings than the one that revokes, so this goes by what was
//! given out, or else by the most that the settings allow.

use chrono::TimeDelta;

/// How far the clocks of two replicas may be apart: the one that gives out, and the one that is
/// asked.
const CLOCKS: i64 = 10 * 60;
/// The most that `CHARTROOM_CREDENTIAL_CACHE_LIFETIME` may be.
const LONGEST_CACHE: i64 = 10 * 60;

/// Of what is believed from a cache: API tokens, cookies, passwords of HTTP Basic.
pub const CACHED: TimeDelta = TimeDelta::seconds(LONGEST_CACHE + CLOCKS);
/// Of what nobody knows how long it lives: more than the most that `CHARTROOM_ACCESS_LIFETIME` may
/// be, with the clocks.
pub const LONGEST: TimeDelta = TimeDelta::hours(25);

/// Of an access token.
pub fn of_access_token(lifetime: TimeDelta) -> TimeDelta {
    lifetime + TimeDelta::seconds(CLOCKS)
}

#[cfg(test)]
mod tests {
    use super::super::set::{Entry, Revocations};
    use super::*;
    use chrono::{DateTime, Utc};
    use uuid::Uuid;

    const LONGEST_ACCESS: i64 = 24 * 60 * 60;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    /// Revoked at 0 by the database's clock; whether a feed that goes by `until` still knows so
    /// later.
    fn is_known(until: DateTime<Utc>, later: i64) -> bool {
        let (set, id) = (Revocations::default(), Uuid::now_v7());
        let entry = Entry {
            subject: id,
            revoked_at: at(0).timestamp_micros(),
            needed_until: until.timestamp_micros(),
        };
        set.add(&[entry]);
        set.drop_ended(at(later).timestamp_micros());
        set.is_revoked(id, Uuid::nil(), at(0))
    }

    #[test]
    fn audit_h3_m1_a_revocation_outlives_what_any_replica_believes() {
        // Seconds before the revocation, and clocks that are ahead or behind of the database's.
        let ages = [0, 1, 60, 29 * 60, LONGEST_ACCESS - 1];
        let clocks = [-300, -1, 0, 1, 300];
        let mut seen = 0;
        for lifetime in [1, 5, 30, 480, 1_800, LONGEST_ACCESS] {
            let belief = of_access_token(TimeDelta::seconds(lifetime));
            for (age, issuer, reader) in ages.iter().flat_map(|age| {
                let pairs = clocks.iter().flat_map(|a| clocks.map(|b| (*a, b)));
                pairs.map(|(a, b)| (*age, a, b))
            }) {
                // By the reader's clock it lives to the end that the issuer's clock gave it.
                let last = lifetime - age + issuer - reader - 1;
                if last >= 0 {
                    assert!(
                        is_known(at(-age) + belief, last),
                        "{lifetime} {age} {issuer} {reader}"
                    );
                    seen += 1;
                }
            }
            assert!(belief < LONGEST);
            // The control, and the bound on memory.
            assert!(!is_known(at(0) + belief, lifetime + CLOCKS + 1));
        }
        assert!(seen > 200, "{seen}");
        // A cache is filled by an answer that came before the revocation, and keeps its own time.
        for cache in [1, 60, 600] {
            assert!(cache <= LONGEST_CACHE && is_known(at(0) + CACHED, cache));
        }
        assert!(!is_known(at(0) + CACHED, LONGEST_CACHE + CLOCKS + 1));
    }
}
