//! The job that loads what was noted of predictions into the datasets of their logs.

use std::collections::BTreeMap;

use diesel::QueryResult;
use diesel::sql_types::{BigInt, Double, Jsonb, Nullable, Text, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};

use crate::datasets::access::DatasetAccess;
use crate::datasets::changes::{add, checks};
use crate::datasets::column::Columns;
use crate::datasets::edit::{Values, kept, missing};
use crate::datasets::rules::check::Checks;
use crate::datasets::value;
use crate::db::Db;
use crate::db::json::AsJson;
use crate::db::sql::Writer;
use crate::db::transaction::{Tx, Work, transaction};
use crate::jobs::context::Context;
use crate::jobs::kind::{Ended, Job, JobResult, Lane};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{DatasetId, ModelId, PrincipalId};
use crate::projects::access::Editor;

/// Records that are one version together.
const AT_ONCE: i64 = 5_000;
/// Versions of one dataset in a run. What is left waits for the next.
const STEPS: usize = 10;
/// Logs of a run.
const LOGS: i64 = 100;
/// Records that wait where they cannot be loaded; the oldest go first.
const WAITING: i64 = 100_000;
/// Characters of what is said to be wrong.
const SAID: usize = 1_000;

#[derive(Serialize, Deserialize)]
pub struct LoadPredictions {}

impl Job for LoadPredictions {
    const KIND: &'static str = "predictions.load.1";
    const LANE: Lane = Lane::Bulk;
    /// The next one comes soon.
    const MAX_FAILURES: i32 = 3;
    type Tools = ();

    async fn run(&self, context: &Context, (): &()) -> JobResult<Ended> {
        load(context.db()).await?;
        Ok(Ended::Done)
    }
}

/// A log for which records wait.
type Waiting = (ModelId, DatasetId, Option<PrincipalId>);

/// Those that were looked at longest ago come first.
const FIND: &str = "SELECT model_id, dataset_id, set_by FROM model_logs \
    WHERE EXISTS (SELECT FROM predictions WHERE predictions.model_id = model_logs.model_id) \
    ORDER BY revision LIMIT :most";

