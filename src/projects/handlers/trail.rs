//! What happened to a project and its members.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::events::model::{EventFilter, EventSort, TrailEntry};
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::body::extract::ValidQuery;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::{ProjectId, instant};
use crate::projects::access::{Owner, ProjectAccess};

/// Who did what to a project, and when
#[derive(Serialize, ToSchema)]
pub struct ProjectEvent {
    id: Uuid,
    #[serde(serialize_with = "instant")]
    at: DateTime<Utc>,
    /// The id of who did it; null if it was done on the command line
    actor: Option<Uuid>,
    /// `<thing>.<deed>`, such as `member.added`
    action: String,
    request_id: Option<String>,
    #[schema(value_type = Object)]
    detail: Value,
}

/// Where the members were is their own business, and that of who runs the service.
impl From<TrailEntry> for ProjectEvent {
    fn from(event: TrailEntry) -> Self {
        let TrailEntry {
            id,
            at,
            actor_id: actor,
            action,
            target_id: _,
            address: _,
            request_id,
            detail,
        } = event;
        Self {
            id,
            at,
            actor,
            action,
            request_id,
            detail,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProjectEventFilter {
    /// Only what this principal did, by id
    actor: Option<Uuid>,
    /// Only this action, such as `member.added`
    action: Option<String>,
    /// Only what happened at this time or later
    #[serde(rename = "at__gte")]
    at_gte: Option<DateTime<Utc>>,
}

/// What happened to a project, newest first
///
/// Who made, changed and shared it, and by which request. You need the role `owner`.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{id}/audit",
    tag = "projects",
    security(("caller" = [])),
    params(
        ("id" = ProjectId, Path, description = "Id of the project"),
        PageParams<EventSort>,
        ProjectEventFilter,
    ),
    responses((status = OK, body = Page<ProjectEvent>), ApiError),
)]
pub async fn list_project_events(
    access: ProjectAccess<Owner>,
    app: AppState,
    page: PageParams<EventSort>,
    ValidQuery(filter): ValidQuery<ProjectEventFilter>,
) -> ApiResult<Listed<ProjectEvent>> {
    let ProjectEventFilter {
        actor,
        action,
        at_gte: since,
    } = filter;
    let wanted = EventFilter::new(actor, action, Some(access.project.id.0), since)?;
    let found = app
        .db
        .read(async |connection| TrailEntry::page(connection, &page, &wanted).await)
        .await?;
    Ok(page.respond(found, ProjectEvent::from))
}
