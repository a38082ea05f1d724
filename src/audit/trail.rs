//! What is told of requests without keeping them waiting: refusals, and passwords that were found good.
//!
//! The same deed of the same caller within a few seconds is one row with a count, and a caller has no more deeds than there are
//! operations: neither memory nor the table grows with a flood. What finds no room is counted in a metric and not kept.

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

use super::Origin;
use crate::db::Db;
use crate::metrics::Metrics;
use crate::schema::audit_events;
use crate::shutdown::{Phase, Shutdown};
use crate::types::PrincipalId;

const EVERY: Duration = Duration::from_secs(5);
/// Deeds kept until they are written.
pub const MOST: usize = 1_024;

/// What counts as the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Deed {
    actor: PrincipalId,
    action: &'static str,
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
    told: Mutex<Option<HashMap<Deed, Told>>>,
    metrics: Arc<Metrics>,
}

impl Trail {
    /// Starts the background task that writes.
    pub fn start(db: Arc<Db>, metrics: Arc<Metrics>, shutdown: &Shutdown) -> Arc<Self> {
        let trail = Arc::new(Self {
            told: Mutex::new(Some(HashMap::new())),
            metrics,
        });
        let (this, closing) = (trail.clone(), shutdown.wait_for(Phase::Closing));
        shutdown.spawn("audit trail", async move {
            this.write(&db, closing).await;
            Ok(())
        });
        trail
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
            actor,
            action: "access.refused",
            operation: Some((method.clone(), route.to_owned())),
        };
        self.tell(deed, origin, Some(reason));
    }

    /// A password was good for a request by itself: no session tells of it.
    pub fn used_password(&self, actor: PrincipalId, origin: Origin) {
        let deed = Deed {
            actor,
            action: "sign_in.password_used",
            operation: None,
        };
        self.tell(deed, origin, None);
    }

    fn tell(&self, deed: Deed, origin: Origin, reason: Option<&str>) {
        let mut told = self.told();
        let known = told.as_mut().map(|told| (told.len(), told.get_mut(&deed)));
        match known {
            Some((_, Some(told))) => {
                told.count += 1;
                return;
            }
            Some((held, None)) if held < MOST => {}
            _ => {
                self.metrics.audit_events_dropped_total.inc();
                return;
            }
        }
        if let Some(told) = told.as_mut() {
            let first = Told {
                id: Uuid::now_v7(),
                at: Utc::now(),
                origin,
                reason: reason.map(str::to_owned),
                count: 1,
            };
            told.insert(deed, first);
        }
    }

    fn told(&self) -> MutexGuard<'_, Option<HashMap<Deed, Told>>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(&self, db: &Db, closing: impl Future<Output = ()>) {
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
                rows = rows_of(self.told().replace(HashMap::new()));
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

    /// Leaves the rows for the next time where the database does not take them; whether it has is told by their ids.
    async fn insert(&self, db: &Db, rows: &mut Vec<Row>) {
        if rows.is_empty() {
            return;
        }
        let batch = &*rows;
        let written = db
            .write(async |connection: &mut AsyncPgConnection| {
                diesel::insert_into(audit_events::table)
                    .values(batch)
                    .on_conflict_do_nothing()
                    .execute(connection)
                    .await
            })
            .await;
        match written {
            Ok(_) => rows.clear(),
            Err(error) => {
                tracing::warn!(error = %error, "audit events wait to be written");
            }
        }
    }
}

fn rows_of(told: Option<HashMap<Deed, Told>>) -> Vec<Row> {
    let row = |(deed, told): (Deed, Told)| {
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
            actor_id: deed.actor,
            action: deed.action,
            detail: told.origin.complete(Value::Object(detail)),
            address: told.origin.address(),
            request_id: told.origin.request_id().map(str::to_owned),
        }
    };
    told.into_iter().flatten().map(row).collect()
}
