//! Jobs for administrators, and one job for who started it.

use chrono::{DateTime, Utc};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::admin::{Job, JobSort, JobState, Wanted, Whose, cancel, revive};
use super::enqueue::Enqueued;
use super::kind::Lane;
use crate::db::transaction::{Failure, transaction};
use crate::events::Event;
use crate::http::answer::Answer;
use crate::http::answer::conditional::{Conditions, Versioned};
use crate::http::answer::etag::Edition;
use crate::http::answer::idempotency::{Once, idempotent};
use crate::http::answer::page::{Listed, Page, PageParams};
use crate::http::body::extract::{ValidPath, ValidQuery};
use crate::http::caller::{Administrator, Signed};
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{PrincipalId, instant};
use crate::kernel::values::text;

text! {
    /// The kind of a job
    KindText: 0..=100;
}

/// Work that is done outside of requests
#[derive(Serialize, ToSchema)]
pub struct JobBody {
    id: i64,
    /// What is done, with the version of its arguments, such as `sessions.purge.1`
    kind: String,
    state: JobState,
    /// The queue it stands in: `urgent`, `normal`, `bulk` or `long`
    lane: String,
    #[schema(value_type = Object)]
    args: Value,
    /// The id of who started it, or of what it is done for
    owner: Option<Uuid>,
    /// When it is or was to be begun
    #[serde(serialize_with = "instant")]
    due_at: DateTime<Utc>,
    /// How often a worker took it
    claims: i32,
    failures: i32,
    /// With one failure more, it is dead
    max_failures: i32,
    /// How far it is, in words of its kind
    #[schema(value_type = Option<Object>)]
    progress: Option<Value>,
    /// Whether its worker has been asked to stop
    cancelled: bool,
    /// Why it failed the last time; null for all but administrators
    last_error: Option<String>,
    #[serde(serialize_with = "instant")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "instant")]
    died_at: Option<DateTime<Utc>>,
    /// Why it is dead
    reason: Option<String>,
}

impl JobBody {
    fn new(job: Job, is_admin: bool) -> Self {
        let Job {
            id,
            state,
            lane,
            kind,
            args,
            owner,
            due_at,
            claims,
            failures,
            max_failures,
            progress,
            cancel: cancelled,
            last_error,
            created_at,
            died_at,
            reason,
        } = job;
        Self {
            id,
            kind,
            state,
            lane: Lane::of(lane).map_or("", Lane::name).to_owned(),
            args,
            owner,
            due_at,
            claims,
            failures,
            max_failures,
            progress,
            cancelled,
            last_error: last_error.filter(|_| is_admin),
            created_at,
            died_at,
            reason,
        }
    }

    /// Jobs have no version that rises: what is shown tells one from another.
    fn edition(&self) -> ApiResult<Edition> {
        let shown = serde_json::to_vec(self).map_err(ApiError::internal)?;
        Ok(Edition::of_parts([shown.as_slice()]))
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JobFilter {
    /// Only jobs in this state
    state: Option<JobState>,
    /// Only jobs of this kind, such as `sessions.purge.1`
    #[param(inline)]
    kind: Option<KindText>,
}

/// Jobs that are to be done or being done, and dead ones, newest first
///
/// A job that is done is in no list: the log and the metrics tell of it.
#[utoipa::path(
    get,
    path = "/api/v1/jobs",
    tag = "jobs",
    security(("admin" = [])),
    params(PageParams<JobSort>, JobFilter),
    responses((status = OK, body = Page<JobBody>), ApiError),
)]
pub async fn list_jobs(
    _: Administrator,
    app: AppState,
    page: PageParams<JobSort>,
    ValidQuery(filter): ValidQuery<JobFilter>,
) -> ApiResult<Listed<JobBody>> {
    let JobFilter { state, kind } = filter;
    let kind = kind.map(String::from);
    let wanted = Wanted { state, kind };
    let found = app
        .db
        .read(async |connection| wanted.page(connection, &page).await)
        .await?;
    Ok(page.respond(found, |job| JobBody::new(job, true)))
}

