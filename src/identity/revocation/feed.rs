//! Keeps a replica's revocations as fresh as the database's.
//!
//! Each look reads what transactions have written that were not over at the look before:
//! PostgreSQL's own snapshot says which, so whatever commits late is still seen, however late. A
//! notification only means "look now"; a second without one means the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use tokio_postgres::Client;
use uuid::Uuid;

use super::Revoked;
use super::set::{Entry, Revocations};
use crate::db::listen::{FollowError, Follower, within};
use crate::telemetry::metrics::Metrics;

/// What the promise allows: an older picture is not believed.
pub const FRESH: Duration = Duration::from_secs(5);
const EVERY: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_secs(1);
/// For looks that have more to read: one after a failure, and the first, which finds all that is
/// needed.
const LATE_LOOK: Duration = Duration::from_secs(3);
const FIRST_LOOK: Duration = Duration::from_secs(10);
/// A row of nothing but the snapshot stands where there is nothing to tell.
const SINCE: &str = "SELECT seen.xmin, seen.now, r.subject, r.revoked_at, r.needed_until \
     FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xmin, statement_timestamp() AS now) AS seen \
     LEFT JOIN revocations AS r ON r.made_by >= $1 AND r.needed_until > seen.now LIMIT $2";

/// Beyond this nothing is kept, the feed is stale and requests ask the database: memory stays
/// bounded.
pub const MOST: u32 = 500_000;

/// Whether the set may be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Fresh,
    /// The database must be asked.
    Stale,
}

/// What a request learns; there is no way to overlook that the feed is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Revoked,
    Good,
    /// See [`super::ask`].
    AskDatabase,
}

/// One replica's picture of what is revoked.
pub struct Feed {
    revocations: Revocations,
    most: u32,
    born: Instant,
    /// Milliseconds after `born` at which the last good look began; 0 before the first.
    looked_at: AtomicU64,
    /// The oldest transaction that may have been under way at the last look; 0 reads everything.
    since: AtomicI64,
    /// Whether the last look failed: the next one has more to read.
    is_behind: AtomicBool,
    metrics: Arc<Metrics>,
}

impl Feed {
    pub fn new(most: u32, metrics: Arc<Metrics>) -> Self {
        Self {
            revocations: Revocations::default(),
            most,
            born: Instant::now(),
            looked_at: AtomicU64::new(0),
            since: AtomicI64::new(0),
            is_behind: AtomicBool::new(true),
            metrics,
        }
    }

    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// What this process revoked itself, once that is committed: its own answer is true at once.
    pub fn learn(&self, revoked: &[Revoked]) {
        let entries: Vec<_> = revoked.iter().map(Revoked::entry).collect();
        self.revocations.add(&entries);
    }

    /// Age of the picture; `None` before the first.
    pub fn age(&self) -> Option<Duration> {
        match self.looked_at.load(Ordering::Acquire) {
            0 => None,
            looked_at => Some(
                self.born
                    .elapsed()
                    .saturating_sub(Duration::from_millis(looked_at)),
            ),
        }
    }

    pub fn state(&self) -> State {
        match self.age() {
            Some(age) if age <= FRESH => State::Fresh,
            _ => State::Stale,
        }
    }

    pub fn verdict(&self, session: Uuid, user: Uuid, issued_at: DateTime<Utc>) -> Verdict {
        // Revoked stays revoked, however old the picture.
        if self.revocations.is_revoked(session, user, issued_at) {
            return Verdict::Revoked;
        }
        match self.state() {
            State::Fresh => Verdict::Good,
            State::Stale => Verdict::AskDatabase,
        }
    }

    /// Takes in what is new and drops what is old.
    async fn take_in(&self, client: &Client) -> Result<(), FollowError> {
        let began = self.born.elapsed();
        let since = self.since.load(Ordering::Acquire);
        let patience = match (since, self.is_behind.load(Ordering::Acquire)) {
            (0, _) => FIRST_LOOK,
            (_, true) => LATE_LOOK,
            (_, false) => LOOK,
        };
        let most = i64::from(self.most) + 1;
        let rows = within(patience, client.query(SINCE, &[&since, &most])).await?;
        if i64::try_from(rows.len()).unwrap_or(i64::MAX) >= most {
            return Err(self.give_up());
        }
        let mut found: Vec<Entry> = Vec::with_capacity(rows.len());
        let mut seen: Option<(i64, DateTime<Utc>)> = None;
        for row in rows {
            if seen.is_none() {
                seen = Some((row.try_get(0)?, row.try_get(1)?));
            }
            if let Some(subject) = row.try_get::<_, Option<Uuid>>(2)? {
                let revoked = Revoked {
                    subject,
                    revoked_at: row.try_get(3)?,
                    needed_until: row.try_get(4)?,
                };
                found.push(revoked.entry());
            }
        }
        if let Some((xmin, now)) = seen {
            self.revocations.add(&found);
            self.revocations.drop_ended(now.timestamp_micros());
            if i64::try_from(self.revocations.len()).unwrap_or(i64::MAX) >= most {
                return Err(self.give_up());
            }
            // A server put in the place of another may count from lower: then everything is read
            // once more.
            let next = if xmin < since { 0 } else { xmin };
            self.since.store(next, Ordering::Release);
        }
        self.is_behind.store(false, Ordering::Release);
        self.looked_at
            .store(milliseconds(began).max(1), Ordering::Release);
        self.observe();
        Ok(())
    }

    /// Stale first, then empty: whoever meets the empty set must not believe it.
    fn give_up(&self) -> FollowError {
        self.looked_at.store(0, Ordering::Release);
        self.revocations.clear();
        self.observe();
        self.since.store(0, Ordering::Release);
        FollowError::TooMuch(self.most)
    }

    fn observe(&self) {
        let held = i64::try_from(self.revocations.len()).unwrap_or(i64::MAX);
        self.metrics.revocations_held.set(held);
        if self.state() == State::Fresh {
            self.metrics
                .revocations_polled_timestamp_seconds
                .set(Utc::now().timestamp());
        }
    }
}

impl Follower for Feed {
    fn channel(&self) -> &'static str {
        "chartroom_revocations"
    }

    fn every(&self) -> Duration {
        EVERY
    }

    fn look<'a>(&'a self, client: &'a Client) -> BoxFuture<'a, Result<(), FollowError>> {
        Box::pin(self.take_in(client))
    }

    fn lost(&self) {
        self.is_behind.store(true, Ordering::Release);
        self.metrics.revocations_poll_failures_total.inc();
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
