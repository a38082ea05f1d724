//! Rules as requests bring them: merge patches, which for a new dataset change no rules at all.

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};

use super::check::Checks;
use super::{ColumnRules, DatasetRules, Rule, RuleValue};
use crate::datasets::column::{Column, Columns};
use crate::datasets::edit::as_text;
use crate::datasets::pattern::compile_whole;
use crate::http::body::patch::Patch;
use crate::kernel::error::FieldError;
use crate::kernel::values::number;

/// The most values of one list.
const MOST_VALUES: usize = 1_000;
/// In bytes, all rules of a dataset as JSON: they are read with each request about it.
const HEAVIEST: usize = 128 << 10;

number! {
    /// How many characters a text has
    TextLength(i64): 0..=1_048_576;
    /// How many records there are
    RowCount(i64): 0..=1_000_000_000_000;
}

/// Rules of a column. Those that are left out stay as they are, and null removes one
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnRulesChanges {
    /// The least number, date or time, as records show it
    #[serde(default)]
    #[schema(value_type = Option<RuleValue>)]
    min: Patch<RuleValue>,
    /// The largest number, date or time, as records show it
    #[serde(default)]
    #[schema(value_type = Option<RuleValue>)]
    max: Patch<RuleValue>,
    /// How many characters a text has at least
    #[serde(default)]
    #[schema(value_type = Option<TextLength>)]
    min_length: Patch<TextLength>,
    /// How many characters a text has at most
    #[serde(default)]
    #[schema(value_type = Option<TextLength>)]
    max_length: Patch<TextLength>,
    /// A regular expression that a text matches as a whole, of at most 1,000 characters
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pattern: Patch<String>,
    /// All values that there can be, at most 1,000
    #[serde(default)]
    #[schema(value_type = Option<Vec<RuleValue>>)]
    one_of: Patch<Vec<RuleValue>>,
    /// Whether no two records have the same value. A text is then at most 2,600 bytes long
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    unique: Patch<bool>,
}

/// Changes to a column
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnChanges {
    /// Null removes all of them
    #[serde(default)]
    #[schema(value_type = Option<ColumnRulesChanges>)]
    rules: Patch<ColumnRulesChanges>,
}

/// Rules of a dataset. Those that are left out stay as they are, and null removes one
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetRulesChanges {
    /// How many records there are at least
    #[serde(default)]
    #[schema(value_type = Option<RowCount>)]
    rows_min: Patch<RowCount>,
    /// How many records there are at most
    #[serde(default)]
    #[schema(value_type = Option<RowCount>)]
    rows_max: Patch<RowCount>,
    #[serde(default)]
    #[schema(schema_with = shares, required = false)]
    null_share_max: Patch<BTreeMap<String, Option<f64>>>,
}

/// How the document describes shares.
fn shares() -> Schema {
    let share = ObjectBuilder::new()
        .schema_type(SchemaType::Array(vec![Type::Number, Type::Null]))
        .minimum(Some(0))
        .maximum(Some(1));
    let shares = ObjectBuilder::new()
        .schema_type(SchemaType::Array(vec![Type::Object, Type::Null]))
        .description(Some(
            "By fields, the largest share of the records that may have no value there. Null removes that of a field, or all of them",
        ))
        .additional_properties(Some(share));
    Schema::Object(shares.build())
}

fn change<T, U>(slot: &mut Option<U>, patch: &Patch<T>, of: impl Fn(&T) -> U) {
    match patch {
        Patch::Absent => {}
        Patch::Null => *slot = None,
        Patch::Value(value) => *slot = Some(of(value)),
    }
}

impl ColumnRulesChanges {
    /// The rules as they are afterwards.
    pub fn applied(&self, to: &ColumnRules) -> ColumnRules {
        let mut rules = to.clone();
        change(&mut rules.min, &self.min, RuleValue::clone);
        change(&mut rules.max, &self.max, RuleValue::clone);
        change(&mut rules.min_length, &self.min_length, |it| it.get());
        change(&mut rules.max_length, &self.max_length, |it| it.get());
        change(&mut rules.pattern, &self.pattern, String::clone);
        match &self.one_of {
            Patch::Absent => {}
            Patch::Null => rules.one_of.clear(),
            Patch::Value(values) => rules.one_of.clone_from(values),
        }
        match self.unique {
            Patch::Absent => {}
            Patch::Null => rules.unique = false,
            Patch::Value(unique) => rules.unique = unique,
        }
        rules
    }

