//! POSTs that can be repeated: one transaction does the work and keeps its answer under the
//! caller's `Idempotency-Key`.
//!
//! Work and answer are committed together, so a crash leaves both or neither, and a repetition
//! finds the answer or does the work. Who works under a key holds an advisory lock until its
//! transaction ends, however it ends. Waiting for a row's lock instead would keep a connection per
//! waiting duplicate; this way a duplicate gives its connection back and asks again a little later.
//! Only success is kept: a refusal changed nothing, so its repetition may as well be judged anew.
//! An answer that shows something of a project is given again to who can still read that, and to
//! others as if the project were not there.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::BoxFuture;
use http::HeaderValue;
use http::header::{LOCATION, RETRY_AFTER};
use ring::digest;

pub use super::once::{Once, OnceJson};
use crate::db::operation::Repeatable;
use crate::db::purge::{BATCH, in_batches};
use crate::db::transaction::{Pending, Tx, Work, statement, transaction};
use crate::db::{Db, DbError};
use crate::http::answer::Answer;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{PrincipalId, ProjectId};
use crate::schema::idempotent_answers;

/// Larger answers are not kept, only that there was one.
const MOST_KEPT: usize = 64 << 10;
/// Between the attempts of a duplicate; together well below the deadline of a request.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
];

diesel::define_sql_function! {
    fn pg_try_advisory_xact_lock(key: BigInt) -> Bool;
}

/// Whether somebody may read a project now, which `projects` judges: nobody else gets a kept answer
/// that shows something of it.
#[derive(Clone, Copy)]
pub struct MayRead(
    pub for<'c> fn(&'c mut AsyncPgConnection, PrincipalId, ProjectId) -> BoxFuture<'c, Work<()>>,
);

#[derive(Queryable)]
struct Kept {
    fingerprint: Vec<u8>,
    status: i16,
    headers: serde_json::Value,
    body: Option<Vec<u8>>,
    project_id: Option<ProjectId>,
}

/// Does the work once per key of a principal and answers every repetition with the first answer.
/// Without a key, or with nobody to keep it for, it just does the work. All in one transaction.
/// `work` is an `async |tx| ..` closure without `move`.
pub fn idempotent<'a, F>(
    db: &'a Db,
    actor: &'a Actor,
    once: &'a Once,
    work: F,
) -> Pending<'a, Answer>
where
    F: for<'c, 't> AsyncFn(&'c mut Tx<'t>) -> Work<Answer>
        + for<'c, 't> Repeatable<&'c mut Tx<'t>, Work<Answer>, Fut: Send>
        + Send
        + Sync
        + 'a,
{
    Box::pin(async move {
        match (actor.id, once.key()) {
            (Some(who), Some(key)) => claimed(db, actor, Claim { who, key, once }, work).await,
            _ => transaction(db, actor, work).await,
        }
    })
}

/// The same for work that is a single statement, which is a transaction by itself: without a key it
/// takes one round trip.
pub fn idempotent_statement<'a, F>(
    db: &'a Db,
    actor: &'a Actor,
    once: &'a Once,
    work: F,
) -> Pending<'a, Answer>
where
    F: for<'c> AsyncFn(&'c mut AsyncPgConnection) -> Work<Answer>
        + for<'c> Repeatable<&'c mut AsyncPgConnection, Work<Answer>, Fut: Send>
        + Send
        + Sync
        + 'a,
{
    Box::pin(async move {
        match (actor.id, once.key()) {
            (Some(who), Some(key)) => {
                let claim = Claim { who, key, once };
                let alone = async |tx: &mut Tx<'_>| work(tx.connection()).await;
                claimed(db, actor, claim, alone).await
            }
            _ => statement(db, work).await,
        }
    })
}

fn claimed<'a, F>(db: &'a Db, actor: &'a Actor, claim: Claim<'a>, work: F) -> Pending<'a, Answer>
where
    F: for<'c, 't> AsyncFn(&'c mut Tx<'t>) -> Work<Answer>
        + for<'c, 't> Repeatable<&'c mut Tx<'t>, Work<Answer>, Fut: Send>
        + Send
        + Sync
        + 'a,
{
    Box::pin(async move {
        for pause in PAUSES.iter().map(Some).chain([None]) {
            let kept = transaction(db, actor, async |tx: &mut Tx<'_>| {
                claim.work(tx, &work).await
            });
            if let Some(answer) = kept.await? {
                return Ok(answer);
            }
            if let Some(pause) = pause {
                tokio::time::sleep(*pause).await;
            }
        }
        Err(ApiError::new(
            Code::RequestInFlight,
            "the first request with this Idempotency-Key is still being worked on; repeat the request",
        )
        .with_header(RETRY_AFTER, HeaderValue::from(1)))
    })
}

