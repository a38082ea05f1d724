//! Imports: sending a file, watching what becomes of it, stopping it.

use std::pin::pin;
use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use diesel::result::{DatabaseErrorKind, Error};
use encoding_rs::{Encoding, UTF_8};
use futures_util::TryStreamExt as _;
use futures_util::stream::{Stream, try_unfold};
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use tokio::time::timeout;
use utoipa::IntoParams;

use crate::datasets::access::DatasetAccess;
use crate::datasets::import::model::{
    self, Import, ImportBody, ImportProblem, ImportSort, ImportState, RowError,
};
use crate::datasets::import::options::{ImportMode, ImportOptions, ImportParams};
use crate::datasets::import::rejects;
use crate::datasets::import::rows::Part;
use crate::datasets::import::run::{Job, start};
use crate::datasets::import::source::FileKind;
use crate::db::DbError;
use crate::db::transaction::{Failure, Tx, Work, transaction};
use crate::http::answer::Answer;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::answer::download::Download;
use crate::http::answer::once::Once;
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::body::extract::{ValidPath, ValidQuery};
use crate::http::body::upload::Upload;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code, FieldError, MOST_FIELD_ERRORS};
use crate::kernel::types::{DatasetId, ImportId};
use crate::process::Format;
use crate::projects::access::{Editor, Viewer, expired};

/// How long after the last byte the answer waits for the end of the import.
const WAIT: Duration = Duration::from_secs(3);
/// As the index is called that lets a key make one import.
const KEY_INDEX: &str = "dataset_imports_idempotency_key_idx";

/// Import a file
///
/// Sends a file of records; all of them become part of the dataset, or none. You need the role
/// `editor` in the project. A dataset without columns gets those of the file, whose types are
/// guessed so that nothing is lost; `dry_run=true` shows them, and every mistake, without loading
/// anything, and `type` says what a column is to be instead. CSV is UTF-8, UTF-16 with a byte order
/// mark, or what `charset` in its `Content-Type` says.
///
/// If the import is done within a few seconds of the last byte, the answer is 201, and 422 if
/// records cannot be taken; `errors` has the first of them, and the import at `Location` more. If
/// it takes longer, the answer is 202 and the import says how far it is. A repetition with the
/// same `Idempotency-Key` loads nothing twice.
#[utoipa::path(
    post,
    path = "/api/v1/datasets/{id}/imports",
    tag = "datasets",
    security(("caller" = [])),
    extensions(("x-policy" = json!("upload"))),
    params(("id" = DatasetId, Path, description = "Id of the dataset"), ImportParams),
    request_body(content(
        (String = "text/csv"),
        (String = "application/x-ndjson"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (String = "application/vnd.apache.parquet"),
        (String = "application/vnd.apache.arrow.stream"),
    )),
    responses(
        (status = CREATED, body = ImportBody),
        (status = ACCEPTED, body = ImportBody),
        ApiError,
    ),
)]
pub async fn create_import(
    access: DatasetAccess<Editor>,
    app: AppState,
    actor: Actor,
    options: ImportOptions,
    once: Once,
    headers: HeaderMap,
    upload: Upload,
) -> ApiResult<Response> {
    let file = NewFile {
        kind: kind(&headers)?,
        options,
        key: once.key().map(str::to_owned),
    };
    let parts = try_unfold(upload, async |mut upload| {
        Ok(upload.next().await?.map(|bytes| (bytes, upload)))
    });
    let answer = match load(&app, actor, access, file, pin!(parts)).await? {
        Loaded::Earlier(import) => answer(import)?.replayed(),
        Loaded::Ended(import) => answer(import)?,
        Loaded::Running(import) => accepted(import)?,
    };
    Ok(answer.into_response())
}

/// A file that is sent, and what is said of it.
pub struct NewFile {
    pub kind: FileKind,
    pub options: ImportOptions,
    /// What makes it the same as one that was sent before.
    pub key: Option<String>,
}

/// What became of a file up to now.
pub enum Loaded {
    /// It was sent before.
    Earlier(Import),
    Ended(Import),
    Running(Import),
}

