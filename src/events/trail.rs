//! What is told of requests without keeping them waiting: refusals, and passwords that were found
//! good.
//!
//! The same deed of the same caller within a few seconds is one row with a count. A caller has a
//! share of the room: what goes beyond it is counted in one more row of theirs, so that a flood by
//! some leaves no other out. Neither memory nor the table grows with it. What finds no room at all
//! is counted in a metric and not kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use http::Method;
use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::AT_ONCE;
use crate::db::Db;
use crate::kernel::origin::Origin;
use crate::kernel::types::PrincipalId;
use crate::schema::audit_events;
use crate::telemetry::metrics::Metrics;

const EVERY: Duration = Duration::from_secs(5);
/// Rows kept until they are written.
pub const MOST: usize = 4_096;
/// Rows after which only what is a caller's first deed, or the rest of one's, has a row of its own.
const CROWDED: usize = MOST / 2;
/// Deeds of a caller that are told one by one.
const SHARE: usize = 8;
const REST: &str = "more operations than are told one by one";

/// What counts as the same of one caller.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Deed {
    action: &'static str,
    /// `None` where the action has none, and for the rest of a caller's.
    operation: Option<(Method, String)>,
}

/// The first of its kind, and how many there were.
struct Told {
    id: Uuid,
    at: DateTime<Utc>,
    origin: Origin,
    reason: Option<String>,
    count: u64,
}

#[derive(Default)]
struct Kept {
    of: HashMap<PrincipalId, HashMap<Deed, Told>>,
    rows: usize,
}

#[derive(Insertable)]
#[diesel(table_name = audit_events)]
struct Row {
    id: Uuid,
    at: DateTime<Utc>,
    actor_id: PrincipalId,
    action: &'static str,
    address: Option<String>,
    request_id: Option<String>,
    detail: Value,
}

pub struct Trail {
    /// `None` once nothing is written any more.
    told: Mutex<Option<Kept>>,
    metrics: Arc<Metrics>,
}

impl Trail {
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            told: Mutex::new(Some(Kept::default())),
            metrics,
        }
    }

    /// A caller was not allowed to do something.
    pub fn refused(
        &self,
        actor: PrincipalId,
        method: &Method,
        route: &str,
        origin: Origin,
        reason: &str,
    ) {
        let deed = Deed {
            action: "access.refused",
            operation: Some((method.clone(), route.to_owned())),
        };
        self.tell(actor, deed, origin, Some(reason));
    }

    /// A password was good for a request by itself: no session tells of it.
    pub fn used_password(&self, actor: PrincipalId, origin: Origin) {
        let deed = Deed {
            action: "sign_in.password_used",
            operation: None,
        };
        self.tell(actor, deed, origin, None);
    }

    fn tell(&self, actor: PrincipalId, deed: Deed, origin: Origin, reason: Option<&str>) {
        let mut told = self.told();
        let is_kept = told
            .as_mut()
            .is_some_and(|kept| kept.tell(actor, deed, origin, reason));
        if !is_kept {
            self.metrics.audit_events_dropped_total.inc();
        }
    }

    fn told(&self) -> MutexGuard<'_, Option<Kept>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is told until `closing`, and then what is left.
    pub async fn write(&self, db: &Db, closing: impl Future<Output = ()>) {
        tokio::pin!(closing);
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut rows = Vec::new();
        loop {
            let is_last = tokio::select! {
                _ = tick.tick() => false,
                () = &mut closing => true,
            };
            if rows.is_empty() {
                rows = rows_of(self.told().replace(Kept::default()));
            }
            self.insert(db, &mut rows).await;
            if is_last {
                rows.extend(rows_of(self.told().take()));
                self.insert(db, &mut rows).await;
                let lost = u64::try_from(rows.len()).unwrap_or(u64::MAX);
                self.metrics.audit_events_dropped_total.inc_by(lost);
                return;
            }
        }
    }

    /// Leaves the rows for the next time where the database does not take them; whether it has is
    /// told by their ids.
    async fn insert(&self, db: &Db, rows: &mut Vec<Row>) {
        while !rows.is_empty() {
            let (batch, _) = rows.split_at(rows.len().min(AT_ONCE));
            let length = batch.len();
            let written = db
                .write(async |connection: &mut AsyncPgConnection| {
                    diesel::insert_into(audit_events::table)
                        .values(batch)
                        .on_conflict_do_nothing()
                        .execute(connection)
                        .await
                })
                .await;
            if let Err(error) = written {
                tracing::warn!(error = %error, "audit events wait to be written");
                return;
            }
            rows.drain(..length);
        }
    }
}

impl Kept {
    /// Whether there was room.
    fn tell(
        &mut self,
        actor: PrincipalId,
        mut deed: Deed,
        origin: Origin,
        mut reason: Option<&str>,
    ) -> bool {
        let has = self.of.get_mut(&actor);
        let held = has.as_ref().map_or(0, |deeds| deeds.len());
        if let Some(deeds) = has {
            if let Some(told) = deeds.get_mut(&deed) {
                told.count += 1;
                return true;
            }
            if deed.operation.is_some() && (held >= SHARE || self.rows >= CROWDED) {
                deed.operation = None;
                reason = Some(REST);
                if let Some(told) = deeds.get_mut(&deed) {
                    told.count += 1;
                    return true;
                }
            }
        }
        if self.rows >= MOST {
            return false;
        }
        self.rows += 1;
        let first = Told {
            id: Uuid::now_v7(),
            at: Utc::now(),
            origin,
            reason: reason.map(str::to_owned),
            count: 1,
        };
        self.of.entry(actor).or_default().insert(deed, first);
        true
    }
}

fn rows_of(kept: Option<Kept>) -> Vec<Row> {
    let row = |actor_id, deed: Deed, told: Told| {
        let operation = deed
            .operation
            .map(|(method, route)| ("operation", format!("{method} {route}").into()));
        let reason = told.reason.map(|reason| ("reason", reason.into()));
        let members = [Some(("count", told.count.into())), operation, reason];
        let detail = members
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Row {
            id: told.id,
            at: told.at,
            actor_id,
            action: deed.action,
            detail: told.origin.complete(Value::Object(detail)),
            address: told.origin.address(),
            request_id: told.origin.request_id().map(str::to_owned),
        }
    };
    let callers = kept.into_iter().flat_map(|kept| kept.of);
    let rows = callers.flat_map(|(actor, deeds)| {
        deeds
            .into_iter()
            .map(move |(deed, told)| row(actor, deed, told))
    });
    rows.collect()
}
