//! Deleting an account, by its owner or an administrator: all it could sign in with ends at once, and only the trace stays.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;

use crate::audit::{self, Origin};
use crate::auth::api_token::ApiToken;
use crate::auth::end::{Which, end_sessions};
use crate::auth::revocation::{self, Revoked, Subject};
use crate::error::ApiError;
use crate::http::idempotency::Failure;
use crate::projects::access::Role;
use crate::schema::{principals, project_members, projects, users};
use crate::types::{PrincipalId, ProjectId};

/// Deletes a user and what is theirs alone, in the caller's transaction. What is returned is for this process's feed, after the
/// commit.
pub async fn delete(
    connection: &mut AsyncPgConnection,
    user: PrincipalId,
    reason: &'static str,
    origin: &Origin,
    actor: Option<PrincipalId>,
) -> Result<Vec<Revoked>, Failure> {
    // Locked first: a session or a token that is being made now is either seen below or never made.
    let found: Option<PrincipalId> = users::table
        .find(user)
        .select(users::id)
        .for_update()
        .first(connection)
        .await
        .optional()?;
    found.ok_or(ApiError::not_found("user"))?;
    let ended = end_sessions(connection, user, Which::All, reason, origin, actor).await?;
    let mut revoked = ended.revoked;
    revoked.extend(ApiToken::delete_all(connection, user).await?);
    audit::record(
        connection,
        origin,
        actor,
        "user.deleted",
        Some(user.0),
        json!({ "reason": reason }),
    )
    .await?;
    let left = memberships(connection, user).await?.into_iter();
    let left = left.map(|(project, role)| {
        let detail = json!({ "principal": user, "was": role, "reason": reason });
        (Some(project.0), detail)
    });
    audit::record_each(connection, origin, actor, "member.removed", left.collect()).await?;
    // The rest follows by its references.
    diesel::delete(principals::table.find(user))
        .execute(connection)
        .await?;
    // The user's passwords found good are told by when that was, so this comes as late as it can.
    revoked.extend(revocation::revoke(connection, &[Subject::User(user)]).await?);
    Ok(revoked)
}

/// What the account is a member of and stays one of until it ends. Locked as its end locks them: itself, then the projects in the
/// order of their ids.
async fn memberships(
    connection: &mut AsyncPgConnection,
    user: PrincipalId,
) -> QueryResult<Vec<(ProjectId, Role)>> {
    principals::table
        .find(user)
        .select(principals::id)
        .for_update()
        .execute(connection)
        .await?;
    project_members::table
        .inner_join(projects::table)
        .filter(project_members::principal_id.eq(user))
        .order(projects::id)
        .select((projects::id, project_members::role))
        .for_update()
        .load(connection)
        .await
}
