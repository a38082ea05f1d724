//! The records of a dataset: pages of JSON, and files of all that match.

use axum::response::{IntoResponse as _, Response};
use http::header::LINK;
use http::{HeaderMap, HeaderValue, Uri};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::{look_again, replaced};
use crate::datasets::access::DatasetAccess;
use crate::datasets::export::{Export, Format};
use crate::datasets::model::{Dataset, Shown};
use crate::datasets::query::{Asked, invalid, selected, sorted};
use crate::datasets::records::{RecordPage, Wanted};
use crate::datasets::report::Exporting;
use crate::datasets::versions::as_it_was;
use crate::db::page::{COUNT_CAP, Scope};
use crate::http::accept::preferred;
use crate::http::answer::Answer;
use crate::http::answer::download::Download;
use crate::http::answer::page::{CursorKeys, next_link};
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::{DatasetId, PrincipalId};
use crate::projects::access::Viewer;

const OWN: &[&str] = &[
    "limit", "cursor", "count", "sort", "select", "version", "format",
];
const USUAL: i64 = 50;

/// What records are asked for besides the filters on their fields.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `Asked` reads")]
pub struct RecordParams {
    /// How many records the page has at most
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// The `next` of the page before. Filters, `sort`, `select` and `version` have to be the same
    cursor: Option<String>,
    /// Whether to count the records on all pages, up to 10,000
    #[param(default = false)]
    count: Option<bool>,
    /// A field to sort by, with `-` for the largest first. Records without a value come last
    sort: Option<String>,
    /// The fields to show, with commas between them; all of them unless told
    select: Option<String>,
    /// The version to show the records of, which is the last one unless told
    #[param(minimum = 1)]
    version: Option<i64>,
    /// `csv`, `ndjson`, `parquet`, `arrow` or `arrow-stream`, for all records that match instead of
    /// a page
    #[param(pattern = "^(csv|ndjson|parquet|arrow|arrow-stream|json)$")]
    format: Option<String>,
    /// Conditions on the fields: `field=value` or `field__op=value`, where `op` is one of `ne`,
    /// `lt`, `lte`, `gt`, `gte`, `in`, `contains`, `startswith`, `isnull`, `covers`
    #[param(style = Form, explode)]
    filters: std::collections::HashMap<String, String>,
}

/// A page of records
#[derive(Serialize, ToSchema)]
pub struct RecordList {
    /// The version of the dataset that they are of
    version: i64,
    /// Each with its `rid` and the fields that are selected
    #[schema(value_type = Vec<Object>)]
    items: Vec<Box<RawValue>>,
    /// The `cursor` of the next page; null on the last one
    next: Option<String>,
    /// How many records there are on all pages. It is there only with `count=true`
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    count: Option<i64>,
    /// Whether there are more records than `count`, which stops at 10,000. It is there only with
    /// `count=true`
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    count_capped: Option<bool>,
}

/// The records of a dataset
///
/// In pages, by filters on any field. `format`, or an `Accept` that prefers CSV, NDJSON, Parquet or
/// Arrow, answers with a file of all records that match, as they are at one moment; if making it
/// fails, the connection breaks off, so that half a file never looks whole.
#[utoipa::path(
    get,
    path = "/api/v1/datasets/{id}/records",
    tag = "datasets",
    security(("caller" = [])),
    extensions(("x-policy" = json!("export"))),
    params(("id" = DatasetId, Path, description = "Id of the dataset"), RecordParams),
    responses(
        (
            status = OK,
            description = "A page of records, or a file of all of them.",
            content(
                (RecordList = "application/json"),
                (String = "text/csv"),
                (String = "application/x-ndjson"),
                (String = "application/vnd.apache.parquet"),
                (String = "application/vnd.apache.arrow.file"),
                (String = "application/vnd.apache.arrow.stream"),
            ),
        ),
        ApiError,
    ),
)]
pub async fn list_records(
    access: DatasetAccess<Viewer>,
    app: AppState,
    uri: Uri,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let DatasetAccess { dataset, who, .. } = access;
    let asked = asked(&uri)?;
    match format(&asked, &headers)? {
        Some(format) => export(&app, who, dataset.id, &asked, format).await,
        None => page(&app, who, dataset, &asked, &uri).await,
    }
}

fn format(asked: &Asked, headers: &HeaderMap) -> ApiResult<Option<Format>> {
    if let Some(word) = asked.get("format") {
        if word == "json" {
            return Ok(None);
        }
        let found = Format::ALL.into_iter().find(|(_, name, _)| *name == word);
        let (format, ..) = found.ok_or_else(|| {
            invalid(
                "format",
                "expected csv, ndjson, parquet, arrow, arrow-stream or json",
            )
        })?;
        return Ok(Some(format));
    }
    Ok(format_of(headers))
}

/// The first format that is known here of those that the caller accepts; who takes anything gets
/// JSON.
pub fn format_of(headers: &HeaderMap) -> Option<Format> {
    preferred(headers, |kind| {
        let found = Format::ALL.into_iter().find(|(_, _, media)| *media == kind);
        found.map(|(format, ..)| format)
    })
}

