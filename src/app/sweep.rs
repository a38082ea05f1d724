//! Removes, once a minute, the rows of sign-in limits, sessions, revocations and kept answers that
//! say nothing any more.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::db::Db;
use crate::http::answer::idempotency;
use crate::identity::limiter::Limiter;
use crate::identity::{revocation, session};
use crate::kernel::shutdown::{Phase, Shutdown};

const EVERY: Duration = Duration::from_secs(60);

/// Never ends on a failure of the database: what was left is removed by a later round, here or on
/// another replica.
pub(super) async fn sweep(db: &Db, limiter: &Limiter, shutdown: &Shutdown) {
    let closing = shutdown.wait_for(Phase::Closing);
    tokio::pin!(closing);
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = &mut closing => return,
        }
        Box::pin(once(db, limiter)).await;
    }
}

/// One round. What fails does not keep the others from being swept.
async fn once(db: &Db, limiter: &Limiter) {
    let swept = [
        ("sign-in limits", limiter.purge(db).await),
        ("sessions", session::purge(db).await),
        ("revocations", revocation::purge(db).await),
        ("kept answers", idempotency::purge(db).await),
    ];
    for (what, removed) in swept {
        if let Err(error) = removed {
            tracing::debug!(error = %error, "old rows of {what} are left for the next round");
        }
    }
}
