//! Days and times of day as ISO 8601 writes them.

use std::fmt::Write as _;

/// A day by its distance from 1970-01-01. Years beyond four digits get their sign, as the standard
/// says.
pub(super) fn date(days: i64, to: &mut String) {
    // Years from March on, in eras of 400 of them: the leap day is the last one of its year.
    let days = i128::from(days) + 719_468;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i128::from(month <= 2);
    let _ = match year {
        0..=9_999 => write!(to, "{year:04}-{month:02}-{day_of_month:02}"),
        _ => write!(to, "{year:+05}-{month:02}-{day_of_month:02}"),
    };
}

/// What part of a second a number counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit(pub(super) i64);

/// A time of day. One that is no time of a day keeps its hours, so that whoever types it refuses
/// it.
pub(super) fn time(ticks: i64, Unit(unit): Unit, to: &mut String) {
    let (seconds, ticks) = (ticks.div_euclid(unit), ticks.rem_euclid(unit));
    let (minutes, second) = (seconds.div_euclid(60), seconds.rem_euclid(60));
    let (hour, minute) = (minutes.div_euclid(60), minutes.rem_euclid(60));
    let _ = write!(to, "{hour:02}:{minute:02}:{second:02}");
    let nanoseconds = ticks * (1_000_000_000 / unit);
    let _ = match (nanoseconds, nanoseconds % 1_000) {
        (0, _) => Ok(()),
        (_, 0) => write!(to, ".{:06}", nanoseconds / 1_000),
        _ => write!(to, ".{nanoseconds:09}"),
    };
}

/// A point in time by its distance from 1970-01-01T00:00:00.
pub(super) fn timestamp(ticks: i64, unit: Unit, to: &mut String) {
    let day = unit.0 * 86_400;
    date(ticks.div_euclid(day), to);
    to.push('T');
    time(ticks.rem_euclid(day), unit, to);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dated(days: i64) -> String {
        let mut to = String::new();
        date(days, &mut to);
        to
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (19_782, "2024-02-29"),
            (19_783, "2024-03-01"),
            (-25_567, "1900-01-01"),
            (2_932_896, "9999-12-31"),
            (2_932_897, "+10000-01-01"),
            (-719_528, "0000-01-01"),
            (-719_529, "-0001-12-31"),
        ] {
            assert_eq!(dated(days), expected);
        }
        dated(i64::MAX);
        dated(i64::MIN);
    }

    #[test]
    fn fractions_lose_nothing() {
        for (ticks, unit, expected) in [
            (0, 1, "1970-01-01T00:00:00"),
            (-1, 1_000, "1969-12-31T23:59:59.999000"),
            (
                1_715_000_000_123_456,
                1_000_000,
                "2024-05-06T12:53:20.123456",
            ),
            (1, 1_000_000_000, "1970-01-01T00:00:00.000000001"),
            (i64::MIN, 1_000_000_000, "1677-09-21T00:12:43.145224192"),
        ] {
            let mut to = String::new();
            timestamp(ticks, Unit(unit), &mut to);
            assert_eq!(to, expected);
        }
        let mut to = String::new();
        time(i64::MAX, Unit(1_000_000), &mut to);
        time(-1, Unit(1), &mut to);
        assert_eq!(to, "2562047788:00:54.775807-1:59:59");
    }
}
