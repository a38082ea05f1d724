//! What is different in a version from another: records that came, went and have changed.
//!
//! Records are the same by the key of the dataset. Without one, they are by their id for as long as
//! nothing has replaced all of them, and then by all their values.

use diesel::Queryable;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::column::{Columns, stored};
use super::model::Shown;
use super::records::as_json;
use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts, Sql, Written, no_id};
use crate::db::sql::Writer;
use crate::kernel::types::words;

words! {
    /// What became of a record
    Difference {
        Added = "added",
        Removed = "removed",
        Changed = "changed",
    }
}

impl Difference {
    pub fn of(kind: i32) -> Self {
        match kind {
            0 => Self::Added,
            1 => Self::Removed,
            _ => Self::Changed,
        }
    }
}

/// A record that is different
#[derive(Serialize, ToSchema)]
pub struct DifferentRecord {
    pub change: Difference,
    /// Its id; after the change, if it was replaced
    pub rid: i64,
    /// The record as it was; null if it was added
    #[schema(value_type = Option<Object>)]
    pub before: Option<Box<RawValue>>,
    /// The record as it is; null if it was removed
    #[schema(value_type = Option<Object>)]
    pub after: Option<Box<RawValue>>,
    /// The fields that have changed
    pub fields: Vec<String>,
}

/// How much is different
#[derive(Serialize, ToSchema)]
pub struct DiffSummary {
    /// The version that is compared with; 0 is before the first
    pub from: i64,
    /// The version that is compared
    pub to: i64,
    /// How many records were added
    pub added: i64,
    /// How many were removed
    pub removed: i64,
    /// How many have changed
    pub changed: i64,
    /// In how many of those each field has changed, without fields that have not
    pub fields: Vec<FieldDifference>,
}

/// In how many records a field has changed
#[derive(Serialize, ToSchema)]
pub struct FieldDifference {
    field: String,
    changed: i64,
}

/// Two versions of a dataset, of which the second is not before the first one.
#[derive(Clone)]
pub struct Diff {
    pub from: Shown,
    pub to: Shown,
    pub columns: Columns,
    /// The places of the columns of the key.
    pub key: Vec<usize>,
}

#[derive(Queryable)]
pub struct Row {
    place: i64,
    kind: i32,
    rid: i64,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Queryable)]
struct Counts {
    added: i64,
    removed: i64,
    changed: i64,
    fields: Option<Vec<i64>>,
}

impl Row {
    pub fn shown(self, columns: &Columns) -> DifferentRecord {
        let read = |text: &Option<String>| -> Map<String, Value> {
            let text = text.as_deref().unwrap_or_default();
            serde_json::from_str(text).unwrap_or_default()
        };
        let change = Difference::of(self.kind);
        let mut fields = Vec::new();
        if change == Difference::Changed {
            let (before, after) = (read(&self.before), read(&self.after));
            let different = columns
                .fields()
                .filter(|field| before.get(*field) != after.get(*field));
            fields.extend(different.map(str::to_owned));
        }
        let raw = |text: Option<String>| text.and_then(|text| RawValue::from_string(text).ok());
        DifferentRecord {
            change,
            rid: self.rid,
            before: raw(self.before),
            after: raw(self.after),
            fields,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum DiffSort {
    Change,
}

impl Sorts for DiffSort {
    type Row = Row;
    const LIST: &'static str = "diff";
    const ALL: &'static [(&'static str, Self)] = &[("change", Self::Change)];
    const DEFAULT: (Self, Direction) = (Self::Change, Direction::Ascending);

    fn place(self, row: &Row) -> Place {
        Place {
            key: Key::Int(row.place),
            id: uuid::Uuid::nil(),
        }
    }

    fn weight(row: &Row) -> usize {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        size_of::<Row>() + length(&row.before) + length(&row.after)
    }
}

impl Diff {
    pub async fn page(
        &self,
        connection: &mut AsyncPgConnection,
        page: &PageQuery<DiffSort>,
    ) -> QueryResult<Found<Row>> {
        let wanted = || Sql::new(self.clone());
        let place = diesel::dsl::sql::<BigInt>("pairs.place");
        let id = no_id();
        page.load(connection, wanted, place, id).await
    }

    pub async fn summary(&self, connection: &mut AsyncPgConnection) -> QueryResult<DiffSummary> {
        let mut sql = Writer::default();
        self.pairs(&mut sql);
        sql.text("SELECT count(*) FILTER (WHERE kind = 0), count(*) FILTER (WHERE kind = 1), ");
        sql.text("count(*) FILTER (WHERE kind = 2), (SELECT array_agg(n ORDER BY at) FROM ");
        sql.text("(SELECT at, count(*) FILTER (WHERE it) AS n FROM pairs AS p, ");
        sql.text(
            "unnest(p.differs) WITH ORDINALITY AS u (it, at) WHERE p.kind = 2 GROUP BY at) AS f) ",
        );
        sql.text("FROM pairs");
        let find = sql.statement::<(BigInt, BigInt, BigInt, Nullable<Array<BigInt>>)>();
        let counts: Counts = find.get_result(connection).await?;
        let fields = self.columns.fields().zip(counts.fields.unwrap_or_default());
        Ok(DiffSummary {
            from: self.from.version,
            to: self.to.version,
            added: counts.added,
            removed: counts.removed,
            changed: counts.changed,
            fields: fields
                .filter(|(_, changed)| *changed > 0)
                .map(|(field, changed)| FieldDifference {
                    field: field.to_owned(),
                    changed,
                })
                .collect(),
        })
    }

