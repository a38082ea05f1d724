//! Invitations: an owner names an address, a letter with a link goes there, and whoever has the
//! link may become a member. `letter` is the mail, `accept` what the link is good for.
//!
//! A row is there for as long as it can be accepted. It goes with the membership and the role of
//! who gave it, and when their account is disabled, by the database, whichever release does that.
//! Nobody is told whether an address has an account: nothing here looks for one before the link
//! has come back from the mailbox.

pub mod accept;
pub mod letter;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Integer, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

use super::access::{Owner, ProjectAccess, Role};
use crate::db::Db;
use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts};
use crate::db::purge::{BATCH, BATCHES};
use crate::db::transaction::{Tx, Work, transaction};
use crate::events::Event;
use crate::identity::account::names::{self, Email};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{InvitationId, PrincipalId, ProjectId, words};
use crate::kernel::values::{Checked, Wrong, checked};
use crate::schema::project_invitations;

/// What a project has open at once.
const MOST_OPEN: i64 = 100;
const LIFETIME: TimeDelta = TimeDelta::days(7);

words! {
    /// What became of the letter
    LetterState {
        /// It is on its way to the mail server
        Waiting = "waiting",
        /// The mail server took it
        Sent = "sent",
        /// The mail server takes none for this address, or took none within 30 days
        Refused = "refused",
    }
}

/// When an invitation ends that was given an end.
#[derive(Clone, Copy, Debug)]
pub struct InvitationEnd(pub DateTime<Utc>);

impl Checked for InvitationEnd {
    type Raw = DateTime<Utc>;

    fn checked(raw: DateTime<Utc>) -> Result<Self, Wrong> {
        let now = Utc::now();
        match raw > now && raw <= now + LIFETIME {
            true => Ok(Self(raw)),
            false => Err(Wrong::invalid("expected a time within the next seven days")),
        }
    }

    fn described() -> ObjectBuilder {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("A time within the next seven days"))
    }
}

checked!(InvitationEnd);

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = project_invitations, check_for_backend(diesel::pg::Pg))]
pub struct Invitation {
    pub id: InvitationId,
    pub email: String,
    pub role: Role,
    pub invited_by: PrincipalId,
    pub letter: LetterState,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

#[derive(Clone, Copy, PartialEq)]
pub enum InvitationSort {
    CreatedAt,
}

impl Sorts for InvitationSort {
    type Row = Invitation;
    const LIST: &'static str = "invitations";
    const ALL: &'static [(&'static str, Self)] = &[("created_at", Self::CreatedAt)];
    const DEFAULT: (Self, Direction) = (Self::CreatedAt, Direction::Descending);

    fn place(self, row: &Invitation) -> Place {
        let key = match self {
            Self::CreatedAt => Key::Time(row.created_at),
        };
        Place { key, id: row.id.0 }
    }
}

pub type InvitationPage = PageQuery<InvitationSort>;

/// Who is invited, as what, and until when.
pub struct Guest<'a> {
    pub email: &'a Email,
    pub role: Role,
    pub expires_at: Option<InvitationEnd>,
}

/// Those of a project that can be accepted.
#[diesel::dsl::auto_type(no_type_alias)]
fn open(project: ProjectId) -> _ {
    let invitation: diesel::dsl::AsSelect<Invitation, diesel::pg::Pg> = Invitation::as_select();
    project_invitations::table
        .filter(project_invitations::project_id.eq(project))
        .filter(project_invitations::expires_at.gt(diesel::dsl::now))
        .select(invitation)
}

impl ProjectAccess<Owner> {
    pub async fn invitations(
        &self,
        connection: &mut AsyncPgConnection,
        page: &InvitationPage,
    ) -> QueryResult<Found<Invitation>> {
        let InvitationSort::CreatedAt = page.sort;
        page.load(
            connection,
            || open(self.project.id),
            project_invitations::created_at,
            project_invitations::id,
        )
        .await
    }

    pub async fn invitation(
        &self,
        mut connection: &AsyncPgConnection,
        id: InvitationId,
    ) -> QueryResult<Option<Invitation>> {
        open(self.project.id)
            .filter(project_invitations::id.eq(id))
            .first(&mut connection)
            .await
            .optional()
    }

