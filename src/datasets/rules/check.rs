//! Judges values as binary `COPY` has them: each is compared with what the rules say, in the same
//! form, and nothing is read twice. PostgreSQL judges the same of the same bytes.

use std::cmp::Ordering;
use std::collections::HashSet;

use regex::Regex;

use super::{ColumnRules, LONGEST_UNIQUE, Rule, RuleValue};
use crate::datasets::column::{ColumnType, Columns};
use crate::datasets::edit::as_text;
use crate::datasets::pattern::compile_whole;
use crate::datasets::value::is_value;

/// What is said of a text that no index takes.
pub const LONGER_THAN_AN_INDEX_TAKES: &str =
    "expected a text of at most 2600 bytes, as the column is unique";

/// Those of the columns that have rules, in the order of the columns.
#[derive(Clone, Debug, Default)]
pub struct Checks(Vec<Check>);

#[derive(Clone, Debug)]
struct Check {
    place: usize,
    kind: ColumnType,
    min: Option<Vec<u8>>,
    max: Option<Vec<u8>>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    pattern: Option<Regex>,
    one_of: HashSet<Vec<u8>>,
    /// Whether an index has the texts of the column.
    is_indexed: bool,
}

impl Checks {
    pub fn of(columns: &Columns) -> Result<Self, String> {
        let columns = columns.0.iter().enumerate();
        let ruled = columns.filter(|(_, column)| !column.rules.is_empty());
        let checks = ruled.map(|(place, column)| Check::of(place, column.kind, &column.rules));
        Ok(Self(checks.collect::<Result<_, _>>()?))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells each column of a row whose value breaks a rule, and which. `row` has the values of all
    /// columns, each with its length before it.
    pub fn row(&self, row: &[u8], mut broken: impl FnMut(usize, Broken)) {
        let mut fields = fields(row).enumerate();
        for check in &self.0 {
            let field = fields.find(|(place, _)| *place == check.place);
            if let Some((_, Some(value))) = field
                && let Some(rule) = check.broken(value)
            {
                broken(check.place, rule);
            }
        }
    }

    /// The rule that a value breaks, which is one of the type of its column.
    pub fn value(&self, place: usize, text: &str) -> Option<Broken> {
        let check = self.0.iter().find(|check| check.place == place)?;
        let mut bytes = Vec::new();
        is_value(check.kind, text, &mut bytes).then_some(())?;
        check.broken(&bytes)
    }
}

/// What a value is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    Rule(Rule),
    /// It is too long for the index that keeps values apart.
    Index,
}

impl Broken {
    pub fn code(self) -> &'static str {
        match self {
            Self::Rule(rule) => rule.code(),
            Self::Index => super::TOO_LONG,
        }
    }

    pub fn expected(self, rules: &ColumnRules) -> String {
        match self {
            Self::Rule(rule) => rule.expected(rules),
            Self::Index => LONGER_THAN_AN_INDEX_TAKES.to_owned(),
        }
    }
}

/// The values of a row; `None` is no value.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(i32::from_be_bytes(*length)).ok();
        let (value, after) = after.split_at_checked(length.unwrap_or(0))?;
        rest = after;
        Some(length.map(|_| value))
    })
}

impl Check {
    fn of(place: usize, kind: ColumnType, rules: &ColumnRules) -> Result<Self, String> {
        let bound = |value: &Option<RuleValue>| {
            let bound = value.as_ref().map(|value| encoded(kind, value));
            bound.transpose()
        };
        let length = |length: Option<i64>| length.and_then(|length| usize::try_from(length).ok());
        let one_of = rules.one_of.iter().map(|value| {
            let mut value = encoded(kind, value)?;
            make_canonical(kind, &mut value);
            Ok(value)
        });
        Ok(Self {
            place,
            kind,
            min: bound(&rules.min)?,
            max: bound(&rules.max)?,
            min_length: length(rules.min_length),
            max_length: length(rules.max_length),
            pattern: rules.pattern.as_deref().map(compile_whole).transpose()?,
            one_of: one_of.collect::<Result<_, String>>()?,
            is_indexed: rules.unique && kind == ColumnType::Text,
        })
    }

