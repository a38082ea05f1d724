//! Who is told of which event: one statement for all events that are numbered together.

use diesel::QueryResult;
use diesel::sql_types::{BigInt, Bool};
use diesel_async::RunQueryDsl;
use futures_util::future::BoxFuture;

use super::mail::{self, Wanted};
use crate::db::transaction::Tx;
use crate::events::sequencer::Moved;

/// Owners and editors hear of their project's end, a member of their own role, an author of what
/// another did to their post. Nobody is told what they did themselves, or did not want to be told.
const NOTIFY: &str = "WITH made AS (INSERT INTO notifications \
        (user_id, event_id, kind, project_id, subject, actor_id, data, at, in_app, mail) \
    SELECT told.id, events.id, events.kind, events.project_id, events.subject, events.actor_id, \
        events.data, events.at, coalesce(in_app.mode, 'now') <> 'off', by_mail.mode \
    FROM events CROSS JOIN LATERAL ( \
        SELECT principal_id AS id FROM project_members \
            WHERE project_members.project_id = events.project_id AND role IN ('owner', 'editor') \
            AND events.kind IN ('chartroom.project.expiring', 'chartroom.project.expired', \
                'chartroom.project.extended') \
        UNION SELECT (events.data ->> 'principal')::uuid WHERE events.kind IN \
            ('chartroom.member.added', 'chartroom.member.changed', 'chartroom.member.removed') \
        UNION SELECT (events.data ->> 'author')::uuid WHERE events.kind IN \
            ('chartroom.post.changed', 'chartroom.post.deleted')) AS told \
    JOIN users ON users.id = told.id AND NOT users.is_disabled \
    LEFT JOIN preferences AS in_app ON in_app.user_id = told.id AND in_app.kind = events.kind \
        AND in_app.channel = 'in_app' \
    LEFT JOIN preferences AS by_mail ON $3 AND by_mail.user_id = told.id \
        AND by_mail.kind = events.kind AND by_mail.channel = 'mail' AND by_mail.mode <> 'off' \
        AND users.email_verified_at IS NOT NULL AND users.mail_paused_at IS NULL \
    WHERE events.seq BETWEEN $1 AND $2 AND told.id IS DISTINCT FROM events.actor_id \
        AND (coalesce(in_app.mode, 'now') <> 'off' OR by_mail.mode IS NOT NULL) \
    ORDER BY events.seq, told.id ON CONFLICT (user_id, event_id) DO NOTHING \
    RETURNING id, user_id, mail) \
    SELECT id, user_id, mail FROM made WHERE mail IS NOT NULL ORDER BY id";

/// The kinds that the statement tells somebody of.
pub const KINDS: [&str; 8] = [
    "chartroom.project.expiring",
    "chartroom.project.expired",
    "chartroom.project.extended",
    "chartroom.member.added",
    "chartroom.member.changed",
    "chartroom.member.removed",
    "chartroom.post.changed",
    "chartroom.post.deleted",
];

/// Where no mail is sent.
pub fn notify<'a>(tx: &'a mut Tx<'_>, moved: Moved) -> BoxFuture<'a, QueryResult<()>> {
    Box::pin(async move { make(tx, moved, false).await.map(drop) })
}

/// Besides, enqueues the mails for those who want them.
pub fn notify_and_mail<'a>(tx: &'a mut Tx<'_>, moved: Moved) -> BoxFuture<'a, QueryResult<()>> {
    Box::pin(async move {
        let wanted = make(tx, moved, true).await?;
        mail::enqueue(tx, &wanted).await
    })
}

async fn make(tx: &mut Tx<'_>, moved: Moved, with_mail: bool) -> QueryResult<Vec<Wanted>> {
    diesel::sql_query(NOTIFY)
        .bind::<BigInt, _>(moved.first)
        .bind::<BigInt, _>(moved.last)
        .bind::<Bool, _>(with_mail)
        .load(tx.connection())
        .await
}
