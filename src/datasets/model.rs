//! Datasets as the database keeps them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::card::{Card, Contact, DataSource, Licence};
use super::column::Columns;
use super::rules::DatasetRules;
use super::table::{Moment, Table};
use crate::db::json::AsJson;
use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts, Sql, Written};
use crate::db::sql::Writer;
use crate::kernel::types::{DatasetId, PrincipalId, ProjectId};
use crate::kernel::values::text;
use crate::projects::access::{HAS_EXPIRED, ProjectAccess, Role, Viewer};
use crate::schema::{dataset_generations, datasets};

text! {
    /// The name of a dataset, which is alone in its project
    DatasetName: 1..=200, no_control, trimmed;
    /// What a dataset is about, in Markdown
    DatasetDescription: 0..=10_000;
    /// What a change is for
    Message: 0..=1_000;
}

/// A dataset and what its reader may do with it.
#[derive(Clone, Debug, Queryable)]
pub struct Dataset {
    pub id: DatasetId,
    pub project_id: ProjectId,
    pub name: String,
    pub description: Option<String>,
    pub card: Card,
    pub columns: Columns,
    /// The fields by which a record is found and replaced.
    pub key: Vec<Option<String>>,
    pub version: i64,
    pub generation: Option<i64>,
    /// How many versions are kept, and for how many days.
    pub keep: (Option<i32>, Option<i32>),
    pub rows: i64,
    pub revision: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub rules: AsJson<DatasetRules>,
    /// The version since which the rules, and those of the columns, are as they are.
    pub rules_since: i64,
    pub role: Option<Role>,
    pub is_expired: bool,
    /// The name of its project.
    pub project: String,
}

type Selected = (
    Uuid,
    Uuid,
    Text,
    Nullable<Text>,
    (Nullable<Text>, Nullable<Text>, Nullable<Text>, Array<Text>),
    Jsonb,
    Array<Nullable<Text>>,
    BigInt,
    Nullable<BigInt>,
    (Nullable<Integer>, Nullable<Integer>),
    BigInt,
    BigInt,
    Timestamptz,
    Timestamptz,
    Jsonb,
    BigInt,
    Nullable<Text>,
    Bool,
    Text,
);

const COLUMNS: &str = "datasets.id, datasets.project_id, datasets.name, datasets.description, \
    datasets.licence, datasets.source, datasets.contact, datasets.tags, datasets.column_list, datasets.key_fields, datasets.version, datasets.generation, datasets.keep_versions, datasets.keep_days, datasets.row_count, datasets.revision, \
    datasets.created_at, datasets.updated_at, datasets.rules, datasets.rules_since, ";

/// What the caller `:me` may read, to be narrowed by ` AND ..`.
const VISIBLE: [&str; 2] = [
    " FROM datasets JOIN projects ON projects.id = datasets.project_id \
     LEFT JOIN project_members ON project_members.project_id = projects.id \
     AND project_members.principal_id = :me WHERE ",
    ProjectAccess::<Viewer>::CONDITION,
];

fn visible<'v>(me: PrincipalId) -> Writer<'v> {
    let mut sql = Writer::default();
    sql.texts(&["SELECT ", COLUMNS, "project_members.role, ", HAS_EXPIRED]);
    sql.text(", projects.name");
    sql.texts(&VISIBLE)
        .bind::<Nullable<Uuid>, _>("me", Some(me));
    sql
}

/// A new dataset; the project has let the caller write.
pub struct NewDataset<'a> {
    pub project_id: ProjectId,
    pub name: &'a DatasetName,
    pub description: Option<&'a DatasetDescription>,
    pub licence: Option<&'a Licence>,
    pub source: Option<&'a DataSource>,
    pub contact: Option<&'a Contact>,
    pub tags: &'a [String],
    pub columns: &'a Columns,
    pub key: &'a [String],
    pub rules: &'a DatasetRules,
    pub by: PrincipalId,
}

/// The rows that answers show, and where they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub version: i64,
    pub table: Option<Table>,
    pub moment: Moment,
}

/// Records that are read within the time of a usual request, whatever is asked of them.
const SMALL: i64 = 100_000;

impl Dataset {
    /// Whether reading all its records may take longer than requests usually do.
    pub fn is_large(&self) -> bool {
        self.rows > SMALL
    }

