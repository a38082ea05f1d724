//! The log of predictions: a share of a model's answers, with what was asked, as records of a
//! dataset.
//!
//! Who answers notes them (`notes.rs`) and writes them down every second; a job loads them
//! (`load.rs`), so that a dataset has one version more for many answers. `columns.rs` says what a
//! record has.

mod columns;
pub mod load;
pub mod notes;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Nullable, Text, Timestamptz, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};

pub use columns::Told;

use crate::db::sql::Writer;
use crate::kernel::types::{DatasetId, ModelId, PrincipalId, instant};
use crate::kernel::values::{Checked, Wrong, checked};
use crate::schema::model_logs;

/// Which share of the answers is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogShare(f64);

impl LogShare {
    const MIN: f64 = 0.000_001;
    const MAX: f64 = 1.0;

    pub fn get(self) -> f64 {
        self.0
    }
}

impl Checked for LogShare {
    type Raw = f64;

    fn checked(raw: f64) -> Result<Self, Wrong> {
        match (Self::MIN..=Self::MAX).contains(&raw) {
            true => Ok(Self(raw)),
            false => Err(Wrong::invalid("expected a number from 0.000001 to 1")),
        }
    }

    fn described() -> ObjectBuilder {
        ObjectBuilder::new()
            .schema_type(Type::Number)
            .minimum(Some(Self::MIN))
            .maximum(Some(Self::MAX))
            .description(Some("Which share of the questions is kept; 1 keeps all"))
    }
}

checked!(LogShare);

/// Which answers of a model are kept, and what became of them
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = model_logs, check_for_backend(diesel::pg::Pg))]
pub struct PredictionLog {
    /// The dataset that they are records of
    #[diesel(column_name = dataset_id)]
    pub dataset: DatasetId,
    /// Which share of the questions is kept
    pub share: f64,
    /// Who said so, and may have to say it again: records are loaded as theirs
    pub set_by: Option<PrincipalId>,
    #[serde(serialize_with = "instant")]
    pub set_at: DateTime<Utc>,
    /// Records that were loaded since then
    pub loaded: i64,
    /// Records since then that the dataset did not take
    pub left_out: i64,
    #[serde(serialize_with = "instant")]
    pub loaded_at: Option<DateTime<Utc>>,
    /// Why the last records were not loaded, or not all of them; null where they were. Records that
    /// could be loaded later wait, up to 100,000
    pub problem: Option<String>,
    #[serde(skip)]
    pub revision: i64,
}

type Columns = (
    Uuid,
    Double,
    Nullable<Uuid>,
    Timestamptz,
    BigInt,
    BigInt,
    Nullable<Timestamptz>,
    Nullable<Text>,
    BigInt,
);

impl PredictionLog {
    pub async fn find(
        mut connection: &AsyncPgConnection,
        model: ModelId,
    ) -> QueryResult<Option<Self>> {
        let find = model_logs::table.find(model).select(Self::as_select());
        find.first(&mut connection).await.optional()
    }

    /// Sets it, and counts anew. What waits for the one before goes into the dataset of this.
    pub async fn set(
        connection: &mut AsyncPgConnection,
        model: ModelId,
        dataset: DatasetId,
        share: LogShare,
        by: PrincipalId,
    ) -> QueryResult<Self> {
        let mut sql = Writer::default();
        sql.text("INSERT INTO model_logs AS log (model_id, dataset_id, share, set_by) ");
        sql.text("VALUES (:model, :dataset, :share, :by) ON CONFLICT (model_id) DO UPDATE SET ");
        sql.text("dataset_id = :dataset, share = :share, set_by = :by, set_at = now(), ");
        sql.text("revision = DEFAULT, loaded = 0, left_out = 0, loaded_at = NULL, problem = NULL");
        sql.text(" RETURNING dataset_id, share, set_by, set_at, loaded, left_out, loaded_at, ");
        sql.text("problem, revision");
        sql.bind::<Uuid, _>("model", model);
        sql.bind::<Uuid, _>("dataset", dataset);
        sql.bind::<Double, _>("share", share.get());
        sql.bind::<Uuid, _>("by", by);
        sql.statement::<Columns>().get_result(connection).await
    }

    pub async fn delete(connection: &mut AsyncPgConnection, model: ModelId) -> QueryResult<usize> {
        let delete = diesel::delete(model_logs::table.find(model));
        delete.execute(connection).await
    }
}
