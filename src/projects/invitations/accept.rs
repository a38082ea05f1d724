//! What the link of an invitation is good for: a membership, once. It is given by the right of who
//! invited, which is asked again, and locked, in the transaction that gives it.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::letter::PREFIX;
use crate::db::transaction::{Failure, Tx, Work};
use crate::events::Event;
use crate::http::body::json::mistake;
use crate::identity::secret::{may_be_secret, secret_hash};
use crate::kernel::error::ApiError;
use crate::kernel::types::{InvitationId, PrincipalId, ProjectId};
use crate::mail::links::LinkToken;
use crate::projects::access::{Owner, ProjectAccess, Role, Viewer};
use crate::projects::members::{Named, gone, told};
use crate::schema::{invitation_links, project_invitations, users};

/// An invitation whose link somebody has.
#[derive(Clone, Debug, Queryable)]
pub struct Invited {
    id: InvitationId,
    project: ProjectId,
    by: PrincipalId,
    role: Role,
    pub email: String,
    pub email_key: String,
    /// Whether the address is that of an account. Who has the link reads its mail, and may know.
    pub has_account: bool,
}

/// What somebody has become.
pub struct Joined {
    pub project: ProjectId,
    pub name: String,
    pub role: Role,
}

pub fn ended() -> ApiError {
    let detail = "this invitation is not good any more: it was accepted, withdrawn or replaced, \
                  has ended, or who sent it may not invite any more; ask an owner of the project \
                  for another";
    ApiError::validation(vec![mistake("/token", "link-ended", detail)])
}

impl Invited {
    /// By a link, while it is good. What cannot be one costs no look.
    pub async fn find(
        connection: &mut AsyncPgConnection,
        token: &LinkToken,
    ) -> QueryResult<Option<Self>> {
        if !may_be_secret(PREFIX, token.as_str()) {
            return Ok(None);
        }
        let hash = &secret_hash(token.as_str());
        let same = users::table.filter(users::email_key.eq(project_invitations::email_key));
        invitation_links::table
            .find(hash)
            .inner_join(project_invitations::table)
            .filter(project_invitations::expires_at.gt(diesel::dsl::now))
            .select((
                project_invitations::id,
                project_invitations::project_id,
                project_invitations::invited_by,
                project_invitations::role,
                project_invitations::email,
                project_invitations::email_key,
                exists(same),
            ))
            .first(connection)
            .await
            .optional()
    }

    /// Uses the invitation up. Of several at once, one gets it: the project is locked first, as it
    /// is by whoever ends an invitation.
    pub async fn redeem(&self, tx: &mut Tx<'_>) -> Work<Redeemed> {
        // As who invited; without the right to, there is no invitation any more.
        let by_right = ProjectAccess::<Viewer>::to_manage(tx, self.by, self.project).await;
        let access = by_right.map_err(|failure| match failure {
            Failure::Refused(_) => ended().into(),
            failure @ Failure::Query(_) => failure,
        })?;
        access.clone().narrow::<Owner>().map_err(|_lost| ended())?;
        let open = project_invitations::table
            .find(self.id)
            .filter(project_invitations::expires_at.gt(diesel::dsl::now));
        match diesel::delete(open).execute(tx.connection()).await? {
            0 => Err(ended().into()),
            _ => Ok(Redeemed {
                invitation: self.id,
                role: self.role,
                access,
            }),
        }
    }
}

/// An invitation that was used up by this transaction.
pub struct Redeemed {
    invitation: InvitationId,
    role: Role,
    access: ProjectAccess<Viewer>,
}

impl Redeemed {
    /// Makes somebody a member. One who is a member already gets the role where it is a higher one,
    /// and keeps theirs where it is not.
    pub async fn join(self, tx: &mut Tx<'_>, who: PrincipalId) -> Work<Joined> {
        let Self {
            invitation,
            role,
            access,
        } = self;
        let (project, named) = (access.project.id, Named::Id(who));
        let was = access.member(tx, &named).await?.map(|member| member.role);
        let access = access.narrow::<Owner>()?;
        tx.tell(Event::InvitationAccepted {
            project,
            invitation,
            principal: who,
            role: role.as_str(),
        })
        .await?;
        let role = match was {
            Some(was) if was >= role => was,
            was => {
                let person = named.find(tx).await?;
                let person = person.ok_or(ApiError::not_found("user"))?;
                let member = access.set_member(tx, person, role).await.map_err(gone)?;
                tx.tell(told(project, &member, was)).await?;
                role
            }
        };
        Ok(Joined {
            project,
            name: access.project.name,
            role,
        })
    }
}
