//! Answers that this process has noted for logs and has not written down yet. There is room for so
//! many; one more is left out and counted, so that a log never keeps who asks waiting.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chartroom_wire::models::{Inputs, Values};
use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::sql_types::{Array, BigInt, Jsonb, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval};

use super::columns::{How, Told};
use crate::db::Db;
use crate::db::sql::Writer;
use crate::kernel::chance;
use crate::kernel::types::ModelId;
use crate::models::serving::Tensors;
use crate::models::serving::route::Version;
use crate::telemetry::metrics::Metrics;

const EVERY: Duration = Duration::from_secs(1);
/// Values of records that there is room for.
const VALUES: u64 = 200_000;
/// Bytes of tensors that there is room for.
const BYTES: usize = 8 << 20;

/// A question that was answered, to be kept.
pub struct Answered {
    pub version: Arc<Version>,
    pub asked: Inputs<Bytes>,
    pub answer: Tensors,
    pub id: Option<String>,
    pub at: DateTime<Utc>,
    pub took: Duration,
}

impl Answered {
    /// Values of the records that it makes, and bytes.
    fn weight(&self) -> (u64, usize) {
        let tensors = || self.asked.values.iter().chain(&self.answer);
        let values = tensors().filter_map(Values::elements);
        let bytes = tensors().map(|tensor| tensor.bytes.len());
        (values.fold(0, u64::saturating_add), bytes.sum())
    }

    fn records(&self) -> Option<Vec<Value>> {
        let how = How {
            at: self.at,
            version: self.version.number,
            id: self.id.as_deref(),
            took: self.took.as_secs_f64() * 1_000.0,
        };
        let told = Told::of(&self.version.signature).ok()?;
        let records = told.records(&how, &self.asked, &self.answer)?;
        Some(records.into_iter().map(Value::Object).collect())
    }
}

#[derive(Default)]
struct Noted {
    answers: Vec<Answered>,
    values: u64,
    bytes: usize,
}

pub struct Notes {
    noted: Mutex<Noted>,
    metrics: Arc<Metrics>,
}

impl Notes {
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            noted: Mutex::default(),
            metrics,
        }
    }

    /// Whether the next answer of a version is one to be kept.
    pub fn wants(&self, version: &Version) -> bool {
        let share = version.logged;
        share.is_some_and(|share| chance::share() < share)
    }

    pub fn note(&self, answered: Answered) {
        let (values, bytes) = answered.weight();
        let mut noted = self.noted();
        let (values, bytes) = (noted.values.saturating_add(values), noted.bytes + bytes);
        if values > VALUES || bytes > BYTES {
            drop(noted);
            self.count("dropped", 1);
            return;
        }
        (noted.values, noted.bytes) = (values, bytes);
        noted.answers.push(answered);
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, outcome: &str, questions: usize) {
        let counter = self
            .metrics
            .model_log_questions_total
            .with_label_values(&[outcome]);
        counter.inc_by(u64::try_from(questions).unwrap_or(u64::MAX));
    }

    /// Writes down what is noted until `closing`, and then what is left.
    pub async fn write(&self, db: &Db, closing: impl Future<Output = ()>) {
        tokio::pin!(closing);
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_last = tokio::select! {
                _ = tick.tick() => false,
                () = &mut closing => true,
            };
            self.write_now(db).await;
            if is_last {
                break;
            }
        }
    }

    /// What cannot be written, because the database is away, is left out.
    pub async fn write_now(&self, db: &Db) {
        let Noted { answers, .. } = std::mem::take(&mut *self.noted());
        let (mut models, mut records, mut kept) = (Vec::new(), Vec::new(), 0);
        for answered in &answers {
            let made = answered.records().unwrap_or_default();
            kept += usize::from(!made.is_empty());
            models.extend(std::iter::repeat_n(answered.version.model, made.len()));
            records.extend(made);
        }
        if kept > 0 {
            let inserted = db.write(async |connection| insert(connection, &models, &records).await);
            if let Err(error) = inserted.await {
                tracing::warn!(%error, questions = kept, "the log of predictions cannot be written");
                kept = 0;
            }
        }
        self.count("kept", kept);
        self.count("dropped", answers.len() - kept);
    }
}

/// Where a log was taken away since, nothing is kept for it.
async fn insert(
    connection: &mut AsyncPgConnection,
    models: &[ModelId],
    records: &[Value],
) -> QueryResult<usize> {
    let mut sql = Writer::default();
    sql.text("INSERT INTO predictions (model_id, record) SELECT given.model, given.record ");
    sql.text("FROM unnest(:models, :records) WITH ORDINALITY AS given(model, record, nth) ");
    sql.text("WHERE EXISTS (SELECT FROM model_logs WHERE model_id = given.model) ");
    sql.text("ORDER BY given.nth");
    sql.bind::<Array<Uuid>, _>("models", models);
    sql.bind::<Array<Jsonb>, _>("records", records);
    sql.statement::<BigInt>().execute(connection).await
}
