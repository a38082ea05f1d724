//! What a URL asks of records: filters on any column, which columns, in which order, of which
//! version.

use axum::extract::Query;
use http::Uri;

use super::column::{Column, ColumnType, Columns};
use super::table::Moment;
use crate::db::filter::Operator;
use crate::db::page::Direction;
use crate::db::sql::Writer;
use crate::kernel::error::{ApiError, ApiResult, Code};

/// More conditions than anybody means.
const MOST_FILTERS: usize = 50;

const OPERATORS: [(&str, Operator); 9] = [
    ("ne", Operator::IsNot),
    ("lt", Operator::Less),
    ("lte", Operator::AtMost),
    ("gt", Operator::More),
    ("gte", Operator::AtLeast),
    ("in", Operator::In),
    ("contains", Operator::Contains),
    ("startswith", Operator::StartsWith),
    ("isnull", Operator::IsNull),
];

/// The parameters of a request, of which those that are not its own are filters.
pub struct Asked {
    pairs: Vec<(String, String)>,
    own: &'static [&'static str],
}

impl Asked {
    pub fn of(uri: &Uri, own: &'static [&'static str]) -> ApiResult<Self> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|error| ApiError::new(Code::InvalidParameter, error.body_text()))?;
        for name in own {
            if pairs.iter().filter(|(given, _)| given == name).count() > 1 {
                return Err(invalid(name, "given more than once"));
            }
        }
        Ok(Self { pairs, own })
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn number(&self, name: &str, least: i64, most: i64) -> ApiResult<Option<i64>> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let number = text
            .parse()
            .ok()
            .filter(|number| (least..=most).contains(number));
        number
            .map(Some)
            .ok_or_else(|| invalid(name, &format!("expected a number from {least} to {most}")))
    }

    /// What a cursor is good for, besides the order.
    pub fn scope(&self) -> Vec<(String, String)> {
        let is_open = |name: &str| matches!(name, "limit" | "cursor" | "count" | "sort");
        let kept = self.pairs.iter().filter(|(name, _)| !is_open(name));
        kept.cloned().collect()
    }

    /// The version that is asked for; `None` is the one of now.
    pub fn version(&self) -> ApiResult<Option<i64>> {
        self.number("version", 1, i64::MAX)
    }

    fn others(&self) -> impl Iterator<Item = &(String, String)> {
        let is_own = |name: &str| self.own.contains(&name);
        self.pairs.iter().filter(move |(name, _)| !is_own(name))
    }

    /// The conditions on the columns.
    pub fn filters(&self, columns: &Columns) -> ApiResult<Filters> {
        let filters: Vec<Filter> = self
            .others()
            .map(|(name, value)| self.filter(columns, name, value))
            .collect::<ApiResult<_>>()?;
        if filters.len() > MOST_FILTERS {
            return Err(ApiError::new(
                Code::InvalidParameter,
                format!("there are more than {MOST_FILTERS} filters"),
            ));
        }
        Ok(Filters(filters))
    }

    fn filter(&self, columns: &Columns, name: &str, value: &str) -> ApiResult<Filter> {
        let (field, operator) = name.split_once("__").unwrap_or((name, ""));
        let Some((column, stored)) = columns.find(field) else {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            let fields: Vec<&str> = columns.fields().take(50).collect();
            return Err(ApiError::new(
                Code::UnknownParameter,
                format!(
                    "there is no query parameter {shown:?} here; there are {}, and the fields {} with __ne, __lt, __lte, __gt, __gte, __in, __contains, __startswith, __isnull, __covers",
                    self.own.join(", "),
                    fields.join(", ")
                ),
            ));
        };
        let operator = match operator {
            "" => Compare::Usual(Operator::Is),
            "covers" if column.kind == ColumnType::IntRange => Compare::Covers,
            word => {
                let found = OPERATORS.iter().find(|(known, _)| *known == word);
                let found = found.filter(|(_, operator)| has(column.kind, *operator));
                Compare::Usual(found.map(|(_, operator)| *operator).ok_or_else(|| {
                    invalid(
                        name,
                        &format!(
                            "columns of type {} have no such filter",
                            column.kind.as_str()
                        ),
                    )
                })?)
            }
        };
        let filter = Filter {
            name: name.to_owned(),
            stored,
            kind: column.kind,
            compare: operator,
            value: value.to_owned(),
        };
        // So that a value that cannot be used is known before anything is asked.
        filter.write(&mut Writer::default())?;
        Ok(filter)
    }
}

