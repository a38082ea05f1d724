//! The records of a dataset, in pages. A page is one statement, which says of which version it is.

use diesel::Queryable;
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::aggregate::{of_dataset, with_version};
use super::column::{ColumnType, Columns, stored};
use super::model::Shown;
use super::query::Filters;
use super::table::Table;
use crate::db::page::{COUNT_CAP, Direction, Key, Place};
use crate::db::sql::Writer;
use crate::kernel::types::DatasetId;

/// Texts are sorted by so much of them, since the last one of a page travels in its cursor.
const SORTED: &str = ", 500)";
/// A page ends before the record with which it weighs more.
pub const HEAVIEST: usize = 1 << 20;

/// Writes the value of a column as JSON shows it.
pub fn shown(sql: &mut Writer<'_>, kind: ColumnType, column: &str) {
    match kind {
        ColumnType::Bigint | ColumnType::Decimal => {
            sql.ident(column).text("::text");
        }
        ColumnType::Timestamp => {
            sql.text("to_char(").ident(column);
            sql.text(" AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
        }
        ColumnType::IntRange => range(sql, column),
        _ => {
            sql.ident(column);
        }
    }
}

/// Writes the record in the row `r` as one JSON text, with its id and these columns.
pub fn as_json(sql: &mut Writer<'_>, columns: &Columns, places: impl IntoIterator<Item = usize>) {
    sql.text("(SELECT row_to_json(shown)::text FROM (SELECT r.rid");
    for place in places {
        let Some(column) = columns.0.get(place) else {
            continue;
        };
        shown(sql.text(", "), column.kind, &stored(place));
        sql.text(" AS ").ident(&column.field);
    }
    sql.text(") AS shown)");
}

/// Writes a range as it is read: `25-34`, `75+`, `up to 14`.
fn range(sql: &mut Writer<'_>, column: &str) {
    sql.text("CASE WHEN ")
        .ident(column)
        .text(" IS NULL THEN NULL WHEN lower_inf(");
    sql.ident(column).text(") THEN concat('up to ', upper(");
    sql.ident(column).text(") - 1) WHEN upper_inf(");
    sql.ident(column).text(") THEN concat(lower(");
    sql.ident(column).text("), '+') ELSE concat(lower(");
    sql.ident(column).text("), '-', upper(");
    sql.ident(column).text(") - 1) END");
}

/// Which records a page shows.
pub struct Wanted<'a> {
    pub dataset: DatasetId,
    pub shown: &'a Shown,
    pub columns: &'a Columns,
    pub selected: &'a [usize],
    pub filters: &'a Filters,
    /// The place of a column.
    pub sort: Option<usize>,
    pub direction: Direction,
    pub limit: i64,
    pub after: Option<Place>,
}

/// A page, and the version that it is of.
pub struct RecordPage {
    pub version: i64,
    /// Each as JSON.
    pub records: Vec<String>,
    pub last: Option<Place>,
    pub is_last: bool,
}

#[derive(Queryable)]
struct Row {
    version: i64,
    rid: Option<i64>,
    key: Option<String>,
    record: Option<String>,
}

type Selected = (BigInt, Nullable<BigInt>, Nullable<Text>, Nullable<Text>);