/// Begins an import, takes its file as it arrives, and waits a little for the end.
pub async fn load(
    app: &AppState,
    actor: Actor,
    access: DatasetAccess<Editor>,
    file: NewFile,
    parts: impl Stream<Item = ApiResult<Bytes>> + Unpin,
) -> ApiResult<Loaded> {
    let NewFile { kind, options, key } = file;
    let DatasetAccess { dataset, who, .. } = access;
    if dataset.is_expired {
        return Err(expired());
    }
    if kind == FileKind::Ndjson {
        options.are_for_ndjson()?;
    }
    if options.mode == ImportMode::Upsert && dataset.key.is_empty() {
        return Err(ApiError::new(
            Code::InvalidParameter,
            "mode: upsert replaces records by the key of the dataset, and this one has none; use append or replace",
        ));
    }
    if !options.types.is_empty() && !dataset.columns.0.is_empty() {
        return Err(ApiError::new(
            Code::InvalidParameter,
            "type: the dataset has columns already, whose types stay as they are",
        ));
    }
    let begun = transaction(&app.db, &actor, async |tx: &mut Tx<'_>| -> Work<Begun> {
        begin(tx, &dataset, who, &options, key.as_deref()).await
    });
    let id = match begun.await? {
        Begun::New(id) => id,
        Begun::Earlier(import) => return Ok(Loaded::Earlier(*import)),
    };
    let job = Job {
        db: app.db.clone(),
        metrics: app.metrics.clone(),
        also: None,
        actor,
        by: who,
        id,
        dataset,
        options,
    };
    let dataset = job.dataset.id;
    let (sender, task) = start(job, kind, app.core.clone());
    let received = receive(parts, sender).await;
    let ended = timeout(WAIT, task).await;
    // The import knows that the file broke off; its sender hears why.
    received?;
    let import = app
        .db
        .read_primary(async |connection| Import::find(connection, dataset, id).await)
        .await?
        .ok_or(ApiError::not_found("import"))?;
    Ok(match ended {
        Ok(_) => Loaded::Ended(import),
        Err(_) => Loaded::Running(import),
    })
}

/// Hands the parts on. Where the import has ended already, the rest is not read.
async fn receive(
    mut parts: impl Stream<Item = ApiResult<Bytes>> + Unpin,
    sender: tokio::sync::mpsc::Sender<Part>,
) -> ApiResult<()> {
    while let Some(bytes) = parts.try_next().await? {
        if sender.send(Part::Data(bytes)).await.is_err() {
            return Ok(());
        }
    }
    // Nobody takes the end of what has ended.
    let _ = sender.send(Part::End).await;
    Ok(())
}

fn kind(headers: &HeaderMap) -> ApiResult<FileKind> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind_of(kind.unwrap_or_default())
}

/// What a file is by its media type.
pub fn kind_of(media_type: &str) -> ApiResult<FileKind> {
    let mut parts = media_type.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    Ok(match kind.as_str() {
        "text/csv" | "application/csv" => FileKind::Csv(encoding(parts)?),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => FileKind::Ndjson,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => {
            FileKind::Child(Format::Xlsx)
        }
        "application/vnd.apache.parquet" => FileKind::Child(Format::Parquet),
        "application/vnd.apache.arrow.stream" | "application/vnd.apache.arrow.file" => {
            FileKind::Child(Format::Arrow)
        }
        _ => {
            return Err(ApiError::new(
                Code::UnsupportedMediaType,
                "a file is sent with its type: Content-Type: text/csv, application/x-ndjson, application/vnd.openxmlformats-officedocument.spreadsheetml.sheet, application/vnd.apache.parquet or application/vnd.apache.arrow.stream",
            ));
        }
    })
}

/// What the parameters of a text's type say.
fn encoding<'a>(parameters: impl Iterator<Item = &'a str>) -> ApiResult<&'static Encoding> {
    let mut parameters = parameters.filter_map(|parameter| parameter.split_once('='));
    let charset = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let Some((_, label)) = charset else {
        return Ok(UTF_8);
    };
    let label = label.trim().trim_matches('"');
    Encoding::for_label_no_replacement(label.as_bytes()).ok_or_else(|| {
        ApiError::new(
            Code::UnsupportedMediaType,
            "charset: it is not known; use utf-8, utf-16le, windows-1252 or another of https://encoding.spec.whatwg.org/#names-and-labels",
        )
    })
}

/// A new import, or the one that an earlier request with the same key has made.
enum Begun {
    New(ImportId),
    Earlier(Box<Import>),
}

