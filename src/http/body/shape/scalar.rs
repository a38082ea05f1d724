//! Numbers and texts of the right type that still cannot be what the schema describes: out of
//! range, or not in the format.

use std::fmt::Display;

use chrono::{DateTime, NaiveDate};
use serde_json::Value;
use utoipa::Number;
use utoipa::openapi::schema::{KnownFormat, Object, SchemaFormat};
use uuid::Uuid;

/// What is wrong with the value, for people.
pub(super) fn mistake(value: &Value, object: &Object) -> Option<String> {
    match value {
        Value::Number(number) => range(number, object),
        Value::String(text) => format(text, object),
        _ => None,
    }
}

fn range(number: &serde_json::Number, object: &Object) -> Option<String> {
    let bounds = [&object.minimum, &object.maximum];
    let has_part = |bound: &Number| as_f64(bound).fract() != 0.0;
    let have_parts = bounds.into_iter().flatten().any(has_part);
    let Some(whole) = number.as_i128().filter(|_| !have_parts) else {
        let [least, most] = bounds.map(|bound| bound.as_ref().map(as_f64));
        let value = number.as_f64()?;
        let fits = least.is_none_or(|it| value >= it) && most.is_none_or(|it| value <= it);
        return (!fits).then(|| expected(least, most));
    };
    let (format_least, format_most) = match &object.format {
        Some(SchemaFormat::KnownFormat(KnownFormat::Int32)) => {
            // The documents say int32 for unsigned 32 bit too, with a minimum of 0.
            match object.minimum.as_ref().map(as_i128) {
                Some(0..) => (0, i128::from(u32::MAX)),
                _ => (i128::from(i32::MIN), i128::from(i32::MAX)),
            }
        }
        Some(SchemaFormat::KnownFormat(KnownFormat::Int64)) => {
            match object.minimum.as_ref().map(as_i128) {
                Some(0..) => (0, i128::from(u64::MAX)),
                _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
            }
        }
        _ => (i128::MIN, i128::MAX),
    };
    let least = object
        .minimum
        .as_ref()
        .map_or(format_least, as_i128)
        .max(format_least);
    let most = object
        .maximum
        .as_ref()
        .map_or(format_most, as_i128)
        .min(format_most);
    (!(least..=most).contains(&whole)).then(|| {
        let least = (least != i128::MIN).then_some(least);
        expected(least, (most != i128::MAX).then_some(most))
    })
}

fn expected<N: Display>(least: Option<N>, most: Option<N>) -> String {
    match (least, most) {
        (Some(least), Some(most)) => format!("expected a number from {least} to {most}"),
        (Some(least), None) => format!("expected at least {least}"),
        (None, Some(most)) => format!("expected at most {most}"),
        (None, None) => "expected a number".to_owned(),
    }
}

fn format(text: &str, object: &Object) -> Option<String> {
    let Some(SchemaFormat::KnownFormat(format)) = &object.format else {
        return None;
    };
    let (fits, expected) = match format {
        KnownFormat::Uuid => (text.parse::<Uuid>().is_ok(), "a UUID"),
        KnownFormat::DateTime => (
            DateTime::parse_from_rfc3339(text).is_ok(),
            "a time as in RFC 3339, such as 2026-01-31T12:00:00Z",
        ),
        KnownFormat::Date => (
            text.parse::<NaiveDate>().is_ok(),
            "a date such as 2026-01-31",
        ),
        _ => return None,
    };
    (!fits).then(|| format!("expected {expected}"))
}

fn as_i128(number: &Number) -> i128 {
    match number {
        Number::Int(whole) => i128::try_from(*whole).unwrap_or_default(),
        Number::UInt(whole) => i128::try_from(*whole).unwrap_or(i128::MAX),
        Number::Float(value) => format!("{value:.0}").parse().unwrap_or_default(),
    }
}

/// Exact for every bound that a schema states in practice.
fn as_f64(number: &Number) -> f64 {
    match number {
        Number::Float(value) => *value,
        whole => as_i128(whole).to_string().parse().unwrap_or_default(),
    }
}
