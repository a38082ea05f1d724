//! Follows what others change, on one connection for the whole process.
//!
//! Each follower reads what is new to it: at once after a notification, and every so often without
//! one, because a notification can be lost with its connection. The looks are also what shows that
//! the connection lives: one that is not answered in its time costs the connection, and with it
//! whatever notifications it would have swallowed.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::poll_fn;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_postgres::{AsyncMessage, Client};
use tokio_util::task::AbortOnDropHandle;

use super::connect::{ConnectError, connect};
use super::purpose::Purpose;
use crate::config::endpoint::Endpoint;

/// Many notifications at once are one look.
const GAP: Duration = Duration::from_millis(50);
const CONNECT: Duration = Duration::from_millis(1_500);
const LISTEN: Duration = Duration::from_secs(1);
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Why the connection is of no use any more.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("a look was not answered within {0:?}")]
    TimedOut(Duration),
    #[error("the database connection was lost or refused a look: {0}")]
    Query(#[from] tokio_postgres::Error),
    #[error("there is more than there is room for: {0}")]
    TooMuch(u32),
}

/// Who reads what is new.
pub trait Follower: Send + Sync + 'static {
    /// The channel whose notifications say that there is something new.
    fn channel(&self) -> &'static str;

    /// The longest time between two looks.
    fn every(&self) -> Duration;

    /// Reads what is new. An error costs the connection.
    fn look<'a>(&'a self, client: &'a Client) -> BoxFuture<'a, Result<(), FollowError>>;

    /// There is no connection, for some time.
    fn lost(&self) {}
}

/// A follower, and whether it has been notified.
struct Following {
    follower: Arc<dyn Follower>,
    is_notified: AtomicBool,
}

/// Never ends.
pub async fn follow(endpoint: Endpoint, followers: Vec<Arc<dyn Follower>>) -> Infallible {
    let following = followers.into_iter().map(|follower| Following {
        follower,
        is_notified: AtomicBool::new(false),
    });
    let following: Arc<[Following]> = following.collect();
    let mut pause = SHORTEST_PAUSE;
    let mut is_said = false;
    loop {
        let mut has_looked = false;
        let Err(problem) = follow_on_one(&endpoint, &following, &mut has_looked).await;
        for following in following.iter() {
            following.follower.lost();
        }
        if has_looked {
            (pause, is_said) = (SHORTEST_PAUSE, false);
        }
        if !is_said {
            tracing::warn!(problem = %problem, "what others change is not followed at present; trying again");
            is_said = true;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Follows until the connection fails; sets `has_looked` once all have looked.
async fn follow_on_one(
    endpoint: &Endpoint,
    following: &Arc<[Following]>,
    has_looked: &mut bool,
) -> Result<Infallible, FollowError> {
    let session = connect(endpoint, Purpose::LISTEN, CONNECT).await?;
    let (client, mut connection) = (session.client, session.connection);
    let woken = Arc::new(Notify::new());
    let (wake, told) = (woken.clone(), following.clone());
    let _driver = AbortOnDropHandle::new(tokio::spawn(async move {
        let mut messages = poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notification(notification) = message {
                notify(&told, |follower| {
                    follower.channel() == notification.channel()
                });
                wake.notify_one();
            }
        }
        // The end too is a reason to look: the look fails at once.
        notify(&told, |_| true);
        wake.notify_one();
    }));
    // Before the first look, so that nothing falls between the two.
    for following in following.iter() {
        let channel = following.follower.channel();
        within(LISTEN, client.batch_execute(&format!("LISTEN {channel}"))).await?;
    }
    let mut due = vec![Instant::now(); following.len()];
    loop {
        for (following, due) in following.iter().zip(&mut due) {
            let is_notified = following.is_notified.swap(false, Ordering::AcqRel);
            if is_notified || *due <= Instant::now() {
                *due = Instant::now() + following.follower.every();
                following.follower.look(&client).await?;
            }
        }
        *has_looked = true;
        sleep(GAP).await;
        let next = due.iter().min().copied().unwrap_or_else(Instant::now);
        // Notified, or it is time: the same next step.
        let _ = timeout_at(next, woken.notified()).await;
    }
}

fn notify(following: &[Following], whom: impl Fn(&dyn Follower) -> bool) {
    for following in following {
        if whom(&*following.follower) {
            following.is_notified.store(true, Ordering::Release);
        }
    }
}

/// A look has this long.
pub async fn within<T>(
    patience: Duration,
    operation: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, FollowError> {
    let answer = timeout(patience, operation).await;
    answer
        .or(Err(FollowError::TimedOut(patience)))?
        .map_err(FollowError::from)
}
