//! One's projects.

use super::ProjectBody;
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::body::extract::ValidQuery;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult};
use crate::projects::list::{self, ProjectFilter, ProjectSort};

/// The projects that you are a member of
///
/// Internal projects of others are not in the list, although you may read them. Filters can be
/// combined; each of them narrows the list.
#[utoipa::path(
    get,
    path = "/api/v1/projects",
    tag = "projects",
    security(("caller" = [])),
    params(PageParams<ProjectSort>, ProjectFilter),
    responses((status = OK, body = Page<ProjectBody>), ApiError),
)]
pub async fn list_projects(
    who: Signed,
    app: AppState,
    page: PageParams<ProjectSort>,
    ValidQuery(filter): ValidQuery<ProjectFilter>,
) -> ApiResult<Listed<ProjectBody>> {
    let found = app
        .db
        .read(async |connection| list::page(connection, who.id, &page, &filter).await)
        .await?;
    Ok(page.respond(found, |(project, role)| {
        ProjectBody::new(project, Some(role))
    }))
}
