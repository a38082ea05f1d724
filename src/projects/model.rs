//! Rows of projects, and what is done to them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::access::{Owner, ProjectAccess, Role};
use super::reminders::Reminders;
use crate::kernel::types::{PrincipalId, ProjectId, words};
use crate::kernel::values::text;
use crate::schema::{project_members, projects};

words! {
    /// Who may read a project besides its members: nobody, or everybody signed in
    Visibility {
        Private = "private",
        Internal = "internal",
    }
}

text! {
    /// The name of a project
    ProjectName: 1..=200, no_control, trimmed;
    /// What a project is about
    Description: 0..=10_000;
}

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = projects, check_for_backend(diesel::pg::Pg))]
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    pub description: Option<String>,
    pub visibility: Visibility,
    pub expires_at: Option<DateTime<Utc>>,
    pub reminders: Reminders,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = projects)]
pub struct NewProject<'a> {
    pub name: &'a ProjectName,
    pub description: Option<&'a Description>,
    pub visibility: Visibility,
    pub expires_at: Option<DateTime<Utc>>,
    pub reminders: &'a Reminders,
}

/// What is to be changed; the rest stays.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = projects)]
pub struct ProjectChanges {
    pub name: Option<ProjectName>,
    pub description: Option<Option<Description>>,
    pub visibility: Option<Visibility>,
    pub expires_at: Option<Option<DateTime<Utc>>>,
    pub reminders: Option<Reminders>,
}

impl Project {
    /// With its first owner; in a transaction.
    pub async fn insert(
        connection: &mut AsyncPgConnection,
        new: &NewProject<'_>,
        owner: PrincipalId,
    ) -> QueryResult<Self> {
        let id = ProjectId::fresh();
        let project: Self = diesel::insert_into(projects::table)
            .values((
                new,
                projects::id.eq(id),
                projects::created_at.eq(id.made_at()),
                projects::updated_at.eq(id.made_at()),
            ))
            .returning(Self::as_returning())
            .get_result(connection)
            .await?;
        diesel::insert_into(project_members::table)
            .values((
                project_members::project_id.eq(id),
                project_members::principal_id.eq(owner),
                project_members::role.eq(Role::Owner),
            ))
            .execute(connection)
            .await?;
        Ok(project)
    }
}

impl ProjectAccess<Owner> {
    pub async fn update(
        &self,
        connection: &mut AsyncPgConnection,
        changes: ProjectChanges,
    ) -> QueryResult<Project> {
        diesel::update(projects::table.find(self.project.id))
            .set((
                changes,
                projects::version.eq(projects::version + 1),
                projects::updated_at.eq(diesel::dsl::now),
            ))
            .returning(Project::as_returning())
            .get_result(connection)
            .await
    }

    pub async fn delete(&self, connection: &mut AsyncPgConnection) -> QueryResult<usize> {
        diesel::delete(projects::table.find(self.project.id))
            .execute(connection)
            .await
    }
}
