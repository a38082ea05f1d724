//! One replica's feed of revocations, and how a test looks at it and gets between it and the
//! database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chartroom::config::endpoint::Endpoint;
use chartroom::db::listen::follow;
use chartroom::identity::revocation::feed::MOST;
use chartroom::identity::revocation::{Feed, State};
use chartroom::kernel::shutdown::{Phase, Shutdown, Timings};
use chartroom::telemetry::metrics::Metrics;
use chrono::Utc;
use diesel_async::{AsyncConnection as _, AsyncPgConnection};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::support::database::TestDatabase;
use crate::support::wait::until;

pub(super) const SOON: Duration = Duration::from_secs(10);
/// A poll comes after a second; what is much sooner came by notification.
pub(super) const AT_ONCE: Duration = Duration::from_millis(500);

/// One replica's feed; ends with it.
pub(super) struct Follower {
    pub(super) feed: Arc<Feed>,
    metrics: Arc<Metrics>,
    pub(super) shutdown: Shutdown,
}

impl Follower {
    pub(super) fn new(endpoint: &Endpoint, most: u32) -> Self {
        let metrics = Arc::new(Metrics::new().unwrap());
        let shutdown = Shutdown::new(Timings {
            drain_delay: Duration::ZERO,
            hard_deadline: Duration::from_secs(5),
        });
        let feed = Arc::new(Feed::new(most, metrics.clone()));
        let following = follow(endpoint.clone(), vec![feed.clone()]);
        let closing = shutdown.wait_for(Phase::Closing);
        shutdown.spawn("listening", async move {
            tokio::select! {
                _ = following => {}
                () = closing => {}
            }
            Ok(())
        });
        Self {
            feed,
            metrics,
            shutdown,
        }
    }

    pub(super) async fn fresh(endpoint: &Endpoint) -> Self {
        let this = Self::new(endpoint, MOST);
        this.until(State::Fresh, SOON).await;
        this
    }

    pub(super) async fn until(&self, state: State, patience: Duration) {
        let reached = async || (self.feed.state() == state).then_some(());
        until("the state of the feed", patience, reached)
            .await
            .unwrap();
    }

    pub(super) fn knows(&self, session: Uuid) -> bool {
        self.feed
            .revocations()
            .is_revoked(session, Uuid::nil(), Utc::now())
    }

    pub(super) async fn until_known(
        &self,
        session: Uuid,
        patience: Duration,
    ) -> Result<(), String> {
        until("a revocation", patience, async || {
            self.knows(session).then_some(())
        })
        .await
    }

    /// Returns when a look has just been taken, so that the next one of itself is a second away.
    pub(super) async fn just_looked(&self) {
        let younger = async || (self.feed.age()? < Duration::from_millis(100)).then_some(());
        until("a look", SOON, younger).await.unwrap();
    }

    /// How long it takes from the commit until this replica knows.
    pub(super) async fn delay(&self, writer: &Client) -> Duration {
        self.just_looked().await;
        let (session, begun) = (insert(writer).await, Instant::now());
        self.until_known(session, SOON).await.unwrap();
        begun.elapsed()
    }

    pub(super) fn metric(&self, name: &str) -> f64 {
        let text = String::from_utf8(self.metrics.render().unwrap()).unwrap();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.shutdown.begin();
    }
}

pub(super) async fn insert(writer: &Client) -> Uuid {
    let id = Uuid::now_v7();
    writer
        .execute("INSERT INTO revocations (subject) VALUES ($1)", &[&id])
        .await
        .unwrap();
    id
}

pub(super) async fn diesel(database: &TestDatabase) -> AsyncPgConnection {
    AsyncPgConnection::establish(&database.url()).await.unwrap()
}