async fn begin(
    tx: &mut Tx<'_>,
    dataset: &crate::datasets::model::Dataset,
    who: crate::kernel::types::PrincipalId,
    options: &ImportOptions,
    key: Option<&str>,
) -> Work<Begun> {
    if let Some(key) = key
        && let Some(import) = Import::of_key(tx, dataset.id, who, key).await?
    {
        match import.state {
            ImportState::Receiving | ImportState::Loading => {
                return Err(ApiError::new(
                    Code::RequestInFlight,
                    format!(
                        "the first request with this Idempotency-Key is still being worked on: look at /api/v1/datasets/{}/imports/{}",
                        dataset.id, import.id
                    ),
                )
                .into());
            }
            ImportState::Failed | ImportState::Cancelled => {
                Import::give_up_key(tx, import.id).await?;
            }
            ImportState::Ready | ImportState::Checked | ImportState::Refused => {
                return Ok(Begun::Earlier(Box::new(import)));
            }
        }
    }
    let inserted = Import::insert(tx, dataset.id, who, options, key).await;
    inserted.map(Begun::New).map_err(|error| match &error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
            if info.constraint_name() == Some(KEY_INDEX) =>
        {
            Failure::Refused(ApiError::new(
                Code::RequestInFlight,
                "another request with this Idempotency-Key has just begun; repeat the request",
            ))
        }
        Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => {
            Failure::Refused(ApiError::not_found("dataset"))
        }
        _ => error.into(),
    })
}

fn place(import: &Import) -> String {
    format!(
        "/api/v1/datasets/{}/imports/{}",
        import.dataset_id, import.id
    )
}

fn accepted(import: Import) -> ApiResult<Answer> {
    let (place, edition) = (place(&import), import.edition());
    Ok(Answer::accepted(place, &ImportBody::from(import))?.with_version(edition))
}

/// What became of an import that has ended.
fn answer(import: Import) -> ApiResult<Answer> {
    let (location, edition) = (place(&import), import.edition());
    match import.state {
        ImportState::Receiving | ImportState::Loading => accepted(import),
        ImportState::Ready | ImportState::Checked => {
            Ok(Answer::created(location, &ImportBody::from(import))?.with_version(edition))
        }
        ImportState::Cancelled => Err(ApiError::new(
            Code::Conflict,
            "the import was cancelled; nothing was loaded",
        )),
        ImportState::Refused | ImportState::Failed => Err(refused(import, &location)),
    }
}

fn refused(import: Import, location: &str) -> ApiError {
    let problem = import.problem.map(|problem| problem.0);
    let ImportProblem { code, detail } =
        problem.unwrap_or_else(|| ImportProblem::new("failed", "the import failed"));
    let known = Code::ALL.iter().find(|known| known.as_str() == code);
    let mut error = match (import.state, known) {
        // It is the service's failure, or the conflict that it says.
        (ImportState::Failed, Some(known)) => ApiError::new(*known, detail),
        (_, _) => ApiError::new(Code::ImportRefused, format!("{code}: {detail}")),
    };
    let errors = import.errors.0.into_iter().take(MOST_FIELD_ERRORS);
    error.errors = errors.map(field_error).collect();
    match HeaderValue::try_from(location) {
        Ok(location) => error.with_header(LOCATION, location),
        Err(_) => error,
    }
}

/// As a pointer into the file: `/rows/17/income`.
fn field_error(error: RowError) -> FieldError {
    let column = error.column.as_deref().unwrap_or_default();
    let column = column.replace('~', "~0").replace('/', "~1");
    let separator = if column.is_empty() { "" } else { "/" };
    let detail = match error.value {
        Some(value) => format!("row {}: {:?}", error.row, value),
        None => format!("row {}", error.row),
    };
    FieldError {
        pointer: format!("/rows/{}{separator}{column}", error.row),
        code: error.code.into(),
        detail,
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportFilter {
    /// Only the import that you have made with this `Idempotency-Key`, written without quotes, for
    /// who did not hear the answer
    idempotency_key: Option<String>,
}

/// The imports of a dataset
///
/// Also those under way, with how far they are.
#[utoipa::path(
    get,
    path = "/api/v1/datasets/{id}/imports",
    tag = "datasets",
    security(("caller" = [])),
    params(("id" = DatasetId, Path, description = "Id of the dataset"), PageParams<ImportSort>, ImportFilter),
    responses((status = OK, body = Page<ImportBody>), ApiError),
)]
pub async fn list_imports(
    access: DatasetAccess<Viewer>,
    app: AppState,
    page: PageParams<ImportSort>,
    ValidQuery(filter): ValidQuery<ImportFilter>,
) -> ApiResult<Listed<ImportBody>> {
    let id = access.dataset.id;
    let key = filter.idempotency_key.map(|key| (access.who, key));
    let found = app
        .db
        .read(async |connection| model::page(connection, id, key.as_ref(), &page).await)
        .await?;
    Ok(page.respond(found, ImportBody::from))
}