fn has(kind: ColumnType, operator: Operator) -> bool {
    match kind.compared_as() {
        Some(kind) => kind.has(operator),
        None => {
            operator == Operator::IsNull
                || kind == ColumnType::IntRange && operator == Operator::IsNot
        }
    }
}

pub fn invalid(name: &str, expected: &str) -> ApiError {
    ApiError::new(Code::InvalidParameter, format!("{name}: {expected}"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Usual(Operator),
    /// Whether a range has a number in it.
    Covers,
}

#[derive(Clone, Debug)]
struct Filter {
    name: String,
    stored: String,
    kind: ColumnType,
    compare: Compare,
    value: String,
}

impl Filter {
    fn write(&self, sql: &mut Writer<'_>) -> ApiResult<()> {
        use diesel::sql_types::{BigInt, Nullable};
        let wrong = |expected: &str| invalid(&self.name, &format!("expected {expected}"));
        match (self.compare, self.kind.compared_as()) {
            (Compare::Usual(operator), Some(kind)) => kind
                .condition(sql, &self.stored, operator, &self.value)
                .map_err(wrong),
            (Compare::Usual(Operator::IsNull), None) => {
                // Every kind of column has it, and none looks at the others.
                let any = crate::db::filter::Kind::Text;
                any.condition(sql, &self.stored, Operator::IsNull, &self.value)
                    .map_err(wrong)
            }
            (Compare::Covers, _) => {
                let number: i64 = self.value.parse().or(Err(wrong("a whole number")))?;
                sql.ident(&self.stored).text(" @> ");
                sql.value::<BigInt, _>(number);
                Ok(())
            }
            (Compare::Usual(operator), None) => {
                let range = super::value::range(&self.value);
                let range = range.ok_or_else(|| wrong("a range such as 25-34, 75+ or under 15"))?;
                let sign = match operator {
                    Operator::IsNot => " IS DISTINCT FROM int8range(",
                    _ => " = int8range(",
                };
                sql.ident(&self.stored).text(sign);
                sql.value::<Nullable<BigInt>, _>(range.from).text(", ");
                sql.value::<Nullable<BigInt>, _>(range.to).text(", '[]')");
                Ok(())
            }
        }
    }
}

/// Conditions that all hold.
#[derive(Clone, Debug, Default)]
pub struct Filters(Vec<Filter>);

impl Filters {
    /// Writes what the rows of the moment must be, to be narrowed further by ` AND ..`.
    pub fn write(&self, sql: &mut Writer<'_>, moment: &Moment) {
        moment.condition(sql);
        for filter in &self.0 {
            sql.text(" AND ");
            // It was written before, when it was read.
            let _ = filter.write(sql);
        }
    }
}

/// The columns that `select` names, or all.
pub fn selected(columns: &Columns, select: Option<&str>) -> ApiResult<Vec<usize>> {
    let Some(select) = select else {
        return Ok((0..columns.0.len()).collect());
    };
    let mut places = Vec::new();
    for field in select.split(',') {
        let place = place(columns, "select", field)?;
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Ok(places)
}

pub fn place(columns: &Columns, name: &str, field: &str) -> ApiResult<usize> {
    columns.place(field).ok_or_else(|| {
        let fields: Vec<&str> = columns.fields().take(50).collect();
        invalid(
            name,
            &format!(
                "there is no field {:?}; there are {}",
                field.chars().take(64).collect::<String>(),
                fields.join(", ")
            ),
        )
    })
}

/// By which column, and which way; `None` is by the id of the record.
pub fn sorted(columns: &Columns, sort: Option<&str>) -> ApiResult<(Option<usize>, Direction)> {
    let Some(sort) = sort else {
        return Ok((None, Direction::Ascending));
    };
    let (field, direction) = match sort.strip_prefix('-') {
        Some(field) => (field, Direction::Descending),
        None => (sort, Direction::Ascending),
    };
    if field == "rid" {
        return Ok((None, direction));
    }
    let place = place(columns, "sort", field)?;
    let is_comparable = |column: &&Column| column.kind != ColumnType::Json;
    if columns.0.get(place).filter(is_comparable).is_none() {
        return Err(invalid("sort", "columns of type json have no order"));
    }
    Ok((Some(place), direction))
}
