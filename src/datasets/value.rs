//! Values of records: how files write them, and how PostgreSQL's binary COPY takes them. What is
//! refused here is what PostgreSQL's own casts would refuse or change without a word.

use chrono::{DateTime, Datelike as _, NaiveDate};
use memchr::memchr;

use super::column::ColumnType;

/// The largest whole number that JSON numbers hold exactly in every language.
const LARGEST_INT: i64 = (1 << 53) - 1;
/// Longer numbers say nothing that anybody measures.
const LONGEST_NUMBER: usize = 1_000;
/// Days from the first day of year 1, which is number 1, to 2000-01-01, where PostgreSQL counts
/// from.
const DAYS_TO_2000: i32 = 730_120;
/// Microseconds from 2000 to the beginning of the year 1, and to the end of 9999.
const EARLIEST: i64 = -63_082_281_600_000_000;
const LATEST: i64 = 252_455_616_000_000_000;
/// Microseconds from 1970 to 2000.
const MICROS_TO_2000: i64 = 946_684_800_000_000;

/// The kind of mistake in a value, as errors name it.
pub type Mistake = &'static str;

const NOT_A: [(ColumnType, Mistake); 10] = [
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

/// That a value is none of the type.
pub fn mistake(kind: ColumnType) -> Mistake {
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
        ColumnType::Timestamp => {
            let time = DateTime::from_timestamp_micros(timestamp(text)? + MICROS_TO_2000);
            time.map(|time| time.to_rfc3339())
        }
        ColumnType::IntRange => range(text).map(|IntRange { from, to }| {
            let bound = |bound: Option<i64>| bound.map(|it| it.to_string()).unwrap_or_default();
            let open = if from.is_some() { '[' } else { '(' };
            let close = if to.is_some() { ']' } else { ')' };
            format!("{open}{},{}{close}", bound(from), bound(to))
        }),
        ColumnType::Text | ColumnType::Json => None,
        _ => Some(trimmed(text).to_owned()),
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
            if memchr(0, text.as_bytes()).is_some() {
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
            let days = days(date(trimmed(text).as_bytes())?);
            out.extend_from_slice(&days.to_be_bytes());
        }
        ColumnType::Timestamp => out.extend_from_slice(&timestamp(text)?.to_be_bytes()),
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

/// Without blanks around it. Nearly all texts have none.
pub fn trimmed(text: &str) -> &str {
    let is_plain = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_graphic());
    let bytes = text.as_bytes();
    match is_plain(bytes.first()) && is_plain(bytes.last()) {
        true => text,
        false => text.trim(),
    }
}

fn whole(text: &str) -> Option<i64> {
    trimmed(text).parse().ok()
}

/// No `nan` and no `inf`, which JSON cannot say.
fn float(text: &str) -> Option<f64> {
    let text = trimmed(text);
    if text.len() > LONGEST_NUMBER {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn truth(text: &str) -> Option<bool> {
    let text = trimmed(text);
    if is_one(text, &["true", "t", "yes", "y", "1"]) {
        return Some(true);
    }
    is_one(text, &["false", "f", "no", "n", "0"]).then_some(false)
}

fn is_one(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The number that all these digits are, and nothing else.
fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0_u32, |number, byte| {
        let digit = u32::from(byte.wrapping_sub(b'0'));
        (digit < 10).then(|| number.checked_mul(10)?.checked_add(digit))?
    })
}

/// `2026-11-30`. Others, such as `01/02/2026`, could be two days.
fn date(text: &[u8]) -> Option<NaiveDate> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text else {
        return None;
    };
    let year = i32::try_from(digits(&[*y0, *y1, *y2, *y3])?).ok()?;
    let (month, day) = (digits(&[*m0, *m1])?, digits(&[*d0, *d1])?);
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    (year >= 1).then_some(date)
}

/// Since 2000, as PostgreSQL counts.
fn days(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - DAYS_TO_2000
}

/// A date and a time of day, with `T` or a space between them, in microseconds since 2000. Without
/// a zone it is UTC. What is finer would be lost, so it is refused unless it is zero.
fn timestamp(text: &str) -> Option<i64> {
    let (day, rest) = trimmed(text).as_bytes().split_at_checked(10)?;
    let [b'T' | b't' | b' ', h0, h1, b':', m0, m1, rest @ ..] = rest else {
        return None;
    };
    let (hour, minute) = (digits(&[*h0, *h1])?, digits(&[*m0, *m1])?);
    let (second, rest) = match rest {
        [b':', s0, s1, rest @ ..] => (digits(&[*s0, *s1])?, rest),
        rest => (0, rest),
    };
    let (micros, rest) = match rest {
        [b'.', rest @ ..] => fraction(rest)?,
        rest => (0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let minutes = i64::from(hour * 60 + minute) - offset(rest.trim_ascii_start())?;
    let seconds = (i64::from(days(date(day)?)) * 1_440 + minutes) * 60 + i64::from(second);
    let micros = seconds * 1_000_000 + i64::from(micros);
    // The years from 1 to 9999.
    (EARLIEST..LATEST).contains(&micros).then_some(micros)
}

/// The microseconds of a second, and what follows them.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let length = text.iter().position(|byte| !is_digit(byte));
    let (all, rest) = text.split_at(length.unwrap_or(text.len()));
    let (micros, finer) = all.split_at(all.len().min(6));
    if micros.is_empty() || finer.iter().any(|byte| *byte != b'0') {
        return None;
    }
    let missing = u32::try_from(6 - micros.len()).ok()?;
    Some((digits(micros)? * 10_u32.pow(missing), rest))
}

/// How many minutes a zone is east of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match zone {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign, h0, h1] => (sign, [*h0, *h1], [b'0', b'0']),
        [sign, h0, h1, m0, m1] | [sign, h0, h1, b':', m0, m1] => (sign, [*h0, *h1], [*m0, *m1]),
        _ => return None,
    };
    let sign = match sign {
        b'-' => -1,
        b'+' => 1,
        _ => return None,
    };
    let (hours, minutes) = (i64::from(digits(&hours)?), i64::from(digits(&minutes)?));
    (hours <= 15 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// PostgreSQL keeps the digits in groups of four, counted from the point, without those that are
/// zero at either end.
fn decimal(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let text = trimmed(text);
    if text.len() > LONGEST_NUMBER {
        return None;
    }
    let is_negative = text.starts_with('-');
    let text = text.strip_prefix(['-', '+']).unwrap_or(text).as_bytes();
    let is_e = |byte: &u8| matches!(byte, b'e' | b'E');
    let (mantissa, exponent) = match text.iter().position(is_e) {
        Some(at) => {
            let exponent = str::from_utf8(text.get(at + 1..)?).ok()?;
            (text.get(..at)?, exponent.parse::<i32>().ok()?)
        }
        None => (text, 0),
    };
    let (whole, part) = match mantissa.iter().position(|byte| *byte == b'.') {
        Some(at) => (mantissa.get(..at)?, mantissa.get(at + 1..)?),
        None => (mantissa, [].as_slice()),
    };
    let length = whole.len() + part.len();
    if length == 0 {
        return None;
    }
    // How many of the digits stand before the point.
    let point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
    if point.unsigned_abs() > 1_000 {
        return None;
    }
    let scale = (i32::try_from(length).ok()? - point).max(0);
    if scale > 1_000 {
        return None;
    }
    let begin = out.len();
    out.extend_from_slice(&[0; 8]);
    // The point stands between two groups, so the first one may have fewer than four digits.
    let mut weight = (point + 3).div_euclid(4) - 1;
    let mut missing = match point.rem_euclid(4) {
        0 => 4,
        some => some,
    };
    let (mut group, mut groups, mut kept) = (0_i16, 0_usize, 0_usize);
    let mut write = |group: i16, out: &mut Vec<u8>| {
        if groups == 0 && group == 0 {
            weight -= 1;
            return;
        }
        out.extend_from_slice(&group.to_be_bytes());
        groups += 1;
        if group != 0 {
            kept = groups;
        }
    };
    for byte in whole.iter().chain(part) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        group = group * 10 + i16::from(digit);
        missing -= 1;
        if missing == 0 {
            write(group, out);
            (group, missing) = (0, 4);
        }
    }
    if missing < 4 {
        let zeros = u32::try_from(missing).ok()?;
        write(group * 10_i16.pow(zeros), out);
    }
    let (weight, sign) = match kept {
        0 => (0, 0_u16),
        _ => (weight, if is_negative { 0x4000 } else { 0 }),
    };
    out.truncate(begin + 8 + kept * 2);
    let [g0, g1] = i16::try_from(kept).ok()?.to_be_bytes();
    let [w0, w1] = i16::try_from(weight).ok()?.to_be_bytes();
    let [s0, s1] = sign.to_be_bytes();
    let [d0, d1] = i16::try_from(scale).ok()?.to_be_bytes();
    out.get_mut(begin..begin + 8)?
        .copy_from_slice(&[g0, g1, w0, w1, s0, s1, d0, d1]);
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

/// A range as records show it: `25-34`, `75+`, `up to 14`.
pub fn shown_range(text: &str) -> Option<String> {
    Some(match range(text)? {
        IntRange {
            from: Some(from),
            to: Some(to),
        } => format!("{from}-{to}"),
        IntRange {
            from: Some(from), ..
        } => format!("{from}+"),
        IntRange { to: Some(to), .. } => format!("up to {to}"),
        IntRange { .. } => return None,
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
