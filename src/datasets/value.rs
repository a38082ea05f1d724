//! Values of records: how files write them, and how PostgreSQL's binary COPY takes them. What is
//! refused here is what PostgreSQL's own casts would refuse or change without a word.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, Utc};

use super::column::ColumnType;

/// The largest whole number that JSON numbers hold exactly in every language.
const LARGEST_INT: i64 = (1 << 53) - 1;
/// Longer numbers say nothing that anybody measures.
const LONGEST_NUMBER: usize = 1_000;
/// Days and microseconds from 1970 to 2000, where PostgreSQL counts from.
const DAYS_TO_2000: i32 = 10_957;
const MICROS_TO_2000: i64 = 946_684_800_000_000;

/// The kind of mistake in a value, as errors name it.
pub type Mistake = &'static str;

pub const NOT_A: [(ColumnType, Mistake); 10] = [
    (ColumnType::Text, "not-a-text"),
    (ColumnType::Int, "not-an-int"),
    (ColumnType::Bigint, "not-a-bigint"),
    (ColumnType::Float64, "not-a-number"),
    (ColumnType::Decimal, "not-a-decimal"),
    (ColumnType::Bool, "not-a-bool"),
    (ColumnType::Date, "not-a-date"),
    (ColumnType::Timestamp, "not-a-timestamp"),
    (ColumnType::IntRange, "not-a-range"),
    (ColumnType::Json, "not-json"),
];

fn mistake(kind: ColumnType) -> Mistake {
    let found = NOT_A.iter().find(|(known, _)| *known == kind);
    found.map_or("invalid", |(_, mistake)| mistake)
}

