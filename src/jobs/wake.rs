//! How workers in other processes hear that there is a job. A process that leaves jobs to others
//! says so after the commit, on a connection of its own: said in the transaction that enqueues, it
//! would make all such transactions commit one after another. Whoever misses it looks within about
//! a second anyway.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_postgres::Client;

use crate::db::Db;
use crate::db::listen::{FollowError, Follower, within};

/// Many jobs at once are said once.
const GAP: Duration = Duration::from_millis(50);
/// How often the connection is tried on which notifications come.
const EVERY: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_secs(2);

/// Tells others whenever something in this process says that there is a job. Never ends.
pub async fn announce(db: Arc<Db>, wake: Arc<Notify>) -> Infallible {
    loop {
        wake.notified().await;
        let told = db.write(async |connection: &mut AsyncPgConnection| {
            diesel::sql_query("NOTIFY chartroom_jobs")
                .execute(connection)
                .await
        });
        if let Err(error) = told.await {
            tracing::debug!(error = %error, "workers are not told of a job: they look by themselves");
        }
        sleep(GAP).await;
    }
}

/// Wakes the runner of this process when another process says that there is a job.
pub struct Woken(pub Arc<Notify>);

impl Follower for Woken {
    fn channel(&self) -> &'static str {
        "chartroom_jobs"
    }

    fn every(&self) -> Duration {
        EVERY
    }

    fn look<'a>(&'a self, client: &'a Client) -> BoxFuture<'a, Result<(), FollowError>> {
        self.0.notify_one();
        Box::pin(within(LOOK, client.batch_execute("")))
    }
}
