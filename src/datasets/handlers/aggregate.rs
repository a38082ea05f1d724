//! Groups of records, and groups beside each other.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Uri};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::records::shown;
use super::{look_again, picture, replaced};
use crate::datasets::access::DatasetAccess;
use crate::datasets::aggregate::{self, MOST_FIELDS, Wanted};
use crate::datasets::compare::{self, Comparison, Period};
use crate::datasets::measure::{Function, MOST_MEASURES, Measure, measures};
use crate::datasets::model::Dataset;
use crate::datasets::pictures;
use crate::datasets::query::{Asked, invalid, place};
use crate::db::filter::Operator;
use crate::db::sql::Writer;
use crate::http::answer::conditional::Conditions;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::DatasetId;
use crate::projects::access::Viewer;

const OWN: &[&str] = &["group_by", "measures", "version", "format"];
const COMPARE_OWN: &[&str] = &[
    "by", "groups", "measures", "period", "at", "base", "agg", "version", "format",
];

/// Groups that are asked for besides the filters on fields.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `Asked` reads")]
pub struct AggregateParams {
    /// The fields whose values make the groups, with commas between them; none makes one group of
    /// all
    group_by: Option<String>,
    /// What is computed of each group: `count` and `function:field`, with commas between them. The
    /// functions are `count`, `distinct`, `sum`, `avg`, `min`, `max`, `median` and `stddev`.
    /// `count` unless told
    measures: Option<String>,
    /// The version of the records, which is the last one unless told
    #[param(minimum = 1)]
    version: Option<i64>,
    /// `svg` for a picture, which an `Accept` that prefers `image/svg+xml` asks for as well
    #[param(pattern = "^(json|svg)$")]
    format: Option<String>,
    /// Conditions on the fields, as for records
    #[param(style = Form, explode)]
    filters: std::collections::HashMap<String, String>,
}

/// Groups of records
#[derive(Serialize, ToSchema)]
pub struct GroupList {
    /// The version of the dataset that they are of
    version: i64,
    /// Each with the fields that make it and its measures, such as `avg_income`
    #[schema(value_type = Vec<Object>)]
    groups: Vec<Box<RawValue>>,
    /// Whether there are more than 1,000 groups, of which these are the first
    truncated: bool,
}