    fn broken(&self, value: &[u8]) -> Option<Broken> {
        let Self { kind, .. } = self;
        let is = |bound: &Option<Vec<u8>>, order: Ordering| {
            let bound = bound.as_ref();
            bound.is_some_and(|bound| compare(*kind, value, bound) == order)
        };
        let broken = if is(&self.min, Ordering::Less) {
            Rule::Min
        } else if is(&self.max, Ordering::Greater) {
            Rule::Max
        } else if self
            .min_length
            .is_some_and(|least| characters(value) < least)
        {
            Rule::MinLength
        } else if self.max_length.is_some_and(|most| characters(value) > most) {
            Rule::MaxLength
        } else if self
            .pattern
            .as_ref()
            .is_some_and(|pattern| !matches(pattern, value))
        {
            Rule::Pattern
        } else if !self.one_of.is_empty() && !self.is_one_of(value) {
            Rule::OneOf
        } else if self.is_indexed && value.len() > LONGEST_UNIQUE {
            return Some(Broken::Index);
        } else {
            return None;
        };
        Some(Broken::Rule(broken))
    }

    fn is_one_of(&self, value: &[u8]) -> bool {
        match self.kind {
            ColumnType::Float64 | ColumnType::Decimal => {
                let mut value = value.to_vec();
                make_canonical(self.kind, &mut value);
                self.one_of.contains(&value)
            }
            _ => self.one_of.contains(value),
        }
    }
}

/// A value that a rule names, as `COPY` has it.
fn encoded(kind: ColumnType, value: &RuleValue) -> Result<Vec<u8>, String> {
    let text = as_text(kind, &value.0)?;
    let mut bytes = Vec::new();
    match is_value(kind, &text, &mut bytes) {
        true => Ok(bytes),
        false => Err(format!("{text:?} is no value of the column")),
    }
}

fn matches(pattern: &Regex, value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok_and(|text| pattern.is_match(text))
}

/// How many characters a text has. All bytes of one but its first begin with the bits 10.
fn characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// Equal values have the same bytes afterwards: zero has a sign, and a decimal number says how many
/// digits to show.
fn make_canonical(kind: ColumnType, value: &mut [u8]) {
    match kind {
        ColumnType::Float64 if float(value) == Some(0.0) => value.fill(0),
        ColumnType::Decimal => {
            if let Some(scale) = value.get_mut(6..8) {
                scale.fill(0);
            }
        }
        _ => {}
    }
}

fn float(value: &[u8]) -> Option<f64> {
    value.try_into().ok().map(f64::from_be_bytes)
}

/// Two values of a type that has an order.
fn compare(kind: ColumnType, one: &[u8], other: &[u8]) -> Ordering {
    match kind {
        ColumnType::Int | ColumnType::Bigint | ColumnType::Timestamp => {
            let number = |bytes: &[u8]| bytes.try_into().ok().map(i64::from_be_bytes);
            number(one).cmp(&number(other))
        }
        ColumnType::Date => {
            let days = |bytes: &[u8]| bytes.try_into().ok().map(i32::from_be_bytes);
            days(one).cmp(&days(other))
        }
        ColumnType::Float64 => {
            let order = float(one).partial_cmp(&float(other));
            order.unwrap_or(Ordering::Equal)
        }
        ColumnType::Decimal => Decimal::of(one).cmp(&Decimal::of(other)),
        _ => one.cmp(other),
    }
}

/// A decimal number as PostgreSQL has it: groups of four digits, of which the first is none of
/// zeros, and how many groups follow it before the point.
struct Decimal<'a> {
    /// 0 for zero.
    sign: i8,
    weight: i16,
    groups: &'a [u8],
}

impl<'a> Decimal<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let zero = Self {
            sign: 0,
            weight: 0,
            groups: &[],
        };
        match bytes {
            [_, _, w0, w1, s0, _, _, _, groups @ ..] if !groups.is_empty() => Self {
                sign: if *s0 == 0 { 1 } else { -1 },
                weight: i16::from_be_bytes([*w0, *w1]),
                groups,
            },
            _ => zero,
        }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let (size, others) = ((self.weight, self.groups), (other.weight, other.groups));
        match self.sign.cmp(&other.sign) {
            Ordering::Equal if self.sign < 0 => others.cmp(&size),
            Ordering::Equal => size.cmp(&others),
            order => order,
        }
    }
}
