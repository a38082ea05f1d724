//! The versions of a dataset: every committed change to its rows is one.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use utoipa::ToSchema;

use super::column::Columns;
use super::model::Shown;
use super::table::{Moment, Table};
use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts, no_id};
use crate::db::sql::Writer;
use crate::db::transaction::Tx;
use crate::events::Event;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{DatasetId, ImportId, PrincipalId, ProjectId, instant, words};
use crate::schema::{dataset_versions, datasets};

words! {
    /// What made a version: an import in one of its modes, an edit of records, or a change of what
    /// the records have to be
    VersionKind {
        Append = "append",
        Replace = "replace",
        Upsert = "upsert",
        Edit = "edit",
        Schema = "schema",
    }
}

/// A version of a dataset
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = dataset_versions, check_for_backend(diesel::pg::Pg))]
#[schema(as = DatasetVersion)]
pub struct Version {
    pub version: i64,
    pub kind: VersionKind,
    /// Who made it; null if the account was deleted
    pub made_by: Option<PrincipalId>,
    #[serde(serialize_with = "instant")]
    pub made_at: DateTime<Utc>,
    /// The import that made it
    pub import_id: Option<ImportId>,
    /// How many records came with it
    pub added: i64,
    /// How many records went with it
    pub removed: i64,
    /// How many records it changed
    pub changed: i64,
    /// How many records there are in it
    #[serde(rename = "rows")]
    pub row_count: i64,
    pub message: Option<String>,
    /// Since when its records cannot be read any more; null while it is kept
    #[serde(serialize_with = "instant")]
    pub purged_at: Option<DateTime<Utc>>,
    /// Whether a pin keeps it for good
    #[diesel(select_expression = sql::<Bool>(PINNED))]
    #[diesel(select_expression_type = SqlLiteral<Bool>)]
    pub pinned: bool,
}

const PINNED: &str = "EXISTS (SELECT FROM dataset_pins AS pin \
    WHERE pin.dataset_id = dataset_versions.dataset_id AND pin.version = dataset_versions.version)";

impl Version {
    pub fn made_at(&self) -> DateTime<Utc> {
        self.made_at
    }
}

/// A version of a dataset, whether it is kept or not.
pub async fn find(
    mut connection: &AsyncPgConnection,
    dataset: DatasetId,
    version: i64,
) -> QueryResult<Option<Version>> {
    dataset_versions::table
        .find((dataset, version))
        .select(Version::as_select())
        .first(&mut connection)
        .await
        .optional()
}

/// A change that is to be a version.
pub struct NewVersion<'a> {
    pub project: ProjectId,
    pub dataset: DatasetId,
    pub table: Table,
    pub change: i64,
    pub kind: VersionKind,
    pub by: Option<PrincipalId>,
    pub import: Option<ImportId>,
    pub added: i64,
    pub removed: i64,
    pub changed: i64,
    pub message: Option<&'a str>,
}

/// The number of a change that begins.
pub async fn next_change(connection: &mut AsyncPgConnection) -> QueryResult<i64> {
    let mut sql = Writer::default();
    sql.text("SELECT nextval('dataset_changes')");
    sql.statement::<BigInt>().get_result(connection).await
}

impl NewVersion<'_> {
    /// Makes the version that follows, and tells it. The dataset is locked by who calls this.
    pub async fn make(&self, tx: &mut Tx<'_>) -> QueryResult<i64> {
        let version = self.insert(tx).await?;
        tx.tell(Event::DatasetChanged {
            project: self.project,
            dataset: self.dataset,
            version,
            kind: self.kind.as_str(),
            added: self.added,
            removed: self.removed,
            changed: self.changed,
        })
        .await?;
        Ok(version)
    }

    async fn insert(&self, connection: &mut AsyncPgConnection) -> QueryResult<i64> {
        let (version, rows): (i64, i64) = diesel::update(datasets::table.find(self.dataset))
            .set((
                datasets::version.eq(datasets::version + 1),
                datasets::revision.eq(datasets::revision + 1),
                datasets::generation.eq(self.table.0),
                datasets::row_count.eq(datasets::row_count + (self.added - self.removed)),
                datasets::updated_at.eq(diesel::dsl::now),
            ))
            .returning((datasets::version, datasets::row_count))
            .get_result(connection)
            .await?;
        diesel::insert_into(dataset_versions::table)
            .values((
                dataset_versions::dataset_id.eq(self.dataset),
                dataset_versions::version.eq(version),
                dataset_versions::generation.eq(self.table.0),
                dataset_versions::change.eq(self.change),
                dataset_versions::kind.eq(self.kind),
                dataset_versions::made_by.eq(self.by),
                dataset_versions::made_at.eq(diesel::dsl::now),
                dataset_versions::import_id.eq(self.import),
                dataset_versions::added.eq(self.added),
                dataset_versions::removed.eq(self.removed),
                dataset_versions::changed.eq(self.changed),
                dataset_versions::row_count.eq(rows),
                dataset_versions::message.eq(self.message),
            ))
            .execute(connection)
            .await?;
        Ok(version)
    }
}

