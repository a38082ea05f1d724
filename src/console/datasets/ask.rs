//! What the forms above a table do: they make the URL of another view of it.

use axum::response::Response;
use http::Uri;

use crate::console::view::{go, link, pairs};
use crate::datasets::access::DatasetAccess;
use crate::kernel::error::ApiResult;
use crate::projects::access::Viewer;

pub async fn show(access: DatasetAccess<Viewer>, uri: Uri) -> ApiResult<Response> {
    let asked = pairs(&uri);
    let get = |name: &str| {
        let found = asked.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let kept: Vec<(String, String)> = serde_urlencoded::from_str(get("kept")).unwrap_or_default();
    let chosen = asked.iter().filter(|(name, _)| name == "column");
    let chosen: Vec<&str> = chosen.map(|(_, field)| field.as_str()).collect();
    let (field, operator, value) = (get("field"), get("op"), get("value").trim());
    let mut all = kept;
    // Another view begins at its first page.
    all.retain(|(name, value)| name != "cursor" && !value.is_empty());
    if !field.is_empty() && !value.is_empty() {
        let name = match operator {
            "" => field.to_owned(),
            operator => format!("{field}__{operator}"),
        };
        all.retain(|(known, _)| *known != name);
        all.push((name, value.to_owned()));
    }
    if !chosen.is_empty() {
        all.retain(|(name, _)| name != "select");
        if chosen.len() < access.dataset.columns.0.len() {
            all.push(("select".to_owned(), chosen.join(",")));
        }
    }
    go(&link(&format!("/datasets/{}", access.dataset.id), &all))
}