    pub fn key(&self) -> Vec<String> {
        self.key.iter().flatten().cloned().collect()
    }

    pub async fn find(
        mut connection: &AsyncPgConnection,
        me: PrincipalId,
        id: DatasetId,
    ) -> QueryResult<Option<Self>> {
        let mut sql = visible(me);
        sql.text(" AND datasets.id = :id").bind::<Uuid, _>("id", id);
        let find = sql.statement::<Selected>();
        find.get_result(&mut connection).await.optional()
    }

    /// The same, and until the transaction ends nobody else changes it.
    pub async fn lock(
        connection: &mut AsyncPgConnection,
        me: PrincipalId,
        id: DatasetId,
    ) -> QueryResult<Option<Self>> {
        let mut sql = visible(me);
        sql.text(" AND datasets.id = :id FOR NO KEY UPDATE OF datasets");
        sql.bind::<Uuid, _>("id", id);
        let find = sql.statement::<Selected>();
        find.get_result(connection).await.optional()
    }

    pub async fn insert(
        connection: &mut AsyncPgConnection,
        new: &NewDataset<'_>,
    ) -> QueryResult<DatasetId> {
        let id = DatasetId::fresh();
        let insert = diesel::insert_into(datasets::table).values((
            datasets::id.eq(id),
            datasets::project_id.eq(new.project_id),
            datasets::name.eq(new.name),
            datasets::description.eq(new.description),
            datasets::licence.eq(new.licence),
            datasets::source.eq(new.source),
            datasets::contact.eq(new.contact),
            datasets::tags.eq(new.tags),
            datasets::column_list.eq(new.columns),
            datasets::key_fields.eq(new.key),
            datasets::rules.eq(AsJson(new.rules.clone())),
            datasets::created_by.eq(new.by),
            datasets::created_at.eq(id.made_at()),
            datasets::updated_at.eq(id.made_at()),
        ));
        insert.execute(connection).await?;
        Ok(id)
    }

    pub async fn update(
        connection: &mut AsyncPgConnection,
        id: DatasetId,
        changes: DatasetChanges<'_>,
    ) -> QueryResult<usize> {
        diesel::update(datasets::table.find(id))
            .set((
                changes,
                datasets::revision.eq(datasets::revision + 1),
                datasets::updated_at.eq(diesel::dsl::now),
            ))
            .execute(connection)
            .await
    }

    pub async fn delete(connection: &mut AsyncPgConnection, id: DatasetId) -> QueryResult<usize> {
        let delete = diesel::delete(datasets::table.find(id));
        delete.execute(connection).await
    }

    /// The rows of now.
    pub fn now(&self) -> Shown {
        Shown {
            version: self.version,
            table: self.generation.map(Table),
            moment: Moment::Now,
        }
    }
}

/// What is to be changed; the rest stays.
#[derive(AsChangeset)]
#[diesel(table_name = datasets)]
pub struct DatasetChanges<'a> {
    pub name: Option<&'a DatasetName>,
    pub description: Option<Option<&'a DatasetDescription>>,
    pub licence: Option<Option<&'a Licence>>,
    pub source: Option<Option<&'a DataSource>>,
    pub contact: Option<Option<&'a Contact>>,
    pub tags: Option<&'a [String]>,
    pub keep_versions: Option<Option<i32>>,
    pub keep_days: Option<Option<i32>>,
}

#[derive(Clone, Copy, PartialEq)]
pub enum DatasetSort {
    CreatedAt,
    Name,
}

impl Sorts for DatasetSort {
    type Row = Dataset;
    const LIST: &'static str = "datasets";
    const ALL: &'static [(&'static str, Self)] =
        &[("created_at", Self::CreatedAt), ("name", Self::Name)];
    const DEFAULT: (Self, Direction) = (Self::CreatedAt, Direction::Descending);

    fn place(self, row: &Dataset) -> Place {
        let key = match self {
            Self::CreatedAt => Key::Uuid(row.id.0),
            Self::Name => Key::Text(row.name.clone()),
        };
        Place { key, id: row.id.0 }
    }

    fn weight(row: &Dataset) -> usize {
        let columns = row.columns.0.iter();
        let columns: usize = columns
            .map(|it| it.name.len() + 100 + it.rules.weight())
            .sum();
        let card = &row.card;
        let texts = [&row.description, &card.licence, &card.source, &card.contact];
        let texts = texts.into_iter().flatten().chain(&card.tags);
        size_of::<Dataset>() + columns + texts.map(String::len).sum::<usize>()
    }
}

