//! Whether a request comes from a page of this site, as browsers say it.

use http::HeaderMap;
use http::header::ORIGIN;

/// Browsers say where a request comes from; only very old ones leave it to `Origin` alone. A
/// request that says neither is no browser's.
pub fn is_same_origin(public_url: &str, headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin" || site == "none",
        None => headers
            .get(ORIGIN)
            .is_some_and(|origin| origin.as_bytes() == public_url.as_bytes()),
    }
}