async fn export(
    app: &AppState,
    who: PrincipalId,
    id: DatasetId,
    asked: &Asked,
    format: Format,
) -> ApiResult<Response> {
    for name in ["limit", "cursor", "sort"] {
        if asked.get(name).is_some() {
            return Err(invalid(
                name,
                "a file has all records, in the order of their ids",
            ));
        }
    }
    let version = asked.version()?;
    let export = Export::begin(&app.db, who, id, version).await?;
    let columns = &export.dataset.columns;
    let (selected, filters) = (
        selected(columns, asked.get("select"))?,
        asked.filters(columns)?,
    );
    let kind = HeaderValue::from_static(format.media_type());
    let counted = Exporting::begin(app.core.metrics.clone(), format);
    let runner = &app.core.runner;
    let file = export.stream(format, runner, selected, filters, counted);
    let file = file.await?;
    Ok(Download::new(kind, file).into_response())
}

async fn page(
    app: &AppState,
    who: PrincipalId,
    dataset: Dataset,
    asked: &Asked,
    uri: &Uri,
) -> ApiResult<Response> {
    let looked = look(app, who, dataset, asked, uri).await?;
    respond(app, uri, looked)
}

/// A page of records, and the dataset as it was when they were read.
pub struct Looked {
    pub dataset: Dataset,
    pub page: RecordPage,
    pub total: Option<i64>,
    /// The cursor of the next page.
    pub next: Option<String>,
}

/// What a URL asks of the records of a dataset.
pub fn asked(uri: &Uri) -> ApiResult<Asked> {
    Asked::of(uri, OWN)
}

pub async fn look(
    app: &AppState,
    who: PrincipalId,
    dataset: Dataset,
    asked: &Asked,
    uri: &Uri,
) -> ApiResult<Looked> {
    let limit = asked.number("limit", 1, 200)?.unwrap_or(USUAL);
    let version = asked.version()?;
    let counts = match asked.get("count") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(invalid("count", "expected true or false")),
    };
    let scope = Scope::new(
        "records",
        uri.path(),
        asked.get("sort").unwrap_or_default(),
        asked.scope(),
    );
    let after = match asked.get("cursor") {
        None => None,
        Some(text) => Some(cursor_keys(app).open(&scope, text).ok_or_else(|| {
            invalid(
                "cursor",
                "expected `next` of a page of this list, with the same filters, sort, select and version; begin again without it",
            )
        })?),
    };
    let mut dataset = dataset;
    for _ in 0..2 {
        let columns = &dataset.columns;
        let filters = asked.filters(columns)?;
        let selected = selected(columns, asked.get("select"))?;
        let (sort, direction) = sorted(columns, asked.get("sort"))?;
        let shown = shown(app, &dataset, version).await?;
        let wanted = Wanted {
            dataset: dataset.id,
            shown: &shown,
            columns,
            selected: &selected,
            filters: &filters,
            sort,
            direction,
            limit,
            after: after.clone(),
        };
        let found = app
            .db
            .read(async |connection| {
                let total = match counts {
                    true => Some(wanted.count(connection).await?),
                    false => None,
                };
                let page = wanted.page(connection).await?;
                Ok(page.map(|page| (page, total)))
            })
            .await?;
        if let Some((page, total)) = found {
            let last = page.last.as_ref().filter(|_| !page.is_last);
            let next = last.and_then(|place| cursor_keys(app).seal(&scope, place));
            return Ok(Looked {
                dataset,
                page,
                total,
                next,
            });
        }
        dataset = look_again(app, who, dataset.id).await?;
    }
    Err(replaced())
}

fn cursor_keys(app: &AppState) -> &dyn CursorKeys {
    &*app.identity.keys
}

/// The rows of the version that is asked for.
pub async fn shown(app: &AppState, dataset: &Dataset, version: Option<i64>) -> ApiResult<Shown> {
    let Some(version) = version else {
        return Ok(dataset.now());
    };
    let id = dataset.id;
    app.db
        .look_up(async |connection| as_it_was(connection, id, version).await)
        .await?
}

fn respond(app: &AppState, uri: &Uri, looked: Looked) -> ApiResult<Response> {
    let Looked {
        page: RecordPage {
            version, records, ..
        },
        total,
        next,
        ..
    } = looked;
    let items = records.into_iter().map(RawValue::from_string);
    let items = items
        .collect::<Result<Vec<_>, _>>()
        .map_err(ApiError::internal)?;
    let link = next
        .as_deref()
        .and_then(|cursor| next_link(&app.public_url, uri, cursor));
    let list = RecordList {
        version,
        items,
        next,
        count: total.map(|total| total.min(COUNT_CAP)),
        count_capped: total.map(|total| total > COUNT_CAP),
    };
    let mut response = Answer::ok(&list)?.into_response();
    if let Some(link) = link {
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}
