//! Round places on a scale of numbers or of times: where the bins of a histogram begin, and where
//! an axis has its ticks.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, SecondsFormat};
use serde_json::Value;

use super::column::ColumnType;

const DAY: f64 = 86_400.0;
/// Steps of less than a day, in seconds.
const TIMES: [f64; 13] = [
    1.0, 2.0, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0, 10_800.0, 21_600.0, 43_200.0,
];
/// Steps of months, with the most days of one.
const MONTHS: [(i32, f64); 3] = [(1, 31.0), (3, 92.0), (6, 184.0)];
/// More places than anybody asks for.
const MOST: usize = 200;

/// What a position counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    Number,
    Whole,
    /// Days since 1970.
    Day,
    /// Seconds since 1970.
    Second,
}

/// Round places in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Rounds {
    pub at: Vec<f64>,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Unit {
    /// Digits after the point.
    Number(usize),
    Year,
    Month,
    Day,
    Time,
}

impl Scale {
    pub fn of(kind: ColumnType) -> Option<Self> {
        Some(match kind {
            ColumnType::Int | ColumnType::Bigint => Self::Whole,
            ColumnType::Float64 | ColumnType::Decimal => Self::Number,
            ColumnType::Date => Self::Day,
            ColumnType::Timestamp => Self::Second,
            _ => return None,
        })
    }

    /// Round places from the last one at or before `from` to the first one after `to`, with about
    /// `parts` parts between them.
    pub fn rounds(self, from: f64, to: f64, parts: u32) -> Rounds {
        // Numbers that lie closer cannot be told apart.
        let finest = from.abs().max(to.abs()) * 4e-16;
        let least = ((to - from) / f64::from(parts)).max(finest);
        match self {
            Self::Number => by_number(from, to, round_step(least)),
            Self::Whole => by_number(from, to, round_step(least).max(1.0)),
            Self::Day => by_days(from, to, least),
            Self::Second => {
                let found = TIMES.iter().find(|step| **step >= least);
                if let Some(step) = found {
                    return Rounds {
                        at: steps(from, to, 0.0, *step),
                        unit: Unit::Time,
                    };
                }
                let Rounds { at, unit } = by_days(from / DAY, to / DAY, least / DAY);
                Rounds {
                    at: at.into_iter().map(|day| day * DAY).collect(),
                    unit,
                }
            }
        }
    }

    /// A position as records show it.
    pub fn shown(self, position: f64) -> Value {
        match self {
            Self::Number | Self::Whole => {
                // What was computed is not exact in the last digits.
                let rounded: f64 = format!("{position:.11e}").parse().unwrap_or(position);
                let is_whole = rounded.fract() == 0.0 && rounded.abs() < 1e15;
                match whole(rounded).filter(|_| is_whole) {
                    Some(number) => number.into(),
                    None => rounded.into(),
                }
            }
            Self::Day => date(position).map(|day| day.to_string()).into(),
            Self::Second => whole(position)
                .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
                .map(|time| time.to_rfc3339_opts(SecondsFormat::Micros, true))
                .into(),
        }
    }

    /// The position of a value as records show it.
    pub fn position(self, value: &Value) -> Option<f64> {
        match (self, value) {
            (Self::Number | Self::Whole, Value::Number(number)) => number.as_f64(),
            (Self::Number | Self::Whole, Value::String(text)) => text.parse().ok(),
            (Self::Day, Value::String(text)) => {
                let day: NaiveDate = text.parse().ok()?;
                Some(f64::from(day.num_days_from_ce() - epoch()))
            }
            (Self::Second, Value::String(text)) => {
                let time = DateTime::parse_from_rfc3339(text).ok()?;
                // Milliseconds are finer than any picture.
                plain_number(time.timestamp_millis()).map(|millis| millis / 1e3)
            }
            _ => None,
        }
        .filter(|position: &f64| position.is_finite())
    }

