//! Rows of members, and how a path names one.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use diesel::upsert::excluded;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use uuid::Uuid;

use super::access::{Owner, ProjectAccess, Role, Viewer};
use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts};
use crate::db::transaction::Failure;
use crate::events::Event;
use crate::identity::account::names;
use crate::identity::workload::row;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{PrincipalId, ProjectId};
use crate::kernel::values::{Checked, Wrong, checked};
use crate::kernel::workload::{PREFIX, WorkloadName};
use crate::schema::{principals, project_members, projects, users, workloads};

diesel::define_sql_function! {
    #[sql_name = "coalesce"]
    fn coalesced(value: Nullable<Text>, otherwise: Nullable<Text>) -> Nullable<Text>;
}

/// A member, with what everybody may know of a user.
#[derive(Clone, Debug, Queryable)]
pub struct Member {
    pub person: Person,
    pub role: Role,
    pub version: i64,
    pub since: DateTime<Utc>,
}

/// A principal. The names are those of a user who has them; a workload's is in the place of the
/// username, which holds no colon.
#[derive(Clone, Debug, Queryable)]
pub struct Person {
    pub id: PrincipalId,
    pub username: Option<String>,
    pub name: Option<String>,
}

impl Person {
    /// The name, where it is no person.
    pub fn workload(&self) -> Option<&str> {
        let name = self.username.as_deref();
        name.filter(|name| name.starts_with(PREFIX))
    }
}

/// Of the principals that are named, those that are there, in no order.
pub async fn people(
    connection: &mut AsyncPgConnection,
    ids: &[PrincipalId],
) -> QueryResult<Vec<Person>> {
    principals::table
        .left_join(users::table)
        .left_join(workloads::table)
        .filter(principals::id.eq_any(ids))
        .select((
            principals::id,
            coalesced(users::username.nullable(), workloads::name.nullable()),
            users::name.nullable(),
        ))
        .load(connection)
        .await
}

/// How a path names a principal. A username is never an id and holds no colon.
#[derive(Clone, Debug)]
pub enum Named {
    Id(PrincipalId),
    Username(String),
    Workload(WorkloadName),
}

impl Checked for Named {
    type Raw = String;

    fn checked(raw: String) -> Result<Self, Wrong> {
        if raw.starts_with(PREFIX) {
            let name = raw
                .parse()
                .map_err(|problem: &str| Wrong::invalid(problem.to_owned()))?;
            return Ok(Self::Workload(name));
        }
        if raw.contains([':', '/']) {
            return Err(Wrong::invalid(
                "expected an id, a username, or k8s:<namespace>/<service account>",
            ));
        }
        Ok(match Uuid::try_parse(&raw) {
            Ok(id) => Self::Id(PrincipalId(id)),
            Err(_) => Self::Username(names::key_of(&raw)),
        })
    }

    fn described() -> ObjectBuilder {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(concat!(
                r"^([^\x00-\x1f\x7f-\x9f/:]+|k8s:[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/",
                r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)$"
            )))
    }
}

checked!(Named);

impl Named {
    /// Read from a path, where a value that cannot be is usually of nothing: here it may be a
    /// workload that was misspelt, so the answer says what was expected.
    pub fn of(text: String) -> ApiResult<Self> {
        Self::checked(text)
            .map_err(|wrong| ApiError::new(Code::InvalidParameter, format!("principal: {wrong}")))
    }

    /// A workload is made where there is none: it may be a member before it runs for the first
    /// time.
    pub async fn find(&self, connection: &mut AsyncPgConnection) -> QueryResult<Option<Person>> {
        let known = principals::table
            .left_join(users::table)
            .left_join(workloads::table)
            .select((
                principals::id,
                coalesced(users::username.nullable(), workloads::name.nullable()),
                users::name.nullable(),
            ));
        let found = match self {
            Self::Id(id) => known.filter(principals::id.eq(id)).first(connection).await,
            Self::Username(key) => {
                let named = known.filter(users::username_key.eq(key));
                named.first(connection).await
            }
            Self::Workload(name) => Ok(Person {
                id: row::ensure(connection, name).await?,
                username: Some(name.as_str().to_owned()),
                name: None,
            }),
        };
        found.optional()
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum MemberSort {
    Since,
}

impl Sorts for MemberSort {
    type Row = Member;
    const LIST: &'static str = "members";
    const ALL: &'static [(&'static str, Self)] = &[("since", Self::Since)];
    const DEFAULT: (Self, Direction) = (Self::Since, Direction::Ascending);

