//! Accounts that somebody has asked for, where the address is to be confirmed first. What is asked
//! for leaves the same behind whether the address has an account or not; only the mail differs,
//! which the owner of the address reads.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::db::purge::{BATCH, in_batches};
use crate::db::transaction::{Tx, Work};
use crate::db::{Db, DbError};
use crate::events::Event;
use crate::identity::account::names::key_of;
use crate::identity::account::{Account, NewUser, taken};
use crate::identity::secret::{fresh_secret, may_be_secret, secret_hash};
use crate::jobs::kind::{JobResult, Lane};
use crate::kernel::error::{ApiError, Code};
use crate::kernel::types::PrincipalId;
use crate::mail::letter::{Letter, send};
use crate::mail::links::LinkToken;
use crate::mail::message::{Mail, Part, Recipient};
use crate::mail::{Mailer, address};
use crate::schema::{registrations, users};

const PREFIX: &str = "crn_";
const LIFETIME: TimeDelta = TimeDelta::days(1);

/// An account that is not there yet, under the id that it will have.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = registrations, check_for_backend(diesel::pg::Pg))]
struct Asked {
    id: PrincipalId,
    email: String,
    email_key: String,
    username: Option<String>,
    name: Option<String>,
    profile: Value,
    password_hash: String,
}

/// Keeps what was asked for, and writes to the address. A username is public, so that it is taken
/// may be told.
pub async fn ask(tx: &mut Tx<'_>, new: NewUser) -> Work<()> {
    let same = users::table.filter(users::username_key.eq(new.username_key));
    let is_taken: bool = diesel::select(exists(same))
        .get_result(tx.connection())
        .await?;
    if is_taken {
        return Err(ApiError::new(Code::Conflict, "this username is taken").into());
    }
    let asked = Asked {
        id: new.id,
        email: new.email,
        email_key: new.email_key,
        username: new.username,
        name: new.name,
        profile: new.profile,
        password_hash: new.password_hash,
    };
    diesel::insert_into(registrations::table)
        .values((&asked, registrations::expires_at.eq(Utc::now() + LIFETIME)))
        .execute(tx.connection())
        .await?;
    let registration = asked.id;
    send(tx, RegistrationMail { registration }).await?;
    Ok(())
}

/// The id of the account that a link makes, while it is good. What cannot be one costs no look.
pub async fn find(db: &Db, token: &LinkToken) -> Result<Option<PrincipalId>, DbError> {
    if !may_be_secret(PREFIX, token.as_str()) {
        return Ok(None);
    }
    let hash = &secret_hash(token.as_str());
    db.read_primary(async |connection: &mut AsyncPgConnection| {
        registrations::table
            .filter(registrations::link.eq(hash))
            .filter(registrations::expires_at.gt(diesel::dsl::now))
            .select(registrations::id)
            .first(connection)
            .await
            .optional()
    })
    .await
}

/// Makes the account, and forgets what else was asked for with its address; says whether the link
/// was still good.
pub async fn redeem(tx: &mut Tx<'_>, id: PrincipalId) -> Work<bool> {
    let asked: Option<Asked> = diesel::delete(registrations::table.find(id))
        .returning(Asked::as_returning())
        .get_result(tx.connection())
        .await
        .optional()?;
    let Some(asked) = asked else {
        return Ok(false);
    };
    let new = NewUser {
        id,
        email: asked.email,
        email_key: asked.email_key,
        username_key: asked.username.as_deref().map(key_of),
        username: asked.username,
        name: asked.name,
        profile: asked.profile,
        password_hash: asked.password_hash,
        is_admin: false,
    };
    Account::insert(tx, &new).await.map_err(taken)?;
    diesel::delete(registrations::table.filter(registrations::email_key.eq(&new.email_key)))
        .execute(tx.connection())
        .await?;
    tx.tell(Event::UserRegistered { user: id }).await?;
    address::verified(tx, id).await?;
    Ok(true)
}