    /// What stands beside the place on an axis.
    pub fn label(self, rounds: &Rounds, position: f64) -> String {
        let day = match self {
            Self::Second => date((position / DAY).floor()),
            _ => date(position),
        };
        match (rounds.unit, day) {
            (Unit::Number(digits), _) => number(position, digits),
            (Unit::Year, Some(day)) => day.format("%Y").to_string(),
            (Unit::Month, Some(day)) => day.format("%Y-%m").to_string(),
            (Unit::Day, Some(day)) => day.to_string(),
            (Unit::Time, _) => whole(position)
                .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
                .map(|time| time.format("%m-%d %H:%M:%S").to_string())
                .unwrap_or_default(),
            (_, None) => String::new(),
        }
    }
}

/// 1, 2 or 5 times a power of ten, and at least `least`.
fn round_step(least: f64) -> f64 {
    if !(least.is_finite() && least > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|it| it * power >= least * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

fn by_number(from: f64, to: f64, step: f64) -> Rounds {
    let digits = (-step.log10().floor()).max(0.0);
    Rounds {
        at: steps(from, to, 0.0, step),
        unit: Unit::Number(
            whole(digits)
                .and_then(|digits| digits.try_into().ok())
                .unwrap_or(0),
        ),
    }
}

fn by_days(from: f64, to: f64, least: f64) -> Rounds {
    // Weeks begin on Mondays; the first day of 1970 was a Thursday.
    for (step, offset) in [(1.0, 0.0), (7.0, 4.0)] {
        if least <= step {
            let at = steps(from, to, offset, step);
            return Rounds {
                at,
                unit: Unit::Day,
            };
        }
    }
    let months = MONTHS.iter().find(|(_, days)| *days >= least);
    let (step, unit) = match months {
        Some((months, _)) => (*months, Unit::Month),
        None => {
            let years = whole(round_step(least / 366.0).max(1.0));
            let years = years.and_then(|years| i32::try_from(years).ok());
            (years.unwrap_or(1_000).min(10_000) * 12, Unit::Year)
        }
    };
    let first = date(from.floor()).map_or(0, |day| day.year() * 12 + day.month0().cast_signed());
    let mut month = first.div_euclid(step) * step;
    let mut at = Vec::new();
    while at.last().is_none_or(|last| *last <= to) && at.len() < MOST {
        let number = u32::try_from(month.rem_euclid(12) + 1).unwrap_or(1);
        let Some(day) = NaiveDate::from_ymd_opt(month.div_euclid(12), number, 1) else {
            break;
        };
        at.push(f64::from(day.num_days_from_ce() - epoch()));
        month += step;
    }
    Rounds { at, unit }
}

fn steps(from: f64, to: f64, offset: f64, step: f64) -> Vec<f64> {
    let first = ((from - offset) / step).floor();
    let places = (0_u32..).map(|at| (first + f64::from(at)) * step + offset);
    let mut at = Vec::new();
    for place in places.take(MOST) {
        at.push(place);
        if place > to {
            break;
        }
    }
    at
}

fn epoch() -> i32 {
    NaiveDate::default().num_days_from_ce()
}

fn date(days: f64) -> Option<NaiveDate> {
    let days = whole(days)?;
    let distance = Days::new(days.unsigned_abs());
    match days {
        0.. => NaiveDate::default().checked_add_days(distance),
        _ => NaiveDate::default().checked_sub_days(distance),
    }
}

/// Through its digits, since a cast would make something of what does not fit.
fn whole(number: f64) -> Option<i64> {
    format!("{:.0}", number.floor()).parse().ok()
}

fn plain_number(number: i64) -> Option<f64> {
    number.to_string().parse().ok()
}

/// Without zeros at the end that say nothing, and without a sign before zero.
fn plain(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    match text {
        "-0" => "0".to_owned(),
        text => text.to_owned(),
    }
}

/// A number as people read it, with so many digits after the point.
pub fn number(number: f64, digits: usize) -> String {
    if digits > 12 || number.abs() >= 1e15 {
        return format!("{number:.2e}");
    }
    with_thousands(&plain(number, digits))
}

/// With commas between its thousands.
fn with_thousands(text: &str) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("\u{2212}", digits),
        None => ("", text),
    };
    let (before, after) = match digits.split_once('.') {
        Some((before, after)) => (before, Some(after)),
        None => (digits, None),
    };
    let mut shown = sign.to_owned();
    for (at, digit) in before.chars().enumerate() {
        if at > 0 && (before.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    if let Some(after) = after {
        shown.push('.');
        shown.push_str(after);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, from: f64, to: f64, parts: u32) -> Vec<String> {
        let rounds = scale.rounds(from, to, parts);
        let labels = rounds.at.iter().map(|at| scale.label(&rounds, *at));
        labels.collect()
    }

    fn position(scale: Scale, text: &str) -> f64 {
        scale.position(&text.into()).unwrap()
    }

    #[test]
    fn numbers_have_round_places() {
        let of = |from, to| labels(Scale::Number, from, to, 5);
        assert_eq!(of(0.0, 1.0), ["0", "0.2", "0.4", "0.6", "0.8", "1", "1.2"]);
        assert_eq!(
            of(-12_000.0, 45_361.0),
            ["\u{2212}20,000", "0", "20,000", "40,000", "60,000"]
        );
        assert_eq!(labels(Scale::Whole, 3.0, 5.0, 20), ["3", "4", "5", "6"]);
        assert_eq!(labels(Scale::Whole, 7.0, 7.0, 20), ["7", "8"]);
    }

    #[test]
    fn times_have_places_of_the_calendar() {
        let of = |from, to| {
            let day = |text| position(Scale::Day, text);
            labels(Scale::Day, day(from), day(to), 5)
        };
        assert_eq!(
            of("2024-02-27", "2024-03-01"),
            [
                "2024-02-27",
                "2024-02-28",
                "2024-02-29",
                "2024-03-01",
                "2024-03-02"
            ]
        );
        assert_eq!(
            of("2024-02-01", "2024-02-20").first().unwrap(),
            "2024-01-29"
        );
        assert_eq!(
            of("2023-12-31", "2024-03-02"),
            ["2023-12", "2024-01", "2024-02", "2024-03", "2024-04"]
        );
        assert_eq!(
            of("2001-05-01", "2019-05-01"),
            ["2000", "2005", "2010", "2015", "2020"]
        );
        assert_eq!(of("1899-05-01", "1969-05-01").first().unwrap(), "1880");
        let second = |text| position(Scale::Second, text);
        let found = labels(
            Scale::Second,
            second("2024-01-01T10:00:10Z"),
            second("2024-01-01T10:02:00Z"),
            5,
        );
        assert_eq!(found.first().unwrap(), "01-01 10:00:00");
        assert_eq!(found.last().unwrap(), "01-01 10:02:30");
    }

    #[test]
    fn whatever_the_numbers_are_the_places_are_few_and_around_them() {
        let extreme = [
            0.0,
            -1.0,
            1e-300,
            1e139,
            -1e139,
            9.2e18,
            0.1,
            1e15 + 1.0,
            253_402_300_799.0,
        ];
        for scale in [Scale::Number, Scale::Whole, Scale::Day, Scale::Second] {
            for from in extreme {
                for to in extreme.into_iter().filter(|to| *to >= from) {
                    let rounds = scale.rounds(from, to, 20);
                    assert!(rounds.at.len() <= MOST, "{scale:?} {from} {to}");
                    assert!(rounds.at.is_sorted(), "{scale:?} {from} {to}");
                    if scale == Scale::Number && from < to {
                        assert!(rounds.at.len() >= 2, "{from} {to}");
                        assert!(rounds.at[0] <= from && *rounds.at.last().unwrap() >= to);
                    }
                }
            }
        }
    }

    #[test]
    fn a_position_is_shown_as_records_show_it() {
        for (scale, value) in [
            (Scale::Number, serde_json::json!(0.3)),
            (Scale::Whole, serde_json::json!(-7)),
            (Scale::Day, "2024-02-29".into()),
            (Scale::Second, "1969-12-31T23:00:00.000000Z".into()),
        ] {
            let position = scale.position(&value).unwrap();
            assert_eq!(scale.shown(position), value);
        }
        assert_eq!(Scale::Number.shown(0.1 + 0.2), serde_json::json!(0.3));
        assert_eq!(Scale::Number.shown(-0.0), serde_json::json!(0));
        assert_eq!(Scale::Number.position(&"12.50".into()), Some(12.5));
        assert_eq!(Scale::Day.position(&"soon".into()), None);
    }
}