    /// In a transaction that has locked the project. One to the same address is replaced, with its
    /// link: the owner wants the newest to be the one that counts.
    pub async fn invite(
        &self,
        tx: &mut Tx<'_>,
        by: PrincipalId,
        guest: &Guest<'_>,
    ) -> Work<Invitation> {
        let project = self.project.id;
        let email_key = names::key_of(guest.email.as_str());
        let same = project_invitations::table
            .filter(project_invitations::project_id.eq(project))
            .filter(project_invitations::email_key.eq(&email_key));
        let is_open = project_invitations::expires_at.gt(diesel::dsl::now);
        let replaced: Option<(InvitationId, bool)> = diesel::delete(same)
            .returning((project_invitations::id, is_open))
            .get_result(tx.connection())
            .await
            .optional()?;
        if let Some((invitation, is_open)) = replaced {
            let reason = "replaced";
            tx.tell(match is_open {
                true => Event::InvitationWithdrawn {
                    project,
                    invitation,
                    reason,
                },
                false => Event::InvitationExpired {
                    project,
                    invitation,
                },
            })
            .await?;
        }
        let others: i64 = open(project).count().get_result(tx.connection()).await?;
        if others >= MOST_OPEN {
            return Err(too_many().into());
        }
        let id = InvitationId::fresh();
        let (made_at, role) = (id.made_at(), guest.role);
        let expires_at = guest.expires_at.map(|InvitationEnd(time)| time);
        let invitation = diesel::insert_into(project_invitations::table)
            .values((
                project_invitations::id.eq(id),
                project_invitations::project_id.eq(project),
                project_invitations::email.eq(guest.email),
                project_invitations::email_key.eq(&email_key),
                project_invitations::role.eq(role),
                project_invitations::invited_by.eq(by),
                project_invitations::created_at.eq(made_at),
                project_invitations::expires_at.eq(expires_at.unwrap_or(made_at + LIFETIME)),
            ))
            .returning(Invitation::as_returning())
            .get_result(tx.connection())
            .await?;
        tx.tell(Event::InvitationCreated {
            project,
            invitation: id,
            role: role.as_str(),
        })
        .await?;
        Ok(invitation)
    }

    /// In a transaction that has locked the project.
    pub async fn withdraw(&self, tx: &mut Tx<'_>, id: InvitationId) -> Work<()> {
        diesel::delete(project_invitations::table.find(id))
            .execute(tx.connection())
            .await?;
        tx.tell(Event::InvitationWithdrawn {
            project: self.project.id,
            invitation: id,
            reason: "deleted",
        })
        .await?;
        Ok(())
    }
}

fn too_many() -> ApiError {
    ApiError::new(
        Code::Conflict,
        format!(
            "the project has {MOST_OPEN} open invitations, and none may have more: withdraw one, or wait until some are accepted or end"
        ),
    )
}

/// Removes invitations that have ended, some thousands at most, and tells it; says how many.
pub async fn purge(db: &Db) -> ApiResult<usize> {
    let nobody = Actor::default();
    let mut removed = 0;
    for _ in 0..BATCHES {
        let some = transaction(db, &nobody, async |tx| {
            let ended: Vec<Ended> = diesel::sql_query(
                "DELETE FROM project_invitations WHERE id IN (SELECT id FROM project_invitations \
                 WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED) \
                 RETURNING id, project_id",
            )
            .bind::<Integer, _>(BATCH)
            .load(tx.connection())
            .await?;
            let told: Vec<Event> = ended.iter().map(Ended::told).collect();
            tx.tell_all(&told).await?;
            Ok(told.len())
        });
        let some = some.await?;
        removed += some;
        if some == 0 {
            break;
        }
    }
    Ok(removed)
}

#[derive(QueryableByName)]
struct Ended {
    #[diesel(sql_type = SqlUuid)]
    id: InvitationId,
    #[diesel(sql_type = SqlUuid)]
    project_id: ProjectId,
}

impl Ended {
    fn told(&self) -> Event {
        Event::InvitationExpired {
            project: self.project_id,
            invitation: self.id,
        }
    }
}