/// To the address of an account that somebody has asked for.
#[derive(Serialize, Deserialize)]
pub struct RegistrationMail {
    pub registration: PrincipalId,
}

/// The address, and the account that it has already: its id, its email, whether it is disabled.
type Addressed = (String, Option<(PrincipalId, String, bool)>);

async fn found(db: &Arc<Db>, id: PrincipalId) -> JobResult<Option<Addressed>> {
    let found = db.read_primary(async |connection: &mut AsyncPgConnection| {
        registrations::table
            .left_join(users::table.on(users::email_key.eq(registrations::email_key)))
            .filter(registrations::id.eq(id))
            .filter(registrations::expires_at.gt(diesel::dsl::now))
            .select((
                registrations::email,
                (users::id, users::email, users::is_disabled).nullable(),
            ))
            .first(connection)
            .await
            .optional()
    });
    Ok(found.await?)
}

/// A secret for this try, after which that of an earlier one is good no more; `None` where nobody
/// waits for it any more.
async fn link(db: &Arc<Db>, id: PrincipalId) -> JobResult<Option<String>> {
    let secret = fresh_secret(PREFIX)?;
    let secret = secret.expose_secret();
    let hash = &secret_hash(secret);
    let kept = db.write(async |connection: &mut AsyncPgConnection| {
        diesel::update(registrations::table.find(id))
            .set(registrations::link.eq(hash))
            .execute(connection)
            .await
    });
    Ok((kept.await? > 0).then(|| secret.to_owned()))
}

impl Letter for RegistrationMail {
    const KIND: &'static str = "mail.registration.1";
    const LANE: Lane = Lane::Urgent;
    type Note = ();

    async fn write(&self, db: &Arc<Db>, mailer: &Mailer) -> JobResult<Option<(Mail, ())>> {
        let id = self.registration;
        let Some((email, account)) = found(db, id).await? else {
            return Ok(None);
        };
        let origin = &mailer.public_url;
        let (to, subject, parts) = match account {
            Some((_, _, true)) => return Ok(None),
            Some((user, email, false)) => {
                let user = Some(user);
                let to = Recipient { user, email };
                (to, "You have an account already", there_is_one(origin))
            }
            None => {
                if !address::takes_mail(db, &email).await? {
                    return Ok(None);
                }
                let Some(secret) = link(db, id).await? else {
                    return Ok(None);
                };
                let to = Recipient { user: None, email };
                (to, "Confirm your account", to_confirm(origin, &secret))
            }
        };
        let mail = Mail {
            to,
            subject: subject.to_owned(),
            parts,
            unsubscribe: None,
        };
        Ok(Some((mail, ())))
    }
}

fn there_is_one(origin: &str) -> Vec<Part> {
    vec![
        Part::Text(format!(
            "Somebody, most likely you, wanted to make an account at {origin} with this address, \
             which has one already. Nothing was changed."
        )),
        Part::Link {
            label: "Sign in",
            url: format!("{origin}/"),
        },
        Part::Text(
            "If you do not know its password any more, ask for a link to a new one. If it was not \
             you, there is nothing to do."
                .to_owned(),
        ),
    ]
}

fn to_confirm(origin: &str, secret: &str) -> Vec<Part> {
    vec![
        Part::Text(format!(
            "Somebody, most likely you, wants to make an account at {origin} with this address."
        )),
        Part::Link {
            label: "Make the account",
            url: format!("{origin}/mail#register={secret}"),
        },
        Part::Text(
            "The link is good for a day, and once. If it was not you, there is nothing to do: \
             without it no account is made."
                .to_owned(),
        ),
    ]
}

/// Removes what nobody has confirmed, some thousands at most; says how many.
pub async fn purge(db: &Db) -> Result<usize, DbError> {
    in_batches(db, async |connection| {
        diesel::sql_query(
            "DELETE FROM registrations WHERE id IN (SELECT id FROM registrations \
             WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
        )
        .bind::<Integer, _>(BATCH)
        .execute(connection)
        .await
    })
    .await
}
