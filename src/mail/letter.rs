//! A kind of mail, and the job that sends one.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use ring::digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::message::{self, Mail};
use super::wire::{self, Failure};
use super::{FAILED, Mailer, OWNER, REFUSED, SENT, UNFIT, UNNEEDED, address};
use crate::db::Db;
use crate::db::transaction::{Tx, Work};
use crate::jobs::context::Context;
use crate::jobs::enqueue::{Enqueued, NewJob, enqueue, enqueue_all};
use crate::jobs::kind::{Ended, Job, JobError, JobResult, Lane};

/// A kind of mail. The value is what its job is told: ids and numbers, no secrets and no addresses.
pub trait Letter: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// `mail.<what>.<version>`, the kind of its job.
    const KIND: &'static str;
    const LANE: Lane;
    /// Enough for the better part of a day.
    const MAX_FAILURES: i32 = 30;
    /// What [`Letter::ended`] is to know of what was written.
    type Note: Send + Sync;

    /// Writes the mail anew for each try; `None` where there is nothing to be sent any more.
    fn write(
        &self,
        db: &Arc<Db>,
        mailer: &Mailer,
    ) -> impl Future<Output = JobResult<Option<(Mail, Self::Note)>>> + Send;

    /// In the transaction that ends the job: with a note where the server has taken the mail, and
    /// without one where there was nothing to send, or the address took none.
    fn ended(
        &self,
        _tx: &mut Tx<'_>,
        _sent: Option<&Self::Note>,
    ) -> impl Future<Output = Work<()>> + Send {
        async { Ok(()) }
    }
}

/// The job that sends a letter.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Deliver<L>(pub L);

/// Puts a letter into the queue, with the transaction.
pub async fn send<L: Letter>(tx: &mut Tx<'_>, letter: L) -> QueryResult<()> {
    let job = Deliver(letter);
    enqueue(tx.connection(), NewJob::of(&job).owned_by(OWNER)).await?;
    tx.after_commit(Enqueued);
    Ok(())
}

/// Puts many of a kind into it, not before a time, each with the key that no two jobs have.
pub async fn send_all<L: Letter>(
    tx: &mut Tx<'_>,
    letters: Vec<(L, Option<String>)>,
    at: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    if letters.is_empty() {
        return Ok(());
    }
    let all = letters.into_iter();
    let all: Vec<_> = all.map(|(letter, key)| (Deliver(letter), key)).collect();
    enqueue_all(tx.connection(), &all, OWNER, at).await?;
    tx.after_commit(Enqueued);
    Ok(())
}

impl<L: Letter> Job for Deliver<L> {
    const KIND: &'static str = L::KIND;
    const LANE: Lane = L::LANE;
    const MAX_FAILURES: i32 = L::MAX_FAILURES;
    type Tools = Arc<Mailer>;

    async fn run(&self, context: &Context, mailer: &Arc<Mailer>) -> JobResult<Ended> {
        let Self(letter) = self;
        let Some((mail, note)) = letter.write(context.db(), mailer).await? else {
            mailer.count(UNNEEDED);
            context
                .effect(async |tx| letter.ended(tx, None).await)
                .await?;
            return Ok(Ended::Done);
        };
        let id = message_id(letter, context.hold().id, &mail, &mailer.host())?;
        match deliver(mailer, &mail, &id).await {
            Ok(()) => {
                mailer.count(SENT);
                let note = &note;
                context
                    .effect(async |tx| letter.ended(tx, Some(note)).await)
                    .await?;
            }
            Err(Failure::Address(reason)) => {
                mailer.count(REFUSED);
                tracing::warn!(kind = L::KIND, reason, "an address takes no mail");
                let (mail, reason) = (&mail, &reason);
                let noted = context.effect(async |tx| {
                    address::refused(tx, &mail.to, reason).await?;
                    letter.ended(tx, None).await
                });
                noted.await?;
            }
            Err(Failure::Letter(reason)) => {
                mailer.count(UNFIT);
                return Err(JobError::Hopeless(anyhow::anyhow!(reason)));
            }
            Err(Failure::Passing(reason)) => {
                mailer.count(FAILED);
                return Err(anyhow::anyhow!(reason).into());
            }
        }
        Ok(Ended::Done)
    }
}

async fn deliver(mailer: &Mailer, mail: &Mail, id: &str) -> Result<(), Failure> {
    let message = message::compose(&mailer.server, mail, id)?;
    wire::hand_over(&mailer.server, &mailer.roots, &mailer.host(), &message).await
}

/// The same for each try of a job, so that a mail that was sent twice can be told to be one. Jobs
/// are counted anew in a new database, so the number alone would not do.
fn message_id<L: Letter>(letter: &L, job: i64, mail: &Mail, host: &str) -> JobResult<String> {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&serde_json::to_vec(letter)?);
    match mail.to.user {
        Some(user) => context.update(user.0.as_bytes()),
        None => context.update(mail.to.email.as_bytes()),
    }
    let digest = context.finish();
    let digest = digest.as_ref().iter().take(8);
    let digest: String = digest.map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("<{job}.{digest}@{host}>"))
}
