//! Whether a server that follows the primary has come as far as the primary was a moment ago, by
//! positions in the log of changes.
//!
//! What is read decides who may see what, so nobody who was removed reads on from a server that is
//! behind. Times of replay do not tell: on a primary that has nothing to do they grow old. The
//! monitor notes once a second how far the primary has written; the mark is where it was two looks
//! before. While the primary is away the mark stays, and a server that has reached it is as good as
//! any there is. As long as the primary lives and is not looked at, the service is not ready
//! either.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Bool, Nullable};
use diesel_async::AsyncPgConnection;

/// How far a server has written or, where it follows another, repeated.
const POSITION: &str = "SELECT pg_is_in_recovery() AS follows, (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() \
     ELSE pg_current_wal_lsn() END - '0/0')::bigint AS position";

#[derive(QueryableByName)]
struct At {
    #[diesel(sql_type = Bool)]
    follows: bool,
    /// `None` where a follower cannot tell.
    #[diesel(sql_type = Nullable<BigInt>)]
    position: Option<i64>,
}

async fn position(connection: &mut AsyncPgConnection) -> QueryResult<At> {
    // Imported here alone: its `load` would hide that of the atomic.
    use diesel_async::RunQueryDsl as _;
    diesel::sql_query(POSITION).get_result(connection).await
}

/// How far a server must have come to be asked.
#[derive(Debug, Default)]
pub struct Mark {
    /// 0 until the primary was seen: nothing is known that anybody could be behind.
    least: AtomicI64,
    /// The last two looks, the older first.
    seen: Mutex<[i64; 2]>,
}

impl Mark {
    /// One look at the primary; a standby in its place says nothing. One that has just been
    /// promoted may be at a lower position.
    pub(super) async fn look(&self, primary: &mut AsyncPgConnection) -> QueryResult<()> {
        if let At {
            follows: false,
            position: Some(now),
        } = position(primary).await?
        {
            self.saw(now);
        }
        Ok(())
    }

    fn saw(&self, now: i64) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // The first look counts for those before it, so that a new process knows at once.
        let [before, last] = if *seen == [0; 2] { [now; 2] } else { *seen };
        *seen = [last, now];
        self.least.store(before.min(now), Ordering::Release);
    }

    pub(super) async fn is_reached(&self, connection: &mut AsyncPgConnection) -> QueryResult<bool> {
        let least = self.least.load(Ordering::Acquire);
        Ok(least == 0 || position(connection).await?.position >= Some(least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_two_looks_old_and_never_ahead_of_the_primary() {
        let mark = Mark::default();
        let after = |now| {
            mark.saw(now);
            mark.least.load(Ordering::Acquire)
        };
        assert_eq!([10, 20, 30, 30, 30].map(after), [10, 10, 10, 20, 30]);
        // Another server in the place of the primary, without what the old one had written last.
        assert_eq!([25, 26, 27, 28].map(after), [25, 26, 25, 26]);
    }
}
