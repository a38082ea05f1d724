//! Datasets themselves: making, finding, describing and deleting them.

use chrono::{DateTime, Utc};
use diesel::result::{DatabaseErrorKind, Error};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::datasets::access::DatasetAccess;
use crate::datasets::card::{Card, CardChanges};
use crate::datasets::column::{Column, MOST_COLUMNS, NewColumn, WrongColumn, declared};
use crate::datasets::model::{
    Dataset, DatasetDescription, DatasetName, DatasetSort, NewDataset, Wanted,
};
use crate::datasets::rules::DatasetRules;
use crate::datasets::rules::declare::{DatasetRulesChanges, weigh};
use crate::db::transaction::{Failure, Tx, Work, transaction};
use crate::events::Event;
use crate::http::answer::Answer;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::answer::idempotency::{OnceJson, idempotent};
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::body::extract::{ValidPath, ValidQuery};
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{DatasetId, PrincipalId, ProjectId, instant};
use crate::projects::access::{Editor, Owner, ProjectAccess, Role, Viewer};

const MOST_KEY_FIELDS: usize = 16;

/// A dataset, as its reader sees it
#[derive(Serialize, ToSchema)]
#[schema(as = Dataset)]
pub struct DatasetBody {
    id: DatasetId,
    project_id: ProjectId,
    name: String,
    description: Option<String>,
    card: Card,
    /// None until they are declared or a file has brought them
    columns: Vec<Column>,
    /// The fields by which a record is found; an import with `mode=upsert` replaces by them
    key: Vec<String>,
    /// What its records have to be together; what the values of a column have to be stands there
    rules: DatasetRules,
    /// How many changes its records have had; 0 before the first
    version: i64,
    /// How many of the newest versions are kept; null for what the service keeps
    keep_versions: Option<i32>,
    /// For how many days a version is kept after another has taken its place; null for what the
    /// service keeps. A version is kept for as long as one of both says so
    keep_days: Option<i32>,
    /// How many records there are
    rows: i64,
    /// Your role in the project of the dataset; null if you read it because that is internal
    role: Option<Role>,
    #[serde(serialize_with = "instant")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "instant")]
    updated_at: DateTime<Utc>,
}

impl From<Dataset> for DatasetBody {
    fn from(dataset: Dataset) -> Self {
        let key = dataset.key();
        let Dataset {
            id,
            project_id,
            name,
            description,
            card,
            columns,
            key: _,
            version,
            generation: _,
            keep: (keep_versions, keep_days),
            rows,
            revision: _,
            created_at,
            updated_at,
            rules,
            rules_since: _,
            role,
            is_expired: _,
            project: _,
        } = dataset;
        Self {
            id,
            project_id,
            name,
            description,
            card,
            columns: columns.0,
            key,
            rules: rules.0,
            version,
            keep_versions,
            keep_days,
            rows,
            role,
            created_at,
            updated_at,
        }
    }
}

/// A new dataset
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateDataset {
    /// The project that the dataset is in, where you need the role `editor`
    project_id: ProjectId,
    name: DatasetName,
    #[serde(default)]
    description: Option<DatasetDescription>,
    #[serde(default)]
    #[schema(required = false)]
    card: CardChanges,
    /// Left out, the first import makes them of its file
    #[serde(default)]
    #[schema(max_items = 500)]
    columns: Vec<NewColumn>,
    /// Names or fields of columns whose values together are another's in no record
    #[serde(default)]
    #[schema(max_items = 16)]
    key: Vec<String>,
    /// What its records have to be together, from the first version on
    #[serde(default)]
    #[schema(required = false)]
    rules: DatasetRulesChanges,
}

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DatasetFilter {
    /// Only datasets in this project
    #[param(value_type = Option<uuid::Uuid>)]
    project_id: Option<ProjectId>,
    /// Only datasets with exactly this name
    name: Option<String>,
    /// A part of the name, in upper or lower case, which it must have
    #[serde(rename = "name__contains")]
    name_contains: Option<String>,
    /// Only datasets with this tag
    tag: Option<String>,
}

impl DatasetFilter {
    /// What it asks for, for who asks.
    pub fn wanted(self, me: PrincipalId) -> Wanted {
        let Self {
            project_id,
            name,
            name_contains,
            tag,
        } = self;
        Wanted {
            me,
            project: project_id,
            name,
            name_contains,
            tag,
        }
    }
}

/// The datasets that you may read
///
/// Those in your projects and in internal projects.
#[utoipa::path(
    get,
    path = "/api/v1/datasets",
    tag = "datasets",
    security(("caller" = [])),
    params(PageParams<DatasetSort>, DatasetFilter),
    responses((status = OK, body = Page<DatasetBody>), ApiError),
)]
pub async fn list_datasets(
    who: Signed,
    app: AppState,
    page: PageParams<DatasetSort>,
    ValidQuery(filter): ValidQuery<DatasetFilter>,
) -> ApiResult<Listed<DatasetBody>> {
    let wanted = filter.wanted(who.id);
    let found = app
        .db
        .read(async |connection| wanted.page(connection, &page).await)
        .await?;
    Ok(page.respond(found, DatasetBody::from))
}

