//! Single records that are added, changed and removed. Each such request is a version.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use serde_json::{Map, Value};

use super::column::{Column, ColumnType, Columns, stored};
use super::model::{Dataset, Shown};
use super::records::as_json;
use super::rules::check::{Broken, Checks};
use super::table::{Table, written};
use super::value;
use crate::db::sql::Writer;
use crate::kernel::error::FieldError;

/// The most records of one request.
pub const MOST_RECORDS: usize = 1_000;

/// The values of some columns, by their places, as PostgreSQL reads them.
pub type Values = Vec<(usize, Option<String>)>;

/// Reads the members of a record, which have to keep the rules; what is wrong is named below
/// `pointer`.
pub fn values(
    columns: &Columns,
    checks: &Checks,
    record: &Map<String, Value>,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Values {
    let mut values = Vec::with_capacity(record.len());
    for (field, member) in record {
        let mut wrong = |code: &'static str, detail: String| {
            errors.push(FieldError {
                pointer: format!("{pointer}/{}", field.replace('~', "~0").replace('/', "~1")),
                code: code.into(),
                detail,
            });
        };
        let found = columns.place(field);
        let Some((place, column)) = found.and_then(|at| Some((at, columns.0.get(at)?))) else {
            wrong("unknown-field", "the dataset has no such field".to_owned());
            continue;
        };
        match read(column, member) {
            Ok(None) => values.push((place, None)),
            Ok(Some(text)) => match kept(checks, place, column.kind, text) {
                Ok(text) => values.push((place, Some(text))),
                Err(broken) => wrong(broken.code(), broken.expected(&column.rules)),
            },
            Err(expected) => wrong("invalid-value", format!("expected {expected}")),
        }
    }
    values
}

/// A value as PostgreSQL reads it, or what its column wants that it breaks.
pub fn kept(
    checks: &Checks,
    place: usize,
    kind: ColumnType,
    text: String,
) -> Result<String, Broken> {
    match checks.value(place, &text) {
        Some(broken) => Err(broken),
        None => Ok(value::plain(kind, &text).unwrap_or(text)),
    }
}

/// Names the fields that have to have a value and are not there.
pub fn missing(columns: &Columns, values: &Values, pointer: &str, errors: &mut Vec<FieldError>) {
    for (place, column) in columns.0.iter().enumerate() {
        if !column.nullable && !values.iter().any(|(given, _)| *given == place) {
            errors.push(FieldError {
                pointer: format!("{pointer}/{}", column.field),
                code: "required".into(),
                detail: "the field has to have a value".to_owned(),
            });
        }
    }
}

/// How a type is written in JSON.
fn expected(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text => "a text without U+0000",
        ColumnType::Int => "a whole number up to 9007199254740991",
        ColumnType::Bigint => "a text with a whole number of at most 64 bits, such as \"12\"",
        ColumnType::Float64 => "a number",
        ColumnType::Decimal => "a text with a decimal number, such as \"1.50\"",
        ColumnType::Bool => "true or false",
        ColumnType::Date => "a text with a date, such as \"2026-11-30\"",
        ColumnType::Timestamp => "a text with a time, such as \"2026-11-30T21:00:00Z\"",
        ColumnType::IntRange => "a text with a range, such as \"25-34\", \"75+\" or \"under 15\"",
        ColumnType::Json => "JSON without U+0000",
    }
}

fn read(column: &Column, member: &Value) -> Result<Option<String>, &'static str> {
    if member.is_null() && column.kind != ColumnType::Json {
        return match column.nullable {
            true => Ok(None),
            false => Err("a value, not null"),
        };
    }
    as_text(column.kind, member).map(Some)
}

/// The text of a value, as files have it, or what would be one.
pub fn as_text(kind: ColumnType, member: &Value) -> Result<String, &'static str> {
    let expected = expected(kind);
    let text = match (kind, member) {
        (ColumnType::Json, member) => member.to_string(),
        (ColumnType::Bool, Value::Bool(is)) => is.to_string(),
        (ColumnType::Float64, Value::Number(number)) => number.to_string(),
        // Others could have lost digits before they come here.
        (ColumnType::Int | ColumnType::Bigint | ColumnType::Decimal, Value::Number(number))
            if number.is_i64() =>
        {
            number.to_string()
        }
        (ColumnType::Bool | ColumnType::Float64 | ColumnType::Int, _) => return Err(expected),
        (_, Value::String(text)) => text.clone(),
        _ => return Err(expected),
    };
    if !value::is_value(kind, &text, &mut Vec::new()) {
        return Err(expected);
    }
    Ok(text)
}

