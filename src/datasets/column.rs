//! The columns of a dataset: what they are called, what they hold, and where they stand in the
//! database. There a column is `c1`, `c2`, ..: no text of a user names anything.

use std::collections::HashSet;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rules::ColumnRules;
use super::rules::declare::ColumnRulesChanges;
use crate::db::filter::Kind;
use crate::kernel::types::words;
use crate::kernel::values::text;

/// The most columns of a dataset.
pub const MOST_COLUMNS: usize = 500;
/// PostgreSQL cuts what is longer.
const LONGEST_FIELD: usize = 63;
/// What queries say besides fields.
const RESERVED: [&str; 19] = [
    "rid", "limit", "cursor", "count", "sort", "select", "version", "format", "group_by",
    "measures", "by", "groups", "period", "at", "base", "agg", "q", "from", "to",
];

words! {
    /// What the values of a column are. `int` is a number in JSON, which holds whole numbers up to
    /// 9007199254740991 exactly; `bigint` and `decimal` are texts there
    ColumnType {
        Text = "text",
        Int = "int",
        Bigint = "bigint",
        Float64 = "float64",
        Decimal = "decimal",
        Bool = "bool",
        Date = "date",
        Timestamp = "timestamp",
        /// Whole numbers from one to another, such as `25-34`, `75+` and `under 15`
        IntRange = "int_range",
        Json = "json",
    }
}

impl ColumnType {
    /// The type of the column in the database.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Int | Self::Bigint => "bigint",
            Self::Float64 => "double precision",
            Self::Decimal => "numeric",
            Self::Bool => "boolean",
            Self::Date => "date",
            Self::Timestamp => "timestamp with time zone",
            Self::IntRange => "int8range",
            Self::Json => "jsonb",
        }
    }

    /// How filters compare its values; `None` where they cannot.
    pub fn compared_as(self) -> Option<Kind> {
        Some(match self {
            Self::Text => Kind::Text,
            Self::Int | Self::Bigint => Kind::Int,
            Self::Float64 => Kind::Float,
            Self::Decimal => Kind::Decimal,
            Self::Bool => Kind::Bool,
            Self::Date => Kind::Date,
            Self::Timestamp => Kind::Time,
            Self::IntRange | Self::Json => return None,
        })
    }

    /// Whether sums and means make sense.
    pub fn is_number(self) -> bool {
        matches!(
            self,
            Self::Int | Self::Bigint | Self::Float64 | Self::Decimal
        )
    }
}

text! {
    /// What a file calls the column
    ColumnName: 1..=200, no_control, trimmed;
    /// What the column says
    ColumnDescription: 0..=2_000;
    /// What a number of the column counts, such as `USD` or `km`
    Unit: 0..=50, no_control;
}

/// A column of a dataset
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Column {
    /// What files call it
    pub name: String,
    /// What URLs and records call it
    pub field: String,
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Whether a record may have no value in it
    pub nullable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<String>,
    /// What its values have to be; left out where they have to be nothing
    #[serde(default, skip_serializing_if = "ColumnRules::is_empty")]
    #[schema(required = false)]
    pub rules: ColumnRules,
}

/// A column of a new dataset
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewColumn {
    pub name: ColumnName,
    /// What URLs and records call it: lower-case letters, digits and `_`, at most 63. Made of the
    /// name unless told
    #[serde(default)]
    #[schema(pattern = "^[a-z][a-z0-9_]*$", max_length = 63, nullable = false)]
    pub field: Option<String>,
    #[serde(rename = "type")]
    pub kind: ColumnType,
    #[serde(default = "yes")]
    #[schema(required = false, default = true)]
    pub nullable: bool,
    #[serde(default)]
    #[schema(nullable = false)]
    pub unit: Option<Unit>,
    #[serde(default)]
    #[schema(nullable = false)]
    pub description: Option<ColumnDescription>,
    /// What its values have to be
    #[serde(default)]
    #[schema(required = false)]
    pub rules: ColumnRulesChanges,
}

fn yes() -> bool {
    true
}

/// All columns of a dataset, in order, as a column of the database.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, AsExpression, FromSqlRow, Serialize, Deserialize,
)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
pub struct Columns(pub Vec<Column>);

impl FromSql<Jsonb, Pg> for Columns {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        let value = <serde_json::Value as FromSql<Jsonb, Pg>>::from_sql(bytes)?;
        Ok(Self(serde_json::from_value(value)?))
    }
}

impl ToSql<Jsonb, Pg> for Columns {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let value = serde_json::to_value(&self.0)?;
        <serde_json::Value as ToSql<Jsonb, Pg>>::to_sql(&value, &mut out.reborrow())
    }
}

impl Columns {
    /// The place of the column that a URL or a record calls `field`, counted from 0.
    pub fn place(&self, field: &str) -> Option<usize> {
        self.0.iter().position(|column| column.field == field)
    }

    /// The place of the column with this name, or else with this field.
    pub fn called(&self, name: &str) -> Option<usize> {
        let named = self.0.iter().position(|column| column.name == name);
        named.or_else(|| self.place(name))
    }

    /// The column, and what the database calls it.
    pub fn find(&self, field: &str) -> Option<(&Column, String)> {
        let place = self.place(field)?;
        Some((self.0.get(place)?, stored(place)))
    }

    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|column| column.field.as_str())
    }
}

/// What the database calls the column at a place that is counted from 0.
pub fn stored(place: usize) -> String {
    format!("c{}", place + 1)
}

