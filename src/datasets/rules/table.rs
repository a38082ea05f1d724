//! Rules as constraints of the table. They hold for the rows that live, since versions before a
//! rule keep what they have.

use super::{ColumnRules, LONGEST_UNIQUE, Rule, RuleValue};
use crate::datasets::column::{Column, ColumnType, Columns, stored};
use crate::datasets::edit::as_text;
use crate::datasets::table::Table;
use crate::datasets::value::plain;
use crate::db::sql::Writer;

/// Those that PostgreSQL judges of one row as `check.rs` does. Regular expressions are others
/// there, and that values are unique is for an index.
const OF_A_ROW: [Rule; 5] = [
    Rule::Min,
    Rule::Max,
    Rule::MinLength,
    Rule::MaxLength,
    Rule::OneOf,
];

/// What constraints judge; the rest can change without them.
pub fn is_same(one: &Column, other: &Column) -> bool {
    let is_same = |rule: &Rule| rule.is_same(&one.rules, &other.rules);
    OF_A_ROW.iter().all(is_same) && is_indexed(one) == is_indexed(other)
}

/// Whether an index has the texts of the column, which bounds their length.
fn is_indexed(column: &Column) -> bool {
    column.rules.unique && column.kind == ColumnType::Text
}

/// Writes what a value keeps the rule by, and says whether the rule is one of a row.
pub fn condition(sql: &mut Writer<'_>, place: usize, column: &Column, rule: Rule) -> bool {
    let (kind, rules) = (column.kind, &column.rules);
    let stored = stored(place);
    match rule {
        Rule::Min => bound(sql, &stored, " >= ", kind, rules.min.as_ref()),
        Rule::Max => bound(sql, &stored, " <= ", kind, rules.max.as_ref()),
        Rule::MinLength => length(sql, &stored, " >= ", rules.min_length),
        Rule::MaxLength => length(sql, &stored, " <= ", rules.max_length),
        Rule::OneOf if !rules.one_of.is_empty() => {
            sql.ident(&stored).text(" IN (");
            sql.each(&rules.one_of, |sql, it| value(sql, kind, it));
            sql.text(")");
            true
        }
        Rule::Unique if is_indexed(column) => {
            sql.text("octet_length(").ident(&stored).text(") <= ");
            sql.literal(&LONGEST_UNIQUE.to_string());
            true
        }
        Rule::Pattern | Rule::OneOf | Rule::Unique => false,
    }
}

fn bound(
    sql: &mut Writer<'_>,
    column: &str,
    sign: &'static str,
    kind: ColumnType,
    bound: Option<&RuleValue>,
) -> bool {
    if let Some(bound) = bound {
        value(sql.ident(column).text(sign), kind, bound);
    }
    bound.is_some()
}

fn length(sql: &mut Writer<'_>, column: &str, sign: &'static str, length: Option<i64>) -> bool {
    if let Some(length) = length {
        sql.text("char_length(").ident(column).text(")").text(sign);
        sql.literal(&length.to_string());
    }
    length.is_some()
}

fn value(sql: &mut Writer<'_>, kind: ColumnType, RuleValue(value): &RuleValue) {
    // What it is was judged when the rule was made.
    let text = as_text(kind, value).unwrap_or_default();
    let text = plain(kind, &text).unwrap_or(text);
    sql.literal(&text).text("::").text(kind.sql());
}

fn has_constraint(column: &Column) -> bool {
    let is_set = |rule: &Rule| rule.is_set(&column.rules);
    OF_A_ROW.iter().any(is_set) || is_indexed(column)
}

/// Writes the constraint of a column that has one.
fn constraint(sql: &mut Writer<'_>, place: usize, column: &Column) {
    sql.text("CONSTRAINT ").ident(&constraint_name(place));
    sql.text(" CHECK (gone IS NOT NULL OR (");
    let rules = OF_A_ROW.into_iter().chain([Rule::Unique]);
    let is_set = |rule: &Rule| match rule {
        Rule::Unique => is_indexed(column),
        rule => rule.is_set(&column.rules),
    };
    for (at, rule) in rules.filter(is_set).enumerate() {
        sql.text(if at == 0 { "" } else { " AND " });
        condition(sql, place, column, rule);
    }
    sql.text("))");
}

fn constraint_name(place: usize) -> String {
    format!("rules_{}", stored(place))
}

/// The columns whose values are unique, by their places.
pub fn unique(columns: &Columns) -> impl Iterator<Item = usize> {
    let columns = columns.0.iter().enumerate();
    columns.filter_map(|(place, column)| column.rules.unique.then_some(place))
}

pub fn has_unique(columns: &Columns) -> bool {
    unique(columns).next().is_some()
}

/// Writes the constraints of a table that is made, each after a comma.
pub fn constraints(sql: &mut Writer<'_>, columns: &Columns) {
    for (place, column) in columns.0.iter().enumerate() {
        if has_constraint(column) {
            constraint(sql.text(", "), place, column);
        }
    }
}

/// How the names of indexes end that keep values apart.
const UNIQUE: &str = "_unique";

/// Whether it is such an index that refuses a record, and not the one of the key.
pub fn is_of_rule(index: Option<&str>) -> bool {
    index.is_some_and(|index| index.ends_with(UNIQUE))
}

impl Table {
    /// Writes the index that keeps the values of a column apart. No value is like no other.
    pub fn write_unique(self, sql: &mut Writer<'_>, place: usize) {
        sql.text("CREATE UNIQUE INDEX ")
            .ident(&self.index_of(place));
        self.name(sql.text(" ON "));
        sql.text(" (").ident(&stored(place));
        sql.text(") WHERE gone IS NULL");
    }

    fn index_of(self, place: usize) -> String {
        format!("g{}_{}{UNIQUE}", self.0, stored(place))
    }

    pub fn make_unique(self, place: usize) -> Writer<'static> {
        let mut sql = Writer::default();
        self.write_unique(&mut sql, place);
        sql
    }

    pub fn forget_unique(self, place: usize) -> Writer<'static> {
        let mut sql = Writer::default();
        sql.text("DROP INDEX IF EXISTS dataset_rows.");
        sql.ident(&self.index_of(place));
        sql
    }

    /// Puts the constraint of a column in the place of the one that there was. Its rows were looked
    /// at before, so that they are not looked at again while nobody can read.
    pub fn constrain(self, place: usize, column: &Column) -> Writer<'static> {
        let mut sql = Writer::default();
        self.name(sql.text("ALTER TABLE "));
        sql.text(" DROP CONSTRAINT IF EXISTS ");
        sql.ident(&constraint_name(place));
        if has_constraint(column) {
            constraint(sql.text(", ADD "), place, column);
            sql.text(" NOT VALID");
        }
        sql
    }
}

/// Those that were set, or are others than before.
pub fn added(before: &ColumnRules, after: &ColumnRules) -> impl Iterator<Item = Rule> {
    let is_added = |rule: &Rule| rule.is_set(after) && !rule.is_same(before, after);
    Rule::ALL.into_iter().filter(is_added)
}
