//! Two or more groups beside each other, at one time and, where it is asked, against another time.
//!
//! A cell is a group at a time. Where it has several records and nobody says how to make one value
//! of them, the comparison is refused: none of them is the right one. What cannot be computed is
//! null, with the reason.

use std::collections::BTreeMap;

use diesel::Queryable;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Double, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use utoipa::ToSchema;

use super::aggregate::{of_dataset, with_version};
use super::column::{ColumnType, Columns, stored};
use super::measure::Measure;
use super::model::Shown;
use super::query::Filters;
use crate::db::filter::{Kind, Operator};
use crate::db::sql::Writer;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::DatasetId;

pub const MOST_GROUPS: usize = 50;

/// What is compared.
pub struct Wanted<'a> {
    pub dataset: DatasetId,
    pub shown: &'a Shown,
    pub columns: &'a Columns,
    /// The place of the column that makes the groups.
    pub by: usize,
    pub groups: &'a [String],
    pub measures: &'a [Measure],
    /// The field of each measure.
    pub fields: &'a [String],
    /// The place of the column with the time, the time, and the one to compare with.
    pub period: Option<Period<'a>>,
    /// Whether several records in a cell may be made one.
    pub has_function: bool,
    pub filters: &'a Filters,
}

#[derive(Clone, Copy)]
pub struct Period<'a> {
    pub place: usize,
    pub at: &'a str,
    pub base: Option<&'a str>,
}

/// A comparison
#[derive(Serialize, ToSchema)]
pub struct Comparison {
    /// The version of the dataset that it is of
    version: i64,
    /// By which field the groups are told apart
    pub by: String,
    /// Each measure of every group
    pub measures: Vec<Compared>,
}

impl Comparison {
    pub fn version(&self) -> i64 {
        self.version
    }
}

/// A measure of all groups
#[derive(Serialize, ToSchema)]
pub struct Compared {
    pub field: String,
    pub values: Vec<GroupValue>,
    /// The value of the first group less that of the second; null where there are not two groups
    /// with a value
    pub difference: Option<f64>,
    pub absolute_difference: Option<f64>,
    /// The group with the largest value; null where two have it or none has a value
    pub head: Option<String>,
}

/// A measure of one group
#[derive(Clone, Serialize, ToSchema)]
pub struct GroupValue {
    pub group: String,
    pub value: Option<f64>,
    /// The value at `base`
    pub base: Option<f64>,
    /// By how many percent the value is more than the one at `base`
    pub percent_change: Option<f64>,
    /// Why `value` or `percent_change` is null: `no-records`, `no-value`, `no-base`, `base-is-zero`
    pub reason: Option<&'static str>,
}

#[derive(Queryable)]
struct Row {
    version: i64,
    group: Option<String>,
    is_base: Option<bool>,
    records: Option<i64>,
    values: Option<Vec<Option<f64>>>,
}

type Selected = (
    BigInt,
    Nullable<Text>,
    Nullable<diesel::sql_types::Bool>,
    Nullable<BigInt>,
    Nullable<Array<Nullable<Double>>>,
);

/// A group at a time: how many records it has, and each measure of them.
type Cell = (i64, Vec<Option<f64>>);

impl Wanted<'_> {
    /// `None` where the table is not the dataset's any more: look again.
    pub async fn load(
        &self,
        connection: &mut AsyncPgConnection,
    ) -> QueryResult<Option<ApiResult<Comparison>>> {
        let mut cells: BTreeMap<(String, bool), Cell> = BTreeMap::new();
        let mut version = self.shown.version;
        if self.shown.table.is_some() {
            let rows = self.rows(connection).await?;
            let Some(first) = rows.as_slice().first() else {
                return Ok(None);
            };
            version = first.version;
            for row in rows {
                if let (Some(group), Some(is_base), Some(records), Some(values)) =
                    (row.group, row.is_base, row.records, row.values)
                {
                    cells.insert((group, is_base), (records, values));
                }
            }
        }
        Ok(Some(self.compare(version, &cells)))
    }

    /// A row for every cell that has records.
    async fn rows(&self, connection: &mut AsyncPgConnection) -> QueryResult<Vec<Row>> {
        let Some(table) = self.shown.table else {
            return Ok(Vec::new());
        };
        let by = stored(self.by);
        let mut sql = Writer::default();
        with_version(&mut sql, self.shown);
        sql.text("SELECT ").ident(&by).text("::text AS grp, ");
        self.is_base(&mut sql);
        sql.text(" AS is_base, count(*) AS records, ARRAY[");
        sql.each(self.measures, |sql, measure| {
            measure.write(sql);
            sql.text("::double precision");
        });
        table.name(sql.text("] AS vals FROM "));
        self.filters.write(sql.text(" WHERE "), &self.shown.moment);
        sql.text(" AND ").ident(&by).text("::text = ANY (");
        sql.value::<Array<Text>, _>(self.groups.to_vec()).text(")");
        if let Some(period) = self.period {
            sql.text(" AND (");
            self.at(&mut sql, period, period.at);
            if let Some(base) = period.base {
                sql.text(" OR ");
                self.at(&mut sql, period, base);
            }
            sql.text(")");
        }
        sql.text(" GROUP BY 1, 2");
        of_dataset(&mut sql, self.dataset, self.shown, table);
        RunQueryDsl::load(sql.statement::<Selected>(), connection).await
    }

    fn is_base(&self, sql: &mut Writer<'_>) {
        match self.period {
            Some(
                period @ Period {
                    base: Some(base), ..
                },
            ) => self.at(sql, period, base),
            _ => {
                sql.text("false");
            }
        }
    }

    /// Who called has made sure that the value can be read.
    fn at(&self, sql: &mut Writer<'_>, period: Period<'_>, value: &str) {
        let kind = self
            .columns
            .0
            .get(period.place)
            .and_then(|it| it.kind.compared_as());
        let kind = kind.unwrap_or(Kind::Text);
        let _ = kind.condition(sql, &stored(period.place), Operator::Is, value);
    }

    fn compare(
        &self,
        version: i64,
        cells: &BTreeMap<(String, bool), Cell>,
    ) -> ApiResult<Comparison> {
        let ambiguous = cells.iter().find(|(_, (records, _))| *records > 1);
        if let Some(((group, is_base), (records, _))) = ambiguous
            && !self.has_function
        {
            let at = match (self.period, is_base) {
                (Some(period), false) => format!(" at {:?}", period.at),
                (Some(period), true) => format!(" at {:?}", period.base.unwrap_or_default()),
                (None, _) => String::new(),
            };
            return Err(ApiError::new(
                Code::AmbiguousCell,
                format!(
                    "the group {group:?}{at} has {records} records, and none of them is the right one; say by `agg` how to make one value of them, or filter"
                ),
            ));
        }
        let has_base = self.period.is_some_and(|period| period.base.is_some());
        let measures = self.fields.iter().enumerate().map(|(at, field)| {
            let values = self.groups.iter().map(|group| {
                let of = |is_base| {
                    let cell = cells.get(&(group.clone(), is_base));
                    (
                        cell.is_some(),
                        cell.and_then(|(_, values)| values.get(at).copied().flatten()),
                    )
                };
                value(group, of(false), has_base.then(|| of(true)))
            });
            compared(field, values.collect())
        });
        Ok(Comparison {
            version,
            by: self
                .columns
                .0
                .get(self.by)
                .map(|it| it.field.clone())
                .unwrap_or_default(),
            measures: measures.collect(),
        })
    }
}

