//! Finds out what a version that was uploaded is like, in a child that can be killed.

use std::sync::Arc;

use chartroom_wire::models::hexadecimal;
use serde::{Deserialize, Serialize};

use super::model::Model;
use super::signature::Signature;
use super::version::{Version, VersionState};
use crate::db::Db;
use crate::db::transaction::{Tx, Work, transaction};
use crate::events::Event;
use crate::jobs::context::Context;
use crate::jobs::kind::{Ended, Job, JobError, JobResult, Lane};
use crate::kernel::actor::Actor;
use crate::kernel::types::ModelId;
use crate::process::models::{ModelRunner, Wanted};

/// Loads a version once, and keeps what it takes and gives or why it cannot be loaded.
#[derive(Serialize, Deserialize)]
pub struct CheckVersion {
    pub model: ModelId,
    pub version: i64,
}

impl CheckVersion {
    pub async fn make(&self, db: &Arc<Db>, runner: &ModelRunner) -> JobResult<()> {
        let (model, number) = (self.model, self.version);
        let found =
            db.read_primary(async |connection| Version::find(connection, model, number).await);
        let found = found.await?;
        let Some(version) = found.filter(|it| it.state != VersionState::Failed) else {
            return Ok(());
        };
        let blob = version.bytes();
        let wanted = Wanted {
            size: blob.size,
            sha256: hexadecimal(&blob.sha256),
            is_new: true,
        };
        let bytes = blob.read(db.clone(), 0..blob.size);
        let verdict = match runner.load(&wanted, bytes).await {
            Ok((loaded, _process)) => Ok(Signature::from(loaded)),
            Err(error) if error.is_of_the_model() => Err(error.to_string()),
            Err(error) => {
                // Who waits for it is told; why it is so is for the log.
                db.write(async |connection| Version::note(connection, model, number).await)
                    .await?;
                return Err(JobError::Failed(error.into()));
            }
        };
        let nobody = Actor::default();
        let kept = transaction(db, &nobody, async |tx: &mut Tx<'_>| -> Work<()> {
            self.keep(tx, &verdict).await
        });
        Ok(kept.await?)
    }

    /// Nothing is kept of a version that is gone, and nothing told of one that was judged before.
    async fn keep(&self, tx: &mut Tx<'_>, verdict: &Result<Signature, String>) -> Work<()> {
        let named = Model::named(tx.connection(), self.model).await?;
        let before = Version::judge(tx.connection(), self.model, self.version, verdict).await?;
        let is_new = before == Some(VersionState::Checking);
        let Some((project, name)) = named.filter(|_| is_new) else {
            return Ok(());
        };
        let (model, version) = (self.model, self.version);
        tx.tell(match verdict {
            Ok(_) => Event::ModelVersionReady {
                project,
                model,
                name,
                version,
            },
            Err(problem) => Event::ModelVersionFailed {
                project,
                model,
                name,
                version,
                problem: problem.clone(),
            },
        })
        .await?;
        Ok(())
    }
}

impl Job for CheckVersion {
    const KIND: &'static str = "models.check.1";
    const LANE: Lane = Lane::Bulk;
    type Tools = Arc<ModelRunner>;

    async fn run(&self, context: &Context, runner: &Arc<ModelRunner>) -> JobResult<Ended> {
        self.make(context.db(), runner).await?;
        Ok(Ended::Done)
    }
}
