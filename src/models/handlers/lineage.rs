//! Asking where a version came from, and what came from it.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::answer::etag::Edition;
use crate::http::body::extract::ValidQuery;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::DatasetId;
use crate::models::lineage::{Lineage, Of, find};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LineageParams {
    /// A version: `dataset:{id}@{version}` or `model:{name}@{version}`
    #[param(
        pattern = "^(dataset:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|model:[A-Za-z0-9][A-Za-z0-9._-]{0,99})@[1-9][0-9]{0,17}$"
    )]
    of: String,
}

/// Where a version came from, and what came from it
///
/// Walks both ways from a version of a dataset or of a model: what it was trained on or made from
/// and by which model, and so on, and what was made of it. What you may not see, and what is gone,
/// is a node without a name; what lies beyond it is shown if you may see that. At most 10 steps
/// away, 1,000 nodes and 5,000 edges.
#[utoipa::path(
    get,
    path = "/api/v1/lineage",
    tag = "lineage",
    security(("caller" = [])),
    params(LineageParams),
    responses(
        (status = OK, body = Lineage),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_lineage(
    who: Signed,
    app: AppState,
    ValidQuery(LineageParams { of }): ValidQuery<LineageParams>,
    conditions: Conditions,
) -> ApiResult<Versioned<Lineage>> {
    let (me, of) = (who.id, read(&of)?);
    let found = app
        .db
        .read(async |connection| find(connection, me, &of).await)
        .await?;
    let lineage = found.ok_or(ApiError::not_found("version"))?;
    let shown = serde_json::to_vec(&lineage).map_err(ApiError::internal)?;
    conditions.read(Edition::of_parts([shown.as_slice()]), || lineage)
}

fn read(of: &str) -> ApiResult<Of> {
    let read = || {
        let (what, version) = of.rsplit_once('@')?;
        let version = version.parse().ok().filter(|version| *version > 0)?;
        match what.split_once(':')? {
            ("dataset", id) => Some(Of::Dataset(DatasetId(id.parse().ok()?), version)),
            ("model", name) => Some(Of::Model(name.to_owned(), version)),
            _ => None,
        }
    };
    read().ok_or_else(|| {
        ApiError::new(
            Code::InvalidParameter,
            "of: expected dataset:ID@VERSION or model:NAME@VERSION",
        )
    })
}
