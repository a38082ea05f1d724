//! Records that are added, and single ones that are read, changed and removed.

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema,
};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::records::shown;
use crate::datasets::access::DatasetAccess;
use crate::datasets::changes::{Edit, add, checks, keep_apart, refused};
use crate::datasets::edit::{self, MOST_RECORDS, Values, missing, values};
use crate::datasets::model::Dataset;
use crate::datasets::table::Table;
use crate::datasets::versions::next_change;
use crate::db::transaction::{Tx, Work, transaction};
use crate::http::answer::Answer;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::answer::idempotency::{OnceJson, idempotent};
use crate::http::body::extract::{ValidPath, ValidQuery};
use crate::http::body::patch::MergePatch;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::DatasetId;
use crate::projects::access::{Editor, Viewer};

/// A record by its fields, or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum NewRecords {
    One(Map<String, Value>),
    Many(Vec<Map<String, Value>>),
}

/// Fields to change; null takes a value away.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct RecordPatch(Map<String, Value>);

/// A record, with its `rid`.
#[derive(Serialize)]
#[serde(transparent)]
pub struct Record(Box<RawValue>);

impl PartialSchema for Record {
    fn schema() -> RefOr<Schema> {
        let described =
            record().description(Some("The values of a record by its fields, and its `rid`"));
        described.into()
    }
}

impl ToSchema for Record {}

fn record() -> ObjectBuilder {
    ObjectBuilder::new()
        .description(Some("The values of a record by its fields"))
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
}

impl PartialSchema for NewRecords {
    fn schema() -> RefOr<Schema> {
        let list = ArrayBuilder::new()
            .items(record())
            .min_items(Some(1))
            .max_items(Some(MOST_RECORDS));
        OneOfBuilder::new().item(record()).item(list).into()
    }
}

impl ToSchema for NewRecords {}

impl PartialSchema for RecordPatch {
    fn schema() -> RefOr<Schema> {
        record().into()
    }
}

impl ToSchema for RecordPatch {}

/// The records that were added
#[derive(Serialize, ToSchema)]
pub struct Added {
    /// The version of the dataset that they made
    version: i64,
    /// Their ids, in the order in which they were sent
    rids: Vec<i64>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RecordVersion {
    /// The version to show the record of, which is the last one unless told
    #[param(minimum = 1)]
    version: Option<i64>,
}

/// Add records
///
/// All of them, or none: what is wrong is listed by record and field. You need the role `editor` in
/// the project. A record whose key another has is refused with 409, and so is one with which the
/// dataset would break a rule of all its records.
#[utoipa::path(
    post,
    path = "/api/v1/datasets/{id}/records",
    tag = "datasets",
    security(("caller" = [])),
    extensions(("x-policy" = json!("large"))),
    params(("id" = DatasetId, Path, description = "Id of the dataset")),
    request_body = NewRecords,
    responses((status = CREATED, body = Added), ApiError),
)]
pub async fn create_record(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(id): ValidPath<DatasetId>,
    OnceJson { once, body }: OnceJson<NewRecords>,
) -> ApiResult<Answer> {
    let me = who.id;
    idempotent(&app.db, &actor, &once, async |tx: &mut Tx<'_>| {
        let dataset = DatasetAccess::<Editor>::to_write(tx, me, id).await?.dataset;
        let records = records(&dataset, &body)?;
        let is_list = matches!(body, NewRecords::Many(_));
        let added = add(tx, &dataset, &records, |at| pointer(is_list, at)).await?;
        let all = format!("/api/v1/datasets/{id}/records");
        let place = match is_list {
            true => all,
            false => format!("{all}/{}", added.rids.start),
        };
        let body = Added {
            version: added.version,
            rids: added.rids.collect(),
        };
        Ok(Answer::created(place, &body)?
            .with_version(added.change)
            .of_project(Some(dataset.project_id)))
    })
    .await
}

fn records(dataset: &Dataset, body: &NewRecords) -> ApiResult<Vec<Values>> {
    let columns = &dataset.columns;
    if columns.0.is_empty() {
        return Err(ApiError::new(
            Code::Conflict,
            "the dataset has no columns yet: declare them when you make it, or import a file",
        ));
    }
    let (given, is_list): (&[Map<String, Value>], bool) = match body {
        NewRecords::One(record) => (std::slice::from_ref(record), false),
        NewRecords::Many(records) => (records, true),
    };
    let whole = |code: &'static str, detail: &str| ApiError::wrong_field("", code, detail);
    if given.is_empty() {
        return Err(whole("too-few-items", "there is no record in the list"));
    }
    if given.len() > MOST_RECORDS {
        return Err(whole(
            "too-many-items",
            "a request has at most 1000 records; import a file for more",
        ));
    }
    let checks = checks(dataset)?;
    let mut errors = Vec::new();
    let records = given.iter().enumerate().map(|(at, record)| {
        let pointer = pointer(is_list, at);
        let values = values(columns, &checks, record, &pointer, &mut errors);
        missing(columns, &values, &pointer, &mut errors);
        values
    });
    let records = records.collect();
    match errors.is_empty() {
        true => Ok(records),
        false => Err(ApiError::validation(errors)),
    }
}

/// Where a record stands in a body.
fn pointer(is_list: bool, at: usize) -> String {
    match is_list {
        true => format!("/{at}"),
        false => String::new(),
    }
}