/// The table of the dataset, which is made where there was none.
pub async fn table(connection: &mut AsyncPgConnection, dataset: &Dataset) -> QueryResult<Table> {
    if let Some(generation) = dataset.generation {
        return Ok(Table(generation));
    }
    let table = Table::next(connection, dataset.id).await?;
    let statements = [
        table.create(&dataset.columns).plain(),
        table.index(&dataset.columns, &dataset.key()).plain(),
        table.settle().plain(),
    ];
    for statement in statements {
        let statement = statement
            .map_err(|mistake| diesel::result::Error::QueryBuilderError(mistake.into()))?;
        connection.batch_execute(&statement).await?;
    }
    Ok(table)
}

/// Adds records, whose ids are those from `first` on.
pub async fn insert(
    connection: &mut AsyncPgConnection,
    table: Table,
    columns: &Columns,
    change: i64,
    first: i64,
    records: &[Values],
) -> QueryResult<usize> {
    let count = i64::try_from(records.len()).unwrap_or(i64::MAX);
    let mut sql = Writer::default();
    table.name(sql.text("INSERT INTO "));
    written(sql.text(" ("), columns);
    sql.text(") SELECT v0, :change");
    sql.bind::<BigInt, _>("change", change);
    for (place, column) in columns.0.iter().enumerate() {
        sql.text(", ").ident(&value_of(place)).text("::");
        sql.text(column.kind.sql());
    }
    sql.text(" FROM unnest(");
    sql.value::<Array<BigInt>, _>((first..first + count).collect::<Vec<_>>());
    for place in 0..columns.0.len() {
        let of = |values: &Values| {
            let found = values.iter().find(|(given, _)| *given == place);
            found.and_then(|(_, text)| text.clone())
        };
        let texts: Vec<Option<String>> = records.iter().map(of).collect();
        sql.text(", ").value::<Array<Nullable<Text>>, _>(texts);
    }
    sql.text(") AS given (v0");
    for place in 0..columns.0.len() {
        sql.text(", ").ident(&value_of(place));
    }
    sql.text(")");
    sql.statement::<BigInt>().execute(connection).await
}

fn value_of(place: usize) -> String {
    format!("v{}", place + 1)
}

/// Changes a record: the row that was goes, and another comes with the same id.
pub async fn update(
    connection: &mut AsyncPgConnection,
    table: Table,
    columns: &Columns,
    change: i64,
    rid: i64,
    values: &Values,
) -> QueryResult<usize> {
    let mut sql = Writer::default();
    gone(&mut sql, table, change, rid);
    table.name(sql.text(" INSERT INTO "));
    written(sql.text(" ("), columns);
    sql.text(") SELECT rid, :change");
    for (place, column) in columns.0.iter().enumerate() {
        sql.text(", ");
        match values.iter().find(|(given, _)| *given == place) {
            Some((_, text)) => {
                sql.value::<Nullable<Text>, _>(text.clone());
                sql.text("::").text(column.kind.sql());
            }
            None => {
                sql.ident(&stored(place));
            }
        }
    }
    sql.text(" FROM was");
    sql.statement::<BigInt>().execute(connection).await
}

/// Removes a record.
pub async fn delete(
    connection: &mut AsyncPgConnection,
    table: Table,
    change: i64,
    rid: i64,
) -> QueryResult<usize> {
    let mut sql = Writer::default();
    gone(&mut sql, table, change, rid);
    sql.text(" SELECT rid FROM was");
    let gone: Vec<i64> = sql.statement::<BigInt>().load(connection).await?;
    Ok(gone.len())
}

fn gone(sql: &mut Writer<'_>, table: Table, change: i64, rid: i64) {
    table.name(sql.text("WITH was AS (UPDATE "));
    sql.text(" SET gone = :change WHERE rid = :rid AND gone IS NULL RETURNING *)");
    sql.bind::<BigInt, _>("change", change);
    sql.bind::<BigInt, _>("rid", rid);
}

/// A record as JSON, and the change that it came with.
pub async fn find(
    mut connection: &AsyncPgConnection,
    of: &Shown,
    columns: &Columns,
    rid: i64,
) -> QueryResult<Option<(i64, String)>> {
    let Some(table) = of.table else {
        return Ok(None);
    };
    let mut sql = Writer::default();
    as_json(sql.text("SELECT r.came, "), columns, 0..columns.0.len());
    table.name(sql.text(" FROM "));
    sql.text(" AS r WHERE r.rid = :rid AND ");
    of.moment.condition(&mut sql);
    sql.bind::<BigInt, _>("rid", rid);
    let find = sql.statement::<(BigInt, Text)>();
    find.get_result(&mut connection).await.optional()
}
