//! What the columns of a version hold: how many values, from where to where, which are frequent,
//! how they are spread. A column is asked for in two statements, so memory is what a statement
//! takes.
//!
//! Of large versions only a part of the rows is sorted and grouped, and the profile says so.

pub mod kept;
mod statements;

use diesel::result::QueryResult;
use diesel_async::AsyncPgConnection;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};

use self::statements::Of;
use super::column::{ColumnType, Columns, stored};
use super::model::Shown;

/// More rows are not sorted and grouped.
const MOST_SORTED: i64 = 1_000_000;

/// How the document describes a value.
fn value() -> Schema {
    let kinds = [Type::String, Type::Number, Type::Boolean, Type::Null];
    let described = ObjectBuilder::new()
        .schema_type(SchemaType::Array(kinds.into()))
        .description(Some(
            "A value as records show it; of a text, at most 200 characters",
        ));
    Schema::Object(described.build())
}

/// What the columns of a version hold
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = DatasetProfile)]
pub struct Profile {
    /// The version of the dataset that it is of
    pub version: i64,
    /// How many records there are
    pub rows: i64,
    /// Where there are more than 1,000,000 records, of about how many of them, chosen by chance,
    /// `distinct`, `frequent`, `quantiles` and `histogram` are. Their counts are then estimates for
    /// all records. Null where they are of all
    pub sampled: Option<i64>,
    pub columns: Vec<ColumnProfile>,
}

/// What a column holds
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ColumnProfile {
    pub field: String,
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// How many records have no value in it
    pub nulls: i64,
    /// The least value; of a text, at most 200 characters. Null where the type has no order
    #[schema(schema_with = value)]
    pub min: Value,
    /// The largest value, in the same way
    #[schema(schema_with = value)]
    pub max: Value,
    /// Of numbers
    pub mean: Option<f64>,
    /// The standard deviation of numbers, as of a sample
    pub deviation: Option<f64>,
    /// Of numbers: the least values that 5, 25, 50, 75 and 95 of 100 values do not exceed
    pub quantiles: Option<Quantiles>,
    /// How many different values there are; null for columns of type `json`
    pub distinct: Option<Distinct>,
    /// The most frequent values, at most 20
    #[schema(max_items = 20)]
    pub frequent: Vec<Frequent>,
    /// How many values lie where, for numbers and times. Each part begins with `from` and ends
    /// before `to`
    #[schema(max_items = 200)]
    pub histogram: Vec<Bin>,
}

/// Numbers as records show them
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Quantiles {
    #[schema(schema_with = value)]
    p5: Value,
    #[schema(schema_with = value)]
    p25: Value,
    #[schema(schema_with = value)]
    p50: Value,
    #[schema(schema_with = value)]
    p75: Value,
    #[schema(schema_with = value)]
    p95: Value,
}

/// How many different values there are
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Distinct {
    pub count: i64,
    /// Whether it is the number. Otherwise there are at least so many, since not all records were
    /// looked at
    pub exact: bool,
}

/// A value that is frequent
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Frequent {
    /// As records show it; of a text, at most 200 characters
    #[schema(schema_with = value)]
    pub value: Value,
    pub count: i64,
}

/// A part of a histogram
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Bin {
    #[schema(schema_with = value)]
    pub from: Value,
    #[schema(schema_with = value)]
    pub to: Value,
    pub count: i64,
}

/// A version of a dataset, as it is looked at.
pub struct Subject<'a> {
    pub shown: &'a Shown,
    pub columns: &'a Columns,
    pub rows: i64,
}

impl Subject<'_> {
    /// Two statements for each column.
    pub async fn profile(&self, connection: &mut AsyncPgConnection) -> QueryResult<Profile> {
        let mut columns = Vec::with_capacity(self.columns.0.len());
        for (place, column) in self.columns.0.iter().enumerate() {
            let mut profile = ColumnProfile {
                field: column.field.clone(),
                kind: column.kind,
                nulls: self.rows,
                min: Value::Null,
                max: Value::Null,
                mean: None,
                deviation: None,
                quantiles: None,
                distinct: (column.kind != ColumnType::Json).then_some(Distinct {
                    count: 0,
                    exact: true,
                }),
                frequent: Vec::new(),
                histogram: Vec::new(),
            };
            if let Some(table) = self.shown.table {
                let of = Of {
                    table,
                    moment: &self.shown.moment,
                    kind: column.kind,
                    stored: stored(place),
                    share: self.share(),
                };
                of.fill(connection, self.rows, &mut profile).await?;
            }
            columns.push(profile);
        }
        Ok(Profile {
            version: self.shown.version,
            rows: self.rows,
            sampled: self.share().map(|_| MOST_SORTED),
            columns,
        })
    }

    /// How many of 100 rows are sorted and grouped, where that are not all.
    fn share(&self) -> Option<f32> {
        // The numbers are small enough: parts of a million.
        let millionths = MOST_SORTED.saturating_mul(1_000_000) / self.rows.max(1);
        let share = u32::try_from(millionths).ok()?;
        (self.rows > MOST_SORTED).then_some(share.to_string().parse::<f32>().ok()? / 10_000.0)
    }
}
