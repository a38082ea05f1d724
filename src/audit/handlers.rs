//! Reading the audit trail.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::events::model::{EventFilter, EventSort, TrailEntry};
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::body::extract::ValidQuery;
use crate::http::caller::Administrator;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::instant;

/// Who did what, when and from where
#[derive(Serialize, ToSchema)]
pub struct AuditEvent {
    id: Uuid,
    #[serde(serialize_with = "instant")]
    at: DateTime<Utc>,
    /// The id of who did it; null if nobody was signed in, or if it was done on the command line
    actor: Option<Uuid>,
    /// `<thing>.<deed>`, such as `session.started`
    action: String,
    /// The id of what it was done to
    target: Option<Uuid>,
    address: Option<String>,
    request_id: Option<String>,
    #[schema(value_type = Object)]
    detail: Value,
}

impl From<TrailEntry> for AuditEvent {
    fn from(event: TrailEntry) -> Self {
        let TrailEntry {
            id,
            at,
            actor_id: actor,
            action,
            target_id: target,
            address,
            request_id,
            detail,
        } = event;
        Self {
            id,
            at,
            actor,
            action,
            target,
            address,
            request_id,
            detail,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditFilter {
    /// Only what this principal did, by id
    actor: Option<Uuid>,
    /// Only this action, such as `session.started`
    action: Option<String>,
    /// Only what was done to this, by id
    target: Option<Uuid>,
    /// Only what happened at this time or later
    #[serde(rename = "at__gte")]
    at_gte: Option<DateTime<Utc>>,
}

impl AuditFilter {
    pub fn wanted(self) -> ApiResult<EventFilter> {
        let Self {
            actor,
            action,
            target,
            at_gte: since,
        } = self;
        EventFilter::new(actor, action, target, since)
    }
}

/// What happened in the service, newest first
///
/// Sign-ins, refusals and what administrators did. Events are never changed or deleted. Refusals
/// and passwords that were sent with a request appear some seconds later; several of one kind are
/// one event with a `count` in `detail`.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    tag = "audit",
    security(("admin" = [])),
    params(PageParams<EventSort>, AuditFilter),
    responses((status = OK, body = Page<AuditEvent>), ApiError),
)]
pub async fn list_audit_events(
    _: Administrator,
    app: AppState,
    page: PageParams<EventSort>,
    ValidQuery(filter): ValidQuery<AuditFilter>,
) -> ApiResult<Listed<AuditEvent>> {
    let wanted = filter.wanted()?;
    let found = app
        .db
        .read(async |connection| TrailEntry::page(connection, &page, &wanted).await)
        .await?;
    Ok(page.respond(found, AuditEvent::from))
}
