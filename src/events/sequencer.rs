//! Moves events from the outbox to the feed, a transaction at a time, and gives each its number.
//!
//! The numbers have no gaps, and an event that commits late gets a late one. So whoever has read
//! up to a number has missed nothing, which holds neither for times nor for numbers that are given
//! at the insert. Every process does this; the lock of one row decides which does it now.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::db::Db;
use crate::db::transaction::{Tx, transaction};
use crate::kernel::actor::Actor;
use crate::kernel::error::ApiError;
use crate::telemetry::metrics::Metrics;

/// What one transaction moves at most.
pub const MOST: i64 = 500;
/// How long an event waits at most whose process could not say that there is one.
const EVERY: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_secs(1);

/// The events that a transaction has just moved, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Moved {
    #[diesel(sql_type = BigInt)]
    pub first: i64,
    #[diesel(sql_type = BigInt)]
    pub last: i64,
}

/// What else is written in the transaction that moves events, from the table `events`: one
/// statement for all of them.
pub type Sink = for<'a> fn(&'a mut Tx<'_>, Moved) -> BoxFuture<'a, QueryResult<()>>;

/// The row is locked only where there is something to move: who finds nothing writes nothing.
const MOVE: &str = "WITH seat AS MATERIALIZED (SELECT last FROM event_sequence \
        WHERE EXISTS (SELECT FROM outbox) FOR UPDATE SKIP LOCKED), \
    taken AS (DELETE FROM outbox WHERE place IN (SELECT outbox.place FROM seat, outbox \
        ORDER BY outbox.place LIMIT $1 FOR UPDATE OF outbox SKIP LOCKED) RETURNING *), \
    moved AS (INSERT INTO events (seq, id, kind, project_id, subject, actor_id, at, data) \
        SELECT seat.last + row_number() OVER (ORDER BY place), \
            id, kind, project_id, subject, actor_id, at, data FROM taken, seat RETURNING seq) \
    UPDATE event_sequence SET last = (SELECT max(seq) FROM moved) WHERE EXISTS (SELECT FROM moved) \
    RETURNING (SELECT min(seq) FROM moved) AS first, last";

/// Every replica that follows the feed looks when this commits.
const ANNOUNCE: &str = "NOTIFY chartroom_events";

/// Moves what there is, up to [`MOST`]; `None` where there is nothing, or another process is at it.
pub async fn sequence(db: &Db, sinks: &[Sink], most: i64) -> Result<Option<Moved>, ApiError> {
    let nobody = Actor::default();
    transaction(db, &nobody, async |tx| {
        let moved: Option<Moved> = diesel::sql_query(MOVE)
            .bind::<BigInt, _>(most)
            .get_result(tx.connection())
            .await
            .optional()?;
        if let Some(moved) = moved {
            for sink in sinks {
                sink(tx, moved).await?;
            }
            diesel::sql_query(ANNOUNCE).execute(tx.connection()).await?;
        }
        Ok(moved)
    })
    .await
}

/// Never ends.
pub async fn run(
    db: Arc<Db>,
    sinks: &'static [Sink],
    wake: Arc<Notify>,
    metrics: Arc<Metrics>,
) -> Infallible {
    let mut is_said = false;
    loop {
        match sequence(&db, sinks, MOST).await {
            Ok(Some(Moved { first, last })) => {
                let moved = u64::try_from(last - first + 1).unwrap_or(0);
                metrics.events_sequenced_total.inc_by(moved);
                is_said = false;
            }
            Ok(None) => {
                is_said = false;
                let _ = timeout(EVERY, wake.notified()).await;
            }
            Err(error) => {
                metrics.event_sequencing_failures_total.inc();
                if !is_said {
                    tracing::warn!(error = ?error, "events wait to be numbered; trying again");
                    is_said = true;
                }
                sleep(AGAIN).await;
            }
        }
    }
}
