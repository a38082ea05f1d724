//! Who is told of which event: one statement for all events that are numbered together.

use diesel::QueryResult;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use futures_util::future::BoxFuture;

use crate::db::transaction::Tx;
use crate::events::sequencer::Moved;

/// Owners and editors hear of their project's end, a member of their own role, an author of what
/// another did to their post. Nobody is told what they did themselves, or did not want to be told.
const NOTIFY: &str = "INSERT INTO notifications \
        (user_id, event_id, kind, project_id, subject, actor_id, data, at) \
    SELECT told.id, events.id, events.kind, events.project_id, events.subject, events.actor_id, \
        events.data, events.at \
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
    LEFT JOIN preferences ON preferences.user_id = told.id AND preferences.kind = events.kind \
        AND preferences.channel = 'in_app' \
    WHERE events.seq BETWEEN $1 AND $2 AND told.id IS DISTINCT FROM events.actor_id \
        AND coalesce(preferences.mode, 'now') <> 'off' \
    ORDER BY events.seq, told.id ON CONFLICT (user_id, event_id) DO NOTHING";

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

pub fn notify<'a>(tx: &'a mut Tx<'_>, moved: Moved) -> BoxFuture<'a, QueryResult<()>> {
    Box::pin(async move {
        diesel::sql_query(NOTIFY)
            .bind::<BigInt, _>(moved.first)
            .bind::<BigInt, _>(moved.last)
            .execute(tx.connection())
            .await?;
        Ok(())
    })
}
