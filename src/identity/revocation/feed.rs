//! Keeps a replica's revocations as fresh as the database's, on one connection of its own.
//!
//! Each look reads what transactions have written that were not over at the look before:
//! PostgreSQL's own snapshot says which, so whatever commits late is still seen, however late. A
//! notification only means "look now"; a second without one means the same. The looks are also what
//! shows that the connection lives: one that is not answered in its time costs the connection, and
//! with it whatever notifications it would have swallowed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use futures_util::stream::poll_fn;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_postgres::{AsyncMessage, Client};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::Revoked;
use super::set::{Entry, Revocations};
use crate::config::endpoint::Endpoint;
use crate::db::connect::{ConnectError, connect};
use crate::db::purpose::Purpose;
use crate::kernel::shutdown::{Phase, Shutdown};
use crate::telemetry::metrics::Metrics;

/// What the promise allows: an older picture is not believed.
pub const FRESH: Duration = Duration::from_secs(5);
const EVERY: Duration = Duration::from_secs(1);
/// Many notifications at once are one look.
const GAP: Duration = Duration::from_millis(50);
const CONNECT: Duration = Duration::from_millis(1_500);
const LOOK: Duration = Duration::from_secs(1);
/// For looks that have more to read: one after a failure, and the first, which finds all that is
/// needed.
const LATE_LOOK: Duration = Duration::from_secs(3);
const FIRST_LOOK: Duration = Duration::from_secs(10);
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
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

#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("a look at the revocations was not answered within {0:?}")]
    TimedOut(Duration),
    #[error("the database connection was lost or refused a look at the revocations: {0}")]
    Query(#[from] tokio_postgres::Error),
    #[error("there are more than {0} revocations")]
    TooMany(u32),
}

/// One replica's picture of what is revoked.
pub struct Feed {
    revocations: Revocations,
    most: u32,
    born: Instant,
    /// Milliseconds after `born` at which the last good look began; 0 before the first.
    looked_at: AtomicU64,
    metrics: Arc<Metrics>,
}

impl Feed {
    /// Starts the background task.
    pub fn start(
        endpoint: Endpoint,
        most: u32,
        metrics: Arc<Metrics>,
        shutdown: &Shutdown,
    ) -> Arc<Self> {
        let feed = Arc::new(Self {
            revocations: Revocations::default(),
            most,
            born: Instant::now(),
            looked_at: AtomicU64::new(0),
            metrics,
        });
        let (this, closing) = (feed.clone(), shutdown.wait_for(Phase::Closing));
        shutdown.spawn("revocation feed", async move {
            tokio::select! {
                () = this.follow(endpoint) => {}
                () = closing => {}
            }
            Ok(())
        });
        feed
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

    async fn follow(&self, endpoint: Endpoint) {
        let mut since = 0;
        let mut pause = SHORTEST_PAUSE;
        let mut said = false;
        loop {
            let before = self.looked_at.load(Ordering::Acquire);
            let Err(problem) = self.follow_on_one(&endpoint, &mut since).await;
            self.metrics.revocations_poll_failures_total.inc();
            if self.looked_at.load(Ordering::Acquire) != before {
                (pause, said) = (SHORTEST_PAUSE, false);
            }
            if !said {
                tracing::warn!(problem = %problem, "revocations are not followed at present; trying again");
                said = true;
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Follows until the connection fails.
    async fn follow_on_one(
        &self,
        endpoint: &Endpoint,
        since: &mut i64,
    ) -> Result<std::convert::Infallible, Broken> {
        let session = connect(endpoint, Purpose::REVOCATIONS, CONNECT).await?;
        let (client, mut connection) = (session.client, session.connection);
        let notified = Arc::new(Notify::new());
        let notify = notified.clone();
        let _driver = AbortOnDropHandle::new(tokio::spawn(async move {
            let mut messages = poll_fn(move |context| connection.poll_message(context));
            while let Some(Ok(message)) = messages.next().await {
                if matches!(message, AsyncMessage::Notification(_)) {
                    notify.notify_one();
                }
            }
            // The end too is a reason to look: the look fails at once.
            notify.notify_one();
        }));
        // Before the first look, so that nothing falls between the two.
        within(LOOK, client.batch_execute("LISTEN chartroom_revocations")).await?;
        let mut patience = if *since == 0 { FIRST_LOOK } else { LATE_LOOK };
        loop {
            let began = self.born.elapsed();
            self.look(&client, since, patience).await?;
            patience = LOOK;
            self.looked_at
                .store(milliseconds(began).max(1), Ordering::Release);
            self.observe();
            sleep(GAP).await;
            // Notified, or a second has passed: the same next step.
            let _ = timeout(EVERY - GAP, notified.notified()).await;
        }
    }

    /// Takes in what is new and drops what is old.
    async fn look(
        &self,
        client: &Client,
        since: &mut i64,
        patience: Duration,
    ) -> Result<(), Broken> {
        let most = i64::from(self.most) + 1;
        let rows = within(patience, client.query(SINCE, &[&*since, &most])).await?;
        if i64::try_from(rows.len()).unwrap_or(i64::MAX) >= most {
            return Err(self.give_up(since));
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
        let Some((xmin, now)) = seen else {
            return Ok(());
        };
        self.revocations.add(&found);
        self.revocations.drop_ended(now.timestamp_micros());
        if i64::try_from(self.revocations.len()).unwrap_or(i64::MAX) >= most {
            return Err(self.give_up(since));
        }
        // A server put in the place of another may count from lower: then everything is read once
        // more.
        *since = if xmin < *since { 0 } else { xmin };
        Ok(())
    }

    /// Stale first, then empty: whoever meets the empty set must not believe it.
    fn give_up(&self, since: &mut i64) -> Broken {
        self.looked_at.store(0, Ordering::Release);
        self.revocations.clear();
        self.observe();
        *since = 0;
        Broken::TooMany(self.most)
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

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

async fn within<T>(
    patience: Duration,
    operation: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Broken> {
    timeout(patience, operation)
        .await
        .map_err(|_elapsed| Broken::TimedOut(patience))?
        .map_err(Broken::from)
}
