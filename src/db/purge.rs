//! Removing rows that say nothing any more, a batch at a time, so that no statement holds its locks
//! for long.

use diesel::result::QueryResult;
use diesel_async::AsyncPgConnection;

use super::operation::Repeatable;
use super::{Db, DbError};

/// Rows removed by one statement.
pub const BATCH: i32 = 1_000;
/// Statements of one purge: what is left waits for the next.
pub const BATCHES: usize = 20;

/// Calls `batch`, which removes up to [`BATCH`] rows and says how many, until nothing is left; says
/// how many in all. Replicas may do so side by side where it skips rows that are locked. It is an
/// `async |conn| ..` closure without `move`.
pub async fn in_batches<F>(db: &Db, batch: F) -> Result<usize, DbError>
where
    F: for<'c> AsyncFn(&'c mut AsyncPgConnection) -> QueryResult<usize>
        + for<'c> Repeatable<&'c mut AsyncPgConnection, QueryResult<usize>, Fut: Send>
        + Send
        + Sync,
{
    let mut removed = 0;
    for _ in 0..BATCHES {
        let some = db
            .write(async |connection: &mut AsyncPgConnection| batch(connection).await)
            .await?;
        removed += some;
        if some == 0 {
            break;
        }
    }
    Ok(removed)
}