    fn place(self, member: &Member) -> Place {
        let Self::Since = self;
        Place {
            key: Key::Time(member.since),
            id: member.person.id.0,
        }
    }
}

pub type MemberPage = PageQuery<MemberSort>;

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MemberFilter {
    /// Their role
    role: Option<Role>,
}

#[diesel::dsl::auto_type(no_type_alias)]
fn of_project(id: ProjectId) -> _ {
    let person = (
        project_members::principal_id,
        coalesced(users::username.nullable(), workloads::name.nullable()),
        users::name.nullable(),
    );
    project_members::table
        .left_join(users::table.on(users::id.eq(project_members::principal_id)))
        .left_join(workloads::table.on(workloads::id.eq(project_members::principal_id)))
        .filter(project_members::project_id.eq(id))
        .select((
            person,
            project_members::role,
            project_members::version,
            project_members::created_at,
        ))
}

impl ProjectAccess<Viewer> {
    pub async fn members(
        &self,
        connection: &mut AsyncPgConnection,
        page: &MemberPage,
        filter: &MemberFilter,
    ) -> QueryResult<Found<Member>> {
        let roles = filter
            .role
            .map_or_else(|| Role::ALL.to_vec(), |role| vec![role]);
        let wanted =
            || of_project(self.project.id).filter(project_members::role.eq_any(roles.clone()));
        page.load(
            connection,
            wanted,
            project_members::created_at,
            project_members::principal_id,
        )
        .await
    }

    pub async fn member(
        &self,
        mut connection: &AsyncPgConnection,
        named: &Named,
    ) -> QueryResult<Option<Member>> {
        let all = of_project(self.project.id);
        let found = match named {
            Named::Id(id) => {
                all.filter(project_members::principal_id.eq(id))
                    .first(&mut connection)
                    .await
            }
            Named::Username(key) => {
                all.filter(users::username_key.eq(key))
                    .first(&mut connection)
                    .await
            }
            Named::Workload(name) => {
                all.filter(workloads::name.eq(name.as_str()))
                    .first(&mut connection)
                    .await
            }
        };
        found.optional()
    }

    /// An owner's deed, or the member's own.
    pub async fn remove(
        &self,
        connection: &mut AsyncPgConnection,
        who: PrincipalId,
    ) -> QueryResult<()> {
        diesel::delete(project_members::table.find((self.project.id, who)))
            .execute(connection)
            .await?;
        touch(connection, self.project.id).await
    }
}

impl ProjectAccess<Owner> {
    /// Makes a member, or changes the role of one.
    pub async fn set_member(
        &self,
        connection: &mut AsyncPgConnection,
        person: Person,
        role: Role,
    ) -> QueryResult<Member> {
        let (role, version, since) = diesel::insert_into(project_members::table)
            .values((
                project_members::project_id.eq(self.project.id),
                project_members::principal_id.eq(person.id),
                project_members::role.eq(role),
            ))
            .on_conflict((project_members::project_id, project_members::principal_id))
            .do_update()
            .set((
                project_members::role.eq(excluded(project_members::role)),
                project_members::version.eq(project_members::version + 1),
            ))
            .returning((
                project_members::role,
                project_members::version,
                project_members::created_at,
            ))
            .get_result(connection)
            .await?;
        touch(connection, self.project.id).await?;
        Ok(Member {
            person,
            role,
            version,
            since,
        })
    }
}

/// What has become of a member, who had another role or none. A person's name may change and go; a
/// workload is its name.
pub fn told(project: ProjectId, member: &Member, was: Option<Role>) -> Event {
    let (principal, role) = (member.person.id, member.role.as_str());
    let name = member.person.workload().map(str::to_owned);
    match was.map(Role::as_str) {
        was @ Some(_) => Event::MemberChanged {
            project,
            principal,
            role,
            was,
            name,
        },
        was @ None => Event::MemberAdded {
            project,
            principal,
            role,
            was,
            name,
        },
    }
}

/// The account was deleted in the meantime.
pub fn gone(error: diesel::result::Error) -> Failure {
    use diesel::result::{DatabaseErrorKind, Error};
    match error {
        Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => {
            ApiError::not_found("user").into()
        }
        error => error.into(),
    }
}

/// Another version of the project, which shows each member's role.
async fn touch(connection: &mut AsyncPgConnection, project: ProjectId) -> QueryResult<()> {
    diesel::update(projects::table.find(project))
        .set(projects::version.eq(projects::version + 1))
        .execute(connection)
        .await
        .map(|_| ())
}
