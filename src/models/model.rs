//! Models as the database keeps them and as they are read and written.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts, Sql, Written};
use crate::db::sql::Writer;
use crate::kernel::types::{ModelId, PrincipalId, ProjectId, instant};
use crate::kernel::values::{NameRule, text};
use crate::projects::access::{HAS_EXPIRED, ProjectAccess, Role, Viewer};
use crate::schema::models;

text! {
    /// What a model is about, in Markdown
    ModelDescription: 0..=10_000;
}

text! {
    /// The name of a model, which no other model of the service has
    ModelName = |text| NameRule::ANY.checked(text),
    || NameRule::ANY.described().description(Some("The name of a model, which no other model of the service has"));
}

impl ModelName {
    pub const MIN: usize = NameRule::MIN;
    pub const MAX: usize = NameRule::MAX;
}

/// A model, as its reader sees it
#[derive(Clone, Debug, Queryable, Serialize, ToSchema)]
pub struct Model {
    pub id: ModelId,
    pub project_id: ProjectId,
    pub name: String,
    pub description: Option<String>,
    /// The number of the version that was uploaded last; 0 before the first
    pub last_version: i64,
    #[serde(skip)]
    pub revision: i64,
    #[serde(serialize_with = "instant")]
    pub created_at: DateTime<Utc>,
    #[serde(serialize_with = "instant")]
    pub updated_at: DateTime<Utc>,
    /// Your role in the project of the model; null if you read it because that is internal
    pub role: Option<Role>,
    #[serde(skip)]
    pub is_expired: bool,
    /// The name of its project
    #[serde(skip)]
    pub project: String,
}

type Selected = (
    Uuid,
    Uuid,
    Text,
    Nullable<Text>,
    BigInt,
    BigInt,
    Timestamptz,
    Timestamptz,
    Nullable<Text>,
    Bool,
    Text,
);

const COLUMNS: &str = "models.id, models.project_id, models.name, models.description, \
    models.last_version, models.revision, models.created_at, models.updated_at, ";

/// What the caller `:me` may read, to be narrowed by ` AND ..`.
const VISIBLE: [&str; 2] = [
    " FROM models JOIN projects ON projects.id = models.project_id \
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

/// A new model; the project has let the caller write.
pub struct NewModel<'a> {
    pub project_id: ProjectId,
    pub name: &'a ModelName,
    pub description: Option<&'a ModelDescription>,
    pub by: PrincipalId,
}

/// What is to be changed; the rest stays.
#[derive(AsChangeset)]
#[diesel(table_name = models)]
pub struct ModelChanges<'a> {
    pub description: Option<Option<&'a ModelDescription>>,
}

impl Model {
    pub async fn find(
        mut connection: &AsyncPgConnection,
        me: PrincipalId,
        name: &str,
    ) -> QueryResult<Option<Self>> {
        let mut sql = visible(me);
        sql.text(" AND models.name = :name")
            .bind::<Text, _>("name", name.to_owned());
        let find = sql.statement::<Selected>();
        find.get_result(&mut connection).await.optional()
    }

    /// The same, and until the transaction ends nobody else changes it or its versions.
    pub async fn lock(
        connection: &mut AsyncPgConnection,
        me: PrincipalId,
        id: ModelId,
    ) -> QueryResult<Option<Self>> {
        let mut sql = visible(me);
        sql.text(" AND models.id = :id FOR NO KEY UPDATE OF models");
        sql.bind::<Uuid, _>("id", id);
        let find = sql.statement::<Selected>();
        find.get_result(connection).await.optional()
    }

    /// Its project and its name, for who acts on nobody's behalf.
    pub async fn named(
        connection: &mut AsyncPgConnection,
        id: ModelId,
    ) -> QueryResult<Option<(ProjectId, String)>> {
        models::table
            .find(id)
            .select((models::project_id, models::name))
            .first(connection)
            .await
            .optional()
    }

