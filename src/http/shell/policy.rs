//! How a route is served: what its body may be, how long it may take, which permits it needs. A
//! handler says it in `extensions(("x-policy" = json!("upload")))`; one that says nothing gets the
//! strictest.

use std::time::Duration;

use http::HeaderMap;
use utoipa::openapi::path::Operation;

use crate::db::ANALYSIS;
use crate::http::accept::{accepted, preferred};

const NAME: &str = "x-policy";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RoutePolicy {
    /// A body of at most 16 KiB and an answer, both whole in memory, within the request deadline.
    #[default]
    Short,
    /// The same with a body as large as the setting allows.
    Large,
    /// The same for a question to a model, whose body has a setting of its own.
    Inference,
    /// Short, but for the time it may take: for reads of much.
    Analysis,
    /// The handler reads the body as it arrives, for as long as it keeps arriving.
    Upload,
    /// The answer is made while it is read, for as long as it keeps being read.
    Download,
    /// Short, but for a caller who takes a stream of events: that goes on until either side ends
    /// it.
    Watch,
    /// Short, but for a caller who takes a file of all rows instead of a page: that is a download.
    Export,
}

impl RoutePolicy {
    pub const ALL: [(&str, Self); 8] = [
        ("short", Self::Short),
        ("large", Self::Large),
        ("inference", Self::Inference),
        ("analysis", Self::Analysis),
        ("upload", Self::Upload),
        ("download", Self::Download),
        ("watch", Self::Watch),
        ("export", Self::Export),
    ];

    pub fn of(operation: &Operation) -> anyhow::Result<Self> {
        let said = operation.extensions.as_ref();
        let Some(said) = said.and_then(|said| said.get(NAME)) else {
            return Ok(Self::default());
        };
        let known = Self::ALL.iter().find(|(word, _)| said == word);
        known.map(|(_, policy)| *policy).ok_or_else(|| {
            let words = Self::ALL.map(|(word, _)| word).join(", ");
            anyhow::anyhow!("{NAME} is one of {words}, not {said}")
        })
    }

    /// What it is for a request with these headers and this query.
    pub fn asked(self, headers: &HeaderMap, query: Option<&str>) -> Self {
        match self {
            Self::Watch if !takes_event_stream(headers) => Self::Short,
            Self::Export if takes_file(headers, query) => Self::Download,
            Self::Export => Self::Short,
            policy => policy,
        }
    }

    /// How long the answer may take where `usual` is what requests have.
    pub fn deadline(self, usual: Duration) -> Duration {
        match self {
            // The answer that it takes too long comes within it.
            Self::Analysis => usual.max(ANALYSIS + Duration::from_secs(1)),
            _ => usual,
        }
    }

    /// Whether it lasts for as long as bytes move: such requests have permits of their own, and
    /// what is noted of them waits for their end.
    pub fn is_stream(self) -> bool {
        matches!(self, Self::Upload | Self::Download | Self::Watch)
    }
}

/// Whether the caller asks for Server-Sent Events.
pub fn takes_event_stream(headers: &HeaderMap) -> bool {
    accepted(headers).any(|kind| kind == "text/event-stream")
}

const FILES: [&str; 5] = [
    "text/csv",
    "application/x-ndjson",
    "application/vnd.apache.parquet",
    "application/vnd.apache.arrow.file",
    "application/vnd.apache.arrow.stream",
];

/// Whether the caller asks for a file of all rows: by `format`, or by the first type that is known
/// here of those that they accept.
fn takes_file(headers: &HeaderMap, query: Option<&str>) -> bool {
    let mut pairs = query.unwrap_or_default().split('&');
    if let Some(format) = pairs.find_map(|pair| pair.strip_prefix("format=")) {
        return format != "json";
    }
    let is_file = |kind: &str| FILES.contains(&kind).then_some(());
    preferred(headers, is_file).is_some()
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;
    use serde_json::json;
    use utoipa::openapi::extensions::ExtensionsBuilder;
    use utoipa::openapi::path::OperationBuilder;

    use super::*;

    #[test]
    fn a_policy_is_one_of_the_words_or_refused() {
        let of = |word| {
            let said = ExtensionsBuilder::new().add(NAME, json!(word)).build();
            RoutePolicy::of(&OperationBuilder::new().extensions(Some(said)).build())
        };
        for (word, policy) in RoutePolicy::ALL {
            assert_eq!(of(word).unwrap(), policy);
        }
        for bad in ["", "uplaod", "Large", "upload "] {
            let refused = of(bad).unwrap_err().to_string();
            assert!(
                refused
                    .contains("short, large, inference, analysis, upload, download, watch, export"),
                "{refused}"
            );
        }
        let mut headers = HeaderMap::new();
        assert_eq!(RoutePolicy::Watch.asked(&headers, None), RoutePolicy::Short);
        headers.insert(
            ACCEPT,
            "text/html, Text/Event-Stream;q=0.9".parse().unwrap(),
        );
        assert_eq!(RoutePolicy::Watch.asked(&headers, None), RoutePolicy::Watch);
        assert_eq!(RoutePolicy::Large.asked(&headers, None), RoutePolicy::Large);
        let export = |headers: &HeaderMap, query| RoutePolicy::Export.asked(headers, query);
        assert_eq!(export(&headers, None), RoutePolicy::Short);
        assert_eq!(
            export(&headers, Some("a=b&format=csv")),
            RoutePolicy::Download
        );
        headers.insert(ACCEPT, "text/html, text/csv, */*".parse().unwrap());
        assert_eq!(export(&headers, None), RoutePolicy::Download);
        assert_eq!(export(&headers, Some("format=json")), RoutePolicy::Short);
        let none = RoutePolicy::of(&OperationBuilder::new().build()).unwrap();
        assert_eq!(none, RoutePolicy::Short);
    }
}