/// Groups of records, and what is computed of each
///
/// In the order of the fields that make the groups. A picture has lines over numbers and times and
/// bars for all else, and a second field makes a series of each of its values. Sums of whole
/// numbers and decimals are exact, and texts in JSON where the field is.
#[utoipa::path(
    get,
    path = "/api/v1/datasets/{id}/aggregate",
    tag = "datasets",
    security(("caller" = [])),
    extensions(("x-policy" = json!("analysis"))),
    params(("id" = DatasetId, Path, description = "Id of the dataset"), AggregateParams),
    responses(
        (
            status = OK,
            description = "The groups, or a picture of them.",
            content((GroupList = "application/json"), (String = "image/svg+xml")),
        ),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_aggregate(
    access: DatasetAccess<Viewer>,
    app: AppState,
    uri: Uri,
    headers: HeaderMap,
    conditions: Conditions,
) -> ApiResult<Response> {
    let asked = Asked::of(&uri, OWN)?;
    let (version, is_picture) = (
        asked.version()?,
        picture::is_asked(asked.get("format"), &headers)?,
    );
    let (who, mut dataset) = (access.who, access.dataset);
    for _ in 0..2 {
        let columns = &dataset.columns;
        let filters = asked.filters(columns)?;
        let group_by = group_by(&dataset, asked.get("group_by"))?;
        let measures = measures(columns, asked.get("measures").unwrap_or("count"))?;
        let shown = shown(&app, &dataset, version).await?;
        let wanted = Wanted {
            dataset: dataset.id,
            shown: &shown,
            columns,
            group_by: &group_by,
            measures: &measures,
            filters: &filters,
        };
        // How many records an earlier version has is not known yet.
        let db = &app.db;
        let found = match version.is_some() || dataset.is_large() {
            true => db.analyze(async |connection| wanted.load(connection).await),
            false => db.read(async |connection| wanted.load(connection).await),
        };
        let found = found.await?;
        if let Some(found) = found {
            if is_picture {
                let groups = pictures::Groups {
                    version: found.version,
                    group_by: &group_by,
                    measures: &measures,
                    groups: &found.groups,
                    is_cut: found.is_cut,
                };
                let chart = pictures::of_groups(&dataset, &groups)?;
                return picture::answer(&conditions, &dataset, found.version, &chart);
            }
            let groups = found.groups.into_iter().map(RawValue::from_string);
            let groups = groups
                .collect::<Result<_, _>>()
                .map_err(ApiError::internal)?;
            let list = GroupList {
                version: found.version,
                groups,
                truncated: found.is_cut,
            };
            return Ok(conditions.read(list.version, || list)?.into_response());
        }
        dataset = look_again(&app, who, dataset.id).await?;
    }
    Err(replaced())
}

fn group_by(dataset: &Dataset, text: Option<&str>) -> ApiResult<Vec<usize>> {
    let columns = &dataset.columns;
    let mut places = Vec::new();
    for field in text.iter().flat_map(|text| text.split(',')) {
        let place = place(columns, "group_by", field)?;
        let is_good = columns
            .0
            .get(place)
            .is_some_and(|it| aggregate::groups(it.kind));
        if !is_good {
            return Err(invalid("group_by", "columns of type json make no groups"));
        }
        if places.contains(&place) {
            return Err(invalid("group_by", "a field is there twice"));
        }
        places.push(place);
    }
    if places.len() > MOST_FIELDS {
        return Err(invalid("group_by", "there are more than 5 fields"));
    }
    Ok(places)
}

/// Groups that are compared, besides the filters on fields.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `Asked` reads")]
pub struct CompareParams {
    /// The field that tells the groups apart
    by: String,
    /// Its values that are compared, with commas between them
    groups: String,
    /// The fields whose values are compared, with commas between them
    measures: String,
    /// The field with the time
    period: Option<String>,
    /// The time at which the groups are compared
    at: Option<String>,
    /// An earlier time, against which the change of each group is computed
    base: Option<String>,
    /// How to make one value of several records: `sum`, `avg`, `min`, `max`, `median`, `count` or
    /// `distinct`. Without it, a group that has several is an error
    #[param(pattern = "^(sum|avg|min|max|median|count|distinct)$")]
    agg: Option<String>,
    /// The version of the records, which is the last one unless told
    #[param(minimum = 1)]
    version: Option<i64>,
    /// `svg` for a picture, which an `Accept` that prefers `image/svg+xml` asks for as well
    #[param(pattern = "^(json|svg)$")]
    format: Option<String>,
    /// Conditions on the fields, as for records
    #[param(style = Form, explode)]
    filters: std::collections::HashMap<String, String>,
}

/// Compare groups
///
/// The values of groups beside each other at one time, with the difference of the first two and the
/// group with the largest; and how each has changed since `base`. Where a group has several records
/// and `agg` does not say what to make of them, the answer is 422.
#[utoipa::path(
    get,
    path = "/api/v1/datasets/{id}/compare",
    tag = "datasets",
    security(("caller" = [])),
    extensions(("x-policy" = json!("analysis"))),
    params(("id" = DatasetId, Path, description = "Id of the dataset"), CompareParams),
    responses(
        (
            status = OK,
            description = "The comparison, or a picture of it.",
            content((Comparison = "application/json"), (String = "image/svg+xml")),
        ),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_comparison(
    access: DatasetAccess<Viewer>,
    app: AppState,
    uri: Uri,
    headers: HeaderMap,
    conditions: Conditions,
) -> ApiResult<Response> {
    let asked = compare_asked(&uri)?;
    let is_picture = picture::is_asked(asked.get("format"), &headers)?;
    let (dataset, found) = compare_groups(&app, access, &asked).await?;
    if is_picture {
        let period = period(&dataset, &asked)?;
        let chart = pictures::of_comparison(&dataset, &found, period);
        return picture::answer(&conditions, &dataset, found.version(), &chart);
    }
    Ok(conditions.read(found.version(), || found)?.into_response())
}

/// What a URL asks to compare.
pub fn compare_asked(uri: &Uri) -> ApiResult<Asked> {
    Asked::of(uri, COMPARE_OWN)
}

/// The comparison, and the dataset as it was when its records were read.
pub async fn compare_groups(
    app: &AppState,
    access: DatasetAccess<Viewer>,
    asked: &Asked,
) -> ApiResult<(Dataset, Comparison)> {
    let (version, function) = (asked.version()?, function(asked)?);
    let (who, mut dataset) = (access.who, access.dataset);
    for _ in 0..2 {
        let columns = &dataset.columns;
        let filters = asked.filters(columns)?;
        let by = by(&dataset, asked)?;
        let groups = groups(asked)?;
        let (fields, measures) = fields(&dataset, asked, function)?;
        let period = period(&dataset, asked)?;
        let shown = shown(app, &dataset, version).await?;
        let wanted = compare::Wanted {
            dataset: dataset.id,
            shown: &shown,
            columns,
            by,
            groups: &groups,
            measures: &measures,
            fields: &fields,
            period,
            has_function: function.is_some(),
            filters: &filters,
        };
        // How many records an earlier version has is not known yet.
        let db = &app.db;
        let found = match version.is_some() || dataset.is_large() {
            true => db.analyze(async |connection| wanted.load(connection).await),
            false => db.read(async |connection| wanted.load(connection).await),
        };
        let found = found.await?;
        if let Some(found) = found {
            let found = found?;
            return Ok((dataset, found));
        }
        dataset = look_again(app, who, dataset.id).await?;
    }
    Err(replaced())
}

fn needed<'a>(asked: &'a Asked, name: &str) -> ApiResult<&'a str> {
    asked
        .get(name)
        .ok_or_else(|| invalid(name, "it is missing"))
}

