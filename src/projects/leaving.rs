//! What happens to memberships when an account ends.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::BoxFuture;
use serde_json::json;

use super::access::Role;
use crate::db::transaction::Work;
use crate::events;
use crate::identity::account::deletion::Leaving;
use crate::kernel::types::{PrincipalId, ProjectId};
use crate::schema::{principals, project_members, projects};

/// Tells the trail of each project that the account is not a member of it any more. The rows of its
/// memberships go with it.
pub fn leave_all<'c>(
    connection: &'c mut AsyncPgConnection,
    leaving: &'c Leaving<'c>,
) -> BoxFuture<'c, Work<()>> {
    let Leaving {
        user,
        reason,
        origin,
        actor,
    } = leaving;
    Box::pin(async move {
        let left = memberships(connection, *user).await?.into_iter();
        let left = left.map(|(project, role)| {
            let detail = json!({ "principal": user, "was": role, "reason": reason });
            (Some(project.0), detail)
        });
        events::record_each(connection, origin, *actor, "member.removed", left.collect()).await?;
        Ok(())
    })
}

/// What the account is a member of and stays one of until it ends. Locked as its end locks them:
/// itself, then the projects in the order of their ids.
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