impl Wanted<'_> {
    /// How many there are on all pages, up to [`COUNT_CAP`] and one.
    pub async fn count(&self, connection: &mut AsyncPgConnection) -> QueryResult<i64> {
        let Some(table) = self.shown.table else {
            return Ok(0);
        };
        let mut sql = Writer::default();
        table.name(sql.text("SELECT count(*) FROM (SELECT FROM "));
        self.filters.write(sql.text(" WHERE "), &self.shown.moment);
        sql.text(" LIMIT ")
            .value::<BigInt, _>(COUNT_CAP + 1)
            .text(") AS counted");
        sql.statement::<BigInt>().get_result(connection).await
    }

    /// `None` where the table is not the dataset's any more: look again.
    pub async fn page(
        &self,
        connection: &mut AsyncPgConnection,
    ) -> QueryResult<Option<RecordPage>> {
        let Some(table) = self.shown.table else {
            return Ok(Some(RecordPage {
                version: self.shown.version,
                records: Vec::new(),
                last: None,
                is_last: true,
            }));
        };
        let mut sql = Writer::default();
        with_version(&mut sql, self.shown);
        self.parts(&mut sql, table);
        of_dataset(&mut sql, self.dataset, self.shown, table);
        let page = sql.statement::<Selected>();
        let rows: Vec<Row> = RunQueryDsl::load(page, connection).await?;
        let Some(version) = rows.as_slice().first().map(|row| row.version) else {
            return Ok(None);
        };
        Ok(Some(self.cut(version, rows)))
    }

    fn cut(&self, version: i64, rows: Vec<Row>) -> RecordPage {
        let most = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let (mut records, mut last, mut bytes, mut is_last) = (Vec::new(), None, 0, true);
        for row in rows {
            let (Some(rid), Some(record)) = (row.rid, row.record) else {
                continue;
            };
            bytes += record.len();
            if records.len() == most || (bytes > HEAVIEST && !records.is_empty()) {
                is_last = false;
                break;
            }
            records.push(record);
            last = Some(Place {
                key: row.key.map_or(Key::Null, Key::Text),
                id: Uuid::from_u128(u128::try_from(rid).unwrap_or_default()),
            });
        }
        RecordPage {
            version,
            records,
            last,
            is_last,
        }
    }

    /// The records with a value in the column that sorts, then those without.
    fn parts(&self, sql: &mut Writer<'_>, table: Table) {
        let Some(place) = self.sort else {
            self.part(sql, table, None, None);
            return;
        };
        let is_nullable = self
            .columns
            .0
            .get(place)
            .is_none_or(|column| column.nullable);
        let is_in_nulls = self
            .after
            .as_ref()
            .is_some_and(|after| after.key == Key::Null);
        sql.text("SELECT * FROM (");
        if !is_in_nulls {
            self.part(sql.text("("), table, Some(place), Some(false));
            sql.text(")");
        }
        if is_nullable || is_in_nulls {
            sql.text(if is_in_nulls { "(" } else { " UNION ALL (" });
            self.part(sql, table, Some(place), Some(true));
            sql.text(")");
        }
        sql.text(") AS parts LIMIT ")
            .value::<BigInt, _>(self.limit + 1);
    }

    /// `nulls` are only those with, or without, a value.
    fn part(&self, sql: &mut Writer<'_>, table: Table, sort: Option<usize>, nulls: Option<bool>) {
        let column = sort.and_then(|place| Some((self.columns.0.get(place)?.kind, stored(place))));
        let by_value = column.filter(|_| nulls != Some(true));
        sql.text("SELECT r.rid, ");
        match &by_value {
            Some((kind, column)) => {
                key(sql, *kind, column);
                sql.text("::text AS key, ");
            }
            None => {
                sql.text("NULL::text AS key, ");
            }
        }
        as_json(sql, self.columns, self.selected.iter().copied());
        sql.text(" AS record FROM ");
        table.name(sql);
        sql.text(" AS r WHERE ");
        self.filters.write(sql, &self.shown.moment);
        if let Some(place) = sort {
            sql.text(" AND ").ident(&stored(place));
            sql.text(if nulls == Some(true) {
                " IS NULL"
            } else {
                " IS NOT NULL"
            });
        }
        let (sign, order) = match self.direction {
            Direction::Ascending => (" > ", ""),
            Direction::Descending => (" < ", " DESC"),
        };
        if let Some(Place { key: after, id }) = &self.after {
            let rid = i64::try_from(id.as_u128()).unwrap_or(i64::MAX);
            match (&by_value, after) {
                (Some((kind, column)), Key::Text(text)) => {
                    key(sql.text(" AND ("), *kind, column);
                    sql.text(", r.rid)").text(sign).text("(");
                    sql.value::<Text, _>(text.clone())
                        .text("::")
                        .text(kind.sql());
                    sql.text(", ").value::<BigInt, _>(rid).text(")");
                }
                (None, Key::Null) => {
                    sql.text(" AND r.rid").text(sign).value::<BigInt, _>(rid);
                }
                // The place is in the part before.
                _ => {}
            }
        }
        sql.text(" ORDER BY ");
        if let Some((kind, column)) = &by_value {
            key(sql, *kind, column);
            sql.text(order).text(", ");
        }
        sql.text("r.rid").text(order).text(" LIMIT ");
        sql.value::<BigInt, _>(self.limit + 1);
    }
}

/// What records are sorted by.
fn key(sql: &mut Writer<'_>, kind: ColumnType, column: &str) {
    match kind {
        ColumnType::Text => {
            sql.text("left(").ident(column).text(SORTED);
        }
        _ => {
            sql.ident(column);
        }
    }
}
