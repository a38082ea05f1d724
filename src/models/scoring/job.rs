//! The job that scores: it reads the records, asks the model, and brings the import its rows. The
//! import's rows count in the transaction that ends the job, so they do once, whoever does it.

use std::pin::pin;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc::{Sender, channel};

use super::plan::{Chosen, Plan};
use super::stages::{answers, questions};
use crate::datasets::csv::Record;
use crate::datasets::export::Export;
use crate::datasets::import::model::{Ending, Import, ImportProblem};
use crate::datasets::import::options::ImportOptions;
use crate::datasets::import::rows::{FileError, Made};
use crate::datasets::import::run::{self, Also};
use crate::datasets::import::stop::Stop;
use crate::datasets::model::Dataset;
use crate::datasets::texts::Texts;
use crate::db::Db;
use crate::db::transaction::{Tx, Work};
use crate::jobs::context::{self, Context, Fence};
use crate::jobs::kind::{Ended, Job, JobError, JobResult, Lane};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{DatasetId, ImportId, ModelId, PrincipalId};
use crate::models::lineage::Scored;
use crate::models::load;
use crate::models::model::Model;
use crate::models::serving::route::{self, Version};
use crate::models::serving::unavailable;
use crate::process::models::{ModelError, ModelProcess, ModelRunner};
use crate::projects::access::{Editor, expired, suffices};
use crate::telemetry::metrics::Metrics;

/// Scores a version of a dataset with a version of a model.
#[derive(Clone, Serialize, Deserialize)]
pub struct ScoreDataset {
    pub by: PrincipalId,
    pub model: ModelId,
    pub version: i64,
    pub dataset: DatasetId,
    pub dataset_version: i64,
    pub into: DatasetId,
    pub import: ImportId,
    /// The columns that go along, by their places.
    pub columns: Vec<usize>,
    /// The same of those that the model is asked by, where they were named.
    pub inputs: Option<Vec<usize>>,
}

/// What every run has.
pub struct Tools {
    pub runner: ModelRunner,
    pub metrics: Arc<Metrics>,
}

impl Job for ScoreDataset {
    const KIND: &'static str = "models.score.1";
    const LANE: Lane = Lane::Long;
    /// So a minute passes before what runs models is given up.
    const MAX_FAILURES: i32 = 5;
    type Tools = Tools;

    async fn run(&self, context: &Context, tools: &Tools) -> JobResult<Ended> {
        let (into, id) = (self.into, self.import);
        let found = context
            .db()
            .read_primary(async |connection| Import::find(connection, into, id).await);
        let Some(import) = found.await?.filter(|import| !import.state.is_end()) else {
            return Ok(Ended::Done);
        };
        let stopped = async {
            match context.stopped().await {
                // It is given back soon, and may be done before.
                Some(context::Stop::Draining) | None => std::future::pending().await,
                Some(stop) => stop,
            }
        };
        tokio::select! {
            ended = Box::pin(self.score(context, tools, import)) => ended,
            stop = stopped => {
                if stop == context::Stop::Cancelled {
                    let cancelled = context
                        .db()
                        .write(async |connection| Import::cancel(connection, id).await);
                    cancelled.await?;
                }
                Err(JobError::Lost)
            }
        }
    }
}

/// What happens with the rows, or not at all: it is kept where they came from, and the job ends.
struct End {
    scored: Scored,
    fence: Fence,
}

impl Also for End {
    fn make<'a>(&'a self, tx: &'a mut Tx<'_>, version: i64) -> BoxFuture<'a, Work<()>> {
        Box::pin(async move {
            self.scored.keep(tx, version).await?;
            self.fence.close(tx).await
        })
    }
}

impl ScoreDataset {
    async fn score(&self, context: &Context, tools: &Tools, import: Import) -> JobResult<Ended> {
        let db = context.db();
        let dataset = match self.target(db).await {
            Ok(dataset) => dataset,
            Err(error) => return self.fail(context, error.into()).await,
        };
        let end = Arc::new(End {
            scored: Scored {
                by: self.by,
                model: (self.model, self.version),
                from: (self.dataset, self.dataset_version),
                into: self.into,
            },
            fence: context.fence(),
        });
        let job = run::Job {
            actor: Actor {
                id: Some(self.by),
                ..Actor::default()
            },
            by: self.by,
            id: self.import,
            dataset,
            options: ImportOptions {
                mode: import.mode,
                message: import.message,
                ..ImportOptions::default()
            },
            db: db.clone(),
            metrics: tools.metrics.clone(),
            also: Some(end.clone()),
        };
        let (plan, texts, process) = match self.begin(db, &tools.runner).await {
            Ok(begun) => begun,
            Err(error) => return self.fail(context, error.into()).await,
        };
        let (to, batches) = channel(1);
        let mut brought = pin!(job.bring(Made::new(plan.made.clone(), batches)));
        let fed = feed(context, &plan, texts, process, to);
        let brought = tokio::select! {
            brought = &mut brought => brought,
            () = fed => brought.await,
        };
        match brought {
            Ok(()) => {
                context.is_committed();
                Ok(Ended::Done)
            }
            Err(_) if end.fence.is_lost() => Err(JobError::Lost),
            Err(unfinished) => match again(context, &unfinished.stop) {
                Some(error) => Err(error),
                None => {
                    job.conclude(*unfinished).await;
                    Ok(Ended::Done)
                }
            },
        }
    }

