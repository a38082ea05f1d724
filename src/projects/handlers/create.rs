//! A new project.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Mistakes, ProjectBody};
use crate::events::Event;
use crate::http::answer::Answer;
use crate::http::answer::idempotency::{OnceJson, idempotent};
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::principal::Principal;
use crate::projects::access::Role;
use crate::projects::model::{NewProject, Project, Visibility};

/// A new project
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateProject {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    #[schema(max_length = 10_000)]
    description: Option<String>,
    /// When the project expires, which is in the future. It never does if this is null
    expires_at: Option<DateTime<Utc>>,
    #[serde(default = "private")]
    #[schema(required = false)]
    visibility: Visibility,
}

fn private() -> Visibility {
    Visibility::Private
}

/// Make a project
///
/// You become its owner. Workloads cannot make projects. Send an `Idempotency-Key`, and a
/// repetition after a lost answer makes no second project.
#[utoipa::path(
    post,
    path = "/api/v1/projects",
    tag = "projects",
    extensions(("x-policy" = json!("large"))),
    security(("user" = [])),
    request_body = CreateProject,
    responses((status = CREATED, body = ProjectBody), ApiError),
)]
pub async fn create_project(
    app: AppState,
    who: Principal,
    actor: Actor,
    OnceJson { once, body }: OnceJson<CreateProject>,
) -> ApiResult<Answer> {
    let CreateProject {
        name,
        description,
        expires_at,
        visibility,
    } = &body;
    let mut mistakes = Mistakes::default();
    let name = mistakes.name(name);
    if let Some(description) = description {
        mistakes.description(description);
    }
    if let Some(time) = expires_at {
        mistakes.expires_at(*time);
    }
    mistakes.none()?;
    let new = NewProject {
        name: &name,
        description: description.as_deref(),
        visibility: *visibility,
        expires_at: *expires_at,
    };
    idempotent(&app.db, &actor, &once, async |tx| {
        let project = Project::insert(tx, &new, who.id).await?;
        let (id, version) = (project.id, project.version);
        let name = project.name.clone();
        tx.tell(Event::ProjectCreated { project: id, name }).await?;
        let body = ProjectBody::new(project, Some(Role::Owner));
        Ok(Answer::created(format!("/api/v1/projects/{id}"), &body)?
            .with_version(version)
            .of_project(Some(id)))
    })
    .await
}
