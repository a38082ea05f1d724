//! The only way to anything inside a project: a [`ProjectAccess`] says that the caller may, and
//! carries what was loaded to know it. What is found, judged and changed by one statement has the
//! same as conditions, which stand here too.
//!
//! Who cannot read a project is told that there is none; who can read it and lacks the role, that
//! they may not. An administrator of the instance has no access by that.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use http::request::Parts;
use serde::Deserialize;

use super::model::{Project, Visibility};
use crate::db::transaction::Work;
use crate::http::body::extract::ValidPath;
use crate::http::caller::Caller;
use crate::http::openapi::access::Access;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::principal::Principal;
use crate::kernel::types::{PrincipalId, ProjectId, words};
use crate::schema::{project_members, projects};

words! {
    /// What a member may do: each role may do what the one before may, and more
    Role {
        Viewer = "viewer",
        Editor = "editor",
        Owner = "owner",
    }
}

/// The role that a [`ProjectAccess`] needs, as a type.
pub trait Needs: Send + Sync + 'static {
    const ROLE: Role;
}

macro_rules! needs {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl Needs for $name {
                const ROLE: Role = Role::$name;
            }
        )+
    };
}

needs! {
    /// Reading: every member, and everybody signed in where the project is internal.
    Viewer,
    /// Writing what is in the project.
    Editor,
    /// Changing the project itself and who its members are.
    Owner,
}

/// A project, and that the caller may do in it what `R` may. Only this module makes one.
///
/// Handlers that read take it as a parameter (the path's `{id}` is the project); it costs one
/// statement. Those that write make it in their transaction by [`ProjectAccess::to_write`].
#[derive(Clone, Debug)]
pub struct ProjectAccess<R> {
    pub project: Project,
    /// None where the caller is no member and reads because the project is internal.
    pub role: Option<Role>,
    is_expired: bool,
    needs: PhantomData<R>,
}

/// For statements that find, judge and change at once: what each access is decided by, as a
/// condition on `projects`, on the caller's row of `project_members` where there is one, and on
/// `:me`, the caller.
impl ProjectAccess<Viewer> {
    pub const CONDITION: &str = "(project_members.role IS NOT NULL OR (projects.visibility = 'internal' AND :me IS NOT NULL))";
}

impl ProjectAccess<Editor> {
    /// Null where the caller is no member.
    pub const CONDITION: &str = "project_members.role IN ('editor', 'owner')";
}

/// Beside those conditions: whether the project can only be read.
pub const HAS_EXPIRED: &str = "projects.expires_at <= now() IS TRUE";

/// For statements that look at the expiry themselves.
pub fn expired() -> ApiError {
    ApiError::new(
        Code::ProjectExpired,
        "the project has expired and can only be read; an owner can extend it by a later `expires_at`",
    )
}

/// By the database's clock, as everything that depends on it.
#[diesel::dsl::auto_type]
fn is_expired() -> _ {
    projects::expires_at.le(diesel::dsl::now)
}

type Loaded = (Project, Option<Role>, Option<bool>);

impl<R: Needs> ProjectAccess<R> {
    /// To read: one statement, no lock.
    pub async fn to_read(
        connection: &mut AsyncPgConnection,
        who: PrincipalId,
        id: ProjectId,
    ) -> Work<Self> {
        Ok(Self::of(visible(connection, who, id).await?)?)
    }

    /// To write something inside the project, in the transaction that does: until it ends, nobody
    /// takes the caller's role away and the project stays as it is. Refused where the project has
    /// expired. One statement for those who may.
    pub async fn to_write(
        connection: &mut AsyncPgConnection,
        who: PrincipalId,
        id: ProjectId,
    ) -> Work<Self> {
        let locked = member(who, id)
            .for_share()
            .first(connection)
            .await
            .optional()?;
        let access = Self::or_refusal(connection, who, id, locked).await?;
        access.writable()?;
        Ok(access)
    }

    /// To change the project itself or its members, one at a time; also where it has expired.
    pub(super) async fn to_manage(
        connection: &mut AsyncPgConnection,
        who: PrincipalId,
        id: ProjectId,
    ) -> Work<Self> {
        let locked = member(who, id)
            .for_update()
            .first(connection)
            .await
            .optional()?;
        Self::or_refusal(connection, who, id, locked).await
    }

