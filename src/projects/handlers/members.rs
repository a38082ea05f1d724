//! Members: who they are, and making, changing and removing them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::transaction::transaction;
use crate::events::Event;
use crate::http::answer::Answer;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::body::extract::{ValidJson, ValidPath, ValidQuery};
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::{PrincipalId, ProjectId, instant};
use crate::projects::access::{Owner, ProjectAccess, Role, Viewer};
use crate::projects::members::{Member, MemberFilter, MemberSort, Named, Person, gone, told};

/// A member of a project
#[derive(Serialize, ToSchema)]
pub struct MemberBody {
    id: PrincipalId,
    /// For a workload, `k8s:<namespace>/<service account>`
    username: Option<String>,
    name: Option<String>,
    role: Role,
    #[serde(serialize_with = "instant")]
    since: DateTime<Utc>,
}

impl From<Member> for MemberBody {
    fn from(member: Member) -> Self {
        let Member {
            person: Person { id, username, name },
            role,
            version: _,
            since,
        } = member;
        Self {
            id,
            username,
            name,
            role,
            since,
        }
    }
}

/// The role that a member has or gets
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetMember {
    role: Role,
}

/// The project and the principal that a path names.
#[derive(Deserialize)]
pub struct InPath {
    pub id: ProjectId,
    pub principal: String,
}

/// The members of a project, oldest first
///
/// People and workloads, each with a role.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{id}/members",
    tag = "projects",
    security(("caller" = [])),
    params(
        ("id" = ProjectId, Path, description = "Id of the project"),
        PageParams<MemberSort>,
        MemberFilter,
    ),
    responses((status = OK, body = Page<MemberBody>), ApiError),
)]
pub async fn list_members(
    access: ProjectAccess<Viewer>,
    app: AppState,
    page: PageParams<MemberSort>,
    ValidQuery(filter): ValidQuery<MemberFilter>,
) -> ApiResult<Listed<MemberBody>> {
    let found = app
        .db
        .read(async |connection| access.members(connection, &page, &filter).await)
        .await?;
    Ok(page.respond(found, MemberBody::from))
}

/// A member of a project
///
/// Shows the role. Somebody who is no member is answered 404.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{id}/members/{principal}",
    tag = "projects",
    security(("caller" = [])),
    params(
        ("id" = ProjectId, Path, description = "Id of the project"),
        (
            "principal" = inline(Named),
            Path,
            description = "The id or the username of somebody, or `k8s:<namespace>/<service account>`, whose slash may be encoded",
        ),
    ),
    responses(
        (status = OK, body = MemberBody),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_member(
    access: ProjectAccess<Viewer>,
    app: AppState,
    ValidPath(path): ValidPath<InPath>,
    conditions: Conditions,
) -> ApiResult<Versioned<MemberBody>> {
    let named = Named::of(path.principal)?;
    let member = app
        .db
        .look_up(async |connection| access.member(connection, &named).await)
        .await?;
    let member = member.ok_or(ApiError::not_found("member"))?;
    conditions.read(member.version, || member.into())
}

/// Add a member, or change a role
///
/// You need the role `owner`. The answer is 201 for a new member and 200 for one who was a member
/// before. With `If-None-Match: *` nobody's role is changed by mistake: if they are a member
/// already, the answer is 412. What would leave the project without an owner is answered 409.
#[utoipa::path(
    put,
    path = "/api/v1/projects/{id}/members/{principal}",
    tag = "projects",
    security(("caller" = [])),
    params(
        ("id" = ProjectId, Path, description = "Id of the project"),
        (
            "principal" = inline(Named),
            Path,
            description = "The id or the username of somebody, or `k8s:<namespace>/<service account>`, whose slash may be encoded",
        ),
    ),
    request_body = SetMember,
    responses(
        (
            status = OK,
            body = MemberBody,
            description = "They were a member before, and have this role now.",
        ),
        (status = CREATED, body = MemberBody),
        ApiError,
    ),
)]
pub async fn put_member(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(InPath { id, principal }): ValidPath<InPath>,
    conditions: Conditions,
    ValidJson(SetMember { role }): ValidJson<SetMember>,
) -> ApiResult<Answer> {
    let named = Named::of(principal)?;
    transaction(&app.db, &actor, async |tx| {
        let access = ProjectAccess::<Viewer>::to_manage(tx, who.id, id).await?;
        let was = access.member(tx, &named).await?;
        let access = access.narrow::<Owner>()?;
        conditions.write(was.as_ref().map(|member| member.version))?;
        let (person, was) = match was {
            Some(member) if member.role == role => {
                let version = member.version;
                return Ok(Answer::ok(&MemberBody::from(member))?.with_version(version));
            }
            Some(Member { person, role, .. }) => (person, Some(role)),
            None => {
                let known = named.find(tx).await?;
                (known.ok_or(ApiError::not_found("user"))?, None)
            }
        };
        let member = access.set_member(tx, person, role).await.map_err(gone)?;
        tx.tell(told(id, &member, was)).await?;
        let (principal, version) = (member.person.id, member.version);
        let body = MemberBody::from(member);
        let answer = match was {
            Some(_) => Answer::ok(&body)?,
            None => {
                let location = format!("/api/v1/projects/{id}/members/{principal}");
                Answer::created(location, &body)?
            }
        };
        Ok(answer.with_version(version))
    })
    .await
}

/// Remove a member, or leave a project
///
/// Owners can remove everybody, and everybody can remove themselves. Succeeds also if they are no
/// member. What would leave the project without an owner is answered 409.
#[utoipa::path(
    delete,
    path = "/api/v1/projects/{id}/members/{principal}",
    tag = "projects",
    security(("caller" = [])),
    params(
        ("id" = ProjectId, Path, description = "Id of the project"),
        (
            "principal" = inline(Named),
            Path,
            description = "The id or the username of the member, or `k8s:<namespace>/<service account>`, whose slash may be encoded. Give your own to leave the project",
        ),
    ),
    responses((status = NO_CONTENT, description = "They are not a member now."), ApiError),
)]
pub async fn delete_member(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(InPath { id, principal }): ValidPath<InPath>,
    conditions: Conditions,
) -> ApiResult<Answer> {
    let named = Named::of(principal)?;
    transaction(&app.db, &actor, async |tx| {
        let access = ProjectAccess::<Viewer>::to_manage(tx, who.id, id).await?;
        let member = access.member(tx, &named).await?;
        // Only who is a member can leave, so for everything else the owner's role is asked.
        if member
            .as_ref()
            .is_none_or(|member| member.person.id != who.id)
        {
            access.clone().narrow::<Owner>()?;
        }
        conditions.write(member.as_ref().map(|member| member.version))?;
        if let Some(member) = member {
            let principal = member.person.id;
            access.remove(tx, principal).await?;
            tx.tell(Event::MemberRemoved {
                project: id,
                principal,
                was: member.role.as_str(),
                name: member.person.workload().map(str::to_owned),
                reason: None,
            })
            .await?;
        }
        Ok(Answer::no_content())
    })
    .await
}
