//! The events that have just happened, for all who follow the feed on this replica. One reader
//! fills it, so that a thousand followers cost what one costs; who is behind it reads pages.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::broadcast::{Receiver, Sender};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::cloud::{CloudEvent, FeedEvent};
use crate::db::listen::{FollowError, Follower, within};
use crate::kernel::error::{ApiError, Code};
use crate::kernel::types::PrincipalId;

/// Without a notification. The connection's life is watched elsewhere.
const EVERY: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_secs(2);
/// What one statement reads.
const AT_ONCE: i64 = 200;
/// Batches that a slow follower may be behind before it has to read pages.
const ROOM: usize = 16;
/// Before the first look.
const UNKNOWN: i64 = -1;

/// Events of one look, and who of those that followed may read each.
pub struct Batch {
    /// All later events up to `to` are in it.
    pub from: i64,
    pub to: i64,
    pub events: Vec<Told>,
    asked: HashSet<PrincipalId>,
}

/// One event, ready to be sent.
pub struct Told {
    pub seq: i64,
    pub project: Uuid,
    pub kind: String,
    pub text: Bytes,
    readers: Readers,
}

enum Readers {
    Everybody,
    Only(HashSet<PrincipalId>),
}

impl Told {
    pub fn is_for(&self, who: PrincipalId) -> bool {
        match &self.readers {
            Readers::Everybody => true,
            Readers::Only(readers) => readers.contains(&who),
        }
    }
}

impl Batch {
    /// Whether it was found out what this caller may read: not for one who came later.
    pub fn knows(&self, who: PrincipalId) -> bool {
        self.asked.contains(&who)
    }
}

pub struct Ring {
    /// Reads events after `$1`, at most `$3`, and who of `$2` may read them. Its columns are those
    /// of [`FeedEvent`], `data` as text, then `last`, `is_internal` and `readers`; with no event,
    /// one row of nulls but for `last`.
    statement: &'static str,
    source: String,
    position: AtomicI64,
    followers: Mutex<HashMap<PrincipalId, usize>>,
    batches: Sender<Arc<Batch>>,
}

/// One who follows, until it is dropped.
pub struct Following {
    ring: Arc<Ring>,
    who: PrincipalId,
    pub batches: Receiver<Arc<Batch>>,
    /// What happened up to here comes in no batch.
    pub position: i64,
}

impl Ring {
    pub fn new(statement: &'static str, source: String) -> Self {
        Self {
            statement,
            source,
            position: AtomicI64::new(UNKNOWN),
            followers: Mutex::default(),
            batches: Sender::new(ROOM),
        }
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    pub fn follow(self: &Arc<Self>, who: PrincipalId) -> Result<Following, ApiError> {
        let batches = self.batches.subscribe();
        let position = self.position.load(Ordering::Acquire);
        if position == UNKNOWN {
            return Err(ApiError::new(
                Code::DatabaseUnavailable,
                "the service has not seen the feed of events yet; repeat the request",
            ));
        }
        *self.followers().entry(who).or_default() += 1;
        Ok(Following {
            ring: self.clone(),
            who,
            batches,
            position,
        })
    }

    fn followers(&self) -> MutexGuard<'_, HashMap<PrincipalId, usize>> {
        self.followers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self, client: &Client) -> Result<(), FollowError> {
        loop {
            let asked: HashSet<PrincipalId> = self.followers().keys().copied().collect();
            let who: Vec<Uuid> = asked.iter().map(|who| who.0).collect();
            let known = self.position.load(Ordering::Acquire);
            let from = Some(known).filter(|known| *known != UNKNOWN);
            // Without followers only the end is of interest.
            let most = if asked.is_empty() { 0 } else { AT_ONCE };
            let rows = within(LOOK, client.query(self.statement, &[&from, &who, &most])).await?;
            let last = rows.first().map(|row| row.try_get("last")).transpose()?;
            let last: i64 = last.unwrap_or(known);
            let events = rows.iter().filter_map(|row| self.told(row).transpose());
            let events = events.collect::<Result<Vec<Told>, _>>()?;
            let is_full = i64::try_from(events.len()).is_ok_and(|count| count == most && most > 0);
            let to = match events.last() {
                Some(event) if is_full => event.seq,
                _ => last,
            };
            // A database put in the place of another may count from lower.
            if from.is_some() && to != known {
                let batch = Batch {
                    from: known,
                    to,
                    events,
                    asked,
                };
                // Nobody may be following any more.
                let _ = self.batches.send(Arc::new(batch));
            }
            self.position.store(to, Ordering::Release);
            if !is_full {
                return Ok(());
            }
        }
    }

    /// `None` for the row without an event.
    fn told(&self, row: &Row) -> Result<Option<Told>, tokio_postgres::Error> {
        let Some(seq) = row.try_get("seq")? else {
            return Ok(None);
        };
        let is_internal: Option<bool> = row.try_get("is_internal")?;
        let readers: Vec<Uuid> = row.try_get("readers")?;
        let event = FeedEvent {
            seq,
            id: row.try_get("id")?,
            kind: row.try_get("kind")?,
            project_id: row.try_get("project_id")?,
            subject: row.try_get("subject")?,
            actor_id: row.try_get("actor_id")?,
            at: row.try_get("at")?,
            data: serde_json::from_str(row.try_get("data")?).unwrap_or_default(),
        };
        Ok(Some(Told {
            seq,
            project: event.project_id,
            kind: event.kind.clone(),
            text: CloudEvent::new(event, &self.source).to_message(seq),
            readers: match is_internal {
                Some(true) => Readers::Everybody,
                _ => Readers::Only(readers.into_iter().map(PrincipalId).collect()),
            },
        }))
    }
}

impl Follower for Ring {
    fn channel(&self) -> &'static str {
        "chartroom_events"
    }

    fn every(&self) -> Duration {
        EVERY
    }

    fn look<'a>(&'a self, client: &'a Client) -> BoxFuture<'a, Result<(), FollowError>> {
        Box::pin(self.read(client))
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut followers = self.ring.followers();
        if let Some(count) = followers.get_mut(&self.who) {
            *count -= 1;
            if *count == 0 {
                followers.remove(&self.who);
            }
        }
    }
}