    /// Every record that is different, as texts: what became of it, and its values before and
    /// after.
    pub fn as_texts(&self, texts: impl Fn(&mut Writer<'_>, &Columns)) -> Writer<'static> {
        let mut sql = Writer::default();
        self.pairs(&mut sql);
        sql.text("SELECT pairs.kind, pairs.rid, ");
        self.one(&mut sql, &self.from, "old_rid", &texts);
        self.one(sql.text(", "), &self.to, "new_rid", &texts);
        sql.text(" FROM pairs ORDER BY pairs.place");
        sql
    }

    /// Writes the common beginning: the pairs of records that are different.
    fn pairs(&self, sql: &mut Writer<'_>) {
        let is_same_table = self.from.table == self.to.table;
        sql.text("WITH old AS (");
        self.side(sql, &self.from, &self.to, is_same_table);
        sql.text("), new AS (");
        self.side(sql, &self.to, &self.from, is_same_table);
        sql.text("), pairs AS MATERIALIZED (SELECT kind, old_rid, new_rid, differs, ");
        sql.text("coalesce(new_rid, old_rid) AS rid, ");
        sql.text("(kind::bigint << 60) | coalesce(new_rid, old_rid) AS place FROM ");
        sql.text("(SELECT CASE WHEN old.rid IS NULL THEN 0 WHEN new.rid IS NULL THEN 1 ELSE 2 END AS kind, ");
        sql.text("old.rid AS old_rid, new.rid AS new_rid, ARRAY[");
        sql.each(0..self.columns.0.len(), |sql, place| {
            let column = stored(place);
            sql.text("old.").ident(&column);
            sql.text(" IS DISTINCT FROM new.").ident(&column);
        });
        sql.text(
            "]::boolean[] AS differs FROM old FULL JOIN new ON old.same = new.same) AS joined ",
        );
        sql.text("WHERE kind < 2 OR true = ANY (differs)) ");
    }

    /// Writes the records of a version. A row that both versions have is not different.
    fn side(&self, sql: &mut Writer<'_>, of: &Shown, other: &Shown, is_same_table: bool) {
        let columns = 0..self.columns.0.len();
        sql.text("SELECT r.rid, ");
        if !self.key.is_empty() {
            texts(sql, self.key.iter().copied());
        } else if is_same_table {
            sql.text("ARRAY[r.rid::text]");
        } else {
            texts(sql, columns.clone());
            sql.text(" || row_number() OVER (PARTITION BY ");
            texts(sql, columns.clone());
            sql.text(" ORDER BY r.rid)::text");
        }
        sql.text(" AS same");
        for place in columns {
            sql.text(", r.").ident(&stored(place));
        }
        // Before the first version there is no table, so there are no rows of the other's.
        let Some(table) = of.table.or(other.table) else {
            return;
        };
        table.name(sql.text(" FROM "));
        if of.table.is_none() {
            sql.text(" AS r WHERE false");
            return;
        }
        sql.text(" AS r WHERE ");
        of.moment.condition(sql);
        if is_same_table {
            other.moment.condition(sql.text(" AND NOT ("));
            sql.text(")");
        }
    }

    /// Writes what `write` makes of the record of a pair in one of the versions.
    fn one(
        &self,
        sql: &mut Writer<'_>,
        of: &Shown,
        rid: &'static str,
        write: &impl Fn(&mut Writer<'_>, &Columns),
    ) {
        let Some(table) = of.table else {
            sql.text("NULL");
            return;
        };
        write(sql.text("(SELECT "), &self.columns);
        table.name(sql.text(" FROM "));
        sql.texts(&[" AS r WHERE r.rid = pairs.", rid, " AND "]);
        of.moment.condition(sql);
        sql.text(")");
    }
}

/// Writes the values of columns as a list of texts, which is equal to another where they are.
fn texts(sql: &mut Writer<'_>, places: impl Iterator<Item = usize>) {
    sql.text("ARRAY[").each(places, |sql, place| {
        sql.text("r.").ident(&stored(place)).text("::text");
    });
    sql.text("]::text[]");
}

impl Written for Diff {
    type Columns = (BigInt, Integer, BigInt, Nullable<Text>, Nullable<Text>);

    fn all(&self) -> Writer<'static> {
        let mut sql = Writer::default();
        self.pairs(&mut sql);
        sql.text("SELECT pairs.place FROM pairs WHERE true");
        sql
    }

    fn shown(&self) -> Writer<'static> {
        let mut sql = Writer::default();
        self.pairs(&mut sql);
        sql.text("SELECT pairs.place, pairs.kind, pairs.rid, ");
        let json = |sql: &mut Writer<'_>, columns: &Columns| {
            as_json(sql, columns, 0..columns.0.len());
        };
        self.one(&mut sql, &self.from, "old_rid", &json);
        self.one(sql.text(", "), &self.to, "new_rid", &json);
        sql.text(" FROM pairs WHERE true");
        sql
    }
}
