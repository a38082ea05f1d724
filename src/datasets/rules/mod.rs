//! Rules: what the values of a column, and the records of a dataset together, have to be. A record
//! that breaks one is not taken, whichever way it comes, and neither is a change after which the
//! dataset would break one.
//!
//! They are judged while a file is read (`check.rs`), and stand in the table as constraints where
//! PostgreSQL can say the same (`table.rs`). What only all records show is asked in SQL, while
//! nobody else changes the dataset (`unique.rs`, `whole.rs`).

pub mod change;
pub mod check;
pub mod declare;
pub mod table;
pub mod unique;
pub mod whole;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use super::column::ColumnType;

/// The kind of mistake, as errors name it.
pub const TOO_SMALL: &str = "too-small";
pub const TOO_LARGE: &str = "too-large";
pub const TOO_SHORT: &str = "too-short";
pub const TOO_LONG: &str = "too-long";
pub const NO_MATCH: &str = "no-match";
pub const NOT_ONE_OF: &str = "not-one-of";
pub const NOT_UNIQUE: &str = "not-unique";
pub const TOO_FEW_ROWS: &str = "too-few-rows";
pub const TOO_MANY_ROWS: &str = "too-many-rows";
pub const TOO_MANY_NULLS: &str = "too-many-nulls";

/// In bytes, since an index takes no longer one.
pub const LONGEST_UNIQUE: usize = 2_600;

/// A value of a column, as records show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleValue(pub Value);

impl PartialSchema for RuleValue {
    fn schema() -> RefOr<Schema> {
        let kinds = [Type::String, Type::Number, Type::Boolean];
        ObjectBuilder::new()
            .schema_type(SchemaType::Array(kinds.into()))
            .description(Some("A value as records of the dataset show it"))
            .into()
    }
}

impl ToSchema for RuleValue {}

/// What the values of a column have to be. No value at all breaks none of them
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ColumnRules {
    /// The least number, date or time
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub min: Option<RuleValue>,
    /// The largest number, date or time
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub max: Option<RuleValue>,
    /// How many characters a text has at least
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub min_length: Option<i64>,
    /// How many characters a text has at most
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub max_length: Option<i64>,
    /// What a text matches as a whole
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pattern: Option<String>,
    /// All values that there can be
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub one_of: Vec<RuleValue>,
    /// Whether no two records have the same value
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub unique: bool,
}

/// What the records of a dataset have to be together
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DatasetRules {
    /// How many records there are at least
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rows_min: Option<i64>,
    /// How many records there are at most
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rows_max: Option<i64>,
    /// By fields, the largest share of the records that may have no value there: 0.05 is one in 20
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    pub null_share_max: BTreeMap<String, f64>,
}

impl ColumnRules {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// About how many bytes they take.
    pub fn weight(&self) -> usize {
        let values = self.one_of.iter().chain(&self.min).chain(&self.max);
        let of_value = |value: &RuleValue| value.0.as_str().map_or(16, str::len);
        values.map(of_value).sum::<usize>() + self.pattern.as_ref().map_or(0, String::len)
    }
}

impl DatasetRules {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a rule is about, as JSON names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    Min,
    Max,
    MinLength,
    MaxLength,
    Pattern,
    OneOf,
    Unique,
}

impl Rule {
    pub const ALL: [Self; 7] = [
        Self::Min,
        Self::Max,
        Self::MinLength,
        Self::MaxLength,
        Self::Pattern,
        Self::OneOf,
        Self::Unique,
    ];

    /// The member of the rules.
    pub fn member(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
            Self::MinLength => "min_length",
            Self::MaxLength => "max_length",
            Self::Pattern => "pattern",
            Self::OneOf => "one_of",
            Self::Unique => "unique",
        }
    }

    /// What a value is called that breaks it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Min => TOO_SMALL,
            Self::Max => TOO_LARGE,
            Self::MinLength => TOO_SHORT,
            Self::MaxLength => TOO_LONG,
            Self::Pattern => NO_MATCH,
            Self::OneOf => NOT_ONE_OF,
            Self::Unique => NOT_UNIQUE,
        }
    }

    /// Whether a column of the type can have it.
    pub fn is_for(self, kind: ColumnType) -> bool {
        match self {
            Self::Min | Self::Max => {
                kind.is_number() || matches!(kind, ColumnType::Date | ColumnType::Timestamp)
            }
            Self::MinLength | Self::MaxLength | Self::Pattern => kind == ColumnType::Text,
            Self::OneOf | Self::Unique => kind != ColumnType::Json,
        }
    }

    /// Whether the two say the same of it.
    pub fn is_same(self, one: &ColumnRules, other: &ColumnRules) -> bool {
        match self {
            Self::Min => one.min == other.min,
            Self::Max => one.max == other.max,
            Self::MinLength => one.min_length == other.min_length,
            Self::MaxLength => one.max_length == other.max_length,
            Self::Pattern => one.pattern == other.pattern,
            Self::OneOf => one.one_of == other.one_of,
            Self::Unique => one.unique == other.unique,
        }
    }

    pub fn is_set(self, rules: &ColumnRules) -> bool {
        !self.is_same(rules, &ColumnRules::default())
    }

    /// What a value has to be, for people.
    pub fn expected(self, rules: &ColumnRules) -> String {
        let value =
            |value: &Option<RuleValue>| value.as_ref().map_or(Value::Null, |it| it.0.clone());
        match self {
            Self::Min => format!("expected at least {}", value(&rules.min)),
            Self::Max => format!("expected at most {}", value(&rules.max)),
            Self::MinLength => {
                let least = rules.min_length.unwrap_or_default();
                format!("expected at least {least} characters")
            }
            Self::MaxLength => {
                let most = rules.max_length.unwrap_or_default();
                format!("expected at most {most} characters")
            }
            Self::Pattern => {
                let pattern = rules.pattern.as_deref().unwrap_or_default();
                format!("expected a text that matches {pattern}")
            }
            Self::OneOf => {
                let some: Vec<String> = rules
                    .one_of
                    .iter()
                    .take(20)
                    .map(|it| it.0.to_string())
                    .collect();
                let more = if rules.one_of.len() > some.len() {
                    ", .."
                } else {
                    ""
                };
                format!("expected one of {}{more}", some.join(", "))
            }
            Self::Unique => "expected a value that no other record has".to_owned(),
        }
    }
}
