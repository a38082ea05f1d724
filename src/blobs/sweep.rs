//! The end of blobs: those that nobody has any more, and those that were never completed.

use diesel::result::QueryResult;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::purge::in_batches;
use crate::db::sql::Writer;
use crate::db::{Db, DbError};

/// Who began to read one that is let go has gone on for long enough; nothing is written for as long
/// as a day.
const UNUSED: &str = "(released_at < now() - interval '10 minutes' \
    OR (size IS NULL AND created_at < now() - interval '1 day'))";
/// Of one statement: 25 MiB.
const PARTS: i64 = 100;

/// Removes them in steps.
pub async fn sweep(db: &Db) -> Result<(), DbError> {
    in_batches(db, async |connection| parts(connection).await).await?;
    in_batches(db, async |connection| empty(connection).await).await?;
    Ok(())
}

async fn parts(connection: &mut AsyncPgConnection) -> QueryResult<usize> {
    let mut sql = Writer::default();
    sql.text(
        "DELETE FROM blob_parts WHERE ctid = ANY (ARRAY(SELECT part.ctid FROM blob_parts AS part ",
    );
    sql.text("JOIN blobs ON blobs.id = part.blob_id WHERE ");
    sql.text(UNUSED)
        .text(" LIMIT :most FOR UPDATE OF part SKIP LOCKED))");
    sql.bind::<BigInt, _>("most", PARTS);
    sql.statement::<()>().execute(connection).await
}

async fn empty(connection: &mut AsyncPgConnection) -> QueryResult<usize> {
    let mut sql = Writer::default();
    sql.text("DELETE FROM blobs WHERE id IN (SELECT id FROM blobs WHERE ");
    sql.text(UNUSED);
    sql.text(" AND NOT EXISTS (SELECT FROM blob_parts WHERE blob_id = blobs.id) ");
    sql.text("LIMIT :most FOR UPDATE SKIP LOCKED)");
    sql.bind::<BigInt, _>("most", PARTS);
    sql.statement::<()>().execute(connection).await
}
