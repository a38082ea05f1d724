//! Removes, once a minute, the rows of sign-in limits and revocations that say nothing any more.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::limiter::Limiter;
use super::revocation;
use crate::db::{Db, DbError};
use crate::shutdown::{Phase, Shutdown};

const EVERY: Duration = Duration::from_secs(60);

/// Never ends on a failure of the database: what was left is removed by a later round, here or on another replica.
pub async fn sweep(db: &Db, limiter: &Limiter, window: Duration, shutdown: &Shutdown) {
    let closing = shutdown.wait_for(Phase::Closing);
    tokio::pin!(closing);
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = &mut closing => return,
        }
        if let Err(error) = Box::pin(once(db, limiter, window)).await {
            tracing::debug!(error = %error, "old sign-in rows are left for the next round");
        }
    }
}

async fn once(db: &Db, limiter: &Limiter, window: Duration) -> Result<(), DbError> {
    limiter.purge(db).await?;
    revocation::purge(db, window).await?;
    Ok(())
}
