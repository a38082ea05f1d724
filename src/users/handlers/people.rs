//! What everybody signed in may know of users.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::principal::Principal;
use crate::error::{ApiError, ApiResult};
use crate::http::extract::ValidPath;
use crate::state::AppState;
use crate::types::PrincipalId;
use crate::users::model::User;

/// A user, as everybody signed in sees one
#[derive(Serialize, ToSchema)]
pub struct PublicUser {
    id: PrincipalId,
    username: Option<String>,
    name: Option<String>,
}

/// What everybody signed in may know of a user
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "users", params(("id" = PrincipalId, Path, description = "Id of the user")), responses((status = OK, body = PublicUser), ApiError))]
pub async fn get_user(
    app: AppState,
    _who: Principal,
    ValidPath(id): ValidPath<PrincipalId>,
) -> ApiResult<Json<PublicUser>> {
    let user = app
        .db
        .read(async |connection| User::find(connection, id).await)
        .await?;
    let User {
        id, username, name, ..
    } = user.ok_or(ApiError::not_found("user"))?;
    Ok(Json(PublicUser { id, username, name }))
}