/// Whether there are records, and their value.
type Known = (bool, Option<f64>);

fn value(group: &str, (has_records, value): Known, base: Option<Known>) -> GroupValue {
    let base_value = base.and_then(|(_, value)| value);
    let percent_change = match (value, base_value) {
        (Some(value), Some(base)) if base != 0.0 => {
            Some((value - base) / base * 100.0).filter(|change| change.is_finite())
        }
        _ => None,
    };
    let reason = match (value, base) {
        (None, _) if !has_records => Some("no-records"),
        (None, _) => Some("no-value"),
        (Some(_), Some((_, None))) => Some("no-base"),
        (Some(_), Some((_, Some(0.0)))) => Some("base-is-zero"),
        _ => None,
    };
    GroupValue {
        group: group.to_owned(),
        value,
        base: base_value,
        percent_change,
        reason,
    }
}

fn compared(field: &str, values: Vec<GroupValue>) -> Compared {
    let known = || values.iter().filter_map(|it| Some((it.value?, &it.group)));
    let largest = known().map(|(value, _)| value).reduce(f64::max);
    let mut heads = known().filter(|(value, _)| Some(*value) == largest);
    let head = match (heads.next(), heads.next()) {
        (Some((_, group)), None) => Some(group.clone()),
        _ => None,
    };
    let difference = match values.as_slice() {
        [first, second] => first.value.zip(second.value).map(|(a, b)| a - b),
        _ => None,
    };
    Compared {
        field: field.to_owned(),
        difference,
        absolute_difference: difference.map(f64::abs),
        head,
        values,
    }
}

/// Whether groups can be made by columns of the type.
pub fn makes_groups(kind: ColumnType) -> bool {
    matches!(
        kind,
        ColumnType::Text | ColumnType::Int | ColumnType::Bigint | ColumnType::Bool
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, value_: Option<f64>, base: Option<Option<f64>>) -> GroupValue {
        let base = base.map(|base| (base.is_some(), base));
        value(name, (value_.is_some(), value_), base)
    }

    #[test]
    fn changes_are_against_the_base_and_say_why_there_is_none() {
        let change = group("a", Some(45_361.0), Some(Some(39_619.0)));
        assert_eq!(format!("{:.2}", change.percent_change.unwrap()), "14.49");
        assert_eq!(change.reason, None);
        let zero = group("a", Some(1.0), Some(Some(0.0)));
        assert_eq!(
            (zero.percent_change, zero.reason),
            (None, Some("base-is-zero"))
        );
        let none = group("a", Some(1.0), Some(None));
        assert_eq!((none.percent_change, none.reason), (None, Some("no-base")));
        assert_eq!(group("a", None, None).reason, Some("no-records"));
        assert_eq!(value("a", (true, None), None).reason, Some("no-value"));
    }

    #[test]
    fn the_head_is_the_one_with_the_largest_value() {
        let of = |a, b| compared("x", vec![group("a", a, None), group("b", b, None)]);
        let more = of(Some(1.0), Some(3.0));
        assert_eq!(more.head.as_deref(), Some("b"));
        assert_eq!(
            (more.difference, more.absolute_difference),
            (Some(-2.0), Some(2.0))
        );
        assert_eq!(of(Some(1.0), Some(1.0)).head, None);
        assert_eq!(of(None, Some(1.0)).head.as_deref(), Some("b"));
        assert_eq!(of(None, Some(1.0)).difference, None);
        assert_eq!(of(None, None).head, None);
    }
}
