//! The posts that a caller may read.

use super::{PostBody, Reader};
use crate::error::{ApiError, ApiResult};
use crate::http::extract::ValidQuery;
use crate::http::page::{Listed, Page};
use crate::posts::list::{PostFilter, PostPage, Wanted};
use crate::state::AppState;

/// Posts that you may read
#[utoipa::path(get, path = "/api/v1/posts", tag = "posts", security(("optional" = [])), params(PostPage, PostFilter), responses((status = OK, body = Page<PostBody>), ApiError))]
pub async fn list_posts(
    app: AppState,
    Reader(me): Reader,
    page: PostPage,
    ValidQuery(filter): ValidQuery<PostFilter>,
) -> ApiResult<Listed<PostBody>> {
    filter.check(page.sort)?;
    let wanted = Wanted::new(me, filter, &app.config.posts.search_language);
    let found = app
        .db
        .read(async |connection| wanted.page(connection, &page).await)
        .await?;
    Ok(page.respond(found, |row| row.post.into()))
}
