//! Invitations: what owners do with them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::transaction::transaction;
use crate::http::answer::Answer;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::answer::idempotency::{OnceJson, idempotent};
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::body::extract::ValidPath;
use crate::http::caller::Signed;
use crate::identity::account::names::{self, Email};
use crate::identity::api::{Api, AppState};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{InvitationId, PrincipalId, ProjectId, instant};
use crate::mail;
use crate::mail::letter::send;
use crate::projects::access::{Owner, ProjectAccess, Role};
use crate::projects::invitations::letter::InvitationMail;
use crate::projects::invitations::{Guest, Invitation, InvitationEnd, InvitationSort, LetterState};
use crate::schema::users;

/// An invitation to a project that can still be accepted
#[derive(Serialize, ToSchema)]
pub struct InvitationBody {
    id: InvitationId,
    /// Where the letter goes
    email: String,
    /// What whoever accepts becomes
    role: Role,
    /// Who invited, by id. The invitation ends when they are no owner any more
    invited_by: PrincipalId,
    letter: LetterState,
    #[serde(serialize_with = "instant")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "instant")]
    expires_at: DateTime<Utc>,
}

impl From<Invitation> for InvitationBody {
    fn from(invitation: Invitation) -> Self {
        let Invitation {
            id,
            email,
            role,
            invited_by,
            letter,
            version: _,
            created_at,
            expires_at,
        } = invitation;
        Self {
            id,
            email,
            role,
            invited_by,
            letter,
            created_at,
            expires_at,
        }
    }
}

/// Whom to invite, and as what
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateInvitation {
    email: Email,
    role: Role,
    /// When the invitation ends: within seven days, which it has if this is left out
    expires_at: Option<InvitationEnd>,
}

/// An invitation in a path.
#[derive(Deserialize)]
pub struct InvitationPath {
    pub id: ProjectId,
    pub iid: InvitationId,
}

/// The open invitations to a project, newest first
///
/// Those that can still be accepted. You need the role `owner`.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{id}/invitations",
    tag = "projects",
    security(("caller" = [])),
    params(
        ("id" = ProjectId, Path, description = "Id of the project"),
        PageParams<InvitationSort>,
    ),
    responses((status = OK, body = Page<InvitationBody>), ApiError),
)]
pub async fn list_invitations(
    access: ProjectAccess<Owner>,
    app: AppState,
    page: PageParams<InvitationSort>,
) -> ApiResult<Listed<InvitationBody>> {
    let found = app
        .db
        .read(async |connection| access.invitations(connection, &page).await)
        .await?;
    Ok(page.respond(found, InvitationBody::from))
}

/// Invite somebody to a project by mail
///
/// A letter with a link goes to the address, and whoever has the link becomes a member with this
/// role: with the account that they sign in with, or with a new one of that address. The link is
/// good once, for seven days, and for as long as you are an owner. You need the role `owner`, and
/// your own address has to be confirmed. Nothing in the answer says whether the address has an
/// account or is a member's. An open invitation to the same address is replaced, and its link
/// ends. A project has 100 open invitations at most; one more is answered 409. Of one caller, and
/// to one address, there are limits for each day. A service that sends no mail answers 404
/// `mail-off`.
#[utoipa::path(
    post,
    path = "/api/v1/projects/{id}/invitations",
    tag = "projects",
    security(("caller" = [])),
    params(("id" = ProjectId, Path, description = "Id of the project")),
    request_body = CreateInvitation,
    responses((status = CREATED, body = InvitationBody), ApiError),
)]
pub async fn create_invitation(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(id): ValidPath<ProjectId>,
    OnceJson { once, body }: OnceJson<CreateInvitation>,
) -> ApiResult<Answer> {
    mail::required(&app.config)?;
    may_invite(&app, &who, &actor, id).await?;
    let CreateInvitation {
        email,
        role,
        expires_at,
    } = &body;
    let key = names::key_of(email.as_str());
    let limiter = &app.identity.limiter;
    limiter.invitation(&app.db, who.id, &key).await?;
    let guest = Guest {
        email,
        role: *role,
        expires_at: *expires_at,
    };
    let me = who.id;
    idempotent(&app.db, &actor, &once, async |tx| {
        let access = ProjectAccess::<Owner>::to_manage(tx, me, id).await?;
        let invitation = access.invite(tx, me, &guest).await?;
        let (iid, version) = (invitation.id, invitation.version);
        send(tx, InvitationMail { invitation: iid }).await?;
        let location = format!("/api/v1/projects/{id}/invitations/{iid}");
        Ok(
            Answer::created(location, &InvitationBody::from(invitation))?
                .with_version(version)
                .of_project(Some(id)),
        )
    })
    .await
}