/// Writes the value of a field with its length before it, or writes nothing and says what is wrong.
pub fn encode(kind: ColumnType, text: &str, out: &mut Vec<u8>) -> Result<(), Mistake> {
    let begin = out.len();
    out.extend_from_slice(&[0; 4]);
    if write(kind, text, out).is_none() {
        out.truncate(begin);
        return Err(mistake(kind));
    }
    let length = i32::try_from(out.len() - begin - 4).or(Err("too-long"))?;
    if let Some(place) = out.get_mut(begin..begin + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// Writes that there is no value.
pub fn encode_null(out: &mut Vec<u8>) {
    out.extend_from_slice(&(-1_i32).to_be_bytes());
}

pub fn encode_bigint(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&8_i32.to_be_bytes());
    out.extend_from_slice(&number.to_be_bytes());
}

/// The text as PostgreSQL's own cast reads it; `None` where it reads it as it is.
pub fn plain(kind: ColumnType, text: &str) -> Option<String> {
    match kind {
        ColumnType::Timestamp => timestamp(text).map(|time| time.to_rfc3339()),
        ColumnType::IntRange => range(text).map(|IntRange { from, to }| {
            let bound = |bound: Option<i64>| bound.map(|it| it.to_string()).unwrap_or_default();
            let open = if from.is_some() { '[' } else { '(' };
            let close = if to.is_some() { ']' } else { ')' };
            format!("{open}{},{}{close}", bound(from), bound(to))
        }),
        ColumnType::Text | ColumnType::Json => None,
        _ => Some(text.trim().to_owned()),
    }
}

/// Whether a text is a value of the type.
pub fn is_value(kind: ColumnType, text: &str, spare: &mut Vec<u8>) -> bool {
    spare.clear();
    write(kind, text, spare).is_some()
}

fn write(kind: ColumnType, text: &str, out: &mut Vec<u8>) -> Option<()> {
    match kind {
        ColumnType::Text => {
            if text.contains('\0') {
                return None;
            }
            out.extend_from_slice(text.as_bytes());
        }
        ColumnType::Int => {
            let number = whole(text)?;
            if !(-LARGEST_INT..=LARGEST_INT).contains(&number) {
                return None;
            }
            out.extend_from_slice(&number.to_be_bytes());
        }
        ColumnType::Bigint => out.extend_from_slice(&whole(text)?.to_be_bytes()),
        ColumnType::Float64 => out.extend_from_slice(&float(text)?.to_be_bytes()),
        ColumnType::Decimal => decimal(text, out)?,
        ColumnType::Bool => out.push(u8::from(truth(text)?)),
        ColumnType::Date => {
            let days = days(date(text)?)?;
            out.extend_from_slice(&days.to_be_bytes());
        }
        ColumnType::Timestamp => {
            let micros = timestamp(text)?.timestamp_micros() - MICROS_TO_2000;
            out.extend_from_slice(&micros.to_be_bytes());
        }
        ColumnType::IntRange => range(text)?.write(out),
        ColumnType::Json => {
            serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
            // In JSON, U+0000 can only stand as an escape; PostgreSQL keeps none.
            if text.contains("\\u0000") {
                return None;
            }
            // The version of the format.
            out.push(1);
            out.extend_from_slice(text.as_bytes());
        }
    }
    Some(())
}

fn whole(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

/// No `nan` and no `inf`, which JSON cannot say.
fn float(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_plain = |byte: u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    if text.len() > LONGEST_NUMBER || !text.bytes().all(is_plain) {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn truth(text: &str) -> Option<bool> {
    let text = text.trim();
    if is_one(text, &["true", "t", "yes", "y", "1"]) {
        return Some(true);
    }
    is_one(text, &["false", "f", "no", "n", "0"]).then_some(false)
}

fn is_one(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn digits<T: std::str::FromStr>(text: &str, length: usize) -> Option<T> {
    let is_number = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// `2026-11-30`. Others, such as `01/02/2026`, could be two days.
fn date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.trim().split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(digits(year, 4)?, digits(month, 2)?, digits(day, 2)?)?;
    (date.year() >= 1).then_some(date)
}

fn days(date: NaiveDate) -> Option<i32> {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    let days = date.signed_duration_since(epoch).num_days();
    Some(i32::try_from(days).ok()? - DAYS_TO_2000)
}

/// A date and a time of day, with `T` or a space between them. Without a zone it is UTC. What is
/// finer than microseconds would be lost, so it is refused unless it is zero.
fn timestamp(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let (day, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let zone_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at_checked(zone_at)?;
    let (clock, fraction) = time
        .trim_end()
        .split_once('.')
        .unwrap_or((time.trim_end(), "0"));
    let mut parts = clock.split(':');
    let hour: u32 = digits(parts.next()?, 2)?;
    let minute: u32 = digits(parts.next()?, 2)?;
    let second: u32 = parts.next().map_or(Some(0), |second| digits(second, 2))?;
    if parts.next().is_some() || fraction.is_empty() {
        return None;
    }
    let (micros, finer) = fraction.split_at(fraction.len().min(6));
    if !finer.bytes().all(|byte| byte == b'0') {
        return None;
    }
    let micros: u32 = digits(&format!("{micros:0<6}"), 6)?;
    let time = date(day)?.and_hms_micro_opt(hour, minute, second, micros)?;
    let time = time.checked_sub_signed(chrono::TimeDelta::minutes(offset(zone)?))?;
    let is_usual = |time: &NaiveDateTime| (1..=9999).contains(&time.year());
    is_usual(&time).then(|| time.and_utc())
}

/// How many minutes a zone is east of UTC.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.chars().next() {
        None | Some('Z' | 'z') => return (zone.len() <= 1).then_some(0),
        Some('-') => -1,
        Some(_) => 1,
    };
    let numbers = zone.get(1..)?.replace(':', "");
    let (hours, minutes) = numbers.split_at_checked(2)?;
    let hours: i64 = digits(hours, 2)?;
    let minutes: i64 = match minutes {
        "" => 0,
        minutes => digits(minutes, 2)?,
    };
    (hours <= 15 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// PostgreSQL keeps the digits in groups of four, counted from the point.
fn decimal(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let text = text.trim();
    if text.len() > LONGEST_NUMBER {
        return None;
    }
    let is_negative = text.starts_with('-');
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !is_number(whole) || !is_number(part) {
        return None;
    }
    let all: Vec<u8> = whole
        .bytes()
        .chain(part.bytes())
        .map(|byte| byte - b'0')
        .collect();
    // How many of the digits stand before the point.
    let point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let scale = (i32::try_from(all.len()).ok()? - point).max(0);
    if point.unsigned_abs() > 1_000 || scale > 1_000 {
        return None;
    }
    // The place of a digit in its group: the point stands between two groups.
    let lead = point.rem_euclid(4);
    let lead = if lead == 0 { 0 } else { 4 - lead };
    let mut weight = (point + lead).div_euclid(4) - 1;
    let mut groups: Vec<i16> = Vec::new();
    let padded = std::iter::repeat_n(0, usize::try_from(lead).ok()?).chain(all);
    for (place, digit) in padded.enumerate() {
        if place % 4 == 0 {
            groups.push(0);
        }
        let factor = [1_000, 100, 10, 1].get(place % 4).copied().unwrap_or(1);
        if let Some(group) = groups.last_mut() {
            *group += i16::from(digit) * factor;
        }
    }
    while groups.last() == Some(&0) {
        groups.pop();
    }
    let zeros = groups.iter().take_while(|group| **group == 0).count();
    groups.drain(..zeros);
    weight -= i32::try_from(zeros).ok()?;
    let (weight, sign) = match groups.is_empty() {
        true => (0, 0_u16),
        false => (weight, if is_negative { 0x4000 } else { 0 }),
    };
    out.extend_from_slice(&i16::try_from(groups.len()).ok()?.to_be_bytes());
    out.extend_from_slice(&i16::try_from(weight).ok()?.to_be_bytes());
    out.extend_from_slice(&sign.to_be_bytes());
    out.extend_from_slice(&i16::try_from(scale).ok()?.to_be_bytes());
    groups
        .iter()
        .for_each(|group| out.extend_from_slice(&group.to_be_bytes()));
    Some(())
}

/// Whole numbers from one to another, both with it; `None` is without an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntRange {
    pub from: Option<i64>,
    pub to: Option<i64>,
}

impl IntRange {
    fn write(self, out: &mut Vec<u8>) {
        const LOWER_INCLUSIVE: u8 = 0x02;
        const UPPER_INCLUSIVE: u8 = 0x04;
        const LOWER_INFINITE: u8 = 0x08;
        const UPPER_INFINITE: u8 = 0x10;
        let lower = self.from.map_or(LOWER_INFINITE, |_| LOWER_INCLUSIVE);
        let upper = self.to.map_or(UPPER_INFINITE, |_| UPPER_INCLUSIVE);
        out.push(lower | upper);
        for bound in [self.from, self.to].into_iter().flatten() {
            encode_bigint(bound, out);
        }
    }
}

/// `25-34`, `25 to 34`, `over 75`, `75 and over`, `75+`, `under 15`, `14 and under`, `20`, in upper
/// or lower case, also with words such as `Years` around them.
pub fn range(text: &str) -> Option<IntRange> {
    let text = text.to_lowercase();
    let mut numbers = Vec::new();
    let mut words = Vec::new();
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let length = if c.is_ascii_digit() {
            let length = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            let (number, _) = rest.split_at(length);
            numbers.push(
                number
                    .parse::<i64>()
                    .ok()
                    .filter(|number| *number < LARGEST_INT)?,
            );
            length
        } else if c.is_alphabetic() {
            let length = rest
                .find(|c: char| !c.is_alphabetic())
                .unwrap_or(rest.len());
            let (word, _) = rest.split_at(length);
            words.push(word);
            length
        } else {
            if !(c.is_whitespace() || matches!(c, '-' | '+' | '\u{2013}' | '\u{2014}')) {
                return None;
            }
            if c == '+' {
                words.push("over");
            }
            c.len_utf8()
        };
        rest = rest.split_at(length).1;
    }
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
    let is_up = has(&["over", "above", "older", "plus"]);
    let is_down = has(&["under", "below", "younger", "less"]);
    let is_known = words.iter().all(|word| {
        matches!(
            *word,
            "over"
                | "above"
                | "older"
                | "plus"
                | "under"
                | "below"
                | "younger"
                | "less"
                | "and"
                | "or"
                | "to"
                | "age"
                | "aged"
                | "ages"
                | "year"
                | "years"
                | "old"
                | "up"
                | "than"
        )
    });
    if !is_known || (is_up && is_down) {
        return None;
    }
    // `14 and under` has 14 in it, `under 15` has not 15.
    let is_within = has(&["and", "or", "to"]);
    Some(match (numbers.as_slice(), is_up, is_down) {
        ([from, to], false, false) if from <= to => IntRange {
            from: Some(*from),
            to: Some(*to),
        },
        ([from], true, false) => IntRange {
            from: Some(*from),
            to: None,
        },
        ([to], false, true) => IntRange {
            from: None,
            to: Some(if is_within { *to } else { to - 1 }),
        },
        ([only], false, false) if !has(&["up", "to"]) => IntRange {
            from: Some(*only),
            to: Some(*only),
        },
        ([to], false, false) => IntRange {
            from: None,
            to: Some(*to),
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(kind: ColumnType, text: &str) -> bool {
        is_value(kind, text, &mut Vec::new())
    }

    #[test]
    fn a_value_is_one_of_its_type_or_refused() {
        use ColumnType::{Bigint, Bool, Date, Decimal, Float64, Int, Json, Text, Timestamp};
        let good: &[(ColumnType, &[&str])] = &[
            (Text, &["", " a ", "日本"]),
            (Int, &["0", "-5", "007", "9007199254740991", " 12 "]),
            (Bigint, &["9223372036854775807", "-9223372036854775808"]),
            (Float64, &["1", "-1.5e300", ".5", "1e-320"]),
            (Decimal, &["1.50", "-0.001", "+7", "1e3", "0", ".5"]),
            (Bool, &["true", "FALSE", "t", "0", "Yes"]),
            (Date, &["2024-02-29", "0001-01-01", "9999-12-31"]),
            (
                Timestamp,
                &[
                    "2024-01-02T03:04:05Z",
                    "2024-01-02 03:04",
                    "2024-01-02 03:04:05.123456000+05:30",
                    "2024-01-02T03:04:05-08",
                ],
            ),
            (Json, &["null", "{\"a\": [1, 2]}", "\"x\""]),
        ];
        for (kind, texts) in good {
            for text in *texts {
                assert!(is(*kind, text), "{kind:?} {text:?}");
            }
        }
        let bad: &[(ColumnType, &[&str])] = &[
            (Text, &["a\0b"]),
            (
                Int,
                &["", "1.0", "9007199254740992", "1e3", "0x10", "1,000"],
            ),
            (Bigint, &["9223372036854775808", "--1"]),
            (Float64, &["", "nan", "inf", "-Infinity", "1e999", "1,5"]),
            (Decimal, &["", ".", "1e", "1e9999", "--1", "NaN", "1,5"]),
            (Bool, &["", "2", "wahr"]),
            (
                Date,
                &[
                    "2023-02-29",
                    "01/02/2024",
                    "2024-1-2",
                    "0000-01-01",
                    "1000000-01-01",
                ],
            ),
            (
                Timestamp,
                &[
                    "2024-01-02",
                    "2024-01-02T25:00:00Z",
                    "2024-01-02T03:04:05.1234567",
                    "2024-01-02T03:04:05 CET",
                    "2024-01-02T03:04:05.",
                    "2024-01-02T03:04:05+99:00",
                ],
            ),
            (Json, &["", "{", "\"\\u0000\"", "NaN"]),
        ];
        for (kind, texts) in bad {
            for text in *texts {
                assert!(!is(*kind, text), "{kind:?} {text:?}");
            }
        }
    }

    #[test]
    fn ranges_are_read_in_the_ways_that_people_write_them() {
        let of = |from: Option<i64>, to: Option<i64>| Some(IntRange { from, to });
        for (text, expected) in [
            ("25-34", of(Some(25), Some(34))),
            ("25 to 34 Years", of(Some(25), Some(34))),
            ("25\u{2013}34", of(Some(25), Some(34))),
            ("Over 75", of(Some(75), None)),
            ("75 Years and Over", of(Some(75), None)),
            ("75+", of(Some(75), None)),
            ("under 15", of(None, Some(14))),
            ("14 and under", of(None, Some(14))),
            ("up to 14", of(None, Some(14))),
            ("20", of(Some(20), Some(20))),
            ("34-25", None),
            ("", None),
            ("all", None),
            ("1-2-3", None),
            ("25..34", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(range(text), expected, "{text}");
        }
    }

    #[test]
    fn a_mistake_writes_nothing() {
        let mut out = vec![1, 2];
        assert_eq!(encode(ColumnType::Int, "x", &mut out), Err("not-an-int"));
        assert_eq!(out, [1, 2]);
        encode(ColumnType::Bool, "true", &mut out).unwrap();
        assert_eq!(out, [1, 2, 0, 0, 0, 1, 1]);
    }
}
