//! The posts that a caller may read.

use super::Reader;
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::body::extract::ValidQuery;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult};
use crate::posts::list::{PostFilter, PostSort, Wanted};
use crate::posts::model::Post;

/// The posts that you may read
///
/// Posts in your projects, in internal projects and by themselves, and your own drafts. `q`
/// searches title and content; with it, `sort=-rank` puts the best matches first. Where the service
/// allows it, callers who are not signed in read published posts that are in no project.
#[utoipa::path(
    get,
    path = "/api/v1/posts",
    tag = "posts",
    security(("optional" = [])),
    params(PageParams<PostSort>, PostFilter),
    responses((status = OK, body = Page<Post>), ApiError),
)]
pub async fn list_posts(
    Reader(me): Reader,
    app: AppState,
    page: PageParams<PostSort>,
    ValidQuery(filter): ValidQuery<PostFilter>,
) -> ApiResult<Listed<Post>> {
    filter.check(page.sort)?;
    let wanted = Wanted::new(me, filter, &app.config.posts.search_language);
    let found = app
        .db
        .read(async |connection| wanted.page(connection, &page).await)
        .await?;
    Ok(page.respond(found, |row| row.post))
}