    pub async fn insert(
        connection: &mut AsyncPgConnection,
        new: &NewModel<'_>,
    ) -> QueryResult<ModelId> {
        let id = ModelId::fresh();
        diesel::insert_into(models::table)
            .values((
                models::id.eq(id),
                models::project_id.eq(new.project_id),
                models::name.eq(new.name),
                models::description.eq(new.description),
                models::created_by.eq(new.by),
                models::created_at.eq(id.made_at()),
                models::updated_at.eq(id.made_at()),
            ))
            .execute(connection)
            .await?;
        Ok(id)
    }

    pub async fn update(
        connection: &mut AsyncPgConnection,
        id: ModelId,
        changes: ModelChanges<'_>,
    ) -> QueryResult<usize> {
        diesel::update(models::table.find(id))
            .set((
                changes,
                models::revision.eq(models::revision + 1),
                models::updated_at.eq(diesel::dsl::now),
            ))
            .execute(connection)
            .await
    }

    /// The number of a version to come.
    pub async fn next_version(connection: &mut AsyncPgConnection, id: ModelId) -> QueryResult<i64> {
        diesel::update(models::table.find(id))
            .set((
                models::last_version.eq(models::last_version + 1),
                models::revision.eq(models::revision + 1),
                models::updated_at.eq(diesel::dsl::now),
            ))
            .returning(models::last_version)
            .get_result(connection)
            .await
    }

    pub async fn delete(connection: &mut AsyncPgConnection, id: ModelId) -> QueryResult<usize> {
        let delete = diesel::delete(models::table.find(id));
        delete.execute(connection).await
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum ModelSort {
    CreatedAt,
    Name,
}

impl Sorts for ModelSort {
    type Row = Model;
    const LIST: &'static str = "models";
    const ALL: &'static [(&'static str, Self)] =
        &[("created_at", Self::CreatedAt), ("name", Self::Name)];
    const DEFAULT: (Self, Direction) = (Self::CreatedAt, Direction::Descending);

    fn place(self, row: &Model) -> Place {
        let key = match self {
            Self::CreatedAt => Key::Uuid(row.id.0),
            Self::Name => Key::Text(row.name.clone()),
        };
        Place { key, id: row.id.0 }
    }

    fn weight(row: &Model) -> usize {
        let description = row.description.as_ref().map_or(0, String::len);
        size_of::<Model>() + row.name.len() + description
    }
}

/// Which models a list shows.
#[derive(Clone)]
pub struct Wanted {
    pub me: PrincipalId,
    pub project: Option<ProjectId>,
    pub name: Option<String>,
    pub name_contains: Option<String>,
}

impl Wanted {
    pub async fn page(
        &self,
        connection: &mut AsyncPgConnection,
        page: &PageQuery<ModelSort>,
    ) -> QueryResult<Found<Model>> {
        let wanted = || Sql::new(self.clone());
        match page.sort {
            ModelSort::CreatedAt => page.load(connection, wanted, models::id, models::id).await,
            ModelSort::Name => {
                page.load(connection, wanted, models::name, models::id)
                    .await
            }
        }
    }

    fn narrow(&self, mut sql: Writer<'static>) -> Writer<'static> {
        if let Some(project) = self.project {
            sql.text(" AND models.project_id = :project");
            sql.bind::<Uuid, _>("project", project);
        }
        if let Some(name) = &self.name {
            sql.text(" AND models.name = :name");
            sql.bind::<Text, _>("name", name.clone());
        }
        if let Some(part) = &self.name_contains {
            sql.text(" AND strpos(lower(models.name), lower(:part)) > 0");
            sql.bind::<Text, _>("part", part.clone());
        }
        sql
    }
}

impl Written for Wanted {
    type Columns = Selected;

    fn all(&self) -> Writer<'static> {
        let mut sql = Writer::default();
        sql.text("SELECT models.id").texts(&VISIBLE);
        sql.bind::<Nullable<Uuid>, _>("me", Some(self.me));
        self.narrow(sql)
    }

    fn shown(&self) -> Writer<'static> {
        self.narrow(visible(self.me))
    }
}
