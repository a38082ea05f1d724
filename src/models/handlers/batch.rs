//! Scoring a dataset with a model.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::datasets::access::DatasetAccess;
use crate::datasets::column::{ColumnName, Columns, MOST_COLUMNS};
use crate::datasets::handlers::VersionNumber;
use crate::datasets::import::model::{Import, ImportBody};
use crate::datasets::import::options::{ImportMode, ImportOptions, Said};
use crate::datasets::model::{Dataset, Message};
use crate::datasets::versions::as_it_was;
use crate::db::transaction::{Tx, Work};
use crate::http::answer::Answer;
use crate::http::answer::idempotency::{OnceJson, idempotent};
use crate::http::body::extract::ValidPath;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::jobs::enqueue::{Enqueued, NewJob, enqueue};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::{DatasetId, PrincipalId};
use crate::models::alias::AliasName;
use crate::models::scoring::job::ScoreDataset;
use crate::models::scoring::plan::{Chosen, Plan, listed};
use crate::models::serving::route::{self, DEFAULT, Route, Version};
use crate::models::serving::unavailable;
use crate::projects::access::Editor;

/// What is to be scored, by what, and where the records go
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBatch {
    /// The dataset whose records the model is asked about
    dataset: DatasetId,
    /// Its version; the one of now unless told
    #[serde(default)]
    #[schema(nullable = false)]
    dataset_version: Option<VersionNumber>,
    /// The number of the version of the model
    #[serde(default)]
    #[schema(nullable = false)]
    version: Option<VersionNumber>,
    /// An alias of the model that leads to one version, instead of `version`; `production` unless
    /// told
    #[serde(default)]
    #[schema(nullable = false)]
    alias: Option<AliasName>,
    /// The dataset that the records go into with the answers
    into: DatasetId,
    /// The columns that go along, by their names or fields; all of them unless told
    #[serde(default)]
    #[schema(max_items = 500, nullable = false)]
    columns: Option<Vec<ColumnName>>,
    /// The columns that the model is asked by, in its order. Unless told, they are those that are
    /// called as its inputs, or all columns of numbers where it has one input of as many
    #[serde(default)]
    #[schema(max_items = 500, nullable = false)]
    inputs: Option<Vec<ColumnName>>,
    /// What becomes of the records that are in `into`
    #[serde(default = "append")]
    #[schema(required = false, default = "append")]
    mode: ImportMode,
    /// What the change is for, which the version shows
    #[serde(default)]
    #[schema(nullable = false)]
    message: Option<Message>,
}

fn append() -> ImportMode {
    ImportMode::Append
}

/// Score a dataset
///
/// Asks a version of the model about every record of a version of a dataset, and loads the records
/// with the answers into the dataset `into` as one import, all of them or none. An output of the
/// shape `[-1]` or `[-1, 1]` is the column of its name, and one of the shape `[-1, n]` the columns
/// `name_0` to `name_(n-1)`. You have to be able to read the model and the dataset, and need the
/// role `editor` in the project of `into`.
///
/// A job does it. The import at `Location` says how far it is and what became of it, and is stopped
/// by `DELETE`. A record without a value that the model needs, or with one that it cannot take,
/// refuses all, and `problem` says which. Where models run nowhere, the answer is 503.
#[utoipa::path(
    post,
    path = "/api/v1/models/{name}/batch",
    tag = "models",
    security(("caller" = [])),
    params(("name" = String, Path, description = "Name of the model")),
    request_body = NewBatch,
    responses((status = ACCEPTED, body = ImportBody), ApiError),
)]
pub async fn score_dataset(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(name): ValidPath<String>,
    OnceJson { once, body }: OnceJson<NewBatch>,
) -> ApiResult<Answer> {
    if app.models.is_off() {
        return Err(unavailable());
    }
    let me = who.id;
    idempotent(&app.db, &actor, &once, async |tx: &mut Tx<'_>| {
        begin(tx, me, &name, &body).await
    })
    .await
}