    /// 409 where the project has expired.
    pub fn writable(&self) -> ApiResult<()> {
        if self.is_expired {
            return Err(expired());
        }
        Ok(())
    }

    /// A caller who is no member finds no row to lock; reading tells them what they may know.
    async fn or_refusal(
        connection: &mut AsyncPgConnection,
        who: PrincipalId,
        id: ProjectId,
        locked: Option<Loaded>,
    ) -> Work<Self> {
        let loaded = match locked {
            Some(loaded) => Some(loaded),
            None => visible(connection, who, id)
                .await?
                .map(|(project, _, is_expired)| (project, None, is_expired)),
        };
        Ok(Self::of(loaded)?)
    }

    fn of(loaded: Option<Loaded>) -> ApiResult<Self> {
        let (project, role, is_expired) = loaded.ok_or(ApiError::not_found("project"))?;
        let readable = ProjectAccess::<Viewer> {
            project,
            role,
            is_expired: is_expired.unwrap_or(false),
            needs: PhantomData,
        };
        readable.narrow()
    }
}

impl ProjectAccess<Viewer> {
    /// The same for another role, or why not.
    pub fn narrow<R: Needs>(self) -> ApiResult<ProjectAccess<R>> {
        let Self {
            project,
            role,
            is_expired,
            needs: _,
        } = self;
        suffices::<R>(role)?;
        Ok(ProjectAccess {
            project,
            role,
            is_expired,
            needs: PhantomData,
        })
    }
}

/// Whether somebody who may read a project, with this role or without one, may do what `R` may.
pub fn suffices<R: Needs>(role: Option<Role>) -> ApiResult<()> {
    if R::ROLE > Role::Viewer && role < Some(R::ROLE) {
        let yours = role.map_or("none", Role::as_str);
        return Err(ApiError::new(
            Code::Forbidden,
            format!(
                "this needs the role {} in the project; yours is {yours}",
                R::ROLE.as_str()
            ),
        ));
    }
    Ok(())
}

/// The project as far as `who` may read it.
async fn visible(
    mut connection: &AsyncPgConnection,
    who: PrincipalId,
    id: ProjectId,
) -> QueryResult<Option<Loaded>> {
    let membership = project_members::project_id
        .eq(projects::id)
        .and(project_members::principal_id.eq(who));
    projects::table
        .left_join(project_members::table.on(membership))
        .filter(projects::id.eq(id))
        .filter(
            projects::visibility
                .eq(Visibility::Internal)
                .or(project_members::role.is_not_null()),
        )
        .select((
            Project::as_select(),
            project_members::role.nullable(),
            is_expired(),
        ))
        .first(&mut connection)
        .await
        .optional()
}

/// What a project is called, for who may read it.
pub async fn name_of(
    connection: &AsyncPgConnection,
    who: PrincipalId,
    id: ProjectId,
) -> QueryResult<Option<String>> {
    let found = visible(connection, who, id).await?;
    Ok(found.map(|(project, ..)| project.name))
}

/// The project with the caller's membership, to be locked in this order. Both rows are: a row that
/// changed while waiting for its lock is looked at anew, one that is only joined is not.
#[diesel::dsl::auto_type(no_type_alias)]
fn member(who: PrincipalId, id: ProjectId) -> _ {
    let project: diesel::dsl::AsSelect<Project, Pg> = Project::as_select();
    projects::table
        .inner_join(project_members::table)
        .filter(projects::id.eq(id))
        .filter(project_members::principal_id.eq(who))
        .select((project, project_members::role.nullable(), is_expired()))
}

/// The project that a path names by `{id}`.
#[derive(Deserialize)]
struct InPath {
    id: ProjectId,
}

/// Who calls is signed in; whether they may is for the project to say.
impl<R: Needs> Caller for ProjectAccess<R> {
    const ACCESS: Access = Access::Caller;
}

impl<R: Needs> FromRequestParts<AppState> for ProjectAccess<R> {
    type Rejection = ApiError;

    /// From a replica where there is one: it may be behind, and then with what is in the project as
    /// much as with its members.
    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let who = Principal::of(&parts.extensions)?.id;
        let ValidPath(InPath { id }) = ValidPath::from_request_parts(parts, app).await?;
        let loaded = app
            .db
            .look_up(async |connection| visible(connection, who, id).await)
            .await?;
        Self::of(loaded)
    }
}