    /// The dataset that the records go into, as it is now.
    async fn target(&self, db: &Db) -> ApiResult<Dataset> {
        let (by, into) = (self.by, self.into);
        let found = db.read_primary(async |connection| Dataset::find(connection, by, into).await);
        let dataset = found.await?.ok_or(ApiError::not_found("dataset"))?;
        suffices::<Editor>(dataset.role)?;
        match dataset.is_expired {
            true => Err(expired()),
            false => Ok(dataset),
        }
    }

    /// The records and the model, as far as who began it may still see them.
    async fn begin(
        &self,
        db: &Arc<Db>,
        runner: &ModelRunner,
    ) -> ApiResult<(Arc<Plan>, Texts, ModelProcess)> {
        let (by, model, number) = (self.by, self.model, self.version.to_string());
        let named = db.read_primary(async |connection| Model::named(connection, model).await);
        let (_, name) = named.await?.ok_or(ApiError::not_found("model"))?;
        let found =
            db.read_primary(async |connection| route::find(connection, by, &name, &number).await);
        let route = found.await??;
        let version = route.choose(0).ok_or(ApiError::not_found("version"))?;
        let export = Export::begin(db, by, self.dataset, Some(self.dataset_version)).await?;
        let chosen = Chosen {
            kept: &self.columns,
            inputs: self.inputs.as_deref(),
        };
        let plan = Plan::of(&version.signature, &export.dataset.columns, &chosen)?;
        let process = load(db, runner, version).await?;
        let texts = Texts::of(export, plan.places.clone());
        Ok((Arc::new(plan), texts, process))
    }

    /// It could not even begin.
    async fn fail(&self, context: &Context, stop: Stop) -> JobResult<Ended> {
        if let Some(error) = again(context, &stop) {
            return Err(error);
        }
        let id = self.import;
        let (state, problem) = stop.end();
        let ending = Ending {
            problem,
            ..Ending::default()
        };
        let ended = context
            .db()
            .write(async |connection| Import::end(connection, id, state, &ending).await);
        ended.await?;
        Ok(Ended::Done)
    }
}

/// Whether the job is to be tried once more, as after what may pass.
fn again(context: &Context, stop: &Stop) -> Option<JobError> {
    match stop {
        Stop::Failed(problem) if context.failures() < ScoreDataset::MAX_FAILURES => {
            let ImportProblem { code, detail } = problem;
            Some(JobError::Failed(anyhow::anyhow!("{code}: {detail}")))
        }
        _ => None,
    }
}

async fn load(db: &Arc<Db>, runner: &ModelRunner, version: &Version) -> ApiResult<ModelProcess> {
    let loaded = load::load(runner, db, &version.bytes, false, Vec::new()).await;
    let (_, process) = loaded.map_err(|error| match error {
        ModelError::Off | ModelError::Unreachable(_) | ModelError::Bytes(_) => {
            tracing::warn!(%error, "a model cannot be loaded");
            unavailable()
        }
        error => ApiError::new(Code::ModelFailed, error.to_string()),
    })?;
    Ok(process)
}

/// Asks about all records, and hands the answers on. What goes wrong is handed on as well.
async fn feed(
    context: &Context,
    plan: &Arc<Plan>,
    texts: Texts,
    process: ModelProcess,
    to: Sender<Result<Option<Vec<Record>>, FileError>>,
) {
    let questions = questions(plan.clone(), texts);
    let mut answers = answers(plan.clone(), process, questions);
    loop {
        let records = match answers.next().await {
            Ok(Some(part)) => {
                context.progress(json!({ "rows": part.end() }));
                part.records(plan).map(Some)
            }
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        let is_last = !matches!(records, Ok(Some(_)));
        if to.send(records).await.is_err() || is_last {
            return;
        }
    }
}
