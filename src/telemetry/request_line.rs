//! The canonical request line: one per request, with everything known about it, written without
//! `tracing`'s detour.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use http::HeaderValue;

use super::{IS_PRETTY, sink};
use crate::kernel::error::ApiError;
use crate::kernel::text::deceives;

/// Longest piece of a caller's text in a line.
const LONGEST: usize = 256;
/// Longest cause of an internal error in a line.
const LONGEST_ERROR: usize = 1536;
/// Name under which `CHARTROOM_LOG` filters these lines.
const TARGET: &str = "chartroom::request";

/// How a streamed request ended, and the bytes of its body and of its answer.
#[derive(Clone, Copy, Debug)]
pub struct StreamEnd {
    /// `complete` or `aborted`
    pub outcome: &'static str,
    pub received: u64,
    pub sent: u64,
}

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
    pub stream: Option<StreamEnd>,
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
        if let Some(StreamEnd {
            outcome,
            received,
            sent,
        }) = self.stream
        {
            let _ = write!(
                line,
                ",\"stream\":\"{outcome}\",\"received_bytes\":{received},\"sent_bytes\":{sent}"
            );
        }
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
        if let Some(stream) = self.stream {
            let _ = write!(line, " stream={}", stream.outcome);
        }
        if let Some(error) = self.error {
            let _ = write!(line, " code={}", error.code.as_str());
            if let Some(cause) = &error.cause {
                let cause: String = format!("{cause:#}").chars().take(LONGEST_ERROR).collect();
                let _ = write!(line, " error={cause:?}");
            }
        }
        line.push('\n');
        line
    }
}

/// A member with a JSON text, cut before it is longer than that in the line.
fn text(line: &mut String, name: &str, value: &str, longest: usize) {
    let _ = write!(line, ",\"{name}\":\"");
    let end = line.len() + longest;
    for c in value.chars() {
        let before = line.len();
        match c {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            c if c.is_control() || deceives(c) => sink::escape(line, c),
            c => line.push(c),
        }
        if line.len() > end {
            line.truncate(before);
            break;
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(agent: &HeaderValue, error: Option<&ApiError>) -> [String; 2] {
        let line = RequestLine {
            request_id: "id",
            trace_id: Some(1),
            method: "GE\"T",
            route: "/x",
            status: 500,
            took: Duration::from_micros(1234),
            client: Some(IpAddr::from([127, 0, 0, 1])),
            user_agent: Some(agent),
            error,
            stream: None,
        };
        [line.json("now", "ERROR"), line.pretty("now", "ERROR")]
    }

    #[test]
    fn a_hostile_caller_gets_one_valid_bounded_line() {
        let agents = [
            "\u{1b}[31mred",
            "\"},{\"level\":\"FATAL\"",
            "\\u0022",
            "\u{202e}drow\u{2066}",
            "\u{85}\u{9b}31m",
            "\u{2028}\u{feff}\u{61c}",
            "\u{7f}",
            "r\tn",
            &"x".repeat(1 << 20),
            &"\u{85}".repeat(1 << 19),
            &"𝄞".repeat(1 << 18),
            &"\"".repeat(1 << 20),
        ]
        .map(|agent| {
            agent
                .bytes()
                .filter(|b| *b >= 32 && *b != 127 || *b == 9)
                .collect::<Vec<_>>()
        });
        for agent in agents.into_iter().chain([b"\xff\xfe\xc3".to_vec()]) {
            let error = String::from_utf8_lossy(&agent).into_owned();
            let agent = HeaderValue::from_bytes(&agent).unwrap();
            let error =
                ApiError::internal(anyhow::anyhow!("{error}\r\n{{\"level\":\"X\"}}\u{1b}[0m"));
            let [json, pretty] = line(&agent, Some(&error));
            assert_eq!(json.matches('\n').count(), 1, "{json}");
            assert!(
                json.ends_with("}\n")
                    && !json
                        .trim_end()
                        .chars()
                        .any(|c| c.is_control() || deceives(c)),
                "{json}"
            );
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!(
                (
                    value["method"].as_str(),
                    value["duration_ms"].as_f64(),
                    value["level"].as_str()
                ),
                (Some("GE\"T"), Some(1.234), Some("ERROR"))
            );
            let fields = value.as_object().unwrap();
            assert!(fields.values().all(|it| it.to_string().len() <= 2_048) && json.len() <= 3_072);
            assert_eq!(pretty.matches('\n').count(), 1, "{pretty}");
            assert!(!pretty.trim_end().chars().any(char::is_control), "{pretty}");
        }
    }

    #[test]
    fn a_cut_keeps_escapes_whole() {
        for longest in 0..40 {
            let mut json = String::from("{\"a\":0");
            text(&mut json, "b", "\\\"\u{1}é\u{202e}𝄞\\\"x", longest);
            json.push('}');
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert!(
                value["b"].is_string() && json.len() <= longest + 14,
                "{json}"
            );
        }
    }
}
