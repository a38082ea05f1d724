//! Conditions on columns whose types are known when a request comes, as the filters of a URL say
//! them.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::serialize::ToSql;
use diesel::sql_types::{
    Array, BigInt, Bool, Date, Double, HasSqlType, SingleValue, Text, Timestamptz,
};

use super::sql::Writer;
use crate::kernel::types::is_usual;

/// What a column has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Int,
    Float,
    Decimal,
    Bool,
    Date,
    Time,
    Uuid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Is,
    /// Also what has no value, so that a filter and its opposite show every row.
    IsNot,
    Less,
    AtMost,
    More,
    AtLeast,
    /// One of several, with commas between them.
    In,
    /// Letter by letter, as `StartsWith`.
    Contains,
    StartsWith,
    /// `true` or `false`.
    IsNull,
}

impl Kind {
    pub fn has(self, operator: Operator) -> bool {
        match operator {
            Operator::Is | Operator::IsNot | Operator::IsNull => true,
            Operator::In => self != Self::Bool,
            Operator::Contains | Operator::StartsWith => self == Self::Text,
            Operator::Less | Operator::AtMost | Operator::More | Operator::AtLeast => {
                !matches!(self, Self::Bool | Self::Uuid)
            }
        }
    }

    /// How its values are written, for whoever wrote something else.
    pub fn expected(self) -> &'static str {
        match self {
            Self::Text => "a text without U+0000",
            Self::Int => "a whole number of at most 64 bits",
            Self::Float => "a number",
            Self::Decimal => "a decimal number of at most 1,000 characters",
            Self::Bool => "true or false",
            Self::Date => "a date such as 2026-11-29",
            Self::Time => "a time such as 2026-11-29T21:00:00Z",
            Self::Uuid => "a UUID",
        }
    }

    /// Writes the condition, or nothing. The error says what it takes instead of `value`.
    pub fn condition(
        self,
        sql: &mut Writer<'_>,
        column: &str,
        operator: Operator,
        value: &str,
    ) -> Result<(), &'static str> {
        if !self.has(operator) {
            return Err("another operator");
        }
        let (before, between, after) = match operator {
            Operator::IsNull => {
                let sign = match value {
                    "true" => " IS NULL",
                    "false" => " IS NOT NULL",
                    _ => return Err(Self::Bool.expected()),
                };
                sql.ident(column).text(sign);
                return Ok(());
            }
            Operator::Is => ("", " = ", ""),
            Operator::IsNot => ("", " IS DISTINCT FROM ", ""),
            Operator::Less => ("", " < ", ""),
            Operator::AtMost => ("", " <= ", ""),
            Operator::More => ("", " > ", ""),
            Operator::AtLeast => ("", " >= ", ""),
            Operator::In => ("", " = ANY (", ")"),
            Operator::Contains => ("strpos(", ", ", ") > 0"),
            Operator::StartsWith => ("starts_with(", ", ", ")"),
        };
        let condition = Condition {
            column,
            pieces: [before, between, after],
            is_list: operator == Operator::In,
            value,
        };
        self.write(sql, &condition).ok_or(self.expected())
    }

    fn write(self, sql: &mut Writer<'_>, condition: &Condition<'_>) -> Option<()> {
        match self {
            Self::Text => condition.write::<Text, _>(sql, "", |text| {
                (!text.contains('\0')).then(|| text.to_owned())
            }),
            Self::Int => condition.write::<BigInt, i64>(sql, "", |text| text.parse().ok()),
            Self::Float => condition.write::<Double, f64>(sql, "", |text| {
                text.parse().ok().filter(|number: &f64| number.is_finite())
            }),
            Self::Decimal => {
                let cast = match condition.is_list {
                    true => "::numeric[]",
                    false => "::numeric",
                };
                condition
                    .write::<Text, _>(sql, cast, |text| is_decimal(text).then(|| text.to_owned()))
            }
            Self::Bool => condition.write::<Bool, bool>(sql, "", |text| text.parse().ok()),
            Self::Date => condition.write::<Date, NaiveDate>(sql, "", |text| {
                let date: NaiveDate = text.parse().ok()?;
                (1..=9999).contains(&date.year()).then_some(date)
            }),
            Self::Time => condition.write::<Timestamptz, DateTime<Utc>>(sql, "", |text| {
                let time = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
                is_usual(time).then_some(time)
            }),
            Self::Uuid => condition
                .write::<diesel::sql_types::Uuid, uuid::Uuid>(sql, "", |text| text.parse().ok()),
        }
    }
}

struct Condition<'a> {
    column: &'a str,
    pieces: [&'static str; 3],
    is_list: bool,
    value: &'a str,
}

impl Condition<'_> {
    /// Writes all of it, or nothing where a value cannot be read. A list is one parameter, so the
    /// text is the same however many there are.
    fn write<T, V>(
        &self,
        sql: &mut Writer<'_>,
        cast: &'static str,
        read: impl Fn(&str) -> Option<V>,
    ) -> Option<()>
    where
        T: SingleValue + 'static,
        V: ToSql<T, Pg> + Send + 'static,
        Vec<V>: ToSql<Array<T>, Pg>,
        Pg: HasSqlType<T> + HasSqlType<Array<T>>,
    {
        let [before, between, after] = self.pieces;
        if self.is_list {
            let values: Vec<V> = self.value.split(',').map(read).collect::<Option<_>>()?;
            sql.text(before).ident(self.column).text(between);
            sql.value::<Array<T>, _>(values);
        } else {
            let value = read(self.value)?;
            sql.text(before).ident(self.column).text(between);
            sql.value::<T, _>(value);
        }
        sql.text(cast).text(after);
        Some(())
    }
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.len() <= 1000 && is_number(whole) && is_number(part)
}
