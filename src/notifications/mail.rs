//! Notifications by mail: one for each, or one a day for all of them. What is sent is read when it
//! is sent, so that nobody is written to about what they have read, or do not want any more.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::unsubscribe::{self, DIGEST};
use super::words::{said, subject};
use crate::db::Db;
use crate::db::transaction::{Tx, Work};
use crate::jobs::kind::{JobResult, Lane};
use crate::kernel::types::PrincipalId;
use crate::mail::Mailer;
use crate::mail::letter::{Letter, send_all};
use crate::mail::message::{Mail, Part, Recipient};

/// What a digest lists; it counts the rest.
const MOST_LISTED: usize = 50;
/// When digests are sent, by UTC.
const HOUR: u32 = 7;

/// A notification that somebody wants by mail.
#[derive(QueryableByName)]
pub struct Wanted {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = SqlUuid)]
    user_id: PrincipalId,
    #[diesel(sql_type = Text)]
    mail: String,
}

/// In the transaction that makes them.
pub(super) async fn enqueue(tx: &mut Tx<'_>, wanted: &[Wanted]) -> QueryResult<()> {
    let (daily, now): (Vec<_>, Vec<_>) = wanted.iter().partition(|it| it.mail == "daily");
    let now = now.into_iter().map(|it| {
        let notification = it.id;
        (NotificationMail { notification }, None)
    });
    send_all(tx, now.collect(), None).await?;
    // Locked in one order, whoever locks them.
    let users: BTreeSet<PrincipalId> = daily.into_iter().map(|it| it.user_id).collect();
    let digests = users.into_iter().map(DigestMail::keyed);
    send_all(tx, digests.collect(), Some(next_digest(Utc::now()))).await
}

/// What is told in a mail.
#[derive(QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = SqlUuid)]
    pub user_id: PrincipalId,
    #[diesel(sql_type = Text)]
    pub email: String,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Text)]
    pub subject: String,
    #[diesel(sql_type = Jsonb)]
    pub data: Value,
    /// The project's name, where they can read it.
    #[diesel(sql_type = Nullable<Text>)]
    pub project: Option<String>,
}

/// What is still to be told: not read, not sent, wanted, and to an address that takes mail.
macro_rules! open {
    ($which:literal) => {
        concat!(
            "SELECT told.id, told.user_id, users.email, told.kind, told.subject, told.data, \
                (SELECT name FROM projects JOIN project_members ON project_id = projects.id \
                    AND principal_id = told.user_id WHERE projects.id = told.project_id) \
                AS project \
             FROM notifications AS told JOIN users ON users.id = told.user_id \
                AND NOT users.is_disabled AND users.email_verified_at IS NOT NULL \
                AND users.mail_paused_at IS NULL \
             JOIN preferences ON preferences.user_id = told.user_id \
                AND preferences.kind = told.kind AND preferences.channel = 'mail' \
                AND preferences.mode <> 'off' \
             WHERE told.read_at IS NULL AND told.mailed_at IS NULL AND ",
            $which
        )
    };
}

const ONE: &str = open!("told.id = $1");
/// One that nobody could be told of for days is no news.
const DAILY: &str = open!(
    "told.user_id = $1 AND told.mail = 'daily' AND told.at > now() - interval '7 days' \
     ORDER BY told.id LIMIT 1000"
);

/// A notification, now.
#[derive(Serialize, Deserialize)]
pub struct NotificationMail {
    notification: i64,
}

impl Letter for NotificationMail {
    const KIND: &'static str = "mail.notification.1";
    const LANE: Lane = Lane::Normal;
    type Note = ();

    async fn write(&self, db: &Arc<Db>, mailer: &Mailer) -> JobResult<Option<(Mail, ())>> {
        let id = self.notification;
        let row: Option<Row> = db
            .read_primary(async |connection| {
                let one = diesel::sql_query(ONE).bind::<BigInt, _>(id);
                one.get_result(connection).await.optional()
            })
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let origin = &mailer.public_url;
        let parts = vec![
            Part::Text(said(&row)),
            Part::Link {
                label: "Look at it",
                url: format!("{origin}/api/v1/{}", row.subject),
            },
        ];
        let mail = written(db, mailer, &row, subject(&row), parts, &row.kind).await?;
        Ok(Some((mail, ())))
    }

    async fn ended(&self, tx: &mut Tx<'_>, sent: Option<&()>) -> Work<()> {
        if sent.is_some() {
            let own = "UPDATE notifications SET mailed_at = now() WHERE id = $1";
            let own = diesel::sql_query(own).bind::<BigInt, _>(self.notification);
            own.execute(tx.connection()).await?;
        }
        Ok(())
    }
}