/// A job
///
/// For administrators and for who started it. For everybody else it is answered 404, and so is one
/// that is done.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{id}",
    tag = "jobs",
    security(("caller" = [])),
    params(("id" = i64, Path, description = "Id of the job")),
    responses(
        (status = OK, body = JobBody),
        (status = NOT_MODIFIED, description = "As you have it"),
        ApiError,
    ),
)]
pub async fn get_job(
    who: Signed,
    app: AppState,
    ValidPath(id): ValidPath<i64>,
    conditions: Conditions,
) -> ApiResult<Versioned<JobBody>> {
    let whose = Whose::from(&*who);
    let found = app
        .db
        .read(async |connection| Job::find(connection, whose, id).await)
        .await?;
    let job = JobBody::new(found.ok_or_else(missing)?, who.is_admin);
    conditions.read(job.edition()?, || job)
}

/// Send a dead job back into the queue
///
/// It is tried again from the beginning, as often as a new one. A job that is not dead is a
/// `conflict`, and so is one whose place another job has taken meanwhile.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/{id}/retry",
    tag = "jobs",
    security(("caller" = [])),
    params(("id" = i64, Path, description = "Id of the job")),
    responses((status = ACCEPTED, body = JobBody), ApiError),
)]
pub async fn retry_job(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(id): ValidPath<i64>,
    once: Once,
) -> ApiResult<Answer> {
    let whose = Whose::from(&*who);
    idempotent(&app.db, &actor, &once, async |tx| {
        let found = Job::locked(tx, whose, id).await?;
        let job = found.ok_or_else(missing)?;
        if !revive(tx, id).await.map_err(in_its_place)? {
            return Err(conflict("the job is not dead: it is tried again by itself").into());
        }
        tx.after_commit(Enqueued);
        tx.tell(Event::JobRetried {
            owner: job.owner.map(PrincipalId),
            job: id,
            kind: job.kind.clone(),
        })
        .await?;
        let job = Job::find(tx, whose, id).await?.unwrap_or(job);
        let job = JobBody::new(job, who.is_admin);
        Ok(Answer::accepted(format!("/api/v1/jobs/{id}"), &job)?.with_version(job.edition()?))
    })
    .await
}

fn in_its_place(error: DieselError) -> Failure {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
            conflict("another job stands in its place; cancel one of the two").into()
        }
        error => error.into(),
    }
}

fn missing() -> ApiError {
    ApiError::not_found("job")
}

fn conflict(detail: &'static str) -> ApiError {
    ApiError::new(Code::Conflict, detail)
}

/// Cancel a job
///
/// A job that waits is gone, and so is a dead one. One that is being worked on is asked to stop. It
/// shows `cancelled` until then; if it is done before it hears of it, it is done.
#[utoipa::path(
    delete,
    path = "/api/v1/jobs/{id}",
    tag = "jobs",
    security(("caller" = [])),
    params(("id" = i64, Path, description = "Id of the job")),
    responses((status = NO_CONTENT, description = "Gone, or asked to stop"), ApiError),
)]
pub async fn cancel_job(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath(id): ValidPath<i64>,
    conditions: Conditions,
) -> ApiResult<Answer> {
    let whose = Whose::from(&*who);
    transaction(&app.db, &actor, async |tx| {
        let found = Job::locked(tx, whose, id).await?;
        let job = found.ok_or_else(missing)?;
        let (owner, kind) = (job.owner.map(PrincipalId), job.kind.clone());
        let edition = JobBody::new(job, who.is_admin).edition()?;
        conditions.write_edition(Some(edition))?;
        cancel(tx, id).await?;
        tx.tell(Event::JobCancelled {
            owner,
            job: id,
            kind,
        })
        .await?;
        Ok(Answer::no_content())
    })
    .await
}