struct Claim<'a> {
    who: PrincipalId,
    key: &'a str,
    once: &'a Once,
}

impl Claim<'_> {
    /// `None` while another transaction works under the key.
    async fn work<F>(&self, tx: &mut Tx<'_>, work: &F) -> Work<Option<Answer>>
    where
        F: for<'c, 't> AsyncFn(&'c mut Tx<'t>) -> Work<Answer>
            + for<'c, 't> Repeatable<&'c mut Tx<'t>, Work<Answer>, Fut: Send>
            + Sync,
    {
        let conn = tx.connection();
        let is_ours = diesel::select(pg_try_advisory_xact_lock(self.lock()))
            .get_result::<bool>(conn)
            .await?;
        // A statement of its own: its snapshot must be younger than the lock, else it misses what
        // the holder before committed. Asked without the lock as well, because the holder may only
        // be another repetition on its way to the same answer.
        if let Some(kept) = self.find(conn).await? {
            self.is_same(&kept)?;
            if let Some(project) = kept.project_id {
                (self.once.may_read.0)(conn, self.who, project).await?;
            }
            return Ok(Some(replay(kept)?));
        }
        if !is_ours {
            return Ok(None);
        }
        let answer = work(&mut tx.again()).await?;
        self.keep(tx.connection(), &answer).await?;
        Ok(Some(answer))
    }

    /// Two keys with one lock only wait for each other; it is the row that tells them apart.
    fn lock(&self) -> i64 {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(self.who.0.as_bytes());
        hash.update(self.key.as_bytes());
        let hash = hash.finish();
        hash.as_ref()
            .first_chunk()
            .map_or(0, |bytes| i64::from_be_bytes(*bytes))
    }

    async fn find(&self, conn: &mut AsyncPgConnection) -> QueryResult<Option<Kept>> {
        use idempotent_answers::dsl as row;
        idempotent_answers::table
            .find((self.who, self.key))
            .filter(row::expires_at.gt(diesel::dsl::now))
            .select((
                row::fingerprint,
                row::status,
                row::headers,
                row::body,
                row::project_id,
            ))
            .first(conn)
            .await
            .optional()
    }

    fn is_same(&self, kept: &Kept) -> ApiResult<()> {
        if kept.fingerprint == self.once.fingerprint() {
            return Ok(());
        }
        Err(ApiError::new(
            Code::IdempotencyKeyReused,
            "this Idempotency-Key came before with another method, path or body; nothing was done: use a new key",
        ))
    }

    async fn keep(&self, conn: &mut AsyncPgConnection, answer: &Answer) -> QueryResult<()> {
        use diesel::upsert::excluded;
        use idempotent_answers::dsl as row;
        let (status, headers, body) = answer.parts();
        diesel::insert_into(idempotent_answers::table)
            .values((
                row::principal_id.eq(self.who),
                row::key.eq(self.key),
                row::fingerprint.eq(self.once.fingerprint()),
                row::status.eq(status),
                row::headers.eq(headers),
                row::body.eq((body.len() <= MOST_KEPT).then_some(body)),
                row::project_id.eq(answer.project()),
            ))
            // One that has expired and not been purged yet.
            .on_conflict((row::principal_id, row::key))
            .do_update()
            .set((
                row::fingerprint.eq(excluded(row::fingerprint)),
                row::status.eq(excluded(row::status)),
                row::headers.eq(excluded(row::headers)),
                row::body.eq(excluded(row::body)),
                row::project_id.eq(excluded(row::project_id)),
                row::expires_at.eq(excluded(row::expires_at)),
            ))
            .execute(conn)
            .await?;
        Ok(())
    }
}

fn replay(kept: Kept) -> ApiResult<Answer> {
    let too_large = || {
        ApiError::new(
            Code::Conflict,
            "this request was carried out before, once; its answer was too large to keep",
        )
    };
    Answer::kept(kept.status, &kept.headers, kept.body).unwrap_or_else(|location| {
        Err(match location {
            Some(location) => too_large().with_header(LOCATION, location),
            None => too_large(),
        })
    })
}

/// Removes answers that have expired, some thousands at most; says how many.
pub async fn purge(db: &Db) -> Result<usize, DbError> {
    in_batches(db, async |connection| {
        diesel::sql_query(
            "DELETE FROM idempotent_answers WHERE (principal_id, key) IN (SELECT principal_id, key FROM idempotent_answers \
             WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
        )
        .bind::<Integer, _>(BATCH)
        .execute(connection)
        .await
    })
    .await
}
