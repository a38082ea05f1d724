//! Checking a version once more.

use super::upload::begin_check;
use super::{VersionPath, place};
use crate::db::transaction::Tx;
use crate::http::answer::Answer;
use crate::http::answer::idempotency::idempotent;
use crate::http::answer::once::Once;
use crate::http::body::extract::ValidPath;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::models::access::ModelAccess;
use crate::models::serving::unavailable;
use crate::models::version::{Version, VersionState};
use crate::projects::access::Editor;

/// Check a version again
///
/// Loads the version anew and runs its golden test, as after a new release of the runtime. A
/// version that is ready goes on answering meanwhile, whatever is found; one that has failed is
/// `checking`. You need the role `editor`. Look at the version in `Location` for what was found.
#[utoipa::path(
    post,
    path = "/api/v1/models/{name}/versions/{version}/verify",
    tag = "models",
    security(("caller" = [])),
    params(
        ("name" = String, Path, description = "Name of the model"),
        ("version" = i64, Path, description = "Number of the version"),
    ),
    responses((status = ACCEPTED, body = Version), ApiError),
)]
pub async fn verify_model_version(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(path): ValidPath<VersionPath>,
    once: Once,
) -> ApiResult<Answer> {
    if app.models.is_off() {
        return Err(unavailable());
    }
    let me = who.id;
    idempotent(&app.db, &actor, &once, async |tx: &mut Tx<'_>| {
        let model = ModelAccess::<Editor>::to_write(tx, me, &path.name)
            .await?
            .model;
        let found = Version::find(tx.connection(), model.id, path.version).await?;
        let mut version = found.ok_or(ApiError::not_found("version"))?;
        if version.state == VersionState::Failed {
            version = Version::check_again(tx.connection(), model.id, path.version).await?;
        }
        begin_check(tx, model.id, version.version).await?;
        let place = place(&model, version.version);
        Ok(Answer::accepted(place, &version)?
            .with_version(version.revision)
            .of_project(Some(model.project_id)))
    })
    .await
}