/// Why declared columns cannot be: the place of one, which of its members, and what is wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct WrongColumn {
    pub place: usize,
    pub member: &'static str,
    pub code: &'static str,
    pub detail: String,
}

/// Columns with a field each.
pub fn declared(new: Vec<NewColumn>) -> Result<Columns, WrongColumn> {
    let mut taken: HashSet<String> = HashSet::new();
    let mut names = HashSet::new();
    for (place, column) in new.iter().enumerate() {
        let wrong = |member, code, detail: &str| WrongColumn {
            place,
            member,
            code,
            detail: detail.to_owned(),
        };
        if !names.insert(column.name.as_str()) {
            let detail = "another column has this name";
            return Err(wrong("name", "duplicate", detail));
        }
        let Some(field) = &column.field else { continue };
        if !is_field(field) {
            return Err(wrong(
                "field",
                "invalid-value",
                "a field begins with a lower-case letter and has lower-case letters, digits and single `_`; words that queries use are taken",
            ));
        }
        if !taken.insert(field.clone()) {
            return Err(wrong("field", "duplicate", "another column has this field"));
        }
    }
    let columns = new.into_iter().map(|column| {
        let field = match column.field {
            Some(field) => field,
            None => free(&field_of(column.name.as_str()), &mut taken),
        };
        Column {
            name: column.name.into(),
            field,
            kind: column.kind,
            nullable: column.nullable,
            unit: column.unit.map(String::from),
            description: column.description.map(String::from),
            rules: column.rules.applied(&ColumnRules::default()),
        }
    });
    Ok(Columns(columns.collect()))
}

/// Columns of a file, by their names there.
pub fn of_file(found: impl IntoIterator<Item = (String, ColumnType)>) -> Columns {
    let mut taken = HashSet::new();
    let columns = found.into_iter().map(|(name, kind)| Column {
        field: free(&field_of(&name), &mut taken),
        name,
        kind,
        nullable: true,
        unit: None,
        description: None,
        rules: ColumnRules::default(),
    });
    Columns(columns.collect())
}

fn is_field(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.len() <= LONGEST_FIELD
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(is_inner)
        && !text.contains("__")
        && !RESERVED.contains(&text)
}

/// The letters and digits of a name, with `_` for what is between them.
fn field_of(name: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    let mut field = String::new();
    for c in name.nfkd().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            field.push(c);
        } else if !unicode_normalization::char::is_combining_mark(c)
            && !field.is_empty()
            && !field.ends_with('_')
        {
            field.push('_');
        }
    }
    let mut field = field.trim_end_matches('_').to_owned();
    if !field.starts_with(|c: char| c.is_ascii_lowercase()) {
        field = format!("c_{field}").trim_end_matches('_').to_owned();
    }
    // Room for what tells it from another.
    field.truncate(LONGEST_FIELD - 5);
    field.trim_end_matches('_').to_owned()
}

fn free(field: &str, taken: &mut HashSet<String>) -> String {
    let mut candidate = field.to_owned();
    let mut number = 2_u32;
    while RESERVED.contains(&candidate.as_str()) || !taken.insert(candidate.clone()) {
        candidate = format!("{field}_{number}");
        number += 1;
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_made_of_a_name_and_is_alone() {
        let names = [
            "Income (2019 dollars)",
            "Année",
            "limit",
            "2019",
            "a b",
            "A-B",
            "日本",
            "",
            "race",
        ];
        let found = names.map(|name| (name.to_owned(), ColumnType::Text));
        let columns = of_file(found);
        let fields: Vec<_> = columns.fields().collect();
        assert_eq!(
            fields,
            [
                "income_2019_dollars",
                "annee",
                "limit_2",
                "c_2019",
                "a_b",
                "a_b_2",
                "c",
                "c_2",
                "race"
            ]
        );
        assert!(columns.fields().all(is_field));
        assert_eq!(columns.find("race").unwrap().1, "c9");
        assert!(columns.find("Race").is_none());
    }

    #[test]
    fn a_declared_field_is_kept_or_refused() {
        let new = |name: &str, field: Option<&str>| NewColumn {
            name: serde_json::from_value(name.into()).unwrap(),
            field: field.map(str::to_owned),
            kind: ColumnType::Int,
            nullable: true,
            unit: None,
            description: None,
            rules: ColumnRulesChanges::default(),
        };
        let columns = declared(vec![new("a", None), new("b", Some("a"))]).unwrap();
        assert_eq!(columns.fields().collect::<Vec<_>>(), ["a_2", "a"]);
        for bad in [
            "A",
            "a__b",
            "1a",
            "limit",
            "",
            "a-b",
            "rid",
            &"a".repeat(64),
        ] {
            let wrong = declared(vec![new("a", None), new("b", Some(bad))]).unwrap_err();
            assert_eq!((wrong.place, wrong.member), (1, "field"), "{bad}");
        }
        let twice = declared(vec![new("a", Some("x")), new("b", Some("x"))]).unwrap_err();
        assert_eq!((twice.place, twice.code), (1, "duplicate"));
        let twice = declared(vec![new("a", None), new("a", None)]).unwrap_err();
        assert_eq!((twice.place, twice.member), (1, "name"));
    }

    #[test]
    fn long_names_make_fields_that_are_told_apart() {
        let names = ["x".repeat(200), format!("{}y", "x".repeat(199))];
        let columns = of_file(names.map(|name| (name, ColumnType::Text)));
        assert!(columns.fields().all(is_field));
        assert_ne!(columns.0[0].field, columns.0[1].field);
    }
}