fn by(dataset: &Dataset, asked: &Asked) -> ApiResult<usize> {
    let place = place(&dataset.columns, "by", needed(asked, "by")?)?;
    let column = dataset.columns.0.get(place);
    if !column.is_some_and(|column| compare::makes_groups(column.kind)) {
        return Err(invalid(
            "by",
            "groups are made by a column of type text, int, bigint or bool",
        ));
    }
    Ok(place)
}

fn groups(asked: &Asked) -> ApiResult<Vec<String>> {
    let mut groups: Vec<String> = Vec::new();
    for group in needed(asked, "groups")?.split(',') {
        if groups.iter().any(|other| other == group) {
            return Err(invalid("groups", "one is there twice"));
        }
        groups.push(group.to_owned());
    }
    match groups.len() > compare::MOST_GROUPS {
        true => Err(invalid("groups", "there are more than 50")),
        false => Ok(groups),
    }
}

/// How a value is made of several records, where the request says so.
fn function(asked: &Asked) -> ApiResult<Option<Function>> {
    let Some(word) = asked.get("agg") else {
        return Ok(None);
    };
    let known = Function::ALL.iter().find(|(known, _)| *known == word);
    let known = known.filter(|(_, function)| *function != Function::Stddev);
    known.map(|(_, function)| Some(*function)).ok_or_else(|| {
        invalid(
            "agg",
            "expected one of sum, avg, min, max, median, count, distinct",
        )
    })
}

/// The fields, and how a value is made of each.
fn fields(
    dataset: &Dataset,
    asked: &Asked,
    function: Option<Function>,
) -> ApiResult<(Vec<String>, Vec<Measure>)> {
    let columns = &dataset.columns;
    let (mut fields, mut measures) = (Vec::new(), Vec::new());
    for field in needed(asked, "measures")?.split(',') {
        let place = place(columns, "measures", field)?;
        let is_number = columns
            .0
            .get(place)
            .is_some_and(|column| column.kind.is_number());
        if !is_number {
            return Err(invalid(
                "measures",
                &format!("the values of {field:?} are no numbers"),
            ));
        }
        // Of one record, all of them are its value.
        let measure = Measure::of(columns, place, function.unwrap_or(Function::Max));
        fields.push(field.to_owned());
        measures.extend(measure);
    }
    if fields.len() > MOST_MEASURES {
        return Err(invalid("measures", "there are more than 20"));
    }
    Ok((fields, measures))
}

fn period<'a>(dataset: &Dataset, asked: &'a Asked) -> ApiResult<Option<Period<'a>>> {
    let Some(field) = asked.get("period") else {
        for name in ["at", "base"] {
            if asked.get(name).is_some() {
                return Err(invalid(name, "it needs `period`, the field with the time"));
            }
        }
        return Ok(None);
    };
    let place = place(&dataset.columns, "period", field)?;
    let kind = dataset
        .columns
        .0
        .get(place)
        .and_then(|column| column.kind.compared_as());
    let kind = kind.ok_or_else(|| invalid("period", "columns of this type are no time"))?;
    let (at, base) = (needed(asked, "at")?, asked.get("base"));
    for (name, value) in [("at", Some(at)), ("base", base)] {
        let Some(value) = value else { continue };
        // So that a value that cannot be used is known before anything is asked.
        kind.condition(&mut Writer::default(), "c1", Operator::Is, value)
            .map_err(|expected| invalid(name, &format!("expected {expected}")))?;
    }
    if base == Some(at) {
        return Err(invalid("base", "it is the same as `at`"));
    }
    Ok(Some(Period { place, at, base }))
}
