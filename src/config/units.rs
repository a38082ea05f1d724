//! Values as people write them: `10s`, `1MiB`, `0.5`; every refusal says what was expected and
//! never repeats the value.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// A duration written with its unit: `250ms`, `10s`, `5m`, `24h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || "expected a duration with its unit, such as 250ms, 10s, 5m or 24h".to_owned();
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: u64 = digits.parse().map_err(|_error| expected())?;
        let milliseconds = match text.strip_prefix(digits) {
            Some("ms") => Some(number),
            Some("s") => number.checked_mul(1_000),
            Some("m") => number.checked_mul(60_000),
            Some("h") => number.checked_mul(3_600_000),
            _ => None,
        };
        let milliseconds = milliseconds
            .filter(|ms| *ms <= 366 * 24 * 3_600_000)
            .ok_or_else(expected)?;
        Ok(Self(Duration::from_millis(milliseconds)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_millis() {
            ms if ms % 1_000 != 0 || ms == 0 => write!(f, "{ms}ms"),
            ms if ms % 3_600_000 == 0 => write!(f, "{}h", ms / 3_600_000),
            ms if ms % 60_000 == 0 => write!(f, "{}m", ms / 60_000),
            ms => write!(f, "{}s", ms / 1_000),
        }
    }
}

/// A number of bytes: `65536`, `64KiB`, `1MiB`, `2GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub usize);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || "expected a size in bytes or with KiB, MiB or GiB, such as 1MiB".to_owned();
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: usize = digits.parse().map_err(|_error| expected())?;
        let factor = match text.strip_prefix(digits) {
            Some("") => 1,
            Some("KiB") => 1 << 10,
            Some("MiB") => 1 << 20,
            Some("GiB") => 1 << 30,
            _ => return Err(expected()),
        };
        number.checked_mul(factor).map(Self).ok_or_else(expected)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0"),
            n if n % (1 << 30) == 0 => write!(f, "{}GiB", n >> 30),
            n if n % (1 << 20) == 0 => write!(f, "{}MiB", n >> 20),
            n if n % (1 << 10) == 0 => write!(f, "{}KiB", n >> 10),
            n => write!(f, "{n}"),
        }
    }
}

/// A duration between two bounds, both included.
pub(super) fn span(
    least: &'static str,
    most: &'static str,
) -> impl Fn(&str) -> Result<Span, String> + Clone + Send + Sync + 'static {
    move |text| {
        let value: Span = text.parse()?;
        match (least.parse::<Span>(), most.parse::<Span>()) {
            (Ok(low), Ok(high)) if value >= low && value <= high => Ok(value),
            _ => Err(format!("expected a duration from {least} to {most}")),
        }
    }
}

/// A size between two bounds, both included.
pub(super) fn size(
    least: &'static str,
    most: &'static str,
) -> impl Fn(&str) -> Result<Size, String> + Clone + Send + Sync + 'static {
    move |text| {
        let value: Size = text.parse()?;
        match (least.parse::<Size>(), most.parse::<Size>()) {
            (Ok(low), Ok(high)) if value >= low && value <= high => Ok(value),
            _ => Err(format!("expected a size from {least} to {most}")),
        }
    }
}

/// A whole number between two bounds, both included.
pub(super) fn count<T>(
    least: T,
    most: T,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + fmt::Display + Clone + Send + Sync + 'static,
{
    move |text| match text.parse::<T>() {
        Ok(value) if value >= least && value <= most => Ok(value),
        _ => Err(format!("expected a whole number from {least} to {most}")),
    }
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_error| {
        "expected an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080".to_owned()
    })
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

pub(super) fn ratio(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|ratio| (0.0..=1.0).contains(ratio))
        .ok_or_else(|| "expected a number from 0 to 1, such as 0.1".to_owned())
}

/// The name of a text search configuration, in the form in which PostgreSQL keeps it.
pub fn language(text: &str) -> Result<String, String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if (1..=63).contains(&text.len()) && text.chars().all(is_name) {
        return Ok(text.to_owned());
    }
    Err("expected a name such as english or simple, in lower case".to_owned())
}

pub(super) fn filled(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.contains('\0') {
        Err("expected a value that is not empty".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// An `http` or `https` origin: scheme, host and perhaps port, nothing after them.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let expected =
        || "expected an origin such as https://chartroom.example.com, without a path".to_owned();
    let uri: http::Uri = text.parse().map_err(|_error| expected())?;
    let plain = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri
            .authority()
            .is_some_and(|authority| !authority.as_str().contains('@'))
        && matches!(uri.path(), "" | "/")
        && uri.query().is_none()
        && !text.contains(['#', '*']);
    if plain {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(expected())
    }
}

/// An origin that the exporter can reach: it speaks no TLS.
pub(super) fn collector(text: &str) -> Result<String, String> {
    origin(text)
        .ok()
        .filter(|origin| origin.starts_with("http:"))
        .ok_or_else(|| {
            "expected an origin without TLS and path, such as http://collector:4317".to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_survive_a_round_trip() {
        for text in ["0ms", "1ms", "1500ms", "10s", "5m", "24h"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        for text in ["0", "1023", "1KiB", "1MiB", "3GiB"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_duration_or_size_is_refused_without_repeating_it() {
        for text in [
            "",
            "10",
            "s",
            "-1s",
            "1.5s",
            "10 s",
            "10sec",
            "99999999999999999999s",
            "1e3s",
            "9000h",
        ] {
            assert!(
                !text.parse::<Span>().unwrap_err().contains("9000"),
                "{text}"
            );
        }
        for text in ["", "-1", "1MB", "1 MiB", "99999999999999999GiB"] {
            text.parse::<Size>().unwrap_err();
        }
    }

    #[test]
    fn an_origin_has_no_path() {
        assert_eq!(origin("https://a.example/").unwrap(), "https://a.example");
        for text in [
            "a.example",
            "ftp://a.example",
            "https://a.example/x",
            "https://u@a.example",
            "*",
            "https://*",
            "https://a.example?x",
        ] {
            origin(text).unwrap_err();
        }
    }
}