/// Changes are numbered when they begin and are versions when they are committed, so a version has
/// all changes up to its largest but for those that were committed after it.
const AS_IT_WAS: &str = "WITH own AS (SELECT version, generation, purged_at FROM dataset_versions \
    WHERE dataset_id = :dataset AND version = :version), \
    last AS (SELECT max(change) AS change FROM dataset_versions AS v, own \
    WHERE v.dataset_id = :dataset AND v.generation = own.generation AND v.version <= own.version) \
    SELECT own.generation, own.purged_at IS NOT NULL, last.change, ARRAY(SELECT v.change FROM dataset_versions AS v \
    WHERE v.dataset_id = :dataset AND v.generation = own.generation AND v.version > own.version \
    AND v.change < last.change) FROM own, last";

/// The rows of a version, or that there is no such version or it is not kept.
pub async fn as_it_was(
    mut connection: &AsyncPgConnection,
    dataset: DatasetId,
    version: i64,
) -> QueryResult<ApiResult<Shown>> {
    let mut sql = Writer::default();
    sql.text(AS_IT_WAS);
    sql.bind::<Uuid, _>("dataset", dataset);
    sql.bind::<BigInt, _>("version", version);
    let find = sql.statement::<(BigInt, Bool, BigInt, Array<BigInt>)>();
    let found: Option<(i64, bool, i64, Vec<i64>)> =
        find.get_result(&mut connection).await.optional()?;
    Ok(match found {
        None => Err(ApiError::not_found("version")),
        Some((_, true, ..)) => Err(purged(version)),
        Some((generation, false, change, but)) => Ok(Shown {
            version,
            table: Some(Table(generation)),
            moment: Moment::After { change, but },
        }),
    })
}

/// The columns and the rows of a version, for jobs; `None` where it is gone.
pub async fn with_columns(
    mut connection: &AsyncPgConnection,
    dataset: DatasetId,
    version: i64,
) -> QueryResult<Option<(Columns, Shown)>> {
    let columns: Option<Columns> = datasets::table
        .find(dataset)
        .select(datasets::column_list)
        .first(&mut connection)
        .await
        .optional()?;
    let shown = as_it_was(connection, dataset, version).await?;
    Ok(columns.zip(shown.ok()))
}

pub fn purged(version: i64) -> ApiError {
    ApiError::new(
        Code::VersionPurged,
        format!("version {version} is not kept any more; the list of versions says which are"),
    )
}

#[derive(Clone, Copy, PartialEq)]
pub enum VersionSort {
    Version,
}

impl Sorts for VersionSort {
    type Row = Version;
    const LIST: &'static str = "versions";
    const ALL: &'static [(&'static str, Self)] = &[("version", Self::Version)];
    const DEFAULT: (Self, Direction) = (Self::Version, Direction::Descending);

    fn place(self, row: &Version) -> Place {
        Place {
            key: Key::Int(row.version),
            id: uuid::Uuid::nil(),
        }
    }

    fn weight(row: &Version) -> usize {
        size_of::<Version>() + row.message.as_ref().map_or(0, String::len)
    }
}

/// The versions of a dataset, in pages.
pub async fn page(
    connection: &mut AsyncPgConnection,
    dataset: DatasetId,
    page: &PageQuery<VersionSort>,
) -> QueryResult<Found<Version>> {
    let wanted = || {
        dataset_versions::table
            .filter(dataset_versions::dataset_id.eq(dataset))
            .select(Version::as_select())
            .into_boxed()
    };
    let id = no_id();
    page.load(connection, wanted, dataset_versions::version, id)
        .await
}