/// What happened since the last one, once a day.
#[derive(Serialize, Deserialize)]
pub struct DigestMail {
    user: PrincipalId,
}

impl DigestMail {
    /// With the key by which there is one job for each person.
    fn keyed(user: PrincipalId) -> (Self, Option<String>) {
        (Self { user }, Some(user.to_string()))
    }
}

async fn daily(connection: &mut AsyncPgConnection, user: PrincipalId) -> QueryResult<Vec<Row>> {
    let daily = diesel::sql_query(DAILY).bind::<SqlUuid, _>(user);
    daily.load(connection).await
}

impl Letter for DigestMail {
    const KIND: &'static str = "mail.digest.1";
    const LANE: Lane = Lane::Bulk;
    /// The notification that the digest ends with.
    type Note = i64;

    async fn write(&self, db: &Arc<Db>, mailer: &Mailer) -> JobResult<Option<(Mail, i64)>> {
        let user = self.user;
        let read = async |connection: &mut AsyncPgConnection| daily(connection, user).await;
        let rows = db.read_primary(read).await?;
        let Some(last) = rows.last() else {
            return Ok(None);
        };
        let (listed, rest) = rows.split_at(rows.len().min(MOST_LISTED));
        let mut parts = vec![
            Part::Text("This has happened since the last mail of this kind:".to_owned()),
            Part::List(listed.iter().map(said).collect()),
        ];
        if !rest.is_empty() {
            parts.push(Part::Text(format!("And {} more.", rest.len())));
        }
        parts.push(Part::Link {
            label: "Look at all of it",
            url: format!("{}/api/v1/me/notifications", mailer.public_url),
        });
        let subject = match rows.len() {
            1 => "1 notification".to_owned(),
            many => format!("{many} notifications"),
        };
        let mail = written(db, mailer, last, subject, parts, DIGEST).await?;
        Ok(Some((mail, last.id)))
    }

    /// What came meanwhile found this job in its way, and so gets the next one here: who writes a
    /// notification holds the row of the job until both are there.
    async fn ended(&self, tx: &mut Tx<'_>, sent: Option<&i64>) -> Work<()> {
        if let Some(last) = sent {
            let told = "UPDATE notifications SET mailed_at = now() WHERE user_id = $1 \
                 AND mail = 'daily' AND mailed_at IS NULL AND id <= $2";
            let told = diesel::sql_query(told)
                .bind::<SqlUuid, _>(self.user)
                .bind::<BigInt, _>(*last);
            told.execute(tx.connection()).await?;
        }
        if !daily(tx, self.user).await?.is_empty() {
            let next = vec![Self::keyed(self.user)];
            send_all(tx, next, Some(next_digest(Utc::now()))).await?;
        }
        Ok(())
    }
}

/// With the ways to stop mails of its kind.
async fn written(
    db: &Arc<Db>,
    mailer: &Mailer,
    row: &Row,
    subject: String,
    mut parts: Vec<Part>,
    topic: &str,
) -> JobResult<Mail> {
    let token = unsubscribe::token(db, row.user_id, topic).await?;
    let origin = &mailer.public_url;
    parts.push(Part::Link {
        label: "Stop mails of this kind",
        url: format!("{origin}/mail#unsubscribe={token}"),
    });
    Ok(Mail {
        to: Recipient {
            user: Some(row.user_id),
            email: row.email.clone(),
        },
        subject,
        parts,
        unsubscribe: Some(format!("{origin}/mail/unsubscribe?token={token}")),
    })
}

fn next_digest(now: DateTime<Utc>) -> DateTime<Utc> {
    let at = |day: chrono::NaiveDate| {
        let time = NaiveTime::from_hms_opt(HOUR, 0, 0).unwrap_or_default();
        day.and_time(time).and_utc()
    };
    let today = now.date_naive();
    match at(today) {
        later if later > now => later,
        _ => at(today.checked_add_days(Days::new(1)).unwrap_or(today)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_comes_at_the_next_hour_for_it() {
        for (now, next) in [
            ("2026-11-30T06:59:59Z", "2026-11-30T07:00:00Z"),
            ("2026-11-30T07:00:00Z", "2026-12-01T07:00:00Z"),
            ("2026-12-31T23:59:59Z", "2027-01-01T07:00:00Z"),
        ] {
            assert_eq!(
                next_digest(now.parse().unwrap()),
                next.parse::<DateTime<Utc>>().unwrap()
            );
        }
    }
}
