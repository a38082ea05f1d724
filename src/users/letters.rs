//! What is mailed about an account: the link to a new password, and the one that confirms its
//! address. The secret of a link is made when the mail is written, so that no job holds one.

use std::sync::Arc;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use crate::db::Db;
use crate::db::transaction::{Tx, Work};
use crate::identity::account::User;
use crate::jobs::kind::{JobResult, Lane};
use crate::kernel::types::PrincipalId;
use crate::mail::Mailer;
use crate::mail::address::EmailState;
use crate::mail::letter::Letter;
use crate::mail::links::{self, Fresh, Purpose};
use crate::mail::message::{Mail, Part, Recipient};
use crate::schema::users;

async fn found(db: &Arc<Db>, id: PrincipalId) -> JobResult<Option<User>> {
    let user = db.read_primary(async |connection: &mut AsyncPgConnection| {
        users::table
            .find(id)
            .filter(users::is_disabled.eq(false))
            .select(User::as_select())
            .first(connection)
            .await
            .optional()
    });
    Ok(user.await?)
}

/// To set a new password.
#[derive(Serialize, Deserialize)]
pub struct PasswordResetMail {
    /// Nobody where the address that was asked for has no account: the request has to cost the
    /// same.
    pub user: Option<PrincipalId>,
}

impl Letter for PasswordResetMail {
    const KIND: &'static str = "mail.password_reset.1";
    const LANE: Lane = Lane::Urgent;
    /// Half an hour: who waits longer has asked again.
    const MAX_FAILURES: i32 = 10;
    type Note = Fresh;

    async fn write(&self, db: &Arc<Db>, mailer: &Mailer) -> JobResult<Option<(Mail, Fresh)>> {
        let Some(id) = self.user else {
            return Ok(None);
        };
        let Some(user) = found(db, id).await? else {
            return Ok(None);
        };
        let Some(link) = links::make(db, id, Purpose::PasswordReset).await? else {
            return Ok(None);
        };
        let (origin, secret) = (&mailer.public_url, link.secret.expose_secret());
        let parts = vec![
            Part::Text(format!(
                "Somebody, most likely you, asked for a new password of {} at {origin}.",
                user.email
            )),
            Part::Link {
                label: "Set a new password",
                url: format!("{origin}/mail#reset={secret}"),
            },
            Part::Text(
                "The link is good for 15 minutes, and once. Setting a password ends all sessions. \
                 If it was not you, there is nothing to do."
                    .to_owned(),
            ),
        ];
        Ok(Some((mail(user, "A new password", parts), link)))
    }

    async fn ended(&self, tx: &mut Tx<'_>, sent: Option<&Fresh>) -> Work<()> {
        noted(tx, sent).await
    }
}

/// To confirm the address.
#[derive(Serialize, Deserialize)]
pub struct EmailConfirmMail {
    pub user: PrincipalId,
}

impl Letter for EmailConfirmMail {
    const KIND: &'static str = "mail.email_confirm.1";
    const LANE: Lane = Lane::Urgent;
    type Note = Fresh;

    async fn write(&self, db: &Arc<Db>, mailer: &Mailer) -> JobResult<Option<(Mail, Fresh)>> {
        let id = self.user;
        let user = found(db, id).await?.filter(|user| {
            let state = EmailState::of(user.email_verified_at, user.mail_paused_at);
            state != EmailState::Ok
        });
        let Some(user) = user else {
            return Ok(None);
        };
        let Some(link) = links::make(db, id, Purpose::EmailConfirm).await? else {
            return Ok(None);
        };
        let (origin, secret) = (&mailer.public_url, link.secret.expose_secret());
        let parts = vec![
            Part::Text(format!(
                "The account {} at {origin} says that this is its address.",
                user.email
            )),
            Part::Link {
                label: "Confirm that it is",
                url: format!("{origin}/mail#confirm={secret}"),
            },
            Part::Text(
                "The link is good for a day, and once. If the account is not yours, there is \
                 nothing to do: no other mails are sent to an address that nobody has confirmed."
                    .to_owned(),
            ),
        ];
        Ok(Some((mail(user, "Confirm your address", parts), link)))
    }

    async fn ended(&self, tx: &mut Tx<'_>, sent: Option<&Fresh>) -> Work<()> {
        noted(tx, sent).await
    }
}

async fn noted(tx: &mut Tx<'_>, sent: Option<&Fresh>) -> Work<()> {
    match sent {
        Some(link) => links::sent(tx, link).await,
        None => Ok(()),
    }
}

fn mail(user: User, subject: &str, parts: Vec<Part>) -> Mail {
    Mail {
        to: Recipient {
            user: Some(user.id),
            email: user.email,
        },
        subject: subject.to_owned(),
        parts,
        unsubscribe: None,
    }
}
