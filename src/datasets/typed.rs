//! Records as values with types, for the files that a child makes of them: Parquet and Arrow.

use std::pin::pin;

use bytes::Bytes;
use diesel::deserialize::{self, QueryableByName};
use diesel::pg::Pg;
use diesel::result::QueryResult;
use diesel::row::{Field as _, NamedRow};
use diesel::sql_types::{Array, Integer, Nullable, Untyped};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::TryStreamExt as _;

use super::column::{ColumnType, stored};
use super::export::{CHUNK, ExportError, Parts, Selected};
use super::records::shown;
use crate::db::DbError;
use crate::db::sql::Writer;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::DatasetId;
use crate::process::{Column, FileFormat, Input, Output, Runner, RunnerError, Type, Writing};

/// Digits of a number that Parquet and Arrow keep as one.
const MOST_DIGITS: i32 = 76;

/// A file that is begun.
pub struct Typed {
    input: Input,
    output: Output,
    kinds: Vec<Type>,
}

impl Typed {
    /// Asks how many digits the decimals have, which the file says before its rows.
    pub async fn begin(
        connection: &mut AsyncPgConnection,
        dataset: DatasetId,
        rows: &Selected,
        format: FileFormat,
        runner: &Runner,
    ) -> ApiResult<Self> {
        let digits = digits(connection, rows).await;
        let digits = digits.map_err(|error| ApiError::from(DbError::Query(error)))?;
        let mut digits = digits.into_iter();
        let kinds: Vec<Type> = rows
            .columns()
            .map(|(_, column)| kind(column.kind, &mut digits))
            .collect();
        let columns = rows.columns().zip(&kinds);
        let columns = columns.map(|((_, column), kind)| Column {
            name: column.name.clone(),
            nullable: column.nullable,
            kind: kind.clone(),
        });
        let said = [
            ("chartroom.dataset", dataset.to_string()),
            ("chartroom.version", rows.shown.version.to_string()),
        ];
        let writing = Writing {
            format,
            columns: columns.collect(),
            metadata: said.map(|(key, value)| (key.to_owned(), value)).into(),
        };
        let (input, output) = runner.write(&writing).await.map_err(refusal)?;
        Ok(Self {
            input,
            output,
            kinds,
        })
    }

    /// False where the reader has gone away.
    pub async fn send(
        self,
        connection: AsyncPgConnection,
        rows: &Selected,
        to: &Parts,
    ) -> Result<bool, ExportError> {
        let Self {
            input,
            mut output,
            kinds,
        } = self;
        let mut taken = pin!(async move {
            while let Some(part) = output.next().await? {
                if to.send(Ok(part)).await.is_err() {
                    return Ok(false);
                }
            }
            Ok(true)
        });
        tokio::select! {
            fed = feed(connection, rows, &kinds, input) => match fed {
                // Where the child takes no more, what it says last tells why.
                Ok(()) | Err(ExportError::Make(_)) => taken.await,
                Err(error) => Err(error),
            },
            taken = &mut taken => taken,
        }
    }
}

async fn feed(
    mut connection: AsyncPgConnection,
    selected: &Selected,
    kinds: &[Type],
    mut input: Input,
) -> Result<(), ExportError> {
    if let Some(table) = selected.shown.table {
        let mut sql = Writer::default();
        let columns = selected.columns().zip(kinds);
        sql.text("SELECT ")
            .each(columns, |sql, ((place, column), kind)| {
                let place = stored(place);
                match column.kind {
                    ColumnType::IntRange => shown(sql, ColumnType::IntRange, &place),
                    _ if *kind == Type::Text => _ = sql.ident(&place).text("::text"),
                    _ => _ = sql.ident(&place),
                }
            });
        selected.write_from(table, &mut sql);
        sql.text(" ORDER BY r.rid");
        let rows = RunQueryDsl::load_stream::<Sent>(sql.statement::<Untyped>(), &mut connection);
        let mut rows = pin!(rows.await.map_err(ExportError::Read)?);
        let mut out = Vec::with_capacity(CHUNK + 4_096);
        while let Some(Sent(row)) = rows.try_next().await.map_err(ExportError::Read)? {
            out.extend_from_slice(&row);
            if out.len() >= CHUNK {
                let part = std::mem::replace(&mut out, Vec::with_capacity(CHUNK + 4_096));
                input.send(Bytes::from(part)).await?;
            }
        }
        if !out.is_empty() {
            input.send(out.into()).await?;
        }
    }
    Ok(input.end().await?)
}

