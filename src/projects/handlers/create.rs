//! A new project.

use serde::Deserialize;
use utoipa::ToSchema;

use super::ProjectBody;
use crate::events::Event;
use crate::http::answer::Answer;
use crate::http::answer::idempotency::{OnceJson, idempotent};
use crate::http::caller::Person;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::values::FutureTime;
use crate::projects::access::Role;
use crate::projects::model::{Description, NewProject, Project, ProjectName, Visibility};
use crate::projects::reminders::{self, Reminders, follow_end};

/// A new project
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateProject {
    name: ProjectName,
    description: Option<Description>,
    /// When the project expires, which is in the future. It never does if this is null
    expires_at: Option<FutureTime>,
    #[serde(default)]
    #[schema(schema_with = reminders::schema_of_new, required = false)]
    reminders: Reminders,
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
    who: Person,
    app: AppState,
    actor: Actor,
    OnceJson { once, body }: OnceJson<CreateProject>,
) -> ApiResult<Answer> {
    let CreateProject {
        name,
        description,
        expires_at,
        reminders,
        visibility,
    } = &body;
    let new = NewProject {
        name,
        description: description.as_ref(),
        visibility: *visibility,
        expires_at: expires_at.map(|FutureTime(time)| time),
        reminders,
    };
    idempotent(&app.db, &actor, &once, async |tx| {
        let project = Project::insert(tx, &new, who.id).await?;
        let (id, version) = (project.id, project.version);
        let name = project.name.clone();
        tx.tell(Event::ProjectCreated { project: id, name }).await?;
        if project.expires_at.is_some() {
            follow_end(tx, &project).await?;
        }
        let body = ProjectBody::new(project, Some(Role::Owner));
        Ok(Answer::created(format!("/api/v1/projects/{id}"), &body)?
            .with_version(version)
            .of_project(Some(id)))
    })
    .await
}
