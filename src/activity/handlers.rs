//! Reading one's own trail.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::events::model::{EventFilter, EventSort, TrailEntry};
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::body::extract::ValidQuery;
use crate::http::caller::Person;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::instant;

/// Something that your account did
#[derive(Serialize, ToSchema)]
pub struct ActivityBody {
    id: Uuid,
    #[serde(serialize_with = "instant")]
    at: DateTime<Utc>,
    /// `<thing>.<deed>`, such as `session.started`
    action: String,
    /// The id of what it was done to
    target: Option<Uuid>,
    /// Where the request came from
    address: Option<String>,
    request_id: Option<String>,
    #[schema(value_type = Object)]
    detail: Value,
}

impl From<TrailEntry> for ActivityBody {
    fn from(entry: TrailEntry) -> Self {
        let TrailEntry {
            id,
            at,
            actor_id: _,
            action,
            target_id: target,
            address,
            request_id,
            detail,
        } = entry;
        Self {
            id,
            at,
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
pub struct ActivityFilter {
    /// Only this action, such as `session.started`
    action: Option<String>,
    /// Only what happened at this time or later
    #[serde(rename = "at__gte")]
    at_gte: Option<DateTime<Utc>>,
}

/// What your account did, newest first
///
/// Your sign-ins and changes, each with the address and the request that it came from. If you find
/// something here that was not you, change your password and end your other sessions.
#[utoipa::path(
    get,
    path = "/api/v1/me/activity",
    tag = "me",
    security(("user" = [])),
    params(PageParams<EventSort>, ActivityFilter),
    responses((status = OK, body = Page<ActivityBody>), ApiError),
)]
pub async fn list_activity(
    who: Person,
    app: AppState,
    page: PageParams<EventSort>,
    ValidQuery(filter): ValidQuery<ActivityFilter>,
) -> ApiResult<Listed<ActivityBody>> {
    let ActivityFilter {
        action,
        at_gte: since,
    } = filter;
    let wanted = EventFilter::new(Some(who.id.0), action, None, since)?;
    let found = app
        .db
        .read(async |connection| TrailEntry::page(connection, &page, &wanted).await)
        .await?;
    Ok(page.respond(found, ActivityBody::from))
}
