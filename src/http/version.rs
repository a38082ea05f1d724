//! Which service this is: the one thing to ask without signing in.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::http::caller::{Anyone, routes};
use crate::kernel::error::{ApiError, ApiResult};

pub fn router<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::new().routes(routes!(get_version))
}

/// The service that answers
#[derive(Serialize, ToSchema)]
struct Version {
    /// Always `chartroom`
    name: &'static str,
    /// Version of the service
    version: &'static str,
    /// The source revision that the service was built from; null if the build did not know it
    revision: Option<&'static str>,
}

/// Which version of the service answers
///
/// Needs no sign-in, so it also shows whether the service can be reached.
#[utoipa::path(
    get,
    path = "/api/v1/version",
    tag = "service",
    security(()),
    responses((status = OK, body = Version), ApiError),
)]
async fn get_version(_: Anyone) -> ApiResult<Json<Version>> {
    Ok(Json(Version {
        name: "chartroom",
        version: env!("CARGO_PKG_VERSION"),
        revision: option_env!("CHARTROOM_REVISION"),
    }))
}
