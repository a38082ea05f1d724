//! The letter of an invitation. It goes to an address that somebody has typed, so it says little
//! that others wrote: the name of the project, cut short, and the username of who invites.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Binary, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::{LetterState, Role};
use crate::db::Db;
use crate::db::transaction::{Tx, Work};
use crate::identity::secret::{fresh_secret, secret_hash};
use crate::jobs::kind::{JobResult, Lane};
use crate::kernel::types::InvitationId;
use crate::mail::letter::Letter;
use crate::mail::message::{Mail, Part, Recipient};
use crate::mail::{Mailer, address};
use crate::projects::members::coalesced;
use crate::schema::{project_invitations, projects, users, workloads};

pub(super) const PREFIX: &str = "cri_";
/// Characters of a project's name that a stranger is shown.
const LONGEST_NAME: usize = 60;

/// Nothing is added where the invitation has gone meanwhile.
const ADD_LINK: &str = "INSERT INTO invitation_links (hash, invitation_id) \
    SELECT $1, id FROM project_invitations WHERE id = $2 AND expires_at > now()";

#[derive(Serialize, Deserialize)]
pub struct InvitationMail {
    pub invitation: InvitationId,
}

/// What a letter is written of.
#[derive(Queryable)]
struct Open {
    email: String,
    role: Role,
    expires_at: DateTime<Utc>,
    project: String,
    /// Of who invites, or the name of a workload.
    username: Option<String>,
}

async fn found(db: &Arc<Db>, id: InvitationId) -> JobResult<Option<Open>> {
    let open = db.read_primary(async |connection: &mut AsyncPgConnection| {
        project_invitations::table
            .inner_join(projects::table.on(projects::id.eq(project_invitations::project_id)))
            .left_join(users::table.on(users::id.eq(project_invitations::invited_by)))
            .left_join(workloads::table.on(workloads::id.eq(project_invitations::invited_by)))
            .filter(project_invitations::id.eq(id))
            .filter(project_invitations::expires_at.gt(diesel::dsl::now))
            .select((
                project_invitations::email,
                project_invitations::role,
                project_invitations::expires_at,
                projects::name,
                coalesced(users::username.nullable(), workloads::name.nullable()),
            ))
            .first(connection)
            .await
            .optional()
    });
    Ok(open.await?)
}

/// A secret for this try; `None` where there is nothing any more that it could be good for.
async fn link(db: &Arc<Db>, id: InvitationId) -> JobResult<Option<String>> {
    let secret = fresh_secret(PREFIX)?;
    let secret = secret.expose_secret();
    let hash = secret_hash(secret);
    let added = db.write(async |connection: &mut AsyncPgConnection| {
        diesel::sql_query(ADD_LINK)
            .bind::<Binary, _>(&hash)
            .bind::<SqlUuid, _>(id)
            .execute(connection)
            .await
    });
    Ok((added.await? > 0).then(|| secret.to_owned()))
}

fn shortened(name: &str) -> String {
    let cut: String = name.chars().take(LONGEST_NAME).collect();
    match cut.len() < name.len() {
        true => format!("{cut}\u{2026}"),
        false => cut,
    }
}

impl Letter for InvitationMail {
    const KIND: &'static str = "mail.invitation.1";
    /// Behind the links that people wait for.
    const LANE: Lane = Lane::Normal;
    type Note = ();

    async fn write(&self, db: &Arc<Db>, mailer: &Mailer) -> JobResult<Option<(Mail, ())>> {
        let id = self.invitation;
        let Some(open) = found(db, id).await? else {
            return Ok(None);
        };
        if !address::takes_mail(db, &open.email).await? {
            return Ok(None);
        }
        let Some(secret) = link(db, id).await? else {
            return Ok(None);
        };
        let origin = &mailer.public_url;
        let project = shortened(&open.project);
        let who = open.username.unwrap_or_else(|| "An owner".to_owned());
        let (role, until) = (
            open.role.as_str(),
            open.expires_at.format("%Y-%m-%d %H:%M UTC"),
        );
        let parts = vec![
            Part::Text(format!(
                "{who} invites you to the project \"{project}\" at {origin}, as {role}."
            )),
            Part::Link {
                label: "Accept the invitation",
                url: format!("{origin}/mail#invite={secret}"),
            },
            Part::Text(format!(
                "The link is good until {until}, and once. Whoever has it can accept, so keep it \
                 to yourself. If you do not know what this is about, there is nothing to do."
            )),
        ];
        let mail = Mail {
            to: Recipient {
                user: None,
                email: open.email,
            },
            subject: format!("Invitation to the project \"{project}\""),
            parts,
            unsubscribe: None,
        };
        Ok(Some((mail, ())))
    }

    /// For the owners, who see what became of it.
    async fn ended(&self, tx: &mut Tx<'_>, sent: Option<&()>) -> Work<()> {
        let letter = match sent {
            Some(()) => LetterState::Sent,
            None => LetterState::Refused,
        };
        diesel::update(project_invitations::table.find(self.invitation))
            .set((
                project_invitations::letter.eq(letter),
                project_invitations::version.eq(project_invitations::version + 1),
            ))
            .execute(tx.connection())
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_shown_little_of_what_others_wrote() {
        assert_eq!(shortened("Census"), "Census");
        let long = shortened(&"\u{e9}".repeat(200));
        assert_eq!(long.chars().count(), LONGEST_NAME + 1);
    }
}