/// Asked before anything is counted, so that a refusal tells others nothing and costs nobody. Who
/// sends mail to strangers has shown that they read it themselves, or is a workload, which the
/// operator of a cluster has let in.
async fn may_invite(app: &Api, who: &Signed, actor: &Actor, id: ProjectId) -> ApiResult<()> {
    let me = who.id;
    let has_mailbox = who.workload().is_none();
    transaction(&app.db, actor, async |tx| {
        ProjectAccess::<Owner>::to_read(tx, me, id).await?;
        if !has_mailbox {
            return Ok(());
        }
        let confirmed: i64 = users::table
            .find(me)
            .filter(users::email_verified_at.is_not_null())
            .count()
            .get_result(tx.connection())
            .await?;
        if confirmed == 0 {
            return Err(ApiError::new(
                Code::Forbidden,
                "confirm your own address before you invite others by mail: POST /api/v1/me/email/confirmation sends you the link",
            )
            .into());
        }
        Ok(())
    })
    .await
}

/// An invitation to a project
///
/// Shows what became of its letter. You need the role `owner`. One that was accepted, was withdrawn
/// or has ended is answered 404.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{id}/invitations/{iid}",
    tag = "projects",
    security(("caller" = [])),
    params(
        ("id" = ProjectId, Path, description = "Id of the project"),
        ("iid" = InvitationId, Path, description = "Id of the invitation"),
    ),
    responses(
        (status = OK, body = InvitationBody),
        (status = NOT_MODIFIED, description = "Your copy is current"),
        ApiError,
    ),
)]
pub async fn get_invitation(
    access: ProjectAccess<Owner>,
    app: AppState,
    ValidPath(path): ValidPath<InvitationPath>,
    conditions: Conditions,
) -> ApiResult<Versioned<InvitationBody>> {
    let found = app
        .db
        .look_up(async |connection| access.invitation(connection, path.iid).await)
        .await?;
    let invitation = found.ok_or(ApiError::not_found("invitation"))?;
    conditions.read(invitation.version, || invitation.into())
}

/// Withdraw an invitation
///
/// Its link ends at once. You need the role `owner`.
#[utoipa::path(
    delete,
    path = "/api/v1/projects/{id}/invitations/{iid}",
    tag = "projects",
    security(("caller" = [])),
    params(
        ("id" = ProjectId, Path, description = "Id of the project"),
        ("iid" = InvitationId, Path, description = "Id of the invitation"),
    ),
    responses((status = NO_CONTENT, description = "The invitation is withdrawn."), ApiError),
)]
pub async fn delete_invitation(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(InvitationPath { id, iid }): ValidPath<InvitationPath>,
    conditions: Conditions,
) -> ApiResult<StatusCode> {
    let me = who.id;
    transaction(&app.db, &actor, async |tx| {
        let access = ProjectAccess::<Owner>::to_manage(tx, me, id).await?;
        let found = access.invitation(tx, iid).await?;
        let invitation = found.ok_or(ApiError::not_found("invitation"))?;
        conditions.write(Some(invitation.version))?;
        access.withdraw(tx, iid).await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
