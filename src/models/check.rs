//! Finds out what a version that was uploaded is like, in a child that can be killed.

use std::sync::Arc;
use std::time::Duration;

use chartroom_wire::models::Outputs;
use serde::{Deserialize, Serialize};

use super::load::load;
use super::model::Model;
use super::oip::golden::{Golden, Verdict};
use super::signature::Signature;
use super::version::{Version, VersionState, with_goldens};
use crate::db::Db;
use crate::db::transaction::{Tx, Work, transaction};
use crate::events::Event;
use crate::jobs::context::Context;
use crate::jobs::kind::{Ended, Job, JobError, JobResult, Lane};
use crate::kernel::actor::Actor;
use crate::kernel::types::ModelId;
use crate::process::models::{ModelError, ModelProcess, ModelRunner};

/// For the answer to a golden test.
const ANSWER: Duration = Duration::from_secs(30);

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
        let golden = db
            .read_primary(async |connection| with_goldens(connection, model, &[number]).await)
            .await?;
        let golden = golden.into_iter().next().and_then(|(_, golden)| golden);
        let found = match load(runner, db, &version.bytes(), true, Vec::new()).await {
            Ok((loaded, mut process)) => {
                let signature = Signature::from(loaded);
                match golden {
                    Some(golden) => test(&golden, &signature, &mut process)
                        .await
                        .map(|verdict| (Ok(signature), Some((golden, verdict)))),
                    None => Ok((Ok(signature), None)),
                }
            }
            Err(error) if error.is_of_the_model() => Ok((Err(error.to_string()), None)),
            Err(error) => Err(error),
        };
        let (verdict, tested) = match found {
            Ok(found) => found,
            Err(error) => {
                // Who waits for it is told; why it is so is for the log.
                db.write(async |connection| Version::note(connection, model, number).await)
                    .await?;
                return Err(JobError::Failed(error.into()));
            }
        };
        let nobody = Actor::default();
        let kept = transaction(db, &nobody, async |tx: &mut Tx<'_>| -> Work<()> {
            self.keep(tx, &verdict, tested.as_ref()).await
        });
        Ok(kept.await?)
    }

    /// Nothing is kept of a version that is gone, and nothing told of one that was judged before.
    async fn keep(
        &self,
        tx: &mut Tx<'_>,
        verdict: &Result<Signature, String>,
        tested: Option<&(Golden, Verdict)>,
    ) -> Work<()> {
        let named = Model::named(tx.connection(), self.model).await?;
        let before =
            Version::judge(tx.connection(), self.model, self.version, verdict, tested).await?;
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

/// Asks what the golden test asks. An error says nothing of the model.
async fn test(
    golden: &Golden,
    signature: &Signature,
    process: &mut ModelProcess,
) -> Result<Verdict, ModelError> {
    let (inputs, expected) = match golden.read(signature) {
        Ok(read) => read,
        Err(error) => return Ok(Err(error.detail.into_owned())),
    };
    let answered = process.ask(&inputs.to_bytes(), ANSWER).await;
    let answered = answered.and_then(|answer| {
        let outputs = Outputs::parse(&answer).map_err(ModelError::Wire)?;
        Ok(expected.verdict(&outputs.values))
    });
    match answered {
        Ok(verdict) => Ok(verdict),
        Err(error) if error.is_of_the_model() => Ok(Err(error.to_string())),
        Err(error) => Err(error),
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