/// Which datasets a list shows.
#[derive(Clone)]
pub struct Wanted {
    pub me: PrincipalId,
    pub project: Option<ProjectId>,
    pub name: Option<String>,
    pub name_contains: Option<String>,
    pub tag: Option<String>,
}

impl Wanted {
    pub async fn page(
        &self,
        connection: &mut AsyncPgConnection,
        page: &PageQuery<DatasetSort>,
    ) -> QueryResult<Found<Dataset>> {
        let wanted = || Sql::new(self.clone());
        match page.sort {
            DatasetSort::CreatedAt => {
                page.load(connection, wanted, datasets::id, datasets::id)
                    .await
            }
            DatasetSort::Name => {
                page.load(connection, wanted, datasets::name, datasets::id)
                    .await
            }
        }
    }

    fn narrow(&self, mut sql: Writer<'static>) -> Writer<'static> {
        if let Some(project) = self.project {
            sql.text(" AND datasets.project_id = :project");
            sql.bind::<Uuid, _>("project", project);
        }
        if let Some(name) = &self.name {
            sql.text(" AND datasets.name = :name");
            sql.bind::<Text, _>("name", name.clone());
        }
        if let Some(part) = &self.name_contains {
            sql.text(" AND strpos(lower(datasets.name), lower(:part)) > 0");
            sql.bind::<Text, _>("part", part.clone());
        }
        if let Some(tag) = &self.tag {
            sql.text(" AND :tag = ANY (datasets.tags)");
            sql.bind::<Text, _>("tag", tag.clone());
        }
        sql
    }
}

impl Written for Wanted {
    type Columns = Selected;

    fn all(&self) -> Writer<'static> {
        let mut sql = Writer::default();
        sql.text("SELECT datasets.id").texts(&VISIBLE);
        sql.bind::<Nullable<Uuid>, _>("me", Some(self.me));
        self.narrow(sql)
    }

    fn shown(&self) -> Writer<'static> {
        self.narrow(visible(self.me))
    }
}

impl Dataset {
    /// Sets ids of records aside, and says the first of them.
    pub async fn reserve(
        connection: &mut AsyncPgConnection,
        id: DatasetId,
        count: i64,
    ) -> QueryResult<i64> {
        diesel::update(datasets::table.find(id))
            .set(datasets::next_rid.eq(datasets::next_rid + count))
            .returning(datasets::next_rid - count)
            .get_result(connection)
            .await
    }

    /// Gives back the ids from `next` on, unless later ones are set aside.
    pub async fn give_back(
        connection: &mut AsyncPgConnection,
        id: DatasetId,
        end: i64,
        next: i64,
    ) -> QueryResult<usize> {
        diesel::update(datasets::table.find(id))
            .filter(datasets::next_rid.eq(end))
            .set(datasets::next_rid.eq(next))
            .execute(connection)
            .await
    }

    pub async fn set_columns(
        connection: &mut AsyncPgConnection,
        id: DatasetId,
        columns: &Columns,
    ) -> QueryResult<usize> {
        diesel::update(datasets::table.find(id))
            .set((
                datasets::column_list.eq(columns),
                datasets::revision.eq(datasets::revision + 1),
                datasets::updated_at.eq(diesel::dsl::now),
            ))
            .execute(connection)
            .await
    }
}

impl Dataset {
    /// Sets the rules, which are so since a version.
    pub async fn set_rules(
        connection: &mut AsyncPgConnection,
        id: DatasetId,
        columns: &Columns,
        rules: &DatasetRules,
        since: i64,
    ) -> QueryResult<usize> {
        diesel::update(datasets::table.find(id))
            .set((
                datasets::column_list.eq(columns),
                datasets::rules.eq(AsJson(rules.clone())),
                datasets::rules_since.eq(since),
            ))
            .execute(connection)
            .await
    }
}

impl Table {
    /// The table of a generation to come.
    pub async fn next(connection: &mut AsyncPgConnection, dataset: DatasetId) -> QueryResult<Self> {
        let id = diesel::insert_into(dataset_generations::table)
            .values(dataset_generations::dataset_id.eq(dataset))
            .returning(dataset_generations::id)
            .get_result(connection)
            .await?;
        Ok(Self(id))
    }
}
