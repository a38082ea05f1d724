//! The canonical request line: one per request, with everything known about it, written without `tracing`'s detour.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use http::HeaderValue;

use super::{IS_PRETTY, sink};
use crate::error::ApiError;

/// Longest piece of a caller's text in a line.
const LONGEST: usize = 256;
/// Longest cause of an internal error in a line.
const LONGEST_ERROR: usize = 1024;
/// Name under which `CHARTROOM_LOG` filters these lines.
const TARGET: &str = "chartroom::request";

pub struct RequestLine<'a> {
    pub request_id: &'a str,
    pub trace_id: Option<u128>,
    pub method: &'a str,
    pub route: &'a str,
    pub status: u16,
    pub took: Duration,
    pub client: Option<IpAddr>,
    pub user_agent: Option<&'a HeaderValue>,
    pub error: Option<&'a ApiError>,
}

impl RequestLine<'_> {
    /// Answers of status 5xx are warnings, and our own defects errors; the rest is information.
    pub fn write(&self) {
        let (level, is_wanted) = match self.status {
            500 => (
                "ERROR",
                tracing::enabled!(target: "chartroom::request", tracing::Level::ERROR),
            ),
            501.. => (
                "WARN",
                tracing::enabled!(target: "chartroom::request", tracing::Level::WARN),
            ),
            _ => (
                "INFO",
                tracing::enabled!(target: "chartroom::request", tracing::Level::INFO),
            ),
        };
        if !is_wanted {
            return;
        }
        let now = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
        let line = if IS_PRETTY.load(std::sync::atomic::Ordering::Relaxed) {
            self.pretty(&now, level)
        } else {
            self.json(&now, level)
        };
        sink::push(&line);
    }

    fn json(&self, now: &str, level: &str) -> String {
        let mut line = String::with_capacity(384);
        let milliseconds = self.took.as_secs_f64() * 1_000.0;
        let _ = write!(
            line,
            "{{\"timestamp\":\"{now}\",\"level\":\"{level}\",\"target\":\"{TARGET}\",\"request_id\":\"{}\"",
            self.request_id
        );
        if let Some(trace_id) = self.trace_id {
            let _ = write!(line, ",\"trace_id\":\"{trace_id:032x}\"");
        }
        text(&mut line, "method", self.method, LONGEST);
        text(&mut line, "route", self.route, LONGEST);
        let _ = write!(
            line,
            ",\"status\":{},\"duration_ms\":{milliseconds:.3}",
            self.status
        );
        if let Some(client) = self.client {
            let _ = write!(line, ",\"client\":\"{client}\"");
        }
        if let Some(agent) = self.user_agent {
            text(
                &mut line,
                "user_agent",
                &String::from_utf8_lossy(agent.as_bytes()),
                LONGEST,
            );
        }
        if let Some(error) = self.error {
            text(&mut line, "code", error.code.as_str(), LONGEST);
            if let Some(cause) = &error.cause {
                text(&mut line, "error", &format!("{cause:#}"), LONGEST_ERROR);
            }
        }
        line.push_str("}\n");
        line
    }

    fn pretty(&self, now: &str, level: &str) -> String {
        let mut line = String::with_capacity(160);
        let method: String = self.method.chars().take(LONGEST).collect();
        let _ = write!(
            line,
            "{now} {level:>5} {method} {} {} {:.1}ms id={}",
            self.route,
            self.status,
            self.took.as_secs_f64() * 1_000.0,
            self.request_id
        );
        if let Some(error) = self.error {
            let _ = write!(line, " code={}", error.code.as_str());
            if let Some(cause) = &error.cause {
                let cause: String = format!("{cause:#}")
                    .chars()
                    .map(|c| if c.is_control() { ' ' } else { c })
                    .take(LONGEST_ERROR)
                    .collect();
                let _ = write!(line, " error={cause:?}");
            }
        }
        line.push('\n');
        line
    }
}

/// A member with a JSON text, cut on a character boundary.
fn text(line: &mut String, name: &str, value: &str, longest: usize) {
    let _ = write!(line, ",\"{name}\":\"");
    for c in value.chars().take(longest) {
        match c {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(line, "\\u{:04x}", u32::from(c));
            }
            c => line.push(c),
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_caller_gets_one_valid_bounded_line() {
        let agent = HeaderValue::from_bytes(
            &[&b"\x1b[31m\"\\ \xff "[..], &b"x".repeat(100_000)]
                .concat()
                .into_iter()
                .filter(|b| *b >= 32 || *b == 9)
                .collect::<Vec<_>>(),
        )
        .unwrap();
        let line = RequestLine {
            request_id: "id",
            trace_id: Some(1),
            method: "GE\"T",
            route: "/x",
            status: 200,
            took: Duration::from_micros(1234),
            client: None,
            user_agent: Some(&agent),
            error: None,
        };
        let json = line.json("now", "INFO");
        assert!(json.len() < 2048 && json.ends_with("}\n") && json.matches('\n').count() == 1);
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["method"], "GE\"T");
        assert_eq!(value["duration_ms"], 1.234);
        assert_eq!(line.pretty("now", "INFO").matches('\n').count(), 1);
    }
}