async fn begin(tx: &mut Tx<'_>, me: PrincipalId, name: &str, batch: &NewBatch) -> Work<Answer> {
    let word = match (batch.version, &batch.alias) {
        (Some(_), Some(_)) => {
            let detail = "a version is named already, by its number; name one of the two";
            return Err(ApiError::wrong_field("/alias", "conflict", detail).into());
        }
        (Some(number), None) => number.get().to_string(),
        (None, alias) => alias.as_ref().map_or(DEFAULT, AliasName::as_str).to_owned(),
    };
    let route = route::find(tx, me, name, &word).await??;
    let model = only(&route, &word)?;
    let source = Dataset::find(tx, me, batch.dataset).await?;
    let source = source.ok_or(ApiError::not_found("dataset"))?;
    let version = batch
        .dataset_version
        .map_or(source.version, VersionNumber::get);
    if version == 0 {
        let detail = "the dataset has no version yet; load records into it first";
        return Err(ApiError::wrong_field("/dataset", "empty", detail).into());
    }
    as_it_was(tx, source.id, version).await??;
    let into = DatasetAccess::<Editor>::to_write(tx, me, batch.into)
        .await?
        .dataset;
    if batch.mode == ImportMode::Upsert && into.key.is_empty() {
        let detail = "upsert replaces records by the key of `into`, and that has none; use append or replace";
        return Err(ApiError::wrong_field("/mode", "invalid-value", detail).into());
    }
    let columns = &source.columns;
    let kept = match &batch.columns {
        Some(named) => places(columns, named, "/columns")?,
        None => (0..columns.0.len()).collect(),
    };
    let inputs = batch.inputs.as_ref();
    let inputs = inputs.map(|named| places(columns, named, "/inputs"));
    let inputs = inputs.transpose()?;
    let chosen = Chosen {
        kept: &kept,
        inputs: inputs.as_deref(),
    };
    Plan::of(&model.signature, columns, &chosen)?.fits(&into.columns)?;
    let options = ImportOptions {
        mode: batch.mode,
        message: batch.message.as_ref().map(|it| it.as_str().to_owned()),
        said: said(model, &source, version),
        ..ImportOptions::default()
    };
    let import = Import::insert(tx, into.id, me, &options, None).await?;
    let job = ScoreDataset {
        by: me,
        model: model.model,
        version: model.number,
        dataset: source.id,
        dataset_version: version,
        into: into.id,
        import,
        columns: kept,
        inputs,
    };
    let job = enqueue(tx, NewJob::of(&job).owned_by(me.0)).await?;
    let job = job.ok_or_else(|| ApiError::internal(anyhow::anyhow!("a job was not enqueued")))?;
    Import::give_to(tx, import, job).await?;
    tx.after_commit(Enqueued);
    let made = Import::find(tx, into.id, import).await?;
    let made = made.ok_or(ApiError::not_found("import"))?;
    let place = format!("/api/v1/datasets/{}/imports/{import}", into.id);
    let edition = made.edition();
    Ok(Answer::accepted(place, &ImportBody::from(made))?
        .with_version(edition)
        .of_project(Some(into.project_id)))
}

/// The version that a word leads to, where it is one.
fn only<'a>(route: &'a Route, word: &str) -> ApiResult<&'a Version> {
    match route.versions.as_slice() {
        [(version, _)] => Ok(version),
        several => {
            let numbers: Vec<String> = several
                .iter()
                .map(|(it, _)| it.number.to_string())
                .collect();
            let detail = format!(
                "{word} leads to the versions {}; name one of them as `version`",
                listed(numbers.iter().map(String::as_str))
            );
            Err(ApiError::wrong_field("/alias", "ambiguous", detail))
        }
    }
}

fn places(columns: &Columns, named: &[ColumnName], pointer: &str) -> ApiResult<Vec<usize>> {
    if named.len() > MOST_COLUMNS {
        let detail = "name at most 500 columns, which is as many as a dataset has";
        return Err(ApiError::wrong_field(pointer, "too-many-items", detail));
    }
    let places = named.iter().enumerate().map(|(at, name)| {
        columns.called(name.as_str()).ok_or_else(|| {
            let names = columns.0.iter().map(|column| column.name.as_str());
            let detail = format!("the dataset has no such column; it has {}", listed(names));
            ApiError::wrong_field(format!("{pointer}/{at}"), "unknown-column", detail)
        })
    });
    places.collect()
}

/// As the import shows what it is of.
fn said(model: &Version, source: &Dataset, version: i64) -> Said {
    let pairs = [
        ("model", model.name.clone()),
        ("model_version", model.number.to_string()),
        ("dataset", source.id.to_string()),
        ("dataset_version", version.to_string()),
    ];
    Said(pairs.map(|(name, value)| (name.to_owned(), value)).into())
}
