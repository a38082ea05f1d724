//! What happens to memberships when an account ends.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::BoxFuture;

use super::access::Role;
use crate::db::transaction::{Tx, Work};
use crate::events::Event;
use crate::kernel::types::{PrincipalId, ProjectId};
use crate::schema::{principals, project_members, projects};

/// Tells the trail of each project that the account is not a member of it any more. The rows of its
/// memberships go with it.
pub fn leave_all<'c>(
    tx: &'c mut Tx<'_>,
    user: PrincipalId,
    reason: &'static str,
) -> BoxFuture<'c, Work<()>> {
    Box::pin(async move {
        let left = memberships(tx, user).await?.into_iter();
        let left = left.map(|(project, role)| Event::MemberRemoved {
            project,
            principal: user,
            was: role.as_str(),
            name: None,
            reason: Some(reason),
        });
        tx.tell_all(&left.collect::<Vec<_>>()).await?;
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