    /// What no record could be judged by, below `pointer`.
    pub fn judge(&self, column: &Column, pointer: &str, errors: &mut Vec<FieldError>) {
        let found = errors.len();
        let mut wrong = |member: &str, detail: String| {
            errors.push(mistake(
                format!("{pointer}/{member}"),
                "invalid-value",
                detail,
            ));
        };
        let (kind, rules) = (column.kind, &column.rules);
        for rule in Rule::ALL {
            if rule.is_set(rules) && !rule.is_for(kind) {
                let fit = Rule::ALL.into_iter().filter(|rule| rule.is_for(kind));
                let fit: Vec<&str> = fit.map(Rule::member).collect();
                let type_ = kind.as_str();
                let detail = match fit.is_empty() {
                    true => format!("a column of the type {type_} has no rules"),
                    false => format!("a column of the type {type_} has only {}", fit.join(", ")),
                };
                wrong(rule.member(), detail);
            }
        }
        for (member, value) in [("min", &rules.min), ("max", &rules.max)] {
            if let Some(RuleValue(value)) = value
                && let Err(expected) = as_text(kind, value)
                && Rule::Min.is_for(kind)
            {
                wrong(member, format!("expected {expected}"));
            }
        }
        if let Patch::Value(values) = &self.one_of {
            if values.is_empty() {
                wrong("one_of", "expected at least one value".to_owned());
            } else if values.len() > MOST_VALUES {
                wrong("one_of", format!("expected at most {MOST_VALUES} values"));
            } else if Rule::OneOf.is_for(kind) {
                for (at, RuleValue(value)) in values.iter().enumerate() {
                    if let Err(expected) = as_text(kind, value) {
                        wrong(&format!("one_of/{at}"), format!("expected {expected}"));
                    }
                }
            }
        }
        if let Some(pattern) = &rules.pattern
            && let Err(expected) = compile_whole(pattern)
        {
            wrong("pattern", expected);
        }
        if let (Some(least), Some(most)) = (rules.min_length, rules.max_length)
            && least > most
        {
            let detail = format!("expected at least min_length, which is {least}");
            wrong("max_length", detail);
        }
        if errors.len() == found
            && let Some(least) = &rules.min
            && is_below(column)
        {
            let detail = format!("expected at least min, which is {}", least.0);
            errors.push(mistake(format!("{pointer}/max"), "invalid-value", detail));
        }
    }
}

/// Whether nothing can be as large as the least and as small as the most.
fn is_below(column: &Column) -> bool {
    let Some(RuleValue(most)) = &column.rules.max else {
        return false;
    };
    let mut least_alone = column.clone();
    least_alone.rules.max = None;
    least_alone.rules.one_of.clear();
    let judge = Checks::of(&Columns(vec![least_alone]));
    let most = as_text(column.kind, most);
    let (Ok(judge), Ok(most)) = (judge, most) else {
        return false;
    };
    judge.value(0, &most).is_some()
}

impl ColumnChanges {
    /// Changes the rules of the column; what is wrong with them is named below `pointer`.
    pub fn apply(&self, to: &mut Column, pointer: &str, errors: &mut Vec<FieldError>) {
        match &self.rules {
            Patch::Absent => {}
            Patch::Null => to.rules = ColumnRules::default(),
            Patch::Value(changes) => {
                to.rules = changes.applied(&to.rules);
                changes.judge(to, &format!("{pointer}/rules"), errors);
            }
        }
    }
}

impl DatasetRulesChanges {
    /// Changes the rules; what is wrong with them is named.
    pub fn apply(&self, to: &mut DatasetRules, columns: &Columns, errors: &mut Vec<FieldError>) {
        change(&mut to.rows_min, &self.rows_min, |it| it.get());
        change(&mut to.rows_max, &self.rows_max, |it| it.get());
        if let (Some(least), Some(most)) = (to.rows_min, to.rows_max)
            && least > most
        {
            let detail = format!("expected at least rows_min, which is {least}");
            errors.push(mistake(
                "/rules/rows_max".to_owned(),
                "invalid-value",
                detail,
            ));
        }
        let shares = match &self.null_share_max {
            Patch::Absent => return,
            Patch::Null => return to.null_share_max.clear(),
            Patch::Value(shares) => shares,
        };
        for (name, share) in shares {
            let pointer = || {
                let name = name.replace('~', "~0").replace('/', "~1");
                format!("/rules/null_share_max/{name}")
            };
            let named = columns.0.iter().find(|column| column.name == *name);
            let Some(column) = columns.find(name).map(|(column, _)| column).or(named) else {
                let detail = "no column of the dataset is called so".to_owned();
                errors.push(mistake(pointer(), "unknown-field", detail));
                continue;
            };
            match share {
                None => {
                    to.null_share_max.remove(&column.field);
                }
                Some(share) if (0.0..=1.0).contains(share) => {
                    to.null_share_max.insert(column.field.clone(), *share);
                }
                Some(_) => {
                    let detail = "expected a share from 0 to 1".to_owned();
                    errors.push(mistake(pointer(), "invalid-value", detail));
                }
            }
        }
    }
}

/// Names rules that are more than a dataset has.
pub fn weigh(columns: &Columns, rules: &DatasetRules, errors: &mut Vec<FieldError>) {
    if !errors.is_empty() {
        return;
    }
    let of_columns = columns.0.iter().map(|column| &column.rules);
    let of_columns = of_columns.filter(|rules| !rules.is_empty());
    let mut weight = serde_json::to_vec(rules).map_or(0, |json| json.len());
    for rules in of_columns {
        weight += serde_json::to_vec(rules).map_or(0, |json| json.len());
    }
    if weight > HEAVIEST {
        let detail = "the rules of a dataset take at most 128 KiB together, as JSON".to_owned();
        errors.push(mistake("/columns".to_owned(), "too-long", detail));
    }
}

fn mistake(pointer: String, code: &'static str, detail: String) -> FieldError {
    FieldError {
        pointer,
        code: code.into(),
        detail,
    }
}
