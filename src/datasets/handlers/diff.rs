//! What is different in a version from another.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use utoipa::IntoParams;

use super::VersionNumber;
use super::records::{format_of, shown};
use crate::datasets::access::DatasetAccess;
use crate::datasets::diff::{Diff, DiffSort, DiffSummary, DifferentRecord, Row};
use crate::datasets::export::{Format, diff_as_csv};
use crate::datasets::model::{Dataset, Shown};
use crate::datasets::query::invalid;
use crate::datasets::table::Moment;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::answer::download::Download;
use crate::http::answer::etag::Edition;
use crate::http::answer::page::{Page, PageParams};
use crate::http::body::extract::ValidQuery;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::DatasetId;
use crate::kernel::values::number;
use crate::projects::access::Viewer;

number! {
    /// The number of a version, or 0 for what was before the first
    BaseVersion(i64): 0..=9_007_199_254_740_991;
}

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DiffVersions {
    /// The version to compare with: the one before `to` unless told, and 0 for none
    #[param(inline)]
    pub from: Option<BaseVersion>,
    /// The version to compare, which is the last one unless told. Say it where you walk pages
    #[param(inline)]
    pub to: Option<VersionNumber>,
}

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DiffFormat {
    /// `csv` for a file of all differences instead of a page
    #[param(pattern = "^(csv|json)$")]
    format: Option<String>,
}

/// The records that are different in two versions
///
/// Those that were added, then those that were removed, then those that have changed, as they were
/// and as they are. Records are the same by the key of the dataset; without one by their id, and
/// where all were replaced by all their values. In CSV a record that has changed has two lines,
/// `before` and `after`.
#[utoipa::path(
    get,
    path = "/api/v1/datasets/{id}/diff",
    tag = "datasets",
    security(("caller" = [])),
    extensions(("x-policy" = json!("export"))),
    params(
        ("id" = DatasetId, Path, description = "Id of the dataset"),
        PageParams<DiffSort>,
        DiffVersions,
        DiffFormat,
    ),
    responses(
        (
            status = OK,
            description = "A page of the records that are different, or a file of all of them.",
            content((Page<DifferentRecord> = "application/json"), (String = "text/csv")),
        ),
        ApiError,
    ),
)]
pub async fn list_differences(
    access: DatasetAccess<Viewer>,
    app: AppState,
    headers: HeaderMap,
    page: PageParams<DiffSort>,
    ValidQuery(versions): ValidQuery<DiffVersions>,
    ValidQuery(format): ValidQuery<DiffFormat>,
) -> ApiResult<Response> {
    let is_file = match format.format.as_deref() {
        Some("csv") => true,
        Some("json") => false,
        Some(_) => return Err(invalid("format", "expected csv or json")),
        None => format_of(&headers) == Some(Format::CSV),
    };
    let diff = diff(&app, &access.dataset, &versions).await?;
    if is_file {
        let kind = HeaderValue::from_static(Format::CSV.media_type());
        let parts = diff_as_csv(&app.db, diff).await?;
        return Ok(Download::new(kind, parts).into_response());
    }
    let found = app
        .db
        .read(async |connection| diff.page(connection, &page).await)
        .await?;
    Ok(page
        .respond(found, |row: Row| row.shown(&diff.columns))
        .into_response())
}

/// How much is different in two versions
///
/// How many records were added, removed and changed, and in how many each field has changed.
#[utoipa::path(
    get,
    path = "/api/v1/datasets/{id}/diff/summary",
    tag = "datasets",
    security(("caller" = [])),
    params(("id" = DatasetId, Path, description = "Id of the dataset"), DiffVersions),
    responses(
        (status = OK, body = DiffSummary),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_diff_summary(
    access: DatasetAccess<Viewer>,
    app: AppState,
    conditions: Conditions,
    ValidQuery(versions): ValidQuery<DiffVersions>,
) -> ApiResult<Versioned<DiffSummary>> {
    let diff = diff(&app, &access.dataset, &versions).await?;
    let summary = app
        .db
        .read(async |connection| diff.summary(connection).await)
        .await?;
    let from = summary.from.to_be_bytes();
    let edition = Edition::with_rest(summary.to, [from.as_slice()]);
    conditions.read(edition, || summary)
}

/// Two versions of a dataset, to be compared.
pub async fn diff(app: &AppState, dataset: &Dataset, versions: &DiffVersions) -> ApiResult<Diff> {
    let last = (dataset.version > 0).then_some(dataset.version);
    let to = versions.to.map(VersionNumber::get).or(last);
    let to = to.ok_or(ApiError::not_found("version"))?;
    let from = versions.from.map_or(to - 1, BaseVersion::get);
    let nothing = Shown {
        version: 0,
        table: None,
        moment: Moment::Now,
    };
    let columns = &dataset.columns;
    let key = dataset.key();
    Ok(Diff {
        from: match from {
            0 => nothing,
            from => shown(app, dataset, Some(from)).await?,
        },
        to: shown(app, dataset, Some(to)).await?,
        columns: columns.clone(),
        key: key
            .iter()
            .filter_map(|field| columns.place(field))
            .collect(),
    })
}