/// Loads all that waits.
pub async fn load(db: &Db) -> ApiResult<()> {
    let found = db.read_primary(async |connection| {
        let mut sql = Writer::default();
        sql.text(FIND).bind::<BigInt, _>("most", LOGS);
        let found: Vec<Waiting> = sql
            .statement::<(Uuid, Uuid, Nullable<Uuid>)>()
            .load(connection)
            .await?;
        Ok(found)
    });
    for (model, dataset, by) in found.await? {
        for _ in 0..STEPS {
            match some(db, model, dataset, by).await {
                Ok(AT_ONCE) => {}
                Ok(_) => break,
                Err(error) if error.code.status().is_client_error() => {
                    let problem = said(&error);
                    db.write(async |connection| refuse(connection, model, &problem).await)
                        .await?;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

fn said(error: &ApiError) -> String {
    let first = error.errors.as_slice().first();
    let said = first.map_or(&*error.detail, |first| &*first.detail);
    cut(said)
}

fn cut(said: &str) -> String {
    said.chars().take(SAID).collect()
}

/// Loads some records as whoever has set the log; says how many were waiting, up to [`AT_ONCE`].
async fn some(
    db: &Db,
    model: ModelId,
    dataset: DatasetId,
    by: Option<PrincipalId>,
) -> ApiResult<i64> {
    let by = by.ok_or_else(|| {
        let detail = "who has set this log has no account any more; set it again";
        ApiError::new(Code::Forbidden, detail)
    })?;
    let actor = Actor {
        id: Some(by),
        ..Actor::default()
    };
    transaction(db, &actor, async |tx: &mut Tx<'_>| -> Work<i64> {
        let dataset = DatasetAccess::<Editor>::to_write(tx, by, dataset)
            .await?
            .dataset;
        if !lock(tx, model, dataset.id).await? {
            return Ok(0);
        }
        let taken = take(tx, model).await?;
        let checks = checks(&dataset)?;
        let (mut records, mut problem) = (Vec::with_capacity(taken.len()), None);
        for record in &taken {
            match values(&dataset.columns, &checks, record) {
                Ok(values) => records.push(values),
                Err(why) => problem = Some(why),
            }
        }
        if !records.is_empty() {
            add(tx, &dataset, &records, |at| format!("/{at}")).await?;
        }
        let count = |records: usize| i64::try_from(records).unwrap_or(i64::MAX);
        let (taken, loaded) = (count(taken.len()), count(records.len()));
        keep(tx, model, loaded, taken - loaded, problem.as_deref()).await?;
        Ok(taken)
    })
    .await
}

/// Whether the log still leads to this dataset. Whoever takes it away waits, and does not meet this
/// transaction the other way round.
async fn lock(
    connection: &mut AsyncPgConnection,
    model: ModelId,
    dataset: DatasetId,
) -> QueryResult<bool> {
    let mut sql = Writer::default();
    sql.text("SELECT share FROM model_logs WHERE model_id = :model AND dataset_id = :dataset ");
    sql.text("FOR NO KEY UPDATE");
    sql.bind::<Uuid, _>("model", model);
    sql.bind::<Uuid, _>("dataset", dataset);
    let found: Vec<f64> = sql.statement::<Double>().load(connection).await?;
    Ok(!found.is_empty())
}

type Record = BTreeMap<String, Option<String>>;

const TAKE: &str = "WITH taken AS (DELETE FROM predictions WHERE model_id = :model AND id = ANY \
    (ARRAY(SELECT id FROM predictions WHERE model_id = :model ORDER BY id LIMIT :most)) \
    RETURNING id, record) SELECT record FROM taken ORDER BY id";

async fn take(connection: &mut AsyncPgConnection, model: ModelId) -> QueryResult<Vec<Record>> {
    let mut sql = Writer::default();
    sql.text(TAKE);
    sql.bind::<Uuid, _>("model", model);
    sql.bind::<BigInt, _>("most", AT_ONCE);
    let taken: Vec<AsJson<Record>> = sql.statement::<Jsonb>().load(connection).await?;
    Ok(taken.into_iter().map(|it| it.0).collect())
}

/// What a record has in the columns of a dataset, or why that does not take it.
fn values(columns: &Columns, checks: &Checks, record: &Record) -> Result<Values, String> {
    let mut values = Vec::with_capacity(record.len());
    for (name, text) in record {
        let found = columns.called(name);
        let found = found.and_then(|place| Some((place, columns.0.get(place)?)));
        let (place, column) = found.ok_or_else(|| format!("the dataset has no column {name:?}"))?;
        let Some(text) = text else { continue };
        if !value::is_value(column.kind, text, &mut Vec::new()) {
            let kind = column.kind.as_str();
            return Err(format!("{name}: expected a value of the type {kind}"));
        }
        let kept = kept(checks, place, column.kind, text.clone());
        let text =
            kept.map_err(|broken| format!("{name}: expected {}", broken.expected(&column.rules)))?;
        values.push((place, Some(text)));
    }
    let mut errors = Vec::new();
    missing(columns, &values, "", &mut errors);
    match errors.as_slice().first() {
        Some(error) => Err(format!("{}: a record has to have a value", error.pointer)),
        None => Ok(values),
    }
}

/// Keeps what became of some records.
async fn keep(
    connection: &mut AsyncPgConnection,
    model: ModelId,
    loaded: i64,
    left_out: i64,
    problem: Option<&str>,
) -> QueryResult<usize> {
    let mut sql = Writer::default();
    sql.text("UPDATE model_logs SET loaded = loaded + :loaded, left_out = left_out + :left, ");
    sql.text("problem = :problem, revision = DEFAULT, loaded_at = CASE WHEN :loaded > 0 ");
    sql.text("THEN now() ELSE loaded_at END WHERE model_id = :model");
    sql.bind::<BigInt, _>("loaded", loaded);
    sql.bind::<BigInt, _>("left", left_out);
    sql.bind::<Nullable<Text>, _>("problem", problem.map(cut));
    sql.bind::<Uuid, _>("model", model);
    sql.statement::<BigInt>().execute(connection).await
}

/// Says why nothing was loaded, and makes room.
async fn refuse(
    connection: &mut AsyncPgConnection,
    model: ModelId,
    problem: &str,
) -> QueryResult<usize> {
    let mut sql = Writer::default();
    sql.text("WITH gone AS (DELETE FROM predictions WHERE model_id = :model AND id <= (SELECT id ");
    sql.text("FROM predictions WHERE model_id = :model ORDER BY id DESC OFFSET :most LIMIT 1) ");
    sql.text("RETURNING id) UPDATE model_logs SET problem = :problem, revision = DEFAULT, ");
    sql.text("left_out = left_out + (SELECT count(*) FROM gone) WHERE model_id = :model");
    sql.bind::<Uuid, _>("model", model);
    sql.bind::<BigInt, _>("most", WAITING);
    sql.bind::<Text, _>("problem", problem.to_owned());
    sql.statement::<BigInt>().execute(connection).await
}
