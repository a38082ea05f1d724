//! The media types that a caller accepts.

use http::HeaderMap;
use http::header::ACCEPT;

/// In the order in which they are written, in lower case and without parameters.
pub fn accepted(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let values = headers.get_all(ACCEPT).into_iter();
    let kinds = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','));
    kinds.map(|kind| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind.trim().to_ascii_lowercase()
    })
}

/// What `known` makes of the first type that is known here; `None` is JSON, which who takes
/// anything gets too.
pub fn preferred<T>(headers: &HeaderMap, known: impl Fn(&str) -> Option<T>) -> Option<T> {
    let first = accepted(headers).find_map(|kind| match kind.as_str() {
        "application/json" | "application/*" | "*/*" => Some(None),
        kind => known(kind).map(Some),
    });
    first.flatten()
}