/// Make a dataset
///
/// You need the role `editor` in its project. Its columns are declared here, or made of the first
/// file that is imported. The name is alone in the project: if it is taken, the answer is 409.
#[utoipa::path(
    post,
    path = "/api/v1/datasets",
    tag = "datasets",
    security(("caller" = [])),
    extensions(("x-policy" = json!("large"))),
    request_body = CreateDataset,
    responses((status = CREATED, body = DatasetBody), ApiError),
)]
pub async fn create_dataset(
    who: Signed,
    app: AppState,
    actor: Actor,
    OnceJson { once, body }: OnceJson<CreateDataset>,
) -> ApiResult<Answer> {
    let CreateDataset {
        project_id,
        name,
        description,
        card,
        columns,
        key,
        rules: changes,
    } = body;
    if columns.len() > MOST_COLUMNS {
        return Err(ApiError::wrong_field(
            "/columns",
            "too-many-items",
            "a dataset has at most 500 columns",
        ));
    }
    if key.len() > MOST_KEY_FIELDS {
        return Err(ApiError::wrong_field(
            "/key",
            "too-many-items",
            "a key has at most 16 fields",
        ));
    }
    let ruled: Vec<_> = columns.iter().map(|column| column.rules.clone()).collect();
    let columns = declared(columns).map_err(wrong_column)?;
    let (mut rules, mut errors) = (DatasetRules::default(), Vec::new());
    for (at, (column, changes)) in columns.0.iter().zip(&ruled).enumerate() {
        changes.judge(column, &format!("/columns/{at}/rules"), &mut errors);
    }
    changes.apply(&mut rules, &columns, &mut errors);
    weigh(&columns, &rules, &mut errors);
    if !errors.is_empty() {
        return Err(ApiError::validation(errors));
    }
    let mut fields: Vec<String> = Vec::new();
    for (at, named) in key.iter().enumerate() {
        let found = columns
            .0
            .iter()
            .find(|it| it.field == *named || it.name == *named);
        let field = found.map(|column| column.field.clone());
        let field = field
            .filter(|field| !fields.contains(field))
            .ok_or_else(|| {
                let pointer = format!("/key/{at}");
                ApiError::wrong_field(
                    &pointer,
                    "invalid-value",
                    "no column is called so, or it is there twice",
                )
            })?;
        fields.push(field);
    }
    let tags = card.sorted_tags()?.unwrap_or_default();
    let new = NewDataset {
        project_id,
        name: &name,
        description: description.as_ref(),
        licence: card.licence.value(),
        source: card.source.value(),
        contact: card.contact.value(),
        tags: &tags,
        columns: &columns,
        key: &fields,
        rules: &rules,
        by: who.id,
    };
    let me = who.id;
    idempotent(&app.db, &actor, &once, async |tx: &mut Tx<'_>| {
        ProjectAccess::<Editor>::to_write(tx, me, new.project_id).await?;
        let id = Dataset::insert(tx, &new).await.map_err(taken)?;
        tx.tell(Event::DatasetCreated {
            project: new.project_id,
            dataset: id,
            name: new.name.as_str().to_owned(),
        })
        .await?;
        let made = Dataset::find(tx, me, id).await?;
        let made = made.ok_or(ApiError::not_found("dataset"))?;
        let revision = made.revision;
        Ok(
            Answer::created(format!("/api/v1/datasets/{id}"), &DatasetBody::from(made))?
                .with_version(revision)
                .of_project(Some(new.project_id)),
        )
    })
    .await
}

fn wrong_column(it: WrongColumn) -> ApiError {
    ApiError::wrong_field(
        format!("/columns/{}/{}", it.place, it.member),
        it.code,
        &it.detail,
    )
}

pub(super) fn taken(error: Error) -> Failure {
    let Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info) = &error else {
        return error.into();
    };
    match info.constraint_name() {
        Some("datasets_project_id_name_key") => ApiError::new(
            Code::Conflict,
            "the project has a dataset with this name already",
        )
        .into(),
        _ => error.into(),
    }
}

/// A dataset
///
/// Its `ETag` changes with every change to its records or to what it says of itself.
#[utoipa::path(
    get,
    path = "/api/v1/datasets/{id}",
    tag = "datasets",
    security(("caller" = [])),
    params(("id" = DatasetId, Path, description = "Id of the dataset")),
    responses(
        (status = OK, body = DatasetBody),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_dataset(
    access: DatasetAccess<Viewer>,
    conditions: Conditions,
) -> ApiResult<Versioned<DatasetBody>> {
    conditions.read(access.dataset.revision, || access.dataset.into())
}

/// Delete a dataset
///
/// Deletes its records, all its versions and its imports. You need the role `owner` in the project.
#[utoipa::path(
    delete,
    path = "/api/v1/datasets/{id}",
    tag = "datasets",
    security(("caller" = [])),
    params(("id" = DatasetId, Path, description = "Id of the dataset")),
    responses((status = NO_CONTENT, description = "The dataset is deleted."), ApiError),
)]
pub async fn delete_dataset(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(id): ValidPath<DatasetId>,
    conditions: Conditions,
) -> ApiResult<StatusCode> {
    let me = who.id;
    transaction(&app.db, &actor, async |tx: &mut Tx<'_>| -> Work<()> {
        let access = DatasetAccess::<Owner>::to_write(tx, me, id).await?;
        conditions.write(Some(access.dataset.revision))?;
        Dataset::delete(tx, id).await?;
        tx.tell(Event::DatasetDeleted {
            project: access.dataset.project_id,
            dataset: id,
            name: access.dataset.name,
        })
        .await?;
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
