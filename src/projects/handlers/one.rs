//! One project: reading, changing and deleting it.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;

use super::ProjectBody;
use crate::db::transaction::transaction;
use crate::events::Event;
use crate::http::answer::Answer;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::body::extract::ValidPath;
use crate::http::body::patch::{Change, MergePatch, Patch};
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::{Instant, ProjectId};
use crate::kernel::values::FutureTime;
use crate::projects::access::{Owner, ProjectAccess, Viewer};
use crate::projects::model::{Description, Project, ProjectChanges, ProjectName, Visibility};
use crate::projects::reminders::{self, Reminders, follow_end};

/// Changes to a project
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateProject {
    #[serde(default)]
    #[schema(value_type = ProjectName, required = false)]
    name: Change<ProjectName>,
    #[serde(default)]
    #[schema(value_type = Option<Description>)]
    description: Patch<Description>,
    #[serde(default)]
    #[schema(value_type = Visibility, required = false)]
    visibility: Change<Visibility>,
    /// A time to come, or null for never; extends a project that has expired
    #[serde(default)]
    #[schema(value_type = Option<FutureTime>)]
    expires_at: Patch<FutureTime>,
    #[serde(default)]
    #[schema(schema_with = reminders::schema, required = false)]
    reminders: Change<Reminders>,
}

/// A project
///
/// Its members see it, and everybody who is signed in if it is internal. For everybody else it is
/// answered 404, as if it were not there.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{id}",
    tag = "projects",
    security(("caller" = [])),
    params(("id" = ProjectId, Path, description = "Id of the project")),
    responses(
        (status = OK, body = ProjectBody),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_project(
    access: ProjectAccess<Viewer>,
    conditions: Conditions,
) -> ApiResult<Versioned<ProjectBody>> {
    conditions.read(access.project.version, || {
        ProjectBody::new(access.project, access.role)
    })
}

/// Change a project
///
/// A merge patch: members that you leave out stay as they are. You need the role `owner`. Send the
/// `ETag` that you have in `If-Match`, and nobody's change is overwritten: if the project has
/// changed since, the answer is 412. A project that has expired takes nothing but a change of
/// `expires_at`.
#[utoipa::path(
    patch,
    path = "/api/v1/projects/{id}",
    tag = "projects",
    security(("caller" = [])),
    extensions(("x-policy" = json!("large"))),
    params(("id" = ProjectId, Path, description = "Id of the project")),
    request_body(content = UpdateProject, content_type = "application/merge-patch+json"),
    responses((status = OK, body = ProjectBody), ApiError),
)]
pub async fn update_project(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(id): ValidPath<ProjectId>,
    conditions: Conditions,
    MergePatch(patch): MergePatch<UpdateProject>,
) -> ApiResult<Versioned<ProjectBody>> {
    let changes = changes_of(patch);
    transaction(&app.db, &actor, async |tx| {
        let access = ProjectAccess::<Owner>::to_manage(tx, who.id, id).await?;
        conditions.write(Some(access.project.version))?;
        if changes.expires_at.is_none() {
            access.writable()?;
        }
        let changed = names(&changes);
        let is_of_its_end = changes.expires_at.is_some() || changes.reminders.is_some();
        let project = access.update(tx, changes).await?;
        tx.tell(Event::ProjectChanged {
            project: id,
            changed,
        })
        .await?;
        if is_of_its_end {
            follow_end(tx, &project).await?;
        }
        if let Some(event) = extended(access.project.expires_at, &project) {
            tx.tell(event).await?;
        }
        Ok(Versioned::new(
            project.version,
            ProjectBody::new(project, access.role),
        ))
    })
    .await
}

/// What its members want to know beside what was changed.
fn extended(was: Option<DateTime<Utc>>, project: &Project) -> Option<Event> {
    let was = was.filter(|was| project.expires_at.is_none_or(|now| now > *was))?;
    Some(Event::ProjectExtended {
        project: project.id,
        name: project.name.clone(),
        expires_at: project.expires_at.map(Instant),
        was: Instant(was),
    })
}

fn changes_of(patch: UpdateProject) -> ProjectChanges {
    let UpdateProject {
        name,
        description,
        visibility,
        expires_at,
        reminders,
    } = patch;
    let expires_at = expires_at.into_update();
    ProjectChanges {
        name: name.into_update(),
        description: description.into_update(),
        visibility: visibility.into_update(),
        expires_at: expires_at.map(|it| it.map(|FutureTime(time)| time)),
        reminders: reminders.into_update(),
    }
}

/// What a patch was about. The values are in the project, and may be nobody's business any more.
fn names(changes: &ProjectChanges) -> Vec<&'static str> {
    let ProjectChanges {
        name,
        description,
        visibility,
        expires_at,
        reminders,
    } = changes;
    let given = [
        ("name", name.is_some()),
        ("description", description.is_some()),
        ("visibility", visibility.is_some()),
        ("expires_at", expires_at.is_some()),
        ("reminders", reminders.is_some()),
    ];
    given
        .iter()
        .filter(|(_, is_given)| *is_given)
        .map(|(name, _)| *name)
        .collect()
}

/// Delete a project
///
/// Deletes all that is in it. You need the role `owner`. Its audit trail stays, for administrators.
#[utoipa::path(
    delete,
    path = "/api/v1/projects/{id}",
    tag = "projects",
    security(("caller" = [])),
    params(("id" = ProjectId, Path, description = "Id of the project")),
    responses((status = NO_CONTENT, description = "Gone"), ApiError),
)]
pub async fn delete_project(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(id): ValidPath<ProjectId>,
    conditions: Conditions,
) -> ApiResult<Answer> {
    transaction(&app.db, &actor, async |tx| {
        let access = ProjectAccess::<Owner>::to_manage(tx, who.id, id).await?;
        conditions.write(Some(access.project.version))?;
        access.delete(tx).await?;
        let name = access.project.name;
        tx.tell(Event::ProjectDeleted { project: id, name }).await?;
        Ok(Answer::no_content())
    })
    .await
}
