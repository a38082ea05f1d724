//! One's projects.

use super::ProjectBody;
use crate::auth::principal::Principal;
use crate::error::{ApiError, ApiResult};
use crate::http::extract::ValidQuery;
use crate::http::page::{Listed, Page};
use crate::projects::list::{self, ProjectFilter, ProjectPage};
use crate::state::AppState;

/// The projects that you are a member of
///
/// Internal projects of others are not in the list, although you may read them. Filters can be
/// combined; each of them narrows the list.
#[utoipa::path(get, path = "/api/v1/projects", tag = "projects", params(ProjectPage, ProjectFilter), responses((status = OK, body = Page<ProjectBody>), ApiError))]
pub async fn list_projects(
    app: AppState,
    who: Principal,
    page: ProjectPage,
    ValidQuery(filter): ValidQuery<ProjectFilter>,
) -> ApiResult<Listed<ProjectBody>> {
    filter.check()?;
    let found = app
        .db
        .read(async |connection| list::page(connection, who.id, &page, &filter).await)
        .await?;
    Ok(page.respond(found, |(project, role)| {
        ProjectBody::new(project, Some(role))
    }))
}