/// An import
///
/// How far it is, and what became of it.
#[utoipa::path(
    get,
    path = "/api/v1/datasets/{id}/imports/{import}",
    tag = "datasets",
    security(("caller" = [])),
    params(
        ("id" = DatasetId, Path, description = "Id of the dataset"),
        ("import" = ImportId, Path, description = "Id of the import"),
    ),
    responses(
        (status = OK, body = ImportBody),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_import(
    _: DatasetAccess<Viewer>,
    app: AppState,
    ValidPath(path): ValidPath<(DatasetId, ImportId)>,
    conditions: Conditions,
) -> ApiResult<Versioned<ImportBody>> {
    let (dataset, import) = path;
    let found = app
        .db
        .look_up(async |connection| Import::find(connection, dataset, import).await)
        .await?;
    let found = found.ok_or(ApiError::not_found("import"))?;
    conditions.read(found.edition(), || found.into())
}

/// The records that an import could not take
///
/// As CSV, each after the columns `_rejected_row`, `_rejected_column` and `_rejected_code`, which
/// say where it stood and what is wrong with it. Repaired, the file can be imported as it is: these
/// columns are left out, and those that `section_column` and `set` had added are in it, so it needs
/// neither them nor `columns` and `skip_rows`. It is kept for 30 days. You need the role `editor`
/// in the project.
#[utoipa::path(
    get,
    path = "/api/v1/datasets/{id}/imports/{import}/rejected",
    tag = "datasets",
    security(("caller" = [])),
    extensions(("x-policy" = json!("download"))),
    params(
        ("id" = DatasetId, Path, description = "Id of the dataset"),
        ("import" = ImportId, Path, description = "Id of the import"),
    ),
    responses(
        (status = OK, description = "The records.", content((String = "text/csv"))),
        ApiError,
    ),
)]
pub async fn get_rejected_records(
    _: DatasetAccess<Editor>,
    app: AppState,
    ValidPath(path): ValidPath<(DatasetId, ImportId)>,
) -> ApiResult<Response> {
    let (dataset, import) = path;
    let found = app
        .db
        .look_up(async |connection| Import::find(connection, dataset, import).await)
        .await?;
    let found = found.ok_or(ApiError::not_found("import"))?;
    if found.rejected_rows == 0 {
        return Err(ApiError::not_found("file of rejected records"));
    }
    let parts = try_unfold((app.core.clone(), 0), move |(core, chunk)| async move {
        let part = core
            .db
            .read_primary(async |connection| rejects::part(connection, import, chunk).await);
        let part = part.await?;
        Ok::<_, DbError>(part.map(|bytes| (Bytes::from(bytes), (core, chunk + 1))))
    });
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    Ok(Download::new(kind, parts).into_response())
}

/// Stop an import
///
/// Nothing of it is loaded. An import that has ended stays as it is: the answer is 409.
#[utoipa::path(
    delete,
    path = "/api/v1/datasets/{id}/imports/{import}",
    tag = "datasets",
    security(("caller" = [])),
    params(
        ("id" = DatasetId, Path, description = "Id of the dataset"),
        ("import" = ImportId, Path, description = "Id of the import"),
    ),
    responses((status = NO_CONTENT, description = "The import is stopped."), ApiError),
)]
pub async fn cancel_import(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(path): ValidPath<(DatasetId, ImportId)>,
    conditions: Conditions,
) -> ApiResult<StatusCode> {
    let (me, (dataset, import)) = (who.id, path);
    transaction(&app.db, &actor, async |tx: &mut Tx<'_>| -> Work<()> {
        DatasetAccess::<Editor>::to_write(tx, me, dataset).await?;
        let found = Import::find(tx, dataset, import).await?;
        let found = found.ok_or(ApiError::not_found("import"))?;
        conditions.write(Some(found.edition()))?;
        match Import::cancel(tx, import).await? {
            true => Ok(()),
            false => Err(ApiError::new(Code::Conflict, "the import has ended already").into()),
        }
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