/// A record
///
/// Its `ETag` changes when the record does.
#[utoipa::path(
    get,
    path = "/api/v1/datasets/{id}/records/{rid}",
    tag = "datasets",
    security(("caller" = [])),
    params(
        ("id" = DatasetId, Path, description = "Id of the dataset"),
        ("rid" = i64, Path, description = "Id of the record", minimum = 1),
        RecordVersion,
    ),
    responses(
        (status = OK, body = Record),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_record(
    access: DatasetAccess<Viewer>,
    app: AppState,
    ValidPath(path): ValidPath<(DatasetId, i64)>,
    ValidQuery(query): ValidQuery<RecordVersion>,
    conditions: Conditions,
) -> ApiResult<Response> {
    let (dataset, (_, rid)) = (access.dataset, path);
    if query.version.is_some_and(|version| version < 1) {
        return Err(ApiError::new(
            Code::InvalidParameter,
            "version: expected a number of at least 1",
        ));
    }
    let shown = shown(&app, &dataset, query.version).await?;
    let columns = &dataset.columns;
    let found = app
        .db
        .look_up(async |connection| edit::find(connection, &shown, columns, rid).await)
        .await?;
    let (came, record) = found.ok_or(ApiError::not_found("record"))?;
    let record = RawValue::from_string(record).map_err(ApiError::internal)?;
    Ok(conditions.read(came, || Record(record))?.into_response())
}

/// Change a record
///
/// A merge patch: fields that you leave out stay as they are. You need the role `editor` in the
/// project. With `If-Match` nobody's change is overwritten.
#[utoipa::path(
    patch,
    path = "/api/v1/datasets/{id}/records/{rid}",
    tag = "datasets",
    security(("caller" = [])),
    extensions(("x-policy" = json!("large"))),
    params(
        ("id" = DatasetId, Path, description = "Id of the dataset"),
        ("rid" = i64, Path, description = "Id of the record", minimum = 1),
    ),
    request_body(content = RecordPatch, content_type = "application/merge-patch+json"),
    responses((status = OK, body = Record), ApiError),
)]
pub async fn update_record(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(path): ValidPath<(DatasetId, i64)>,
    conditions: Conditions,
    MergePatch(patch): MergePatch<RecordPatch>,
) -> ApiResult<Response> {
    let (me, (id, rid)) = (who.id, path);
    let changed = transaction(
        &app.db,
        &actor,
        async |tx: &mut Tx<'_>| -> Work<(i64, String)> {
            let found = Found::lock(tx, me, id, rid, &conditions).await?;
            let Found { dataset, table } = found;
            let mut errors = Vec::new();
            let checks = checks(&dataset)?;
            let values = values(&dataset.columns, &checks, &patch.0, "", &mut errors);
            if !errors.is_empty() {
                return Err(ApiError::validation(errors).into());
            }
            let values = [values];
            keep_apart(tx, table, &dataset, &values, Some(rid), |_| String::new()).await?;
            let [values] = values;
            let change = next_change(tx).await?;
            edit::update(tx, table, &dataset.columns, change, rid, &values)
                .await
                .map_err(refused)?;
            let edit = Edit {
                added: 0,
                removed: 0,
                changed: 1,
            };
            edit.make(tx, &dataset, table, change).await?;
            let found = edit::find(tx, &dataset.now(), &dataset.columns, rid).await?;
            Ok(found.ok_or(ApiError::not_found("record"))?)
        },
    )
    .await?;
    let (came, record) = changed;
    let record = RawValue::from_string(record).map_err(ApiError::internal)?;
    Ok(Versioned::new(came, Record(record)).into_response())
}

/// Remove a record
///
/// Versions before this keep it. You need the role `editor` in the project.
#[utoipa::path(
    delete,
    path = "/api/v1/datasets/{id}/records/{rid}",
    tag = "datasets",
    security(("caller" = [])),
    params(
        ("id" = DatasetId, Path, description = "Id of the dataset"),
        ("rid" = i64, Path, description = "Id of the record", minimum = 1),
    ),
    responses((status = NO_CONTENT, description = "The record is removed."), ApiError),
)]
pub async fn delete_record(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(path): ValidPath<(DatasetId, i64)>,
    conditions: Conditions,
) -> ApiResult<StatusCode> {
    let (me, (id, rid)) = (who.id, path);
    transaction(&app.db, &actor, async |tx: &mut Tx<'_>| -> Work<()> {
        let Found { dataset, table } = Found::lock(tx, me, id, rid, &conditions).await?;
        let change = next_change(tx).await?;
        edit::delete(tx, table, change, rid).await?;
        let edit = Edit {
            added: 0,
            removed: 1,
            changed: 0,
        };
        edit.make(tx, &dataset, table, change).await?;
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A record that is there, in a dataset that nobody else changes.
struct Found {
    dataset: Dataset,
    table: Table,
}

impl Found {
    async fn lock(
        tx: &mut Tx<'_>,
        who: crate::kernel::types::PrincipalId,
        id: DatasetId,
        rid: i64,
        conditions: &Conditions,
    ) -> Work<Self> {
        let dataset = DatasetAccess::<Editor>::to_write(tx, who, id)
            .await?
            .dataset;
        let found = edit::find(tx, &dataset.now(), &dataset.columns, rid).await?;
        let (came, _) = found.ok_or(ApiError::not_found("record"))?;
        conditions.write(Some(came))?;
        let table = dataset.generation.map(Table);
        Ok(Self {
            table: table.ok_or(ApiError::not_found("record"))?,
            dataset,
        })
    }
}
