//! The address that an account had before: its owner is told that it has another one, because they
//! may not have been who changed it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Integer;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::purge::{BATCH, in_batches};
use crate::db::transaction::{Tx, Work};
use crate::db::{Db, DbError};
use crate::jobs::kind::{JobResult, Lane};
use crate::kernel::types::PrincipalId;
use crate::mail::Mailer;
use crate::mail::letter::{Letter, send};
use crate::mail::message::{Mail, Part, Recipient};
use crate::schema::former_addresses;

/// Writes to the address that an account had until now.
pub async fn tell(tx: &mut Tx<'_>, user: PrincipalId, email: &str) -> Work<()> {
    let former = Uuid::now_v7();
    diesel::insert_into(former_addresses::table)
        .values((
            former_addresses::id.eq(former),
            former_addresses::user_id.eq(user),
            former_addresses::email.eq(email),
        ))
        .execute(tx.connection())
        .await?;
    send(tx, AddressChangedMail { former }).await?;
    Ok(())
}

/// The job names a row, because no job holds an address.
#[derive(Serialize, Deserialize)]
pub struct AddressChangedMail {
    pub former: Uuid,
}

impl Letter for AddressChangedMail {
    const KIND: &'static str = "mail.address_changed.1";
    const LANE: Lane = Lane::Urgent;
    type Note = ();

    async fn write(&self, db: &Arc<Db>, mailer: &Mailer) -> JobResult<Option<(Mail, ())>> {
        let id = self.former;
        let found: Option<(String, DateTime<Utc>)> = db
            .read_primary(async |connection: &mut AsyncPgConnection| {
                former_addresses::table
                    .find(id)
                    .select((former_addresses::email, former_addresses::changed_at))
                    .first(connection)
                    .await
                    .optional()
            })
            .await?;
        let Some((email, changed_at)) = found else {
            return Ok(None);
        };
        let (origin, when) = (&mailer.public_url, changed_at.format("%Y-%m-%d %H:%M UTC"));
        let parts = vec![
            Part::Text(format!(
                "Your account at {origin} had this address until {when}. Somebody who knows its \
                 password, most likely you, has given it another one."
            )),
            Part::Text(
                "If it was not you, tell an administrator at once: a new password is sent to the \
                 new address only."
                    .to_owned(),
            ),
        ];
        let mail = Mail {
            to: Recipient { user: None, email },
            subject: "Your account has another address".to_owned(),
            parts,
            unsubscribe: None,
        };
        Ok(Some((mail, ())))
    }

    async fn ended(&self, tx: &mut Tx<'_>, _: Option<&()>) -> Work<()> {
        diesel::delete(former_addresses::table.find(self.former))
            .execute(tx.connection())
            .await?;
        Ok(())
    }
}

/// Removes addresses whose mail has not gone within thirty days, some thousands at most; says how
/// many.
pub async fn purge(db: &Db) -> Result<usize, DbError> {
    in_batches(db, async |connection| {
        diesel::sql_query(
            "DELETE FROM former_addresses WHERE id IN (SELECT id FROM former_addresses \
             WHERE changed_at < now() - interval '30 days' ORDER BY changed_at LIMIT $1 \
             FOR UPDATE SKIP LOCKED)",
        )
        .bind::<Integer, _>(BATCH)
        .execute(connection)
        .await
    })
    .await
}