/// How many places the numbers of each decimal column have behind the point, and how many digits
/// before it.
async fn digits(
    connection: &mut AsyncPgConnection,
    rows: &Selected,
) -> QueryResult<Vec<(i32, i32)>> {
    let decimals: Vec<usize> = rows
        .columns()
        .filter(|(_, column)| column.kind == ColumnType::Decimal)
        .map(|(place, _)| place)
        .collect();
    let (Some(table), false) = (rows.shown.table, decimals.is_empty()) else {
        return Ok(vec![(0, 0); decimals.len()]);
    };
    let mut sql = Writer::default();
    sql.text("SELECT ARRAY[").each(&decimals, |sql, place| {
        let column = stored(*place);
        sql.text("max(scale(")
            .ident(&column)
            .text(")), max(length(trunc(abs(");
        sql.ident(&column).text("))::text))");
    });
    rows.write_from(table, sql.text("]"));
    let numbers: Vec<Option<i32>> = sql
        .statement::<Array<Nullable<Integer>>>()
        .get_result(connection)
        .await?;
    let (pairs, _) = numbers.as_chunks::<2>();
    let pairs = pairs.iter().map(|pair| pair.map(Option::unwrap_or_default));
    Ok(pairs.map(|[places, whole]| (places, whole)).collect())
}

/// What the file calls the type of a column. Decimals with more digits than it keeps are texts.
fn kind(kind: ColumnType, digits: &mut impl Iterator<Item = (i32, i32)>) -> Type {
    match kind {
        ColumnType::Text | ColumnType::IntRange | ColumnType::Json => Type::Text,
        ColumnType::Int | ColumnType::Bigint => Type::Int {
            bits: 64,
            signed: true,
        },
        ColumnType::Float64 => Type::Float { bits: 64 },
        ColumnType::Bool => Type::Bool,
        ColumnType::Date => Type::Date,
        ColumnType::Timestamp => Type::Timestamp {
            zone: Some("UTC".to_owned()),
        },
        ColumnType::Decimal => {
            let (places, whole) = digits.next().unwrap_or_default();
            let precision = (places + whole).max(1);
            match (u8::try_from(precision), i8::try_from(places)) {
                (Ok(precision), Ok(scale)) if i32::from(precision) <= MOST_DIGITS => {
                    Type::Decimal { precision, scale }
                }
                _ => Type::Text,
            }
        }
    }
}

/// A row as the database sent it: each value behind its length.
struct Sent(Vec<u8>);

impl QueryableByName<Pg> for Sent {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        let mut bytes = Vec::new();
        for place in 0..row.field_count() {
            let field = diesel::row::Row::get(row, place).ok_or("a row is shorter than it says")?;
            match field.value() {
                None => bytes.extend_from_slice(&(-1_i32).to_be_bytes()),
                Some(value) => {
                    let value = value.as_bytes();
                    bytes.extend_from_slice(&i32::try_from(value.len())?.to_be_bytes());
                    bytes.extend_from_slice(value);
                }
            }
        }
        Ok(Self(bytes))
    }
}

fn refusal(error: RunnerError) -> ApiError {
    match error {
        RunnerError::Busy => ApiError::from(DbError::Busy),
        error => ApiError::internal(error),
    }
}
